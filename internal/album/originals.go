package album

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bilipaste/internal/durable"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
)

// File is the path of a picture's original, which may not be there: two levels,
// so that no folder has too many.
func (a *Album) File(sum picture.Sum, format picture.Format) string {
	name := sum.String()
	return filepath.Join(a.dir, "originals", name[:2], name+format.Ext())
}

// store makes sure that a picture is on the disk, with the right bytes. The
// mark, if there is one, is to be removed once the picture is entered.
func (a *Album) store(sum picture.Sum, p picture.Picture) (mark string, err error) {
	file := a.File(sum, p.Format)
	if there, err := os.ReadFile(file); err == nil && bytes.Equal(there, p.Data) {
		return "", nil
	}
	if mark, err = a.mark(sum, p); err != nil {
		return mark, err
	}
	return mark, durable.Write(file, p.Data, 0o600)
}

// enter enters a picture whose file was stored, and returns its id and the
// files that must go so that there is room.
func (a *Album) enter(ctx context.Context, tx *sql.Tx, sum picture.Sum, p picture.Picture) (id int64, over []gone, err error) {
	// It may have gone since, to make room. While tx lasts nothing goes.
	if _, err := os.Stat(a.File(sum, p.Format)); errors.Is(err, fs.ErrNotExist) {
		if err := durable.Write(a.File(sum, p.Format), p.Data, 0o600); err != nil {
			return 0, nil, err
		}
	}
	err = tx.QueryRowContext(ctx, `
INSERT INTO pictures (sum, name, format, width, height, bytes, taken, kept) VALUES (?, ?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (sum) DO UPDATE SET taken = excluded.taken, kept = 1, name = iif(excluded.name = '', name, excluded.name)
RETURNING id`,
		sum.String(), text(p.Name), p.Format, p.Width, p.Height, len(p.Data), now()).Scan(&id)
	if err == nil {
		over, err = a.makeRoom(ctx, tx, id)
	}
	return id, over, err
}

// text is a name as the database can hold it: a file's may be any bytes.
func text(name string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(name, "\x00", ""), "\ufffd")
}

// Original returns the path of a picture's original. The error is a
// lang.Teller: the album never had it, or it went to make room.
func (a *Album) Original(ctx context.Context, sum picture.Sum) (string, error) {
	var format picture.Format
	err := a.db.QueryRowContext(ctx, "SELECT format FROM pictures WHERE sum = ? AND kept", sum.String()).Scan(&format)
	if errors.Is(err, sql.ErrNoRows) {
		return "", lang.Errorf("album.no_original", nil, nil)
	}
	if err != nil {
		return "", a.failed(ctx, err)
	}
	file := a.File(sum, format)
	if _, err := os.Stat(file); err != nil {
		return "", lang.Errorf("album.missing", lang.Data{"File": file}, err)
	}
	return file, nil
}

// read reads an original. The error tells that it is missing or not what it was.
func (a *Album) read(sum picture.Sum, p *picture.Picture) error {
	file := a.File(sum, p.Format)
	data, err := os.ReadFile(file)
	switch {
	case err != nil:
		return lang.Errorf("album.missing", lang.Data{"File": file}, errors.Join(ErrLost, err))
	case picture.SumOf(data) != sum:
		return lang.Errorf("album.changed", lang.Data{"File": file}, ErrLost)
	}
	p.Data = data
	return nil
}
