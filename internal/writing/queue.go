package writing

import (
	"context"
	"sync"

	"bilipaste/watcher"
)

// queue holds the clips that wait for their turn. It has no bound: a clip that
// was dropped would be a picture that was lost.
type queue struct {
	mu    sync.Mutex
	clips []watcher.Clip
	some  chan struct{} // holds a token while there may be clips
}

func newQueue() *queue { return &queue{some: make(chan struct{}, 1)} }

// push adds a clip, and never waits.
func (q *queue) push(c watcher.Clip) {
	q.mu.Lock()
	q.clips = append(q.clips, c)
	q.mu.Unlock()
	select {
	case q.some <- struct{}{}:
	default:
	}
}

// pop takes the oldest clip, and waits for one until ctx is done.
func (q *queue) pop(ctx context.Context) (watcher.Clip, error) {
	for {
		q.mu.Lock()
		if len(q.clips) > 0 {
			c := q.clips[0]
			q.clips[0] = watcher.Clip{} // lets go of its picture
			q.clips = q.clips[1:]
			q.mu.Unlock()
			return c, context.Cause(ctx)
		}
		q.mu.Unlock()
		select {
		case <-q.some:
		case <-ctx.Done():
			return watcher.Clip{}, context.Cause(ctx)
		}
	}
}
