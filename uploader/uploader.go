// Package uploader turns a picture into a link: the contract that every host
// keeps, and the one pipeline that every upload goes through.
package uploader

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
)

// Link is where a picture can be seen.
type Link struct {
	URL     string    `json:"url"`
	Host    string    `json:"host"`
	Bucket  string    `json:"bucket,omitempty"`
	Made    time.Time `json:"made"`
	Known   bool      `json:"known,omitempty"`   // it was made earlier: nothing was sent
	Differs bool      `json:"differs,omitempty"` // the host holds other bytes than were sent: it may have re-encoded them

	// What the host holds, or, where it does not tell, what was sent.
	Format        picture.Format `json:"format,omitempty"`
	Width, Height int            `json:"-"` // pixels
	Bytes         int64          `json:"-"`

	Notes []lang.Message `json:"-"` // what the user has to know: what was changed, where it went
}

// Limits says what a host takes.
type Limits struct {
	Formats []picture.Format
	Bytes   int64 // the largest picture
}

// Host is a place that stores pictures. It is safe for concurrent use.
type Host interface {
	// Name is the host's name in settings and messages, such as "bilibili".
	Name() string

	// Limits says what the host takes. A picture within them may still be refused.
	Limits() Limits

	// Place says where its pictures are. Links that are lasting can be handed
	// out again, for as long as they live.
	Place() (at Place, lasting bool)

	// Upload sends p as it is and returns its link, after the host's answer
	// was checked. Every error is a *fault.Error, or wraps ctx's error once ctx is
	// done. It tries once: trying again is the caller's part.
	Upload(ctx context.Context, p picture.Picture) (Link, error)
}

// Uploader is the one way from a picture to its link.
type Uploader struct {
	Host     Host
	Moving   Host   // gets the animations that Host does not take; nil: Prepare decides
	Fallback []Host // asked in turn where Host cannot take a picture, or cannot be reached
	Prepare  Prepare
	Ledger   Ledger // what is known, and where links are recorded; nil: nowhere
	Again    bool   // what is known is uploaded all the same
}

const (
	tries     = 3
	firstWait = 500 * time.Millisecond
	longest   = time.Minute // a host that asks for more is not waited for
)

// Upload returns the link of p if it is known at the host. Else it prepares p,
// sends it and records the link. It tries again where the failure is Passing:
// three times in all, and not where the host asks to be left alone for more
// than a minute. Where p went to another host, a note of the link says so, as
// one does of a link that could not be recorded; a refusal or a missing login
// is no reason to go elsewhere. Its errors are those of Prepare and of Host.
func (u *Uploader) Upload(ctx context.Context, p picture.Picture) (Link, error) {
	link, err := u.to(ctx, u.Host, p)
	if e, ok := errors.AsType[*fault.Error](err); ok && u.Moving != nil && e.Kind == fault.NotTaken && p.Animated() {
		if link, err = u.to(ctx, u.Moving, p); err == nil {
			link.note("uploader.moving", lang.Data{"Host": u.Moving.Name()})
		}
	}
	cause, all := err, []error{err}
	for _, next := range u.Fallback {
		if !goesOn(err) {
			break
		}
		if link, err = u.to(ctx, next, p); err == nil {
			link.note("uploader.went_on", lang.Data{"Host": next.Name(), "Cause": cause})
			return link, nil
		}
		all = append(all, err)
	}
	if len(all) > 1 && ctx.Err() == nil {
		return link, errors.Join(all...)
	}
	return link, err
}

// goesOn tells whether another host may be asked: this one cannot take the
// picture, or was not there.
func goesOn(err error) bool {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return false
	}
	switch e.Kind {
	case fault.NotTaken, fault.TooLarge:
		return true
	case fault.Passing:
		return e.Why == "network" || e.Why == "silent" || e.Code >= 500 && e.Code < 600
	}
	return false
}

// note adds a note to the link, before the others.
func (l *Link) note(id string, data lang.Data) {
	l.Notes = append([]lang.Message{{ID: id, Data: data}}, l.Notes...)
}

// to is the way of p to one host: known? else prepare, known? else send, and
// record.
func (u *Uploader) to(ctx context.Context, host Host, p picture.Picture) (Link, error) {
	at, lasting := host.Place()
	how := u.Prepare.how()
	ask := u.Ledger != nil && lasting && !u.Again
	var given, sent picture.Sum
	if u.Ledger != nil {
		given = picture.SumOf(p.Data)
	}
	if ask {
		if link, ok := u.known(ctx, at, given, how); ok {
			return link, nil
		}
	}
	ready, notes, err := u.Prepare.Do(ctx, p, host)
	if err != nil {
		return Link{}, err
	}
	if sent = given; u.Ledger != nil && !bytes.Equal(ready.Data, p.Data) {
		sent = picture.SumOf(ready.Data)
	}
	var link Link
	known := false
	if ask {
		link, known = u.known(ctx, at, sent, "")
	}
	if !known {
		if link, err = send(ctx, host, ready); err != nil {
			return Link{}, err
		}
	}
	link.Notes = append(notes, link.Notes...)
	link.Format = cmp.Or(link.Format, ready.Format)
	if link.Width == 0 || link.Height == 0 {
		link.Width, link.Height = ready.Width, ready.Height
	}
	link.Bytes = cmp.Or(link.Bytes, int64(len(ready.Data)))
	if u.Ledger != nil {
		// What was sent is recorded, also if nobody waits for it any more.
		to, _ := u.Host.Place()
		err := u.Ledger.Record(context.WithoutCancel(ctx), Upload{To: to, Place: at, Picture: p, Given: given, How: how, Sent: sent, Link: link})
		if err != nil {
			link.note("uploader.not_recorded", lang.Data{"Cause": err})
		}
	}
	return link, nil
}

// known asks for a link, as Ledger.Known does. A ledger that cannot be
// asked is no reason to fail.
func (u *Uploader) known(ctx context.Context, at Place, sum picture.Sum, how string) (Link, bool) {
	link, ok, err := u.Ledger.Known(ctx, at, sum, how)
	if err != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "it is not known whether the picture was uploaded before", "error", err)
	}
	link.Known = ok
	return link, ok && err == nil
}

// send sends p to a host that takes it.
func send(ctx context.Context, host Host, p picture.Picture) (Link, error) {
	var last error // what backoff returns may be its own wrapping
	link, err := backoff.Retry(ctx, func() (Link, error) {
		var link Link
		link, last = host.Upload(ctx, p)
		return link, again(last)
	}, backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0), backoff.WithBackOff(&backoff.ExponentialBackOff{
		InitialInterval: firstWait, RandomizationFactor: 0.5, Multiplier: 3, MaxInterval: longest,
	}))
	switch e, ok := errors.AsType[*fault.Error](last); {
	case err == nil:
		return link, nil
	case ctx.Err() != nil:
		return Link{}, ctx.Err()
	case ok && e.Name == "":
		named := *e
		named.Name = p.Name
		return Link{}, &named
	}
	return Link{}, last
}

// again tells backoff which errors are worth another try, and when.
func again(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	switch {
	case err == nil:
		return nil
	case !ok || e.Kind != fault.Passing || e.After > longest:
		return backoff.Permanent(err)
	case e.After > 0:
		return &backoff.RetryAfterError{Duration: e.After}
	}
	return err
}
