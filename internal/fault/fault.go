// Package fault is the kinds of error that pictures, hosts and the account have,
// and how each is said to the user.
package fault

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"bilipaste/internal/lang"
)

// Kind says what a failure means for whoever asked for it.
type Kind int

// The kinds of error.
const (
	_            Kind = iota
	NotLoggedIn       // the host asks for a login, or the session is dead
	Refused           // the host refuses for now: nothing may be asked of it until Error.Until
	TooLarge          // the picture is larger than Error.Limit
	NotTaken          // the host does not take the picture's format
	Unusable          // what was given is no picture, or not a whole one
	Rejected          // the host says no; asking again gives the same answer
	Passing           // the network's or the host's passing trouble: may be tried again
	BrokenAnswer      // the host answered, but not with what it promises
	Local             // this machine's trouble, such as a folder that cannot be written
)

var kindNames = [...]string{"", "not_logged_in", "refused", "too_large", "not_taken", "unusable", "rejected", "passing", "broken_answer", "local"}

// String returns the kind's name, as in messages and --json.
func (k Kind) String() string {
	if k <= 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind(%d)", int(k))
	}
	return kindNames[k]
}

// Error is why a picture has no link. It never holds a secret.
type Error struct {
	Kind   Kind
	Host   string        // the host that was asked, "" if none was
	Name   string        // the picture's name to show
	Why    string        // a finer reason that messages know, "" if none: the message is "fault.KIND" or "fault.KIND.WHY"
	Code   int           // the host's own code, or the HTTP status; 0 if it gave none
	Said   string        // the host's own words: cleaned, short, perhaps ""
	Format string        // NotTaken: the picture's format, as it is shown
	Size   int64         // TooLarge: bytes
	Limit  int64         // TooLarge: bytes
	Until  time.Time     // Refused: when the host may be asked again
	After  time.Duration // Passing: the host asked to be left alone this long; 0 if it did not say
	Err    error         // the cause, may be nil
}

// Error says it in English, for logs.
func (e *Error) Error() string {
	what, _ := lang.New(lang.English).Error(e)
	if e.Err != nil && !strings.Contains(what, e.Err.Error()) {
		what += ": " + e.Err.Error()
	}
	return what
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Tell returns the message for the user.
func (e *Error) Tell() lang.Message {
	id := "fault." + e.Kind.String()
	if e.Why != "" {
		id += "." + e.Why
	}
	var name any = e.Name
	if e.Name == "" {
		name = lang.Message{ID: "fault.picture"}
	}
	return lang.Message{ID: id, Data: lang.Data{
		"Host": e.Host, "Name": name, "Code": e.Code, "Said": e.Said,
		"Format": e.Format,
		"Size":   e.size(e.Size), "Limit": e.size(e.Limit),
		"Until": lang.Clock(e.Until), "After": e.After.Round(time.Second).String(),
		"Cause": e.Err,
	}}
}

// size says bytes in megabytes, unless that would hide that it is too large.
func (e *Error) size(bytes int64) string {
	megabytes := func(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
	if megabytes(e.Size) == megabytes(e.Limit) {
		return fmt.Sprintf("%d B", bytes)
	}
	return megabytes(bytes)
}

// KindOf returns the kind of an upload's error, 0 if it is none of ours.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return 0
}

// Temporary returns the part of err that will pass by itself or with a login,
// so that the same upload can succeed later; nil if no part will.
func Temporary(err error) *Error {
	switch e := err.(type) { //nolint:errorlint // it walks the tree
	case *Error:
		switch e.Kind {
		case Passing, Refused, NotLoggedIn:
			return e
		}
	case interface{ Unwrap() []error }: // of several hosts
		for _, part := range e.Unwrap() {
			if e := Temporary(part); e != nil {
				return e
			}
		}
	case interface{ Unwrap() error }:
		return Temporary(e.Unwrap())
	}
	return nil
}

// Offline tells whether err is, or joins, that a host could not even be
// called: there is no network, or no way to the host.
func Offline(err error) bool {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "dial" || op.Op == "proxyconnect")
}
