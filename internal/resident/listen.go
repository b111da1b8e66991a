package resident

import (
	"context"
	"sync"

	"bilipaste/internal/queue"
	"bilipaste/internal/writing"
)

// Event is something that faces may show. The zero Event says that State has
// changed, and nothing else.
type Event struct {
	Clip     *writing.Result // a clip is done with
	Uploaded *queue.Outcome  // a picture that was copied earlier was tried again
	Told     *Notice         // the user was told something beside that
}

// Notice is what the user was told by a notification.
type Notice struct {
	Title, Body string
	Err         error // why, nil where nothing is wrong
}

// Text is the notice as one text.
func (n Notice) Text() string {
	if n.Body == "" {
		return n.Title
	}
	return n.Title + ": " + n.Body
}

// listeners pass events on, to each listener in order.
type listeners struct {
	mu  sync.Mutex
	all map[*Listener]bool
}

// Listener hears of each event since it was made by Listen.
type Listener struct {
	of     *listeners
	events []Event       // not heard yet
	some   chan struct{} // holds a token while there may be any
}

// listen returns a new listener.
func (l *listeners) listen() *Listener {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := &Listener{of: l, some: make(chan struct{}, 1)}
	if l.all == nil {
		l.all = map[*Listener]bool{}
	}
	l.all[one] = true
	return one
}

// post tells all listeners of an event.
func (l *listeners) post(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for one := range l.all {
		if n := len(one.events); n > 0 && e == (Event{}) && one.events[n-1] == e {
			continue // it will look at the newest State anyhow
		}
		one.events = append(one.events, e)
		select {
		case one.some <- struct{}{}:
		default:
		}
	}
}

// Run passes each event to heard, one after the other, until ctx is done, and
// returns ctx's error. What happens after that is not heard.
func (l *Listener) Run(ctx context.Context, heard func(Event)) error {
	defer func() {
		l.of.mu.Lock()
		defer l.of.mu.Unlock()
		delete(l.of.all, l)
	}()
	for {
		select {
		case <-l.some:
		case <-ctx.Done():
			return ctx.Err()
		}
		l.of.mu.Lock()
		events := l.events
		l.events = nil
		l.of.mu.Unlock()
		for _, e := range events {
			heard(e)
		}
	}
}
