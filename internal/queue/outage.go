package queue

import (
	"context"
	"net"
	"strings"
	"time"

	"bilipaste/internal/fault"
)

// How long it is until the next try.
const (
	firstWait   = 10 * time.Second // then twice as long each time
	longestWait = 10 * time.Minute

	// With no network: a tenth of the time that it has been away.
	shortestOffline = time.Second
	longestOffline  = 30 * time.Second
	look            = 2 * time.Second // at the network's addresses, and at the clock

	lookAtOthers = time.Second // at what other processes are at: one that is killed says nothing
)

// event is what the worker has to act on, beside what was added.
type event struct {
	try     bool // now
	all     bool // also what has failed
	changed bool // the album has
}

// outage is what keeps uploads from succeeding.
type outage struct {
	err   error // nil: nothing does
	since time.Time
	tries int
	again time.Time // zero: when something happens
}

// tried takes in how the latest try ended.
func (o *outage) tried(err error) {
	if !o.like(err) {
		*o = outage{since: time.Now()}
	}
	o.err = err
	o.tries++
	now := time.Now()
	wait := min(firstWait<<min(o.tries-1, 10), longestWait)
	e := fault.Temporary(err)
	switch {
	case err == nil, e != nil && e.Kind == fault.NotLoggedIn:
		return
	case fault.Offline(err):
		wait = min(max(shortestOffline, now.Sub(o.since)/10), longestOffline)
	case e != nil && e.Kind == fault.Refused:
		// No request is made while it lasts.
		wait = min(time.Until(e.Until), longestWait)
	case e != nil && e.After > 0:
		wait = e.After
	}
	o.again = now.Add(max(wait, shortestOffline))
}

// like tells whether err is of the same outage.
func (o *outage) like(err error) bool {
	return o.err != nil && err != nil && KindOf(o.err) == KindOf(err) && fault.Offline(o.err) == fault.Offline(err)
}

// KindOf is the kind of an outage, -1 for settings that cannot be used.
func KindOf(err error) fault.Kind {
	if e := fault.Temporary(err); e != nil {
		return e.Kind
	}
	return -1
}

// wait waits for the next event, or until ctx is done.
func (q *Queue) wait(ctx context.Context, w *worker) event {
	var again, others, looks <-chan time.Time
	if o := w.outage; !o.again.IsZero() {
		timer := time.NewTimer(time.Until(o.again))
		defer timer.Stop()
		again = timer.C
		ticker := time.NewTicker(look)
		defer ticker.Stop()
		looks = ticker.C
	}
	if w.others && w.outage.err == nil {
		timer := time.NewTimer(lookAtOthers)
		defer timer.Stop()
		others = timer.C
	}
	if fault.Offline(w.outage.err) && w.network == "" {
		w.network = q.network()
	}
	for {
		select {
		case <-ctx.Done():
			return event{}
		case <-q.posted():
			return q.next()
		case <-again:
			return event{try: true}
		case <-others:
			return event{try: true}
		case <-looks:
			slept := !q.now().Before(w.outage.again.Round(0)) // the timer stands still while the machine sleeps
			if slept || fault.Offline(w.outage.err) && q.network() != w.network {
				return event{try: true}
			}
		}
	}
}

// moved tells whether the machine is on another network than before the latest
// try, which it may have come to meanwhile, too.
func (w *worker) moved() bool {
	before := w.network
	w.network = ""
	if fault.Offline(w.outage.err) {
		w.network = w.q.network()
	}
	return before != "" && w.network != "" && w.network != before
}

// now returns the time by the clock, which goes on while the machine sleeps.
func (q *Queue) now() time.Time {
	if q.clock != nil {
		return q.clock()
	}
	return time.Now().Round(0)
}

// network returns the machine's addresses, which change when a network comes.
func (q *Queue) network() string {
	if q.addresses != nil {
		return q.addresses()
	}
	all, _ := net.InterfaceAddrs()
	var text strings.Builder
	for _, a := range all {
		text.WriteString(a.String() + " ")
	}
	return text.String()
}

// Wake makes Run try now what waits: after a login, with other settings.
func (q *Queue) Wake() { q.post(event{try: true}) }

// WakeAll makes Run try now all that is pending, also what has failed.
func (q *Queue) WakeAll() { q.post(event{try: true, all: true}) }

// changed takes in that the album has changed: by us, or by another process,
// which may have left something to do, or given up what is being sent.
func (q *Queue) changed(ctx context.Context) {
	q.mu.Lock()
	var sending []*Job
	for _, j := range q.jobs {
		if j.cancel != nil && !j.answered && j.entry.ID != 0 {
			sending = append(sending, j)
		}
	}
	q.mu.Unlock()
	for _, j := range sending {
		if _, ok, err := q.Album.Find(ctx, j.sum, j.to); err == nil && !ok {
			q.stop(j)
		}
	}
	q.post(event{changed: true})
}

// post tells Run of an event, beside those that it has not seen yet.
func (q *Queue) post(e event) {
	q.mu.Lock()
	q.unseen.try = q.unseen.try || e.try
	q.unseen.all = q.unseen.all || e.all
	q.unseen.changed = q.unseen.changed || e.changed
	q.mu.Unlock()
	select {
	case q.posted() <- struct{}{}:
	default:
	}
}

// posted returns the channel that holds a token while there is an unseen event.
func (q *Queue) posted() chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.token == nil {
		q.token = make(chan struct{}, 1)
	}
	return q.token
}

// next returns what Run has not seen yet.
func (q *Queue) next() event {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.unseen
	q.unseen = event{}
	return e
}
