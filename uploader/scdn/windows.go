package scdn

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"bilipaste/internal/fault"

	"github.com/gofrs/flock"
)

// family is a kind of request that the host counts by itself.
type family string

const (
	uploads family = "uploads"
	queries family = "queries"
)

// window is how many requests may begin within a time.
type window struct {
	length time.Duration
	most   int
}

// The host counts 5 in 5 s and 120 in 60 s, for all programs behind an address.
// One in five is left to them.
var (
	short = window{5 * time.Second, 4}
	long  = window{time.Minute, 96}
)

const lockPoll = 20 * time.Millisecond

// Windows keeps the requests of all processes of a user that share its folder
// within what the host allows. It is safe for concurrent use.
type Windows struct {
	dir string
	log *slog.Logger
}

// NewWindows returns the windows whose notes are in the folder dir, which is
// made when it is first needed.
func NewWindows(dir string, log *slog.Logger) *Windows { return &Windows{dir, log} }

// notes is what is remembered of a family of requests.
type notes struct {
	Begun []time.Time `json:"begun"` // the last requests, oldest first
	Until time.Time   `json:"until"` // the host asked to be left alone until then
}

// wait returns when a request may begin. The error is ctx's; of kind Passing
// where that is not within a minute; or of kind Local.
func (w *Windows) wait(ctx context.Context, f family) error {
	for {
		var pause time.Duration
		err := w.update(ctx, f, func(n *notes, now time.Time) {
			if pause = n.pause(now); pause <= 0 {
				n.Begun = append(n.Begun, now)
			}
		})
		switch {
		case err != nil:
			return err
		case pause <= 0:
			return nil
		case pause > long.length:
			return &fault.Error{Kind: fault.Passing, Why: "frequent", Host: Name, Code: 429, After: pause}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pause returns how long it is until a request may begin.
func (n *notes) pause(now time.Time) time.Duration {
	pause := n.Until.Sub(now)
	for _, w := range []window{short, long} {
		if i := len(n.Begun) - w.most; i >= 0 {
			pause = max(pause, n.Begun[i].Add(w.length).Sub(now))
		}
	}
	return pause
}

// close stops a family's requests for a while: the host said so.
func (w *Windows) close(ctx context.Context, f family, d time.Duration) {
	err := w.update(context.WithoutCancel(ctx), f, func(n *notes, now time.Time) {
		if until := now.Add(d); until.After(n.Until) {
			n.Until = until
		}
	})
	if err != nil {
		w.log.Error("scdn: the state could not be written after a refusal", "err", err)
	}
}

// update changes a family's notes, as the only one of all processes.
func (w *Windows) update(ctx context.Context, f family, change func(n *notes, now time.Time)) error {
	local := func(err error) error {
		return &fault.Error{Kind: fault.Local, Why: "state", Host: Name, Err: err}
	}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return local(err)
	}
	lock := flock.New(filepath.Join(w.dir, Name+"-state.lock"))
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return local(err)
	}
	defer func() {
		if err := lock.Unlock(); err != nil {
			w.log.Error("scdn: a lock could not be given back", "err", err)
		}
	}()
	file := filepath.Join(w.dir, Name+"-state.json")
	all := map[family]*notes{}
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.log.Warn("scdn: the state is unreadable and taken as none", "err", err)
		all = map[family]*notes{}
	}
	n := all[f]
	if n == nil {
		n = &notes{}
		all[f] = n
	}
	now := time.Now()
	n.bound(now)
	change(n, now)
	if data, err = json.Marshal(all); err != nil {
		return local(err)
	}
	fresh := file + ".new"
	if err := errors.Join(os.WriteFile(fresh, data, 0o600), os.Rename(fresh, file)); err != nil {
		return local(err)
	}
	return nil
}

// bound forgets what no longer counts, and what a changed clock made of it.
func (n *notes) bound(now time.Time) {
	kept := n.Begun[:0]
	for _, t := range n.Begun {
		if now.Sub(t) < long.length && !t.After(now) {
			kept = append(kept, t)
		}
	}
	n.Begun = kept
	if n.Until.After(now.Add(24 * time.Hour)) {
		n.Until = time.Time{}
	}
}
