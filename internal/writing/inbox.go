package writing

import (
	"context"
	"sync"
)

// inbox holds what waits for its turn. It has no bound: a clip that was dropped
// would be a picture that was lost. The zero inbox is empty.
type inbox[T any] struct {
	mu      sync.Mutex
	waiting []T
	some    chan struct{} // holds a token while something may wait; made when it is first needed
}

// push adds to the queue, and never waits.
func (q *inbox[T]) push(one T) {
	q.mu.Lock()
	q.waiting = append(q.waiting, one)
	some := q.token()
	q.mu.Unlock()
	select {
	case some <- struct{}{}:
	default:
	}
}

// pop takes what has waited longest. While there is nothing it waits, until ctx
// is done, and then returns its cause.
func (q *inbox[T]) pop(ctx context.Context) (T, error) {
	for {
		var none T
		q.mu.Lock()
		if len(q.waiting) > 0 {
			one := q.waiting[0]
			q.waiting[0] = none // lets go of its picture
			q.waiting = q.waiting[1:]
			q.mu.Unlock()
			return one, nil
		}
		some := q.token()
		q.mu.Unlock()
		select {
		case <-some:
		case <-ctx.Done():
			return none, context.Cause(ctx)
		}
	}
}

// token returns the channel of the token. q.mu is held.
func (q *inbox[T]) token() chan struct{} {
	if q.some == nil {
		q.some = make(chan struct{}, 1)
	}
	return q.some
}
