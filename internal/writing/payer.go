package writing

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"bilipaste/internal/album"
	"bilipaste/internal/fault"
	"bilipaste/internal/format"
	"bilipaste/internal/lang"
	"bilipaste/uploader"
)

// Payer uploads what is pending: the pictures that are in the album because they
// could not be uploaded when they were copied. The clipboard is left alone; a
// notification carries the links. It is safe for concurrent use, and any number
// of processes may have one.
type Payer struct {
	Album    *album.Album
	Uploader Uploader
	Notifier Notifier
	Format   func() format.Format
	Language func() *lang.Printer
	Report   func(Paid) // told of each upload that Run has tried
	Log      *slog.Logger

	addresses func() string // of the machine; nil: the real ones

	mu      sync.Mutex
	unseen  event
	token   chan struct{}
	notable fault.Kind // of the outage that the user was notified of, 0 if there is none
}

// Paid is what became of a pending upload that was tried.
type Paid struct {
	Entry album.Pending
	Link  uploader.Link // unless Err
	Err   error         // why it is still pending
	Waits bool          // with Err: it goes up by itself, later
}

// Pay uploads what is pending, in the order in which it came, and tells done of
// each that it tried. What has failed for good is tried only with all, and
// what is being uploaded elsewhere is left out. It stops at the first failure
// that will pass, and returns it; any other error is the album's or ctx's. Only
// one picture with which the host has trouble again and again does not keep
// those after it from being tried.
func (p *Payer) Pay(ctx context.Context, all bool, done func(Paid)) error {
	entries, err := p.Album.Pending(ctx)
	if err != nil {
		return err
	}
	var stuck error
	for _, d := range entries {
		if d.Failed && !all {
			continue
		}
		picture, err := p.Album.Take(ctx, d.ID)
		paid := Paid{Entry: d, Err: err}
		switch {
		case errors.Is(err, album.ErrTaken), errors.Is(err, album.ErrNotPending):
			continue
		case err != nil && !errors.Is(err, album.ErrLost):
			return err
		case err == nil:
			paid.Link, paid.Err = p.Uploader.Upload(ctx, picture)
			paid.Waits = paid.Err != nil && willPass(paid.Err)
		}
		if paid.Err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			p.postpone(ctx, d, paid.Err, paid.Waits)
		}
		done(paid)
		switch {
		case !paid.Waits:
		case stuck == nil && d.Tries >= patience && isTrouble(paid.Err):
			stuck = paid.Err
		default:
			return paid.Err
		}
	}
	return stuck
}

// patience is how often a picture is tried before the host's trouble may be
// with this one alone.
const patience = 3

// isTrouble tells whether err is a host's trouble of its own.
func isTrouble(err error) bool {
	e := fault.Temporary(err)
	return e != nil && e.Kind == fault.Passing && !fault.Offline(err)
}

// Postpone lets go of an entry whose upload was tried elsewhere and failed. It
// returns whether that waits for err to pass, or else for the user.
func (p *Payer) Postpone(ctx context.Context, d album.Pending, err error) (waits bool) {
	waits = willPass(err)
	p.postpone(ctx, d, err, waits)
	return waits
}

// postpone lets go of an entry whose upload failed. It waits for that to pass, or
// else for the user.
func (p *Payer) postpone(ctx context.Context, d album.Pending, err error, waits bool) {
	why, _ := p.Language().Error(err)
	f := album.Failure{Why: why, Failed: !waits}
	if e := fault.Temporary(err); e != nil {
		f.Again = e.Until
	}
	if err := p.Album.Postpone(ctx, d.ID, f); err != nil {
		p.Log.Error("the album could not be told why an upload is still pending", "error", err)
	}
}

// willPass tells whether the same upload can succeed later. An error that is no
// upload's is one of the settings, which can be mended.
func willPass(err error) bool {
	_, upload := errors.AsType[*fault.Error](err)
	return fault.Temporary(err) != nil || !upload
}

// tried takes in how the upload of an entry ended that was tried elsewhere. It
// returns whether that waits.
func (p *Payer) tried(ctx context.Context, d album.Pending, link uploader.Link, err error) (waits bool) {
	switch {
	case err == nil && link.Known: // which says nothing of the host
	case err == nil:
		p.over()
		p.Wake()
	default:
		if waits = p.Postpone(ctx, d, err); waits {
			p.post(event{failed: err})
		}
	}
	return waits
}

// isNews notes that the user is about to hear of an outage, and tells whether
// it is another one than the last.
func (p *Payer) isNews(err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.notable
	p.notable = kindOf(err)
	return p.notable != before
}

// over notes that there is no outage any more.
func (p *Payer) over() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notable = 0
}

// round uploads what is pending, and notifies the user of what became of it.
func (p *Payer) round(ctx context.Context, all bool) error {
	var made, failed []Paid
	err := p.Pay(ctx, all, func(paid Paid) {
		switch {
		case paid.Err == nil:
			made = append(made, paid)
			if !paid.Link.Known {
				p.over()
			}
		case !paid.Waits:
			failed = append(failed, paid)
		}
		p.Report(paid)
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	say := p.Language()
	if len(made) > 0 {
		icon := ""
		if len(made) == 1 {
			icon, _ = p.Album.Original(ctx, made[0].Entry.Sum)
		}
		p.Notifier.Done(ctx, say.Text("writing.late", lang.Data{"Count": len(made)}), p.list(say, made), icon)
	}
	if len(failed) > 0 {
		p.Notifier.Failed(ctx, say.Text("writing.late_failed", lang.Data{"Count": len(failed)}), reason(say, failed[0].Err))
	}
	if err != nil {
		p.Log.Warn("pending uploads wait", "error", err)
		// Of all but a missing login Mode has told, or the user has asked.
		if noLogin := kindOf(err) == fault.NotLoggedIn && p.isNews(err); noLogin || all {
			p.Notifier.Failed(ctx, say.Text("writing.pending"), reason(say, err))
		}
	}
	return err
}
