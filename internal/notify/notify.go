// Package notify tells the user what became of a picture: by a sound and by a
// notification of the desktop.
package notify

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// What takes longer is given up: a sound server or a notification daemon that
// hangs is not waited for.
const (
	soundLimit        = 3 * time.Second
	notificationLimit = 2 * time.Second
	cleanUp           = 200 * time.Millisecond // what was given up has to end in
)

// Notifier tells the user, by sound and by notification. What cannot be told
// is one line in the log, and no error for anyone.
type Notifier struct {
	sound, notification atomic.Bool
	log                 *slog.Logger
	sounding, showing   turn
	tasks               sync.WaitGroup
}

// New returns a Notifier that makes sounds, shows notifications, both or neither.
func New(sound, notification bool, log *slog.Logger) *Notifier {
	n := &Notifier{log: log, sounding: make(turn, 1), showing: make(turn, 1)}
	n.Set(sound, notification)
	return n
}

// Set says whether it makes sounds and shows notifications from now on.
func (n *Notifier) Set(sound, notification bool) {
	n.sound.Store(sound)
	n.notification.Store(notification)
}

// Done tells that a picture has become a link: with a ding, and a notification
// that has the picture file at the path icon beside it, if that is not "".
// It does not wait for either; ctx ends both. The texts are plain, not markup.
func (n *Notifier) Done(ctx context.Context, title, body, icon string) {
	n.sounds(ctx, "ding.wav")
	n.shows(ctx, title, body, icon)
}

// Failed tells that something went wrong, with a lower sound, as Done does.
func (n *Notifier) Failed(ctx context.Context, title, body string) {
	n.sounds(ctx, "fail.wav")
	n.shows(ctx, title, body, "")
}

// Show shows a notification and makes no sound. It does not wait for it.
func (n *Notifier) Show(ctx context.Context, title, body string) { n.shows(ctx, title, body, "") }

// FailedAgain tells by the lower sound alone that what Failed told of goes on.
func (n *Notifier) FailedAgain(ctx context.Context) { n.sounds(ctx, "fail.wav") }

// Wait waits until nothing is sounding or being shown any more: 3 s at most.
func (n *Notifier) Wait() { n.tasks.Wait() }

func (n *Notifier) sounds(ctx context.Context, name string) {
	if !n.sound.Load() {
		return
	}
	n.tasks.Go(func() {
		if err := n.play(ctx, name); err != nil && ctx.Err() == nil {
			n.log.WarnContext(ctx, "no sound", "error", silent(err))
		}
	})
}

func (n *Notifier) shows(ctx context.Context, title, body, icon string) {
	if !n.notification.Load() {
		return
	}
	n.tasks.Go(func() {
		if err := n.show(ctx, title, body, icon); err != nil && ctx.Err() == nil {
			n.log.WarnContext(ctx, "no notification", "error", err)
		}
	})
}

// play plays an embedded sound, unless one is being heard already.
func (n *Notifier) play(ctx context.Context, name string) error {
	if !n.sounding.tryTake() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, soundLimit)
	defer cancel()
	return n.sounding.run(ctx, func() error { return play(ctx, sound(name)) })
}

// show shows a notification, after the one that is being shown.
func (n *Notifier) show(ctx context.Context, title, body, icon string) error {
	ctx, cancel := context.WithTimeout(ctx, notificationLimit)
	defer cancel()
	if !n.showing.take(ctx) {
		return errors.New("an earlier notification is still stuck")
	}
	return n.showing.run(ctx, func() error { return show(ctx, title, body, icon) })
}

// A turn is held by one at a time.
type turn chan struct{}

// tryTake takes the turn if nobody has it.
func (t turn) tryTake() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

// take takes the turn as soon as nobody has it, unless ctx is done first.
func (t turn) take(ctx context.Context) bool {
	select {
	case t <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// run runs the task of whoever has the turn and returns its error, or ctx's if
// that is done first. A task that goes on after that keeps the turn until it
// ends, so that what hangs is never there twice.
func (t turn) run(ctx context.Context, task func() error) error {
	var err error
	done := make(chan struct{})
	go func() {
		defer func() { <-t }()
		defer close(done)
		err = task()
	}()
	select {
	case <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case <-done: // what was started is being ended: that takes a moment
	case <-time.After(cleanUp):
	}
	return ctx.Err()
}
