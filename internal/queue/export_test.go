package queue

import "context"

// Network makes q look at these addresses of the machine.
func (q *Queue) Network(addresses func() string) { q.addresses = addresses }

// Unwatched makes q not hear of what other processes do: a bubble of synctest
// waits for no file system.
func (q *Queue) Unwatched() {
	q.watch = func(ctx context.Context, _ func()) error {
		<-ctx.Done()
		return ctx.Err()
	}
}
