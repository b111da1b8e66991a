package scdn

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/state"
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

const longestPause = 24 * time.Hour

// Windows keeps the requests of all processes of a user that share its folder
// within what the host allows. It is safe for concurrent use.
type Windows struct {
	log   *slog.Logger
	files map[family]*state.File[notes]
}

// NewWindows returns the windows whose notes are in the folder dir, which is
// made when it is first needed.
func NewWindows(dir string, log *slog.Logger) *Windows {
	w := &Windows{log, map[family]*state.File[notes]{}}
	for _, f := range []family{uploads, queries} {
		w.files[f] = &state.File[notes]{Dir: dir, Name: Name + "-" + string(f), Host: Name, Log: log}
	}
	return w
}

// notes are what is remembered of a family of requests.
type notes struct {
	state.Pause             // the host asked to be left alone
	Begun       []time.Time `json:"begun,omitempty"` // the last requests, oldest first
}

// wait returns when a request may begin. The error is ctx's; of kind Passing
// where that is not within a minute; or that of state.File.
func (w *Windows) wait(ctx context.Context, f family) error {
	for {
		var pause time.Duration
		err := w.update(ctx, f, func(n *notes, now time.Time) {
			if pause = n.left(now); pause <= 0 {
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

// left returns how long it is until a request may begin.
func (n *notes) left(now time.Time) time.Duration {
	left := n.Until.Sub(now)
	for _, w := range []window{short, long} {
		if i := len(n.Begun) - w.most; i >= 0 {
			left = max(left, n.Begun[i].Add(w.length).Sub(now))
		}
	}
	return left
}

// close stops a family's requests for a while: the host said so.
func (w *Windows) close(ctx context.Context, f family, d time.Duration) {
	err := w.update(context.WithoutCancel(ctx), f, func(n *notes, now time.Time) {
		if now.Add(d).After(n.Until) {
			n.Begin(now, d)
		}
	})
	if err != nil {
		w.log.Error("scdn: the notes could not be written after a refusal", "error", err)
	}
}

// update changes a family's notes, as the only one of all processes.
func (w *Windows) update(ctx context.Context, f family, change func(n *notes, now time.Time)) error {
	return w.files[f].Update(ctx, func(n *notes) error {
		now := time.Now()
		n.bound(now)
		change(n, now)
		return nil
	})
}

// bound forgets what no longer counts, and what a changed clock made of it.
func (n *notes) bound(now time.Time) {
	n.Begun = slices.DeleteFunc(n.Begun, func(t time.Time) bool { return now.Sub(t) >= long.length || t.After(now) })
	slices.SortFunc(n.Begun, time.Time.Compare)
	if over := len(n.Begun) - long.most; over > 0 { // another hand's
		n.Begun = n.Begun[over:]
	}
	n.Bound(now, longestPause)
}
