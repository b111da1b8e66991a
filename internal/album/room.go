package album

import (
	"context"
	"database/sql"
	"errors"
	"os"

	"bilipaste/internal/picture"
)

// gone is an original that is not kept any more.
type gone struct {
	sum  picture.Sum
	file string
}

// The originals that may go, the oldest first: those that a living link shows,
// then those that nothing shows.
const (
	shown   = `SELECT sum, format, bytes FROM pictures p WHERE kept AND id <> ? AND EXISTS (SELECT 1 FROM links WHERE picture = p.id AND dead IS NULL) AND NOT EXISTS (SELECT 1 FROM pending WHERE picture = p.id) ORDER BY taken, id`
	unshown = `SELECT sum, format, bytes FROM pictures p WHERE kept AND id <> ? AND NOT EXISTS (SELECT 1 FROM links WHERE picture = p.id AND dead IS NULL) AND NOT EXISTS (SELECT 1 FROM pending WHERE picture = p.id) ORDER BY taken, id`
)

// makeRoom enters that originals go, until the rest is within the bound, and
// returns their files. What is pending stays, and so does the newest.
func (a *Album) makeRoom(ctx context.Context, tx *sql.Tx, newest int64) (over []gone, err error) {
	if a.options.MaxSize <= 0 {
		return nil, nil
	}
	var have int64
	if err := tx.QueryRowContext(ctx, "SELECT bytes FROM room").Scan(&have); err != nil {
		return nil, err
	}
	for _, query := range []string{shown, unshown} {
		if have <= a.options.MaxSize {
			break
		}
		rows, err := tx.QueryContext(ctx, query, newest)
		if err != nil {
			return nil, err
		}
		for have > a.options.MaxSize && rows.Next() {
			var g gone
			var format picture.Format
			var bytes int64
			if err := rows.Scan(digits{&g.sum}, &format, &bytes); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			g.file = a.File(g.sum, format)
			over = append(over, g)
			have -= bytes
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	for _, g := range over {
		if _, err := tx.ExecContext(ctx, "UPDATE pictures SET kept = 0 WHERE sum = ?", g.sum.String()); err != nil {
			return nil, err
		}
	}
	return over, nil
}

// remove removes files of pictures that are not kept. They went in the
// database first, so that a crash between leaves a file too many, never one
// too few; and one that came back meanwhile stays.
func (a *Album) remove(ctx context.Context, over []gone) error {
	if len(over) == 0 {
		return nil
	}
	return a.change(ctx, func(tx *sql.Tx) error {
		for _, g := range over {
			var kept bool
			err := tx.QueryRowContext(ctx, "SELECT kept FROM pictures WHERE sum = ?", g.sum.String()).Scan(&kept)
			if errors.Is(err, sql.ErrNoRows) {
				continue // forgotten, with its file
			}
			if err != nil {
				return err
			}
			if !kept {
				_ = os.Remove(g.file) // one that stays is found by Verify
			}
		}
		return nil
	})
}
