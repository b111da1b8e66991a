package posts

import (
	"context"
	"sync"
	"time"
)

// turns lets requests to a host come one after the other, and not too fast.
type turns struct {
	mu    sync.Mutex
	hosts map[string]*turn
}

type turn struct {
	token chan struct{}
	next  time.Time // guarded by token
}

// take waits for a turn at a host, until end is called.
func (t *turns) take(ctx context.Context, host string, pace time.Duration) (end func(), err error) {
	at := t.at(host)
	select {
	case <-at.token:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	end = func() {
		if next := time.Now().Add(pace); next.After(at.next) {
			at.next = next
		}
		at.token <- struct{}{}
	}
	wait := time.NewTimer(time.Until(at.next))
	defer wait.Stop()
	select {
	case <-wait.C:
		return end, nil
	case <-ctx.Done():
		at.token <- struct{}{}
		return nil, ctx.Err()
	}
}

func (t *turns) at(host string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.hosts == nil {
		t.hosts = map[string]*turn{}
	}
	at := t.hosts[host]
	if at == nil {
		at = &turn{token: make(chan struct{}, 1)}
		at.token <- struct{}{}
		t.hosts[host] = at
	}
	return at
}
