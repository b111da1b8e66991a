package main

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"bilipaste/uploader"
)

// door is a host that nobody is signed in to until it is open, and that never
// takes a picture named bad.
type door struct {
	open  bool
	names []string // of what went up
}

func (d *door) Upload(_ context.Context, p uploader.Picture) (uploader.Link, error) {
	switch {
	case !d.open:
		return uploader.Link{}, &uploader.Error{Kind: uploader.NotLoggedIn}
	case p.Name == "bad.png":
		return uploader.Link{}, &uploader.Error{Kind: uploader.Rejected}
	}
	d.names = append(d.names, p.Name)
	return uploader.Link{URL: "https://host/" + p.Name}, nil
}

// teller counts what it is told of.
type teller struct{ failed int }

func (*teller) Done(context.Context, string, string, string) {}
func (n *teller) Failed(context.Context, string, string)     { n.failed++ }

func TestPicturesWaitForALogin(t *testing.T) {
	host, loud, quiet := &door{}, &teller{}, &teller{}
	var paid []string
	start := func(dir string) *owed {
		return &owed{
			Uploader: host, Notifier: loud, quietly: quiet.Failed, dir: dir, log: slog.New(slog.DiscardHandler),
			paid: func(p uploader.Picture, l uploader.Link) { paid = append(paid, p.Name+" "+l.URL) },
		}
	}
	dir := t.TempDir()
	o := start(dir)
	data := noise(t, 1000)
	for _, name := range []string{"b.png", "bad.png", "", "../../a.png", strings.Repeat("长", 80) + ".png"} {
		p, err := uploader.NewPicture(name, data)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Upload(t.Context(), p); uploader.KindOf(err) != uploader.NotLoggedIn {
			t.Errorf("%s: %v", name, err)
		}
		o.Failed(t.Context(), "", "")
	}
	if loud.failed != 1 || quiet.failed != 4 {
		t.Errorf("%d notifications, %d sounds", loud.failed, quiet.failed)
	}
	o.pay(t.Context())
	if len(paid) != 0 {
		t.Errorf("paid with nobody signed in: %q", paid)
	}

	// Another start, and a login.
	host.open = true
	o = start(dir)
	o.pay(t.Context())
	long := strings.Repeat("长", 38) + ".png" // its end
	if want := []string{"b.png", "", "a.png", long}; !slices.Equal(host.names, want) || len(paid) != 4 {
		t.Errorf("went up: %q, told of %q", host.names, paid)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v; want the one that the host never takes", left, err)
	}
}
