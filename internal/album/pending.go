package album

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// Pending is an upload that is still to be done. There is one for a picture and
// a destination, whoever wants it.
type Pending struct {
	ID      int64 // grows in the order in which they came
	Sum     picture.Sum
	Picture picture.Picture // without its data
	Bytes   int64
	To      uploader.Destination // its destination, whatever the settings say by now
	Since   time.Time
	Taken   bool // a living process is at it
	Ours    bool // it is this Album's

	// Of the last try that failed; the zero values if there was none.
	Tries int
	Failure
}

// Failure is why an upload is still pending.
type Failure struct {
	Why    string    // for the user
	Again  time.Time // not to be tried before
	Failed bool      // it waits for the user
}

// Enqueue enters that a picture, whose sum is given, is to be uploaded to a
// destination, by this Album until it is recorded, postponed or dropped, and then puts its original
// on the disk. When it returns, a kill loses nothing; after Sync, a power cut
// neither. An entry that is there already is joined: one that nobody is at is
// this Album's from then on, and counts as new. The error is a lang.Teller:
// nothing is pending that was not before.
func (a *Album) Enqueue(ctx context.Context, p picture.Picture, sum picture.Sum, to uploader.Destination) (Pending, error) {
	e, isNew, err := a.enqueue(ctx, p, sum, to)
	if err == nil {
		if err = a.write(sum, p); err != nil && isNew {
			err = errors.Join(err, a.Drop(ctx, e.ID))
		}
	}
	if err != nil {
		return Pending{}, a.failed(ctx, err)
	}
	return e, nil
}

// enqueue is Enqueue without the original.
func (a *Album) enqueue(ctx context.Context, p picture.Picture, sum picture.Sum, to uploader.Destination) (e Pending, isNew bool, err error) {
	enter, err := a.prepare(ctx, a.db, enterPicture)
	if err != nil {
		return e, false, err
	}
	add, err := a.prepare(ctx, a.db, addPending)
	if err != nil {
		return e, false, err
	}
	me, err := a.me()
	if err != nil {
		return e, false, err
	}
	err = a.change(ctx, func(tx *sql.Tx) error {
		id, name, err := enterWith(ctx, tx.StmtContext(ctx, enter), sum, p)
		if err != nil {
			return err
		}
		since := now()
		err = tx.StmtContext(ctx, add).QueryRowContext(ctx, id, to.Host, to.Bucket, since, me).Scan(&e.ID)
		if isNew = err == nil; !isNew && errors.Is(err, sql.ErrNoRows) {
			e, err = a.join(ctx, tx, id, to, me)
		}
		if isNew {
			e.Sum, e.Picture, e.Bytes = sum, p, int64(len(p.Data))
			e.Picture.Name, e.Picture.Data = name, nil
			e.To, e.Since, e.Taken, e.Ours = to, time.UnixMilli(since), true, true
		}
		return err
	})
	return e, isNew, err
}

// addPending enters a pending upload, unless it is there.
const addPending = `
INSERT INTO pending (picture, host, bucket, since, owner) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (picture, host, bucket) DO NOTHING RETURNING id`

// join returns the entry of a picture and a destination, which is there. One
// that nobody is at is this Album's from now on.
func (a *Album) join(ctx context.Context, tx *sql.Tx, picture int64, to uploader.Destination, me string) (Pending, error) {
	const which = "WHERE e.picture = ? AND e.host = ? AND e.bucket = ?"
	found, err := a.pending(ctx, tx, which, picture, to.Host, to.Bucket)
	if err == nil && !found[0].Taken {
		_, err = tx.ExecContext(ctx, "UPDATE pending SET owner = ?, tries = 0, why = '', again = NULL, failed = 0 WHERE id = ?", me, found[0].ID)
		if err == nil {
			found, err = a.pending(ctx, tx, which, picture, to.Host, to.Bucket)
		}
	}
	if err != nil {
		return Pending{}, err
	}
	return found[0], nil
}

// Sync makes what Enqueue did outlive a power cut. The error is a lang.Teller:
// the upload is pending all the same.
func (a *Album) Sync(ctx context.Context, e Pending) error {
	return a.failed(ctx, a.syncAll(a.File(e.Sum, e.Picture.Format)))
}

// Complete enters that the original is on the disk, after Sync, and makes room
// for it. Its error is Sync's.
func (a *Album) Complete(ctx context.Context, e Pending) error {
	return a.failed(ctx, a.complete(ctx, e.Sum))
}

// Keep is Enqueue, Sync and Complete.
func (a *Album) Keep(ctx context.Context, p picture.Picture, to uploader.Destination) (Pending, error) {
	e, err := a.Enqueue(ctx, p, picture.SumOf(p.Data), to)
	if err == nil {
		err = a.Sync(ctx, e)
	}
	if err == nil {
		err = a.Complete(ctx, e)
	}
	return e, err
}

// Pending returns the pending uploads in the order in which they came.
func (a *Album) Pending(ctx context.Context) ([]Pending, error) {
	all, err := a.pending(ctx, a.db, "")
	return all, a.failed(ctx, err)
}

// Take makes this Album the one that is at a pending upload, and returns its
// picture. The error is ErrTaken while someone is at it, ErrNotPending if it is
// not pending any more, or never was kept, or a lang.Teller: of ErrLost, where
// the original is missing or was changed and nobody is at the upload, or of the
// album's own trouble.
func (a *Album) Take(ctx context.Context, id int64) (picture.Picture, error) {
	me, err := a.me()
	if err != nil {
		return picture.Picture{}, a.failed(ctx, err)
	}
	var e Pending
	var kept bool
	err = a.change(ctx, func(tx *sql.Tx) error {
		found, err := a.pending(ctx, tx, "WHERE e.id = ?", id)
		switch {
		case err != nil:
			return err
		case len(found) == 0:
			return ErrNotPending
		case found[0].Taken:
			return ErrTaken
		}
		e = found[0]
		return tx.QueryRowContext(ctx, `
UPDATE pending SET owner = ? WHERE id = ? RETURNING (SELECT kept FROM pictures WHERE id = picture)`, me, id).Scan(&kept)
	})
	if err != nil {
		return picture.Picture{}, a.failed(ctx, err)
	}
	p := e.Picture
	err = a.read(e.Sum, &p)
	switch {
	case err == nil && !kept: // a kill came just before that was entered
		err = a.complete(ctx, e.Sum)
	case err != nil && !kept: // or before it was whole
		if err = a.Drop(ctx, id); err == nil {
			err = ErrNotPending
		}
	case err != nil:
		_, letGo := a.db.ExecContext(ctx, "UPDATE pending SET owner = NULL WHERE id = ?", id)
		err = errors.Join(err, a.failed(ctx, letGo))
	}
	if err != nil {
		return picture.Picture{}, a.failed(ctx, err)
	}
	return p, nil
}

// Load returns the picture of an upload that this Album is at. The error is a
// lang.Teller, and ErrLost where the original is missing or was changed.
func (a *Album) Load(e Pending) (picture.Picture, error) {
	p := e.Picture
	err := a.read(e.Sum, &p)
	return p, err
}

// Find returns the entry of a picture and a destination; ok tells whether there
// is one.
func (a *Album) Find(ctx context.Context, sum picture.Sum, to uploader.Destination) (e Pending, ok bool, err error) {
	found, err := a.pending(ctx, a.db, "WHERE p.sum = ? AND e.host = ? AND e.bucket = ?", sum.String(), to.Host, to.Bucket)
	if err != nil || len(found) == 0 {
		return e, false, a.failed(ctx, err)
	}
	return found[0], true, nil
}

// checkInterrupted completes the originals that killed processes have written,
// and gives up those that they have not. What cannot be now stays as it is.
func (a *Album) checkInterrupted(ctx context.Context) {
	found, err := a.pending(ctx, a.db, "WHERE NOT p.kept") // none, as a rule
	for _, e := range found {
		if e.Taken || err != nil {
			continue
		}
		if _, err := a.Take(ctx, e.ID); err == nil {
			_ = a.Release(ctx, e.ID)
		}
	}
}

// Postpone lets go of an upload whose try has failed. One that is not pending
// any more, or that another is at, stays as it is.
func (a *Album) Postpone(ctx context.Context, id int64, f Failure) error {
	me, err := a.me()
	if err == nil {
		_, err = a.db.ExecContext(ctx, `
UPDATE pending SET owner = NULL, tries = tries + 1, why = ?, again = ?, failed = ? WHERE id = ? AND ifnull(owner, ?) = ?`,
			f.Why, orNull(f.Again), f.Failed, id, me, me)
	}
	return a.failed(ctx, err)
}

// Release lets go of an upload that was not tried.
func (a *Album) Release(ctx context.Context, id int64) error {
	me, err := a.me()
	if err == nil {
		_, err = a.db.ExecContext(ctx, "UPDATE pending SET owner = NULL WHERE id = ? AND owner = ?", id, me)
	}
	return a.failed(ctx, err)
}

// Drop gives pending uploads up. Their originals stay, as pictures without a
// link. The error is a lang.Teller: one of ids is not pending, and none was
// dropped.
func (a *Album) Drop(ctx context.Context, ids ...int64) error {
	err := a.change(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			var picture int64
			err := tx.QueryRowContext(ctx, "DELETE FROM pending WHERE id = ? RETURNING picture", id).Scan(&picture)
			if errors.Is(err, sql.ErrNoRows) {
				return lang.Errorf("album.not_pending", lang.Data{"ID": id}, ErrNotPending)
			}
			if err == nil {
				err = a.clear(ctx, tx, picture)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = a.syncLog()
	}
	return a.failed(ctx, err)
}

// querier is the database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// pending reads pending uploads, the oldest first.
func (a *Album) pending(ctx context.Context, db querier, where string, args ...any) ([]Pending, error) {
	rows, err := db.QueryContext(ctx, `
SELECT e.id, p.sum, p.name, p.format, p.width, p.height, p.bytes, e.host, e.bucket, e.since, e.owner, e.tries, e.why, e.again, e.failed
FROM pending e JOIN pictures p ON p.id = e.picture `+where+` ORDER BY e.id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	a.mu.Lock()
	own := a.own
	a.mu.Unlock()
	var all []Pending
	alive := map[string]bool{}
	for rows.Next() {
		var e Pending
		var since, again moment
		var owner sql.NullString
		p := &e.Picture
		if err := rows.Scan(&e.ID, digits{&e.Sum}, &p.Name, &p.Format, &p.Width, &p.Height, &e.Bytes,
			&e.To.Host, &e.To.Bucket, &since, &owner, &e.Tries, &e.Why, &again, &e.Failed); err != nil {
			return nil, err
		}
		e.Since, e.Again = since.Time, again.Time
		if owner.Valid {
			e.Ours = own != nil && owner.String == own.name
			if _, ok := alive[owner.String]; !ok {
				alive[owner.String] = e.Ours || living(a.owners(), owner.String)
			}
			e.Taken = alive[owner.String]
		}
		all = append(all, e)
	}
	return all, rows.Err()
}

// Count counts the entries that go up by themselves, later, and those that wait
// for the user. One whose first upload is under way is neither.
func Count(entries []Pending) (waiting, failed int) {
	for _, d := range entries {
		switch {
		case d.Taken && d.Tries == 0:
		case d.Failed:
			failed++
		default:
			waiting++
		}
	}
	return waiting, failed
}
