package writing

import (
	"context"
	"sync"
)

// queue holds what waits for its turn. It has no bound: a clip that was dropped
// would be a picture that was lost.
type queue[T any] struct {
	mu      sync.Mutex
	waiting []T
	some    chan struct{} // holds a token while something may wait
}

func newQueue[T any]() *queue[T] { return &queue[T]{some: make(chan struct{}, 1)} }

// push adds to the queue, and never waits.
func (q *queue[T]) push(one T) {
	q.mu.Lock()
	q.waiting = append(q.waiting, one)
	q.mu.Unlock()
	select {
	case q.some <- struct{}{}:
	default:
	}
}

// pop takes what has waited longest. While there is nothing it waits, until ctx
// is done, and then returns its cause.
func (q *queue[T]) pop(ctx context.Context) (T, error) {
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
		q.mu.Unlock()
		select {
		case <-q.some:
		case <-ctx.Done():
			return none, context.Cause(ctx)
		}
	}
}
