package album

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"time"

	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// Known is uploader.Ledger's. A picture whose original is gone is known only by
// what was sent, so that Record gets it again. The error is a lang.Teller.
func (a *Album) Known(ctx context.Context, at uploader.Place, sum picture.Sum, how string) (link uploader.Link, ok bool, err error) {
	query, args := "l.sent = ?", []any{sum.String()}
	if how != "" {
		query, args = "p.sum = ? AND l.how = ?", []any{sum.String(), how}
	}
	err = a.change(ctx, func(tx *sql.Tx) error {
		var id, row int64
		var made moment
		var format picture.Format
		err := tx.QueryRowContext(ctx, `
SELECT l.id, l.picture, p.format, l.url, l.host, l.bucket, l.made, l.differs, l.format, l.width, l.height, l.bytes
FROM links l JOIN pictures p ON p.id = l.picture
WHERE `+query+` AND l.host = ? AND l.bucket = ? AND l.dead IS NULL ORDER BY l.turn DESC LIMIT 1`,
			append(args, at.Host, at.Bucket)...).Scan(&id, &row, &format,
			&link.URL, &link.Host, &link.Bucket, &made, &link.Differs, &link.Format, &link.Width, &link.Height, &link.Bytes)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if how != "" {
			if _, err := os.Stat(a.File(sum, format)); errors.Is(err, os.ErrNotExist) {
				return nil
			}
		}
		ok, link.Made = true, made.Time
		if _, err = tx.ExecContext(ctx, "UPDATE links SET used = ?, turn = (SELECT max(turn) + 1 FROM links) WHERE id = ?", now(), id); err == nil && how != "" {
			_, err = tx.ExecContext(ctx, "DELETE FROM pending WHERE picture = ? AND host = ? AND bucket = ?", row, at.Host, at.Bucket)
		}
		return err
	})
	if err != nil {
		return uploader.Link{}, false, a.failed(ctx, err)
	}
	return link, ok, nil
}

// Record is uploader.Ledger's. An original that is not there is kept first; where
// it cannot be, the link is recorded all the same. The error is a lang.Teller.
func (a *Album) Record(ctx context.Context, u uploader.Upload) error {
	file, err := os.Stat(a.File(u.Given, u.Picture.Format))
	if err != nil || file.Size() != int64(len(u.Picture.Data)) {
		if _, err := a.Keep(ctx, u.Picture, u.To); err != nil {
			slog.WarnContext(ctx, "the original of a link is not kept", "error", err)
		}
	}
	err = a.change(ctx, func(tx *sql.Tx) error {
		picture, err := a.enter(ctx, tx, u.Given, u.Picture)
		if err != nil {
			return err
		}
		l, name := u.Link, text(u.Picture.Name)
		if _, err = tx.ExecContext(ctx, `
INSERT INTO links (picture, name, host, bucket, url, how, sent, differs, format, width, height, bytes, made, used, folded, turn)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT ifnull(max(turn), 0) + 1 FROM links))
ON CONFLICT (picture, url) DO UPDATE SET name = excluded.name, host = excluded.host, bucket = excluded.bucket, how = excluded.how,
	sent = excluded.sent, differs = excluded.differs, format = excluded.format, width = excluded.width, height = excluded.height,
	bytes = excluded.bytes, made = excluded.made, used = excluded.used, turn = excluded.turn, folded = excluded.folded, dead = NULL`,
			picture, name, u.Place.Host, u.Place.Bucket, l.URL, u.How, u.Sent.String(), l.Differs,
			l.Format, l.Width, l.Height, l.Bytes, millis(l.Made), now(), folded(name, l.URL)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM pending WHERE picture = ? AND host = ? AND bucket = ?", picture, u.To.Host, u.To.Bucket)
		return err
	})
	return a.failed(ctx, err)
}

// Dead enters that a link was seen to be dead: it is not handed out any more.
func (a *Album) Dead(ctx context.Context, url string, at time.Time) error {
	_, err := a.db.ExecContext(ctx, "UPDATE links SET dead = ? WHERE url = ? AND dead IS NULL", millis(at), url)
	return a.failed(ctx, err)
}
