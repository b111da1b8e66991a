package album

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
)

// Debt is an upload that is owed. It has no host: it goes where the settings
// say when it is paid.
type Debt struct {
	ID      int64
	Sum     picture.Sum
	Picture picture.Picture // without its data
	Bytes   int64
	Since   time.Time
	Taken   bool // a living process is at it

	// Of the last try that failed; the zero values if there was none.
	Tries int
	Failure
}

// Failure is why an upload is still owed.
type Failure struct {
	Why     string    // for the user
	Again   time.Time // not to be tried before
	ForGood bool      // it waits for the user
}

// Keep puts a picture on the disk and enters that its upload is owed, by this
// Album until it is recorded, postponed or dropped: both are durable when Keep
// returns. A debt of the same picture that nobody is at is taken over. The
// error is a lang.Teller: nothing is owed.
func (a *Album) Keep(ctx context.Context, p picture.Picture) (Debt, error) {
	sum := picture.SumOf(p.Data)
	d := Debt{Sum: sum, Picture: p, Bytes: int64(len(p.Data)), Since: time.Now(), Taken: true}
	d.Picture.Data = nil
	var over []gone
	mark, err := a.store(sum, p)
	if err == nil {
		err = a.change(ctx, func(tx *sql.Tx) error {
			picture, more, err := a.enter(ctx, tx, sum, p)
			if err == nil {
				over = more
				d.ID, err = a.owe(ctx, tx, picture, d.Since)
			}
			return err
		})
	}
	a.arrived(ctx, mark, sum, p, err)
	if err != nil {
		return Debt{}, a.failed(ctx, err)
	}
	_ = a.remove(ctx, over) // what stays is found by Verify
	return d, nil
}

// owe enters a debt, or takes over the one that nobody is at.
func (a *Album) owe(ctx context.Context, tx *sql.Tx, picture int64, since time.Time) (int64, error) {
	me, err := a.me()
	if err != nil {
		return 0, err
	}
	debts, err := a.debts(ctx, tx, "WHERE d.picture = ?", picture)
	if err != nil {
		return 0, err
	}
	for _, d := range debts {
		if !d.Taken {
			_, err := tx.ExecContext(ctx, "UPDATE debts SET owner = ?, tries = 0, why = '', again = NULL, for_good = 0 WHERE id = ?", me, d.ID)
			return d.ID, err
		}
	}
	r, err := tx.ExecContext(ctx, "INSERT INTO debts (picture, since, owner) VALUES (?, ?, ?)", picture, millis(since), me)
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// Owed returns the debts in the order in which they came.
func (a *Album) Owed(ctx context.Context) ([]Debt, error) {
	debts, err := a.debts(ctx, a.db, "")
	return debts, a.failed(ctx, err)
}

// Take makes this Album the one that is at a debt, and returns its picture.
// The error is ErrTaken while someone is at it, ErrSettled if it is not owed
// any more, or a lang.Teller: of ErrLost, where the original is missing or was
// changed and nobody is at the debt, or of the album's own trouble.
func (a *Album) Take(ctx context.Context, id int64) (picture.Picture, error) {
	me, err := a.me()
	if err != nil {
		return picture.Picture{}, a.failed(ctx, err)
	}
	var d Debt
	err = a.change(ctx, func(tx *sql.Tx) error {
		debts, err := a.debts(ctx, tx, "WHERE d.id = ?", id)
		switch {
		case err != nil:
			return err
		case len(debts) == 0:
			return ErrSettled
		case debts[0].Taken:
			return ErrTaken
		}
		d = debts[0]
		_, err = tx.ExecContext(ctx, "UPDATE debts SET owner = ? WHERE id = ?", me, id)
		return err
	})
	if err != nil {
		return picture.Picture{}, a.failed(ctx, err)
	}
	p := d.Picture
	if err := a.read(d.Sum, &p); err != nil {
		_, letGo := a.db.ExecContext(ctx, "UPDATE debts SET owner = NULL WHERE id = ?", id)
		return picture.Picture{}, errors.Join(err, a.failed(ctx, letGo))
	}
	return p, nil
}

// Postpone lets go of a debt whose upload failed. One that is settled is none
// any more, and one of two for the same picture goes.
func (a *Album) Postpone(ctx context.Context, id int64, f Failure) error {
	err := a.change(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "DELETE FROM debts AS d WHERE id = ? AND EXISTS (SELECT 1 FROM debts WHERE picture = d.picture AND id <> d.id)", id)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n > 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE debts SET owner = NULL, tries = tries + 1, why = ?, again = ?, for_good = ? WHERE id = ?",
			f.Why, orNull(f.Again), f.ForGood, id)
		return err
	})
	return a.failed(ctx, err)
}

// Drop gives debts up. Their originals stay, as pictures without a link. The
// error is a lang.Teller: one of ids is not owed, and none was dropped.
func (a *Album) Drop(ctx context.Context, ids ...int64) error {
	err := a.change(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			r, err := tx.ExecContext(ctx, "DELETE FROM debts WHERE id = ?", id)
			if err != nil {
				return err
			}
			if n, err := r.RowsAffected(); err != nil {
				return err
			} else if n == 0 {
				return lang.Errorf("album.not_owed", lang.Data{"ID": id}, ErrSettled)
			}
		}
		return nil
	})
	return a.failed(ctx, err)
}

// querier is the database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// debts reads debts, the oldest first.
func (a *Album) debts(ctx context.Context, db querier, where string, args ...any) ([]Debt, error) {
	rows, err := db.QueryContext(ctx, `
SELECT d.id, p.sum, p.name, p.format, p.width, p.height, p.bytes, d.since, d.owner, d.tries, d.why, d.again, d.for_good
FROM debts d JOIN pictures p ON p.id = d.picture `+where+` ORDER BY d.id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var debts []Debt
	alive := map[string]bool{}
	for rows.Next() {
		var d Debt
		var since, again moment
		var owner sql.NullString
		p := &d.Picture
		if err := rows.Scan(&d.ID, digits{&d.Sum}, &p.Name, &p.Format, &p.Width, &p.Height, &d.Bytes,
			&since, &owner, &d.Tries, &d.Why, &again, &d.ForGood); err != nil {
			return nil, err
		}
		d.Since, d.Again = since.Time, again.Time
		if owner.Valid {
			if _, ok := alive[owner.String]; !ok {
				alive[owner.String] = living(a.owners(), owner.String)
			}
			d.Taken = alive[owner.String]
		}
		debts = append(debts, d)
	}
	return debts, rows.Err()
}
