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
	"bilipaste/internal/web"
)

// Link is where a picture can be seen.
type Link struct {
	URL     string    `json:"url"`
	Host    string    `json:"host"`
	Bucket  string    `json:"bucket,omitempty"`
	Made    time.Time `json:"made"`
	Known   bool      `json:"known,omitempty"`      // it was made earlier: nothing was sent
	Differs bool      `json:"differs,omitempty"`    // the host holds other bytes than were sent: it may have re-encoded them
	Sent    int64     `json:"sent_bytes,omitempty"` // how many bytes were sent, where the host says that it holds another number

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

// Host is a service that stores pictures. It is safe for concurrent use.
type Host interface {
	// Name is the host's name in settings and messages, such as "bilibili".
	Name() string

	// Limits says what the host takes. A picture within them may still be refused.
	Limits() Limits

	// Destination says where its pictures are. Links that are lasting can be handed
	// out again, for as long as they live.
	Destination() (at Destination, lasting bool)

	// Upload sends p as it is and returns its link, after the host's answer
	// was checked. The host must not have all of p before Await(ctx) has
	// returned nil; requests of internal/web see to that. Every error is a
	// *fault.Error, or wraps ctx's error once ctx is done. It tries once: trying
	// again is the caller's part.
	Upload(ctx context.Context, p picture.Picture) (Link, error)
}

// Hold returns a context in which a host does not get all of a picture before
// ready has returned nil: until then all that can be done is done.
func Hold(ctx context.Context, ready func(context.Context) error) context.Context {
	return web.Hold(ctx, ready)
}

// Tell returns a context in which those hosts that are reached by HTTP tell how
// many bytes are sent, of how many; from 0 again if one has to be tried again.
func Tell(ctx context.Context, sent func(sent, of int64)) context.Context {
	return web.Tell(ctx, sent)
}

// Await waits as Hold says. Its error ends the upload.
func Await(ctx context.Context) error { return web.Await(ctx) }

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

// Upload returns the link of p, as Ready and Send find or make it, and records
// it. A note of the link tells if it could not be recorded.
func (u *Uploader) Upload(ctx context.Context, p picture.Picture) (Link, error) {
	sum := picture.SumOf(p.Data)
	done, ok := u.Known(ctx, p, sum)
	var err error
	if !ok {
		done, err = u.Ready(ctx, p, sum).Send(ctx)
	}
	if err == nil && u.Ledger != nil {
		// What was sent is recorded, also if nobody waits for it any more.
		if err := u.Ledger.Record(context.WithoutCancel(ctx), done); err != nil {
			done.Link.note("uploader.not_recorded", lang.Data{"Cause": err})
		}
	}
	return done.Link, err
}

// Known returns the upload that made p's link, if that is known as Upload would
// find it at once.
func (u *Uploader) Known(ctx context.Context, p picture.Picture, sum picture.Sum) (Upload, bool) {
	return u.knownAt(ctx, u.Host, p, sum)
}

func (u *Uploader) knownAt(ctx context.Context, host Host, p picture.Picture, sum picture.Sum) (done Upload, ok bool) {
	done = Upload{Picture: p, Given: sum, How: u.Prepare.how()}
	done.To, _ = u.Host.Destination()
	done.At, _ = host.Destination()
	done.Link, ok = u.known(ctx, host, sum, done.How)
	return done, ok
}

// Ready is a picture with everything done that can be done before it is sent.
type Ready struct {
	uploader *Uploader
	picture  picture.Picture
	sum      picture.Sum
	first    step
}

// Ready prepares p, whose sum is given and which is not Known. It sends nothing,
// and what goes wrong Send says.
func (u *Uploader) Ready(ctx context.Context, p picture.Picture, sum picture.Sum) *Ready {
	return &Ready{u, p, sum, u.prepare(ctx, u.Host, p, sum)}
}

// Send returns the upload that made the link, now or earlier. It tries again
// where the failure is Passing: three times in all, and not where the host asks
// to be left alone for more than a minute. Where the picture went to another
// host, a note of the link says so; a refusal or a missing login is no reason to
// go elsewhere. Its errors are those of Prepare and of Host.
func (r *Ready) Send(ctx context.Context) (Upload, error) {
	u := r.uploader
	done, err := u.send(ctx, r.first)
	if e, ok := errors.AsType[*fault.Error](err); ok && u.Moving != nil && e.Kind == fault.NotTaken && r.picture.Animated() {
		if done, err = u.toOther(ctx, u.Moving, r); err == nil {
			done.Link.note("uploader.moving", lang.Data{"Host": u.Moving.Name()})
		}
	}
	cause, all := err, []error{err}
	for _, next := range u.Fallback {
		if !goesOn(err) {
			break
		}
		if done, err = u.toOther(ctx, next, r); err == nil {
			done.Link.note("uploader.went_on", lang.Data{"Host": next.Name(), "Cause": cause})
		}
		all = append(all, err)
	}
	switch {
	case err == nil:
		done.To, _ = u.Host.Destination()
		return done, nil
	case len(all) > 1 && ctx.Err() == nil:
		return Upload{}, errors.Join(all...)
	}
	return Upload{}, err
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

// toOther is the way of a picture to another host than the first.
func (u *Uploader) toOther(ctx context.Context, host Host, r *Ready) (Upload, error) {
	if done, ok := u.knownAt(ctx, host, r.picture, r.sum); ok {
		return done, nil
	}
	return u.send(ctx, u.prepare(ctx, host, r.picture, r.sum))
}

// step is a picture on its way to one host.
type step struct {
	host  Host
	done  Upload          // without a link
	ready picture.Picture // to be sent
	notes []lang.Message  // on what was changed
	err   error
}

// prepare begins the way to one host.
func (u *Uploader) prepare(ctx context.Context, host Host, p picture.Picture, sum picture.Sum) step {
	s := step{host: host, done: Upload{Picture: p, Given: sum, How: u.Prepare.how()}}
	s.done.At, _ = host.Destination()
	s.ready, s.notes, s.err = u.Prepare.Do(ctx, p, host)
	if s.err != nil {
		return s
	}
	if s.done.Sent = sum; u.Ledger != nil && !bytes.Equal(s.ready.Data, p.Data) {
		s.done.Sent = s.ready.Sum()
	}
	return s
}

// send ends the way to one host. What became known meanwhile is not sent.
func (u *Uploader) send(ctx context.Context, s step) (Upload, error) {
	if s.err != nil {
		return Upload{}, s.err
	}
	link, ok := u.known(ctx, s.host, s.done.Sent, "")
	if !ok {
		var err error
		if link, err = send(ctx, s.host, s.ready); err != nil {
			return Upload{}, err
		}
		if sent := s.ready.Size(); link.Bytes != 0 && link.Bytes != sent {
			link.Sent = sent
		}
	}
	link.Notes = append(s.notes, link.Notes...)
	link.Format = cmp.Or(link.Format, s.ready.Format)
	if link.Width == 0 || link.Height == 0 {
		link.Width, link.Height = s.ready.Width, s.ready.Height
	}
	link.Bytes = cmp.Or(link.Bytes, s.ready.Size())
	s.done.Link = link
	return s.done, nil
}

// known asks for a link, as Ledger.Known does, unless links of the host do not
// last. A ledger that cannot be asked is no reason to fail.
func (u *Uploader) known(ctx context.Context, host Host, sum picture.Sum, how string) (Link, bool) {
	at, lasting := host.Destination()
	if u.Ledger == nil || !lasting || u.Again {
		return Link{}, false
	}
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
