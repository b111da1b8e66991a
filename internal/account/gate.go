package account

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
)

const (
	burst          = 5 // uploads that may follow each other with no pause
	riskRefusal    = 5 * time.Minute
	ipRefusal      = 10 * time.Minute
	longestRefusal = 6 * time.Hour
	firstPause     = 5 * time.Second // after "too frequent"
	longestPause   = time.Minute

	publishPace = 10 * time.Second // from one published post to the next

	slow      = 500 * time.Millisecond // an upload after which other processes go first
	lockPoll  = 20 * time.Millisecond
	stateWait = 10 * time.Second
	turnWait  = 15 * time.Minute // longer than any upload takes
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

	turn  chan struct{} // this process's uploads and posts queue up here, all processes' at the lock
	yield time.Time     // until then other processes go first; owned by whose turn it is
}

// NewGate returns the gate whose notes are in the folder dir, which is made
// when it is first needed. pace is the least time from one upload's start to
// the next, after a burst of 5. What is wrong with the notes goes to log.
func NewGate(dir string, pace time.Duration, log *slog.Logger) *Gate {
	return &Gate{dir: dir, pace: max(0, pace), log: log, turn: make(chan struct{}, 1)}
}

// Refused returns until when Bilibili refuses, the zero time if it does not.
// The error is of kind Local: the notes cannot be kept, so nothing may be asked.
func (g *Gate) Refused(ctx context.Context) (until time.Time, err error) {
	err = g.update(ctx, func(s *state) error {
		if s.Until.After(time.Now()) {
			until = s.Until
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
	if err := g.update(ctx, func(s *state) error { return s.refusal() }); err != nil {
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
		unlock, err := g.lock(ctx, "upload.lock", turnWait)
		if errors.Is(err, errTaken) {
			return &fault.Error{Kind: fault.Passing, Why: "busy", Host: Service, Err: err}
		} else if err != nil {
			return err
		}
		err = g.update(ctx, func(s *state) error {
			if err := s.refusal(); err != nil {
				return err
			}
			wait = s.begin(pace, g.pace, time.Now())
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
	trouble := g.update(context.WithoutCancel(ctx), func(s *state) error {
		now := time.Now()
		switch {
		case err == nil && resets:
			s.Refusals, s.Pauses, s.Code, s.Until = 0, 0, 0, time.Time{}
		case e == nil:
		case e.Kind == fault.Refused:
			first := riskRefusal
			if e.Code == intercepted || e.Code == -intercepted {
				first = ipRefusal
			}
			s.Until = now.Add(min(first<<s.Refusals, longestRefusal))
			s.Refusals = min(s.Refusals+1, maxDoublings)
			s.Code, e.Until = e.Code, s.Until
		case e.Kind == fault.Passing && e.After > longestPause: // nobody waits that long: a refusal
			s.Until, s.Code = now.Add(min(e.After, longestRefusal)), e.Code
			e.Kind, e.Why, e.Until = fault.Refused, "", s.Until
		case e.Kind == fault.Passing:
			if e.Code == overLimit || e.Code == tooFrequent || e.Code == 429 {
				e.After = max(e.After, min(firstPause<<s.Pauses, longestPause))
				s.Pauses = min(s.Pauses+1, maxDoublings)
			}
			if e.After > 0 {
				s.Next = later(s.Next, now.Add(e.After+(burst-1)*g.pace))
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

var errTaken = errors.New("the lock is held by another process")

// lock takes a lock among all processes. It returns errTaken after limit, an
// error of kind Local if the folder is unfit, or ctx's error.
func (g *Gate) lock(ctx context.Context, name string, limit time.Duration) (unlock func(), err error) {
	if err := os.MkdirAll(g.dir, 0o700); err != nil {
		return nil, local(err)
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	file := flock.New(filepath.Join(g.dir, Service+"-"+name))
	ok, err := file.TryLockContext(limited, lockPoll)
	switch {
	case ok:
		return func() {
			if err := file.Unlock(); err != nil {
				g.log.Error("bilibili: a lock could not be given back", "error", err)
			}
		}, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil:
		return nil, errTaken
	}
	return nil, local(err)
}

// update reads the state, lets change look at it or change it, and writes what
// changed. It returns change's error, or one of kind Local.
func (g *Gate) update(ctx context.Context, change func(*state) error) error {
	unlock, err := g.lock(ctx, "state.lock", stateWait)
	if errors.Is(err, errTaken) {
		return local(err)
	} else if err != nil {
		return err
	}
	defer unlock()
	file := filepath.Join(g.dir, Service+"-state.json")
	stored, err := readState(file)
	if err != nil {
		g.log.Warn("bilibili: the state is taken as none", "error", lang.Errorf("account.state_broken", lang.Data{"Cause": err}, err))
	}
	s := stored
	s.bound(time.Now(), g.pace)
	changeErr := change(&s)
	if s != stored || err != nil {
		if err := s.write(file, s.Until != stored.Until); err != nil {
			return errors.Join(changeErr, local(err))
		}
	}
	return changeErr
}

func local(err error) error {
	return &fault.Error{Kind: fault.Local, Why: "state", Host: Service, Err: err}
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
