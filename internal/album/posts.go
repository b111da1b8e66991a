package album

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Run is one time that posts were changed.
type Run struct {
	ID    int64
	What  string // such as "migrate"
	Key   string // what tells whether another time is about the same
	Since time.Time
	Ended bool // it came to its end
	Posts int  // that have changes which were not taken back
	Edits int  // those
}

// Edit is one change of a file: the bytes Before, at Offset, became After.
type Edit struct {
	Offset int // in the file as it was before all the edits of its step
	Before []byte
	After  []byte
}

// Step is what one run changed in one file at once.
type Step struct {
	ID    int64
	Run   int64
	File  string
	Edits []Edit // in their order
}

// BeginRun returns the last run of this kind and key, if it did not come to its
// end, or else a new one.
func (a *Album) BeginRun(ctx context.Context, what, key string) (id int64, resumed bool, err error) {
	err = a.change(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT id FROM runs WHERE what = ? AND key = ? AND NOT ended ORDER BY id DESC LIMIT 1", what, key).Scan(&id)
		if resumed = err == nil; resumed || !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		return tx.QueryRowContext(ctx, "INSERT INTO runs (what, key, since) VALUES (?, ?, ?) RETURNING id", what, key, now()).Scan(&id)
	})
	return id, resumed, a.failed(ctx, err)
}

// EndRun enters that a run came to its end. One that has changed nothing is
// forgotten.
func (a *Album) EndRun(ctx context.Context, id int64) error {
	err := a.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM runs WHERE id = ? AND NOT EXISTS (SELECT 1 FROM steps WHERE run = runs.id)", id)
		if err == nil {
			_, err = tx.ExecContext(ctx, "UPDATE runs SET ended = 1 WHERE id = ?", id)
		}
		return err
	})
	return a.failed(ctx, err)
}

// SaveStep enters what is about to be changed in a file, and gives it its ID.
// Once it returns, neither a kill nor a power cut undoes it.
func (a *Album) SaveStep(ctx context.Context, s *Step) error {
	err := a.change(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "INSERT INTO steps (run, file) VALUES (?, ?) RETURNING id", s.Run, s.File).Scan(&s.ID)
		for _, e := range s.Edits {
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, "INSERT INTO edits (step, place, was, became) VALUES (?, ?, ?, ?)", s.ID, e.Offset, blob(e.Before), blob(e.After))
		}
		return err
	})
	if err == nil {
		err = a.syncLog()
	}
	return a.failed(ctx, err)
}

// blob is bytes as the database holds them: no bytes are no NULL.
func blob(b []byte) []byte { return append([]byte{}, b...) }

// DropStep forgets a step: it was taken back, or was never done.
func (a *Album) DropStep(ctx context.Context, id int64) error {
	_, err := a.db.ExecContext(ctx, "DELETE FROM steps WHERE id = ?", id)
	return a.failed(ctx, err)
}

// Steps returns what a run has changed, the last first; in one file alone, unless
// that is "".
func (a *Album) Steps(ctx context.Context, run int64, file string) (steps []Step, err error) {
	rows, err := a.db.QueryContext(ctx, `
SELECT s.id, s.run, s.file, e.place, e.was, e.became FROM steps s JOIN edits e ON e.step = s.id
WHERE s.run = ? AND (? = '' OR s.file = ?) ORDER BY s.id DESC, e.place`, run, file, file)
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	for rows.Next() {
		var s Step
		var e Edit
		if err = rows.Scan(&s.ID, &s.Run, &s.File, &e.Offset, &e.Before, &e.After); err != nil {
			break
		}
		if n := len(steps); n == 0 || steps[n-1].ID != s.ID {
			steps = append(steps, s)
		}
		last := &steps[len(steps)-1]
		last.Edits = append(last.Edits, e)
	}
	return steps, a.failed(ctx, errors.Join(err, rows.Err(), rows.Close()))
}

// Runs returns the runs with changes that were not taken back, the last first.
func (a *Album) Runs(ctx context.Context) (runs []Run, err error) {
	rows, err := a.db.QueryContext(ctx, `
SELECT r.id, r.what, r.key, r.since, r.ended, count(DISTINCT s.file), count(*)
FROM runs r JOIN steps s ON s.run = r.id JOIN edits e ON e.step = s.id GROUP BY r.id ORDER BY r.id DESC`)
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	for rows.Next() {
		var r Run
		var since moment
		if err = rows.Scan(&r.ID, &r.What, &r.Key, &since, &r.Ended, &r.Posts, &r.Edits); err != nil {
			break
		}
		r.Since = since.Time
		runs = append(runs, r)
	}
	return runs, a.failed(ctx, errors.Join(err, rows.Err(), rows.Close()))
}

// Check is what the last look at an address told.
type Check struct {
	URL    string
	State  string // what it means is for whoever has looked to know
	Detail string
	At     time.Time
	Gone   time.Time // since when it was seen to be gone; zero: it is not
	Size   int64     // bytes, -1 if the host did not tell
	Mark   string    // what tells equal pictures: an ETag, or the SHA-256 of the first bytes
}

// SaveCheck enters what a look at an address told.
func (a *Album) SaveCheck(ctx context.Context, c Check) error {
	_, err := a.db.ExecContext(ctx, `
INSERT INTO checks (url, state, detail, at, gone, size, mark) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (url) DO UPDATE SET state = excluded.state, detail = excluded.detail, at = excluded.at, gone = excluded.gone,
	size = excluded.size, mark = excluded.mark`,
		c.URL, c.State, c.Detail, millis(c.At), orNull(c.Gone), c.Size, c.Mark)
	return a.failed(ctx, err)
}

// LastCheck returns what the last look at an address told.
func (a *Album) LastCheck(ctx context.Context, url string) (c Check, ok bool, err error) {
	var at, gone moment
	err = a.db.QueryRowContext(ctx, "SELECT url, state, detail, at, gone, size, mark FROM checks WHERE url = ?", url).
		Scan(&c.URL, &c.State, &c.Detail, &at, &gone, &c.Size, &c.Mark)
	if errors.Is(err, sql.ErrNoRows) {
		return Check{}, false, nil
	}
	c.At, c.Gone = at.Time, gone.Time
	return c, err == nil, a.failed(ctx, err)
}

// DueChecks returns the links whose address is to be looked at, at most so many,
// those that wait longest first: an hour, a day and a week after they were made,
// and then each month. What was gone is looked at again after a day. Links of some
// hosts are left out.
func (a *Album) DueChecks(ctx context.Context, at time.Time, most int, without ...string) (urls []string, err error) {
	const hour, day = int64(time.Hour / time.Millisecond), int64(24 * time.Hour / time.Millisecond)
	hosts, err := json.Marshal(append([]string{}, without...))
	if err != nil {
		return nil, err
	}
	rows, err := a.db.QueryContext(ctx, `
SELECT l.url FROM links l LEFT JOIN checks c ON c.url = l.url
WHERE l.dead IS NULL AND l.url LIKE 'https://%' AND l.host NOT IN (SELECT value FROM json_each(?5)) AND CASE
	WHEN c.at IS NULL THEN l.made <= ?1 - ?2
	WHEN c.gone IS NOT NULL THEN c.at <= ?1 - ?3
	WHEN c.at < l.made + ?3 THEN l.made <= ?1 - ?3
	WHEN c.at < l.made + 7 * ?3 THEN l.made <= ?1 - 7 * ?3
	ELSE c.at <= ?1 - 30 * ?3 END
GROUP BY l.url ORDER BY max(ifnull(c.at, 0)), max(l.made) LIMIT ?4`, millis(at), hour, day, most, string(hosts))
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	for rows.Next() {
		var url string
		if err = rows.Scan(&url); err != nil {
			break
		}
		urls = append(urls, url)
	}
	return urls, a.failed(ctx, errors.Join(err, rows.Err(), rows.Close()))
}

// ByURL returns the links of pictures that were at an address: those with the
// address itself first, then those with the same file name, if that is long
// enough to be the picture's own, such as a sum of its bytes.
func (a *Album) ByURL(ctx context.Context, url string) ([]Entry, error) {
	entries, err := a.History(ctx, Query{URL: url})
	if err != nil {
		return nil, err
	}
	const own = 16 // characters
	if name := url[strings.LastIndexByte(url, '/')+1:]; len(name) >= own {
		more, err := a.History(ctx, Query{Words: []string{"/" + name}})
		if err != nil {
			return nil, err
		}
		for _, e := range more {
			if e.Link.URL != url && strings.HasSuffix(e.Link.URL, "/"+name) {
				entries = append(entries, e)
			}
		}
	}
	return entries, nil
}
