package account

import (
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/state"
)

// notes are what a gate remembers, of the account, for every process.
type notes struct {
	// Next is the theoretical start of the next upload or post, were there no burst:
	// one may start up to (burst-1) paces before it (GCRA).
	Next        time.Time `json:"next,omitzero"`
	Published   time.Time `json:"published,omitzero"` // when the last post was sent
	Pauses      int       `json:"pauses,omitzero"`    // "too frequent", since the last success
	state.Pause           // while Bilibili refuses
	Code        int       `json:"code,omitzero"`     // with this
	Refusals    int       `json:"refusals,omitzero"` // since the last success

	Check  time.Time `json:"check,omitzero"`  // when Bilibili may be asked again whether the session is to be renewed
	Warned time.Time `json:"warned,omitzero"` // of a session that ends then
}

const maxDoublings = 10

// refusal is the error of a call while Bilibili refuses.
func (n *notes) refusal() error {
	if !n.Until.After(time.Now()) {
		return nil
	}
	return &fault.Error{Kind: fault.Refused, Host: Service, Code: n.Code, Until: n.Until}
}

// begin notes that a call starts now, or returns how long it has to wait.
func (n *notes) begin(of Pace, pace time.Duration, now time.Time) (wait time.Duration) {
	free := n.Next.Add(-(burst - 1) * pace)
	if of == Publish {
		free = later(free, n.Published.Add(publishPace))
	}
	if wait = free.Sub(now); wait > 0 {
		return wait
	}
	n.Next = later(n.Next, now).Add(pace)
	if of == Publish {
		n.Published = now
	}
	return 0
}

// bound brings what a changed clock or another hand made of the state into
// what a gate would write.
func (n *notes) bound(now time.Time, pace time.Duration) {
	n.Bound(now, longestRefusal)
	if n.Next.After(now.Add(burst*pace + longestPause)) {
		n.Next = now
	}
	if n.Published.After(now) {
		n.Published = now
	}
	if n.Check.After(now.Add(checkEvery)) {
		n.Check = now
	}
	n.Refusals = max(0, min(n.Refusals, maxDoublings))
	n.Pauses = max(0, min(n.Pauses, maxDoublings))
}
