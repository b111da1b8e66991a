package album

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

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

// write makes sure that a picture is under its name, with the right bytes. A
// kill leaves it short, which the row of a picture that is not kept yet tells.
func (a *Album) write(sum picture.Sum, p picture.Picture) error {
	name := a.File(sum, p.Format)
	const anew = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	file, err := os.OpenFile(name, anew, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.Mkdir(filepath.Dir(name), 0o700); err == nil {
			a.newFolder.Store(true)
		}
		if err == nil || errors.Is(err, fs.ErrExist) {
			file, err = os.OpenFile(name, anew, 0o600)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		if same, err := durable.Holds(name, p.Data); err == nil && same {
			return nil
		}
		// Whoever else writes it writes the same, so nothing is cut off first.
		file, err = os.OpenFile(name, os.O_WRONLY, 0o600)
	}
	if err != nil {
		return err
	}
	_, err = file.Write(p.Data)
	if err == nil {
		err = file.Truncate(int64(len(p.Data)))
	}
	return errors.Join(err, file.Close())
}

// syncAll makes an original, its name, and all that was committed outlive a
// power cut.
func (a *Album) syncAll(original string) error {
	var logErr, namesErr error
	var beside sync.WaitGroup // with the file: a disk does all in one go
	beside.Go(func() { logErr = a.syncLog() })
	beside.Go(func() {
		namesErr = durable.SyncFolder(filepath.Dir(original))
		if namesErr == nil && a.newFolder.Swap(false) {
			namesErr = durable.SyncFolder(filepath.Dir(filepath.Dir(original)))
		}
	})
	err := durable.Sync(original)
	beside.Wait()
	return errors.Join(err, namesErr, logErr)
}

// syncLog makes all that was committed outlive a power cut: what is not in the
// log any more was synced before it went.
func (a *Album) syncLog() error {
	err := durable.Sync(a.file() + "-wal")
	if errors.Is(err, fs.ErrNotExist) { // SQLite could have none here, and syncs by itself
		return nil
	}
	return err
}

// enter enters a picture, and returns its id. Whether its original is kept is
// entered later.
func (a *Album) enter(ctx context.Context, tx *sql.Tx, sum picture.Sum, p picture.Picture) (id int64, err error) {
	s, err := tx.PrepareContext(ctx, enterPicture)
	if err != nil {
		return 0, err
	}
	id, _, err = enterWith(ctx, s, sum, p)
	return id, err
}

const enterPicture = `
INSERT INTO pictures (sum, name, format, width, height, bytes, taken, kept) VALUES (?, ?, ?, ?, ?, ?, ?, 0)
ON CONFLICT (sum) DO UPDATE SET taken = excluded.taken, name = iif(excluded.name = '', name, excluded.name)
RETURNING id, name`

// enterWith is enter, with a statement of enterPicture. It returns the picture's
// name, too, which may be one of earlier.
func enterWith(ctx context.Context, s *sql.Stmt, sum picture.Sum, p picture.Picture) (id int64, name string, err error) {
	err = s.QueryRowContext(ctx, sum.String(), text(p.Name), p.Format, p.Width, p.Height, len(p.Data), now()).Scan(&id, &name)
	return id, name, err
}

// complete enters that a picture's original is on the disk, and makes room for it.
func (a *Album) complete(ctx context.Context, sum picture.Sum) error {
	var over []gone
	err := a.change(ctx, func(tx *sql.Tx) error {
		var id int64
		err := tx.QueryRowContext(ctx, "SELECT id FROM pictures WHERE sum = ?", sum.String()).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // it was given up meanwhile
		}
		if err == nil {
			over, err = a.enterKept(ctx, tx, id)
		}
		return err
	})
	if err == nil {
		_ = a.remove(ctx, over) // what stays is found by Verify
	}
	return err
}

// enterKept enters that a picture's original is on the disk, and returns what
// has to go for it.
func (a *Album) enterKept(ctx context.Context, tx *sql.Tx, id int64) (over []gone, err error) {
	if _, err := tx.ExecContext(ctx, "UPDATE pictures SET kept = 1 WHERE id = ?", id); err != nil {
		return nil, err
	}
	return a.makeRoom(ctx, tx, id)
}

// clear removes what is of no use of a picture that is not pending any more:
// an original that was not completed, and a row with neither original nor link.
func (a *Album) clear(ctx context.Context, tx *sql.Tx, id int64) error {
	var sum picture.Sum
	var format picture.Format
	err := tx.QueryRowContext(ctx, `
SELECT sum, format FROM pictures p WHERE id = ? AND NOT kept AND NOT EXISTS (SELECT 1 FROM pending WHERE picture = p.id)`, id).Scan(digits{&sum}, &format)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		_ = os.Remove(a.File(sum, format)) // one that stays is found by Verify
		_, err = tx.ExecContext(ctx, "DELETE FROM pictures AS p WHERE id = ? AND NOT EXISTS (SELECT 1 FROM links WHERE picture = p.id)", id)
	}
	return err
}

// text is a name as the database can hold it: a file's may be any bytes.
func text(name string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(name, "\x00", ""), "\ufffd")
}

// Original returns the path of a picture's original. The error is a
// lang.Teller: the album never had it, or it went to make room.
func (a *Album) Original(ctx context.Context, sum picture.Sum) (string, error) {
	var format picture.Format
	var kept bool
	err := a.db.QueryRowContext(ctx, "SELECT format, kept FROM pictures WHERE sum = ?", sum.String()).Scan(&format, &kept)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", a.failed(ctx, err)
	}
	file := a.File(sum, format)
	_, statErr := os.Stat(file)
	switch {
	case err == nil && statErr == nil: // also one that is to be completed
		return file, nil
	case kept:
		return "", lang.Errorf("album.missing", lang.Data{"File": file}, statErr)
	}
	return "", lang.Errorf("album.no_original", nil, nil)
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
