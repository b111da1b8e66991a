package watcher

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

var errAway = errors.New("it has ended")

// fickle is a clipboard that ends and comes back.
type fickle struct {
	backend
	there chan struct{} // closed while it is
	ends  chan struct{}
}

func (b *fickle) run(ctx context.Context, attached func(), _ func(offer)) error {
	select {
	case <-b.there:
	default:
		return errAway
	}
	attached()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-b.ends:
		b.there = make(chan struct{})
		return errAway
	}
}

func TestALossIsToldOnceItLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fickle{there: make(chan struct{}), ends: make(chan struct{})}
		close(b.there)
		var told []error
		options := pngs
		options.Lost = func(err error) { told = append(told, err) }
		w := watch(b, options)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = w.Run(ctx, func(Clip) {})
		}()
		tells := func(when string, want ...error) {
			t.Helper()
			synctest.Wait()
			if !slices.EqualFunc(told, want, func(a, b error) bool { return errors.Is(a, b) }) {
				t.Errorf("%s it told %v, want %v", when, told, want)
			}
			told = nil
		}
		time.Sleep(time.Minute)
		b.ends <- struct{}{}
		time.Sleep(5 * time.Second)
		tells("after 5 s without")
		close(b.there)
		time.Sleep(6 * time.Second)
		tells("when it is back")

		b.ends <- struct{}{}
		time.Sleep(20 * time.Second)
		tells("after 20 s without", errAway)
		time.Sleep(time.Hour)
		tells("later")
		close(b.there)
		time.Sleep(6 * time.Second)
		tells("when it is back", nil)

		b.ends <- struct{}{}
		time.Sleep(20 * time.Second)
		tells("after another 20 s", errAway)
		stop()
		<-done
		tells("at the end", nil)
	})
}
