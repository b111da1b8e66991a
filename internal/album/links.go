package album

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"time"

	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// What is known of a picture. The few links of one picture are found by its sum
// and then sorted: with + no other index comes to SQLite's mind, such as that of
// a host's links in their order, where most of an album would be looked at.
const (
	known = `
SELECT p.format, l.url, l.host, l.bucket, l.made, l.differs, l.format, l.width, l.height, l.bytes
FROM `
	ofHost = ` AND +l.host = ? AND +l.bucket = ? AND l.dead IS NULL ORDER BY +l.turn DESC LIMIT 1`

	knownGiven = known + `pictures p CROSS JOIN links l ON l.picture = p.id WHERE p.sum = ? AND l.how = ?` + ofHost
	knownSent  = known + `links l CROSS JOIN pictures p ON p.id = l.picture WHERE l.sent = ?` + ofHost
)

// Known is uploader.Ledger's: it reads, and waits for no writer. A picture whose
// original is gone is known only by what was sent, so that it is kept again. The
// error is a lang.Teller.
func (a *Album) Known(ctx context.Context, at uploader.Destination, sum picture.Sum, how string) (link uploader.Link, ok bool, err error) {
	query, args := knownSent, []any{sum.String()}
	if how != "" {
		query, args = knownGiven, []any{sum.String(), how}
	}
	var made moment
	var format picture.Format
	ask, err := a.prepare(ctx, a.reader, query)
	if err != nil {
		return uploader.Link{}, false, a.failed(ctx, err)
	}
	err = ask.QueryRowContext(ctx, append(args, at.Host, at.Bucket)...).Scan(&format,
		&link.URL, &link.Host, &link.Bucket, &made, &link.Differs, &link.Format, &link.Width, &link.Height, &link.Bytes)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return uploader.Link{}, false, nil
	case err != nil:
		return uploader.Link{}, false, a.failed(ctx, err)
	}
	if how != "" {
		if _, err := os.Stat(a.File(sum, format)); errors.Is(err, os.ErrNotExist) {
			return uploader.Link{}, false, nil
		}
	}
	link.Made = made.Time
	return link, true, nil
}

// Record is uploader.Ledger's. An original that is not there is kept first; where
// it cannot be, the link is recorded all the same. Without the picture's data it
// is enough that the album has its row. The error is a lang.Teller.
func (a *Album) Record(ctx context.Context, u uploader.Upload) error {
	return a.failed(ctx, a.record(ctx, u, false))
}

// RecordKept is Record and Complete in one.
func (a *Album) RecordKept(ctx context.Context, u uploader.Upload) error {
	return a.failed(ctx, a.record(ctx, u, true))
}

func (a *Album) record(ctx context.Context, u uploader.Upload, kept bool) error {
	if u.Picture.Data != nil && u.Sent != (picture.Sum{}) {
		file, err := os.Stat(a.File(u.Given, u.Picture.Format))
		if err != nil || file.Size() != int64(len(u.Picture.Data)) {
			_, _ = a.Keep(ctx, u.Picture, u.To)
		}
	}
	var over []gone
	err := a.change(ctx, func(tx *sql.Tx) (err error) {
		var picture int64
		if u.Picture.Data != nil {
			picture, err = a.enter(ctx, tx, u.Given, u.Picture)
		} else {
			err = tx.QueryRowContext(ctx, "SELECT id FROM pictures WHERE sum = ?", u.Given.String()).Scan(&picture)
		}
		if err == nil && kept {
			over, err = a.enterKept(ctx, tx, picture)
		}
		if err == nil {
			err = recordLink(ctx, tx, picture, u)
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, "DELETE FROM pending WHERE picture = ? AND host = ? AND bucket = ?", picture, u.To.Host, u.To.Bucket)
		}
		return err
	})
	if err == nil {
		_ = a.remove(ctx, over) // what stays is found by Verify
	}
	return err
}

// recordLink enters a link of a picture, or that it is used now.
func recordLink(ctx context.Context, tx *sql.Tx, picture int64, u uploader.Upload) error {
	l, name := u.Link, text(u.Picture.Name)
	if u.Sent == [len(u.Sent)]byte{} {
		_, err := tx.ExecContext(ctx, "UPDATE links SET used = ?, turn = (SELECT max(turn) + 1 FROM links) WHERE picture = ? AND url = ?", now(), picture, l.URL)
		return err
	}
	_, err := tx.ExecContext(ctx, `
INSERT INTO links (picture, name, host, bucket, url, how, sent, differs, format, width, height, bytes, made, used, folded, turn)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT ifnull(max(turn), 0) + 1 FROM links))
ON CONFLICT (picture, url) DO UPDATE SET name = excluded.name, host = excluded.host, bucket = excluded.bucket, how = excluded.how,
	sent = excluded.sent, differs = excluded.differs, format = excluded.format, width = excluded.width, height = excluded.height,
	bytes = excluded.bytes, made = excluded.made, used = excluded.used, turn = excluded.turn, folded = excluded.folded, dead = NULL`,
		picture, name, u.At.Host, u.At.Bucket, l.URL, u.How, u.Sent.String(), l.Differs,
		l.Format, l.Width, l.Height, l.Bytes, millis(l.Made), now(), folded(name, l.URL))
	return err
}

// Dead enters that a link was seen to be dead: it is not handed out any more.
func (a *Album) Dead(ctx context.Context, url string, at time.Time) error {
	_, err := a.db.ExecContext(ctx, "UPDATE links SET dead = ? WHERE url = ? AND dead IS NULL", millis(at), url)
	return a.failed(ctx, err)
}
