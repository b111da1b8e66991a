package album

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"slices"

	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// Foreign is a link that another program has made.
type Foreign struct {
	Name string // the picture's
	Link uploader.Link
}

// Import enters links that other programs have made. The album has no originals
// of them: they are found and handed out again, and cannot be mended. In the
// history they come after all that is there, the newest first. A link that the
// album knows stays as it is; added is how many it did not know. The error is a
// lang.Teller, and then none is entered.
func (a *Album) Import(ctx context.Context, links []Foreign) (added int, err error) {
	newestFirst := slices.SortedStableFunc(slices.Values(links), func(x, y Foreign) int { return y.Link.Made.Compare(x.Link.Made) })
	err = a.change(ctx, func(tx *sql.Tx) error {
		for _, f := range newestFirst {
			var known bool
			if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM links WHERE url = ?)", f.Link.URL).Scan(&known); err != nil {
				return err
			}
			if known {
				continue
			}
			if err := a.enterForeign(ctx, tx, f); err != nil {
				return err
			}
			added++
		}
		return nil
	})
	if err != nil {
		return 0, a.failed(ctx, err)
	}
	return added, nil
}

// enterForeign enters one link. What its picture holds is not known, so the sum
// is one that no picture has: of its address.
func (a *Album) enterForeign(ctx context.Context, tx *sql.Tx, f Foreign) error {
	l, name := f.Link, text(f.Name)
	sum := picture.Sum(sha256.Sum256([]byte("link " + l.URL)))
	var id int64
	err := tx.QueryRowContext(ctx, `
INSERT INTO pictures (sum, name, format, width, height, bytes, taken, kept) VALUES (?, ?, ?, ?, ?, 0, ?, 0)
ON CONFLICT (sum) DO UPDATE SET name = excluded.name RETURNING id`,
		sum.String(), name, l.Format, l.Width, l.Height, millis(l.Made)).Scan(&id)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
INSERT INTO links (picture, name, host, bucket, url, how, sent, differs, format, width, height, bytes, made, used, folded, turn)
VALUES (?, ?, ?, ?, ?, 'imported', '', 0, ?, ?, ?, 0, ?, ?, ?, (SELECT ifnull(min(turn), 1) - 1 FROM links))`,
		id, name, l.Host, l.Bucket, l.URL, l.Format, l.Width, l.Height, millis(l.Made), millis(l.Made), folded(name, l.URL))
	return err
}
