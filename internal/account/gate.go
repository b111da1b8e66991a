package account

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/state"
)

const (
	burst          = 5 // uploads that may follow each other with no pause
	riskRefusal    = 5 * time.Minute
	ipRefusal      = 10 * time.Minute
	longestRefusal = 6 * time.Hour
	firstPause     = 5 * time.Second // after "too frequent"
	longestPause   = time.Minute

	publishPace = 10 * time.Second // from one published post to the next

	slow     = 500 * time.Millisecond // an upload after which other processes go first
	lockPoll = 20 * time.Millisecond
	turnWait = 15 * time.Minute // longer than any upload takes
)

// Pace says how a call is held back. While Bilibili refuses, none is made.
type Pace int

// The paces.
const (
	Ask     Pace = iota // at once
	Upload              // one at a time, and with the gate's pauses after a burst
	Publish             // one at a time, at least 10 s after the last
)

// Gate guards an account for all processes of a user that share its folder:
// one upload or post at a time, with pauses from one start to the next, and no
// request at all while Bilibili refuses. It is safe for concurrent use.
type Gate struct {
	dir  string
	pace time.Duration
	log  *slog.Logger
	file state.File[notes]

	turn  chan struct{} // this process's uploads and posts queue up here, all processes' at the lock
	yield time.Time     // until then other processes go first; owned by whose turn it is
}

// NewGate returns the gate whose notes are in the folder dir, which is made
// when it is first needed. pace is the least time from one upload's start to
// the next, after a burst of 5. What is wrong with the notes goes to log.
func NewGate(dir string, pace time.Duration, log *slog.Logger) *Gate {
	return &Gate{
		dir: dir, pace: max(0, pace), log: log, turn: make(chan struct{}, 1),
		file: state.File[notes]{
			Dir: dir, Name: Service + "-state", Host: Service, Log: log,
			Sync: func(before, after *notes) bool { return !before.Until.Equal(after.Until) },
		},
	}
}

// Refused returns until when Bilibili refuses, the zero time if it does not.
// The error is of kind Local: the notes cannot be kept, so nothing may be asked.
func (g *Gate) Refused(ctx context.Context) (until time.Time, err error) {
	err = g.update(ctx, func(n *notes) error {
		if n.Until.After(time.Now()) {
			until = n.Until
		}
		return nil
	})
	return until, err
}

// pass runs call when it may be made.
func (g *Gate) pass(ctx context.Context, pace Pace, call func() error) error {
	if pace != Ask {
		return g.inTurn(ctx, pace, call)
	}
	if err := g.update(ctx, func(n *notes) error { return n.refusal() }); err != nil {
		return err
	}
	return g.note(ctx, call(), false)
}

// inTurn runs call when it is its turn among all processes.
func (g *Gate) inTurn(ctx context.Context, pace Pace, call func() error) error {
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for wait := time.Until(g.yield); ; {
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		unlock, err := g.lock(ctx, "upload", turnWait, "busy")
		if err != nil {
			return err
		}
		err = g.update(ctx, func(n *notes) error {
			if err := n.refusal(); err != nil {
				return err
			}
			wait = n.begin(pace, g.pace, time.Now())
			return nil
		})
		if err == nil && wait > 0 { // not with the lock: another process may be done with less
			unlock()
			continue
		}
		if err == nil {
			started := time.Now()
			err = g.note(ctx, call(), true)
			if time.Since(started) >= max(g.pace, slow) { // the pace gave nobody else a chance
				g.yield = time.Now().Add(3 * lockPoll)
			}
		}
		unlock()
		return err
	}
}

// note writes down what a call's end means for the calls after it, and returns
// err with the times in it. Only a success that resets ends the doubling of refusals.
func (g *Gate) note(ctx context.Context, err error, resets bool) error {
	e, _ := errors.AsType[*fault.Error](err)
	trouble := g.update(context.WithoutCancel(ctx), func(n *notes) error {
		now := time.Now()
		switch {
		case err == nil && resets:
			n.Refusals, n.Pauses, n.Code, n.Pause = 0, 0, 0, state.Pause{}
		case e == nil:
		case e.Kind == fault.Refused:
			first := riskRefusal
			if e.Code == intercepted || e.Code == -intercepted {
				first = ipRefusal
			}
			n.Begin(now, min(first<<n.Refusals, longestRefusal))
			n.Refusals = min(n.Refusals+1, maxDoublings)
			n.Code, e.Until = e.Code, n.Until
		case e.Kind == fault.Passing && e.After > longestPause: // nobody waits that long: a refusal
			n.Begin(now, min(e.After, longestRefusal))
			n.Code = e.Code
			e.Kind, e.Why, e.Until = fault.Refused, "", n.Until
		case e.Kind == fault.Passing:
			if e.Code == overLimit || e.Code == tooFrequent || e.Code == 429 {
				e.After = max(e.After, min(firstPause<<n.Pauses, longestPause))
				n.Pauses = min(n.Pauses+1, maxDoublings)
			}
			if e.After > 0 {
				n.Next = later(n.Next, now.Add(e.After+(burst-1)*g.pace))
			}
		}
		return nil
	})
	if trouble != nil {
		g.log.Error("bilibili: the state could not be written after a call", "error", trouble)
		if err != nil {
			return errors.Join(err, trouble)
		}
	}
	return err
}

// lock takes one of the account's locks among all processes. The error is of
// kind Passing, for this reason, where it is held for longer than limit; of
// kind Local if the folder is unfit; or ctx's.
func (g *Gate) lock(ctx context.Context, name string, limit time.Duration, why string) (unlock func(), err error) {
	free, err := state.Lock(ctx, filepath.Join(g.dir, Service+"-"+name+".lock"), limit)
	switch {
	case errors.Is(err, state.ErrHeld):
		return nil, &fault.Error{Kind: fault.Passing, Why: why, Host: Service, Err: err}
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, &fault.Error{Kind: fault.Local, Why: "state", Host: Service, Err: err}
	}
	return func() {
		if err := free(); err != nil {
			g.log.Error("bilibili: a lock could not be given back", "error", err)
		}
	}, nil
}

// update reads the notes, lets change look at them or change them, and writes
// what changed: see state.File.
func (g *Gate) update(ctx context.Context, change func(*notes) error) error {
	return g.file.Update(ctx, func(n *notes) error {
		n.bound(time.Now(), g.pace)
		return change(n)
	})
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
