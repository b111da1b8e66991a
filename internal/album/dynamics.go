package album

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Dynamic is an attempt to publish something on Bilibili, as far as it has come.
// What its pictures are is for whoever publishes to know.
type Dynamic struct {
	ID       int64  // 0: it is not in the journal yet
	Document string // what tells equal ones apart from others
	Author   int64
	Text     string
	Vote     string    // the number of the vote that was made for it
	Title    string    // of its vote
	Count    int       // of pictures
	Due      time.Time // when Bilibili is to publish it, the zero time: at once
	Since    time.Time // when it was begun
	Pictures string    // those that Bilibili has
	Asked    time.Time // when Bilibili was asked to publish it, and has not refused
	Number   string    // the dynamic's, "": Bilibili has not told it
}

// journalKept is how long the journal remembers.
const journalKept = 90 * 24 * time.Hour

// SaveDynamic writes an attempt into the journal, and gives it its ID. Once it
// returns, neither a kill nor a power cut undoes it.
func (a *Album) SaveDynamic(ctx context.Context, d *Dynamic) error {
	err := a.change(ctx, func(tx *sql.Tx) error {
		var id any
		if d.ID != 0 {
			id = d.ID
		} else {
			d.Since = time.Now()
			if _, err := tx.ExecContext(ctx, "DELETE FROM dynamics WHERE since < ?", millis(d.Since.Add(-journalKept))); err != nil {
				return err
			}
		}
		return tx.QueryRowContext(ctx, `
			INSERT OR REPLACE INTO dynamics (id, document, author, text, title, count, due, since, pictures, vote, asked, number)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			id, d.Document, d.Author, d.Text, d.Title, d.Count, orNull(d.Due), millis(d.Since), d.Pictures, d.Vote, orNull(d.Asked), d.Number,
		).Scan(&d.ID)
	})
	if err == nil {
		err = a.syncLog()
	}
	return a.failed(ctx, err)
}

// Dynamics returns the journal of an author, the newest first.
func (a *Album) Dynamics(ctx context.Context, author int64) (all []Dynamic, err error) {
	rows, err := a.db.QueryContext(ctx, `
		SELECT id, document, author, text, title, count, due, since, pictures, vote, asked, number
		FROM dynamics WHERE author = ? ORDER BY id DESC`, author)
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	for rows.Next() {
		var d Dynamic
		var due, since, asked moment
		if err = rows.Scan(&d.ID, &d.Document, &d.Author, &d.Text, &d.Title, &d.Count, &due, &since, &d.Pictures, &d.Vote, &asked, &d.Number); err != nil {
			break
		}
		d.Due, d.Since, d.Asked = due.Time, since.Time, asked.Time
		all = append(all, d)
	}
	return all, a.failed(ctx, errors.Join(err, rows.Err(), rows.Close()))
}
