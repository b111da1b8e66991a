package writing

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
	look            = 2 * time.Second // at the network's addresses
)

// event is what Run has to act on.
type event struct {
	try    bool  // now
	all    bool  // also what has failed for good
	moved  bool  // the machine is on another network
	failed error // an upload elsewhere, for a reason that will pass
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
		// No request is made while it lasts. Time goes on while the machine
		// sleeps, and the timer does not.
		wait = min(time.Until(e.Until), longestWait)
	case e != nil && e.After > 0:
		wait = e.After
	}
	o.again = now.Add(max(wait, shortestOffline))
}

// like tells whether err is of the same outage.
func (o *outage) like(err error) bool {
	return o.err != nil && err != nil && kindOf(o.err) == kindOf(err) && fault.Offline(o.err) == fault.Offline(err)
}

// kindOf is the kind of an outage, -1 for settings that cannot be used.
func kindOf(err error) fault.Kind {
	if e := fault.Temporary(err); e != nil {
		return e.Kind
	}
	return -1
}

// Run uploads what is pending: at once, whenever it is woken, and by itself when what
// stood in the way may have passed, until ctx is done. It returns ctx's error.
// While nothing waits it does nothing.
func (p *Payer) Run(ctx context.Context) error {
	var o outage
	for e := (event{try: true}); ctx.Err() == nil; e = p.wait(ctx, o) {
		if e.moved { // it may take a moment until it can be used
			o.since = time.Now()
		}
		switch {
		case e.try:
			o.tried(p.round(ctx, e.all))
		case e.failed != nil && !o.like(e.failed):
			o.tried(e.failed)
		}
	}
	return ctx.Err()
}

// wait waits for the next event, or until ctx is done.
func (p *Payer) wait(ctx context.Context, o outage) event {
	var again, looks <-chan time.Time
	if !o.again.IsZero() {
		timer := time.NewTimer(time.Until(o.again))
		defer timer.Stop()
		again = timer.C
	}
	var before string
	if fault.Offline(o.err) {
		ticker := time.NewTicker(look)
		defer ticker.Stop()
		looks, before = ticker.C, p.network()
	}
	for {
		select {
		case <-ctx.Done():
			return event{}
		case <-p.posted():
			return p.next()
		case <-again:
			return event{try: true}
		case <-looks:
			if p.network() != before {
				return event{try: true, moved: true}
			}
		}
	}
}

// network returns the machine's addresses, which change when a network comes.
func (p *Payer) network() string {
	if p.addresses != nil {
		return p.addresses()
	}
	all, _ := net.InterfaceAddrs()
	var text strings.Builder
	for _, a := range all {
		text.WriteString(a.String() + " ")
	}
	return text.String()
}

// Wake makes Run try now what waits: after a login, with other settings.
func (p *Payer) Wake() { p.post(event{try: true}) }

// WakeAll makes Run try now all that is pending, also what has failed for good.
func (p *Payer) WakeAll() { p.post(event{try: true, all: true}) }

// post tells Run of an event, beside those that it has not seen yet.
func (p *Payer) post(e event) {
	p.mu.Lock()
	p.unseen.try = p.unseen.try || e.try
	p.unseen.all = p.unseen.all || e.all
	if e.failed != nil {
		p.unseen.failed = e.failed
	}
	p.mu.Unlock()
	select {
	case p.posted() <- struct{}{}:
	default:
	}
}

// posted returns the channel that holds a token while there is an unseen event.
func (p *Payer) posted() chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.token == nil {
		p.token = make(chan struct{}, 1)
	}
	return p.token
}

// next returns what Run has not seen yet.
func (p *Payer) next() event {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.unseen
	p.unseen = event{}
	return e
}
