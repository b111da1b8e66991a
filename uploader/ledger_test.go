package uploader_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"net"
	"net/url"
	"testing"

	"golang.org/x/image/bmp"

	"bilipaste/internal/fault"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// ledger remembers as its contract says, and fails as it is told to.
type ledger struct {
	entries            []uploader.Upload
	failsToAsk, isFull error

	records int // that were asked for
}

func (l *ledger) Known(_ context.Context, at uploader.Destination, sum picture.Sum, how string) (uploader.Link, bool, error) {
	for _, e := range l.entries {
		given := how != "" && e.How == how && picture.SumOf(e.Picture.Data) == sum
		if e.At == at && (given || how == "" && e.Sent == sum) {
			return e.Link, true, l.failsToAsk
		}
	}
	return uploader.Link{}, false, l.failsToAsk
}

func (l *ledger) Record(ctx context.Context, u uploader.Upload) error {
	l.records++
	if err := errors.Join(ctx.Err(), l.isFull); err != nil {
		return err
	}
	if u.Sent == (picture.Sum{}) { // it was known
		return nil
	}
	l.entries = append(l.entries, u)
	return nil
}

// bitmap is a picture that goes up as PNG.
func bitmap(t *testing.T) picture.Picture {
	return drawn(t, "a.bmp", func(b *bytes.Buffer) error { return bmp.Encode(b, image.NewGray(image.Rect(0, 0, 3, 2))) })
}

func TestAKnownPictureIsNotSent(t *testing.T) {
	host, l := like(web...), &ledger{}
	u := uploader.Uploader{Host: host, Ledger: l}
	p := bitmap(t)
	made, err := u.Upload(t.Context(), p)
	if err != nil || made.Known || len(host.got) != 1 || len(l.entries) != 1 {
		t.Fatalf("%+v, %v, sent %d times, recorded %d times", made, err, len(host.got), len(l.entries))
	}
	if e := l.entries[0]; e.At != (uploader.Destination{Host: "shelf"}) || !bytes.Equal(e.Picture.Data, p.Data) || e.How == "" ||
		e.Sent != picture.SumOf(host.got[0].Whole().Data) || e.Link.URL != made.URL || e.Link.Format != picture.PNG || e.Link.Width != 3 {
		t.Errorf("recorded: %+v", e)
	}
	again, err := u.Upload(t.Context(), p)
	if err != nil || !again.Known || again.URL != made.URL || len(host.got) != 1 {
		t.Errorf("%+v, %v, sent %d times", again, err, len(host.got))
	}

	// What it becomes is known too, and from then on also as it was given.
	l.entries[0].Picture = host.got[0]
	if again, err = u.Upload(t.Context(), p); err != nil || !again.Known || len(host.got) != 1 || len(l.entries) != 2 {
		t.Errorf("%+v, %v, sent %d times, recorded %d times", again, err, len(host.got), len(l.entries))
	}

	// Prepared otherwise it is another picture, elsewhere it is not known, and --again is obeyed.
	u.Prepare.KeepMetadata = true
	l.entries[0].Sent, l.entries[1].Sent = picture.Sum{}, picture.Sum{}
	if other, err := u.Upload(t.Context(), p); err != nil || other.Known || len(host.got) != 2 {
		t.Errorf("prepared otherwise: %+v, %v", other, err)
	}
	elsewhere := like(web...)
	elsewhere.name = "elsewhere"
	u.Host = elsewhere
	if other, err := u.Upload(t.Context(), p); err != nil || other.Known || len(elsewhere.got) != 1 {
		t.Errorf("elsewhere: %+v, %v", other, err)
	}
	u.Again = true
	if other, err := u.Upload(t.Context(), p); err != nil || other.Known || len(elsewhere.got) != 2 {
		t.Errorf("again: %+v, %v", other, err)
	}
}

// A picture that was prepared in one way is not known in another.
func TestHowAPictureIsPreparedCounts(t *testing.T) {
	all := []uploader.Prepare{{}, {KeepMetadata: true}, {FirstFrame: true}, {RefuseLarge: true}, {FirstFrame: true, RefuseLarge: true}}
	p := bitmap(t)
	for i, made := range all {
		u := uploader.Uploader{Host: like(web...), Ledger: &ledger{}, Prepare: made}
		if _, err := u.Upload(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		for j, asked := range all {
			u.Prepare = asked
			if _, ok := u.Known(t.Context(), p, picture.SumOf(p.Data)); ok != (i == j) {
				t.Errorf("made with %+v, asked with %+v: known is %v", made, asked, ok)
			}
		}
	}
}

func TestWhatHasFailedIsNotRecorded(t *testing.T) {
	host, l := like(web...), &ledger{}
	host.fails = &fault.Error{Kind: fault.Rejected, Host: "shelf"}
	if _, err := (&uploader.Uploader{Host: host, Ledger: l}).Upload(t.Context(), bitmap(t)); err == nil || l.records != 0 {
		t.Errorf("%v, recorded %d times", err, l.records)
	}
}

func TestLinksThatDoNotLastAreMadeAnew(t *testing.T) {
	host, l := like(web...), &ledger{}
	host.fleeting = true
	u := uploader.Uploader{Host: host, Ledger: l}
	for range 2 {
		if link, err := u.Upload(t.Context(), bitmap(t)); err != nil || link.Known {
			t.Errorf("%+v, %v", link, err)
		}
	}
	if len(host.got) != 2 || len(l.entries) != 2 {
		t.Errorf("sent %d times, recorded %d times", len(host.got), len(l.entries))
	}
}

func TestALedgerInTroubleLosesNoLink(t *testing.T) {
	host, l := like(web...), &ledger{failsToAsk: errors.New("locked"), isFull: errors.New("disk full")}
	link, err := (&uploader.Uploader{Host: host, Ledger: l}).Upload(t.Context(), bitmap(t))
	if err != nil || link.URL == "" || len(link.Notes) != 2 || link.Notes[0].ID != "uploader.not_recorded" {
		t.Errorf("%+v, %v", link, err)
	}
}

// leaving is a host whose caller gives up in the moment in which it stores the picture.
type leaving struct {
	*shelf
	leave func()
}

func (l leaving) Upload(ctx context.Context, p picture.Picture) (uploader.Link, error) {
	defer l.leave()
	return l.shelf.Upload(ctx, p)
}

func TestWhatWasSentIsRecordedAlsoWhenNobodyWaits(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := &ledger{}
	_, _ = (&uploader.Uploader{Host: leaving{like(web...), cancel}, Ledger: l}).Upload(ctx, bitmap(t))
	if ctx.Err() == nil || len(l.entries) != 1 {
		t.Errorf("recorded %d times", len(l.entries))
	}
}

func TestWhatWillPass(t *testing.T) {
	of := func(kind fault.Kind) error { return &fault.Error{Kind: kind} }
	for _, c := range []struct {
		err  error
		want fault.Kind
	}{
		{nil, 0},
		{errors.New("other"), 0},
		{of(fault.Rejected), 0},
		{of(fault.TooLarge), 0},
		{fmt.Errorf("wrapped: %w", of(fault.Refused)), fault.Refused},
		{errors.Join(of(fault.NotTaken), of(fault.Passing)), fault.Passing},
		{fmt.Errorf("wrapped: %w", errors.Join(of(fault.NotLoggedIn), of(fault.Local))), fault.NotLoggedIn},
	} {
		got := fault.Kind(0)
		if e := fault.Temporary(c.err); e != nil {
			got = e.Kind
		}
		if got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}

func TestWhatIsOffline(t *testing.T) {
	because := func(err error) error {
		return &fault.Error{Kind: fault.Passing, Why: "network", Err: &url.Error{Err: err}}
	}
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for _, c := range []struct {
		err  error
		want bool
	}{
		{because(&net.DNSError{Err: "no such host"}), true},
		{because(refused), true},
		{because(&net.OpError{Op: "proxyconnect", Err: refused}), true},
		{errors.Join(&fault.Error{Kind: fault.NotTaken}, because(refused)), true},
		{because(&net.OpError{Op: "read", Err: errors.New("connection reset")}), false},
		{&fault.Error{Kind: fault.Passing, Code: 502}, false},
	} {
		if got := fault.Offline(c.err); got != c.want {
			t.Errorf("%v: %t", c.err, got)
		}
	}
}
