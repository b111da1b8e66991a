package queue

import (
	"context"
	"time"
)

// Network makes q look at these addresses of the machine.
func (q *Queue) Network(addresses func() string) { q.addresses = addresses }

// Clock makes q take the time from this clock.
func (q *Queue) Clock(clock func() time.Time) { q.clock = clock }

// Unwatched makes q not hear of what other processes do: a bubble of synctest
// waits for no file system.
func (q *Queue) Unwatched() {
	q.watch = func(ctx context.Context, _ func()) error {
		<-ctx.Done()
		return ctx.Err()
	}
}
