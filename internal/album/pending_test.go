package album_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// keep keeps a picture.
func keep(t *testing.T, a *album.Album, n int) album.Pending {
	t.Helper()
	d, err := a.Keep(t.Context(), drawn(t, n), live)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAPostponedUploadWaitsWithItsReason(t *testing.T) {
	dir := t.TempDir()
	a, other := open(t, dir), open(t, dir)
	first, second := keep(t, a, 1), keep(t, a, 2)
	again := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	for range 2 {
		if err := a.Postpone(t.Context(), first.ID, album.Failure{Why: "no network", Again: again}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Postpone(t.Context(), second.ID, album.Failure{Why: "no picture", Failed: true}); err != nil {
		t.Fatal(err)
	}
	entries := pending(t, other)
	if len(entries) != 2 || entries[0].ID != first.ID || entries[0].Taken || entries[0].Tries != 2 || entries[0].Why != "no network" || !entries[0].Again.Equal(again) {
		t.Fatalf("%+v", entries)
	}
	if d := entries[1]; d.ID != second.ID || !d.Failed || !d.Again.IsZero() {
		t.Errorf("%+v", d)
	}
	if _, err := other.Take(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Take(t.Context(), first.ID); !errors.Is(err, album.ErrTaken) {
		t.Errorf("taken twice: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Take(t.Context(), first.ID); err != nil {
		t.Errorf("what was let go of: %v", err)
	}
}

func TestAPictureIsPendingOnceHoweverOftenItIsCopied(t *testing.T) {
	dir := t.TempDir()
	a, other := open(t, dir), open(t, dir)
	first := keep(t, a, 1)
	if err := a.Postpone(t.Context(), first.ID, album.Failure{Why: "no network", Failed: true}); err != nil {
		t.Fatal(err)
	}
	if d := keep(t, a, 1); d.ID != first.ID {
		t.Errorf("a second entry: %+v", d)
	}
	if entries := pending(t, a); len(entries) != 1 || entries[0].Failed || entries[0].Why != "" || entries[0].Tries != 0 {
		t.Errorf("what is copied again is not new: %+v", entries)
	}
	// Another one that wants it at the same destination joins the entry, one that
	// wants it elsewhere has another.
	joined, err := other.Keep(t.Context(), drawn(t, 1), live)
	if err != nil || joined.ID != first.ID || joined.Ours || !joined.Taken {
		t.Errorf("%+v, %v", joined, err)
	}
	elsewhere, err := other.Keep(t.Context(), drawn(t, 1), uploader.Destination{Host: "folder"})
	if err != nil || elsewhere.ID == first.ID || !elsewhere.Ours || elsewhere.To.Host != "folder" || first.To != live {
		t.Errorf("%+v, %v", elsewhere, err)
	}
	if err := other.Postpone(t.Context(), first.ID, album.Failure{Why: "no network"}); err != nil { // it is not other's
		t.Fatal(err)
	}
	if entries := pending(t, a); len(entries) != 2 || !entries[0].Taken || entries[0].Why != "" {
		t.Errorf("%+v", entries)
	}
	if err := a.Record(t.Context(), upload(drawn(t, 1))); err != nil {
		t.Fatal(err)
	}
	if entries := pending(t, a); len(entries) != 1 || entries[0].ID != elsewhere.ID {
		t.Errorf("%+v", entries)
	}
	if err := a.Postpone(t.Context(), first.ID, album.Failure{}); err != nil {
		t.Errorf("an upload that was done: %v", err)
	}
}

func TestWhatIsKnownIsNotPending(t *testing.T) {
	a := open(t, t.TempDir())
	if err := a.Record(t.Context(), upload(drawn(t, 1))); err != nil {
		t.Fatal(err)
	}
	d := keep(t, a, 1)
	if _, ok, err := a.Known(t.Context(), live, d.Sum, "keep"); ok || err != nil {
		t.Fatal(ok, err)
	}
	if entries := pending(t, a); len(entries) != 1 {
		t.Errorf("%+v", entries)
	}
	link, ok, err := a.Known(t.Context(), live, d.Sum, "strip")
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	link.Known = true
	if err := a.Record(t.Context(), uploader.Upload{To: live, At: live, Picture: d.Picture, Given: d.Sum, How: "strip", Link: link}); err != nil {
		t.Fatal(err)
	}
	if entries := pending(t, a); len(entries) != 0 {
		t.Errorf("%+v", entries)
	}
}

func TestDroppedIsNotPending(t *testing.T) {
	a := open(t, t.TempDir())
	first, second := keep(t, a, 1), keep(t, a, 2)
	if what, hint := say(a.Drop(t.Context(), first.ID, 99)); !strings.Contains(what, "number 99") || hint == "" {
		t.Errorf("%s / %s", what, hint)
	}
	if entries := pending(t, a); len(entries) != 2 {
		t.Errorf("%+v", entries)
	}
	if err := a.Drop(t.Context(), first.ID, second.ID); err != nil {
		t.Fatal(err)
	}
	if entries := pending(t, a); len(entries) != 0 {
		t.Errorf("%+v", entries)
	}
	if _, err := a.Original(t.Context(), first.Sum); err != nil {
		t.Errorf("the original went, too: %v", err)
	}
}

func TestAnOriginalThatIsNotWhatItWasIsNotUploaded(t *testing.T) {
	a := open(t, t.TempDir())
	for n, spoil := range map[int]func(file string) error{
		1: os.Remove,
		2: func(file string) error { return os.WriteFile(file, []byte("something else"), 0o600) },
	} {
		d := keep(t, a, n)
		if err := a.Postpone(t.Context(), d.ID, album.Failure{}); err != nil {
			t.Fatal(err)
		}
		file, err := a.Original(t.Context(), d.Sum)
		if err != nil {
			t.Fatal(err)
		}
		if err := spoil(file); err != nil {
			t.Fatal(err)
		}
		for range 2 { // nobody is at it
			if what, _ := say(func() error { _, err := a.Take(t.Context(), d.ID); return err }()); !strings.Contains(what, file) {
				t.Errorf("%d: %s", n, what)
			}
		}
		// Copied again, it is there again.
		if again := keep(t, a, n); again.ID != d.ID {
			t.Errorf("a second entry: %+v", again)
		}
		if err := a.Postpone(t.Context(), d.ID, album.Failure{}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Take(t.Context(), d.ID); err != nil {
			t.Error(err)
		}
	}
	holdsFiles(t, a, 2)
}

// A row whose original is missing or short is what a kill leaves: it was never
// taken. One whose original is whole waits for its upload.
func TestWhatWasInterruptedIsCompletedOrGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		cut  int // bytes that are missing
		left int // pending uploads
	}{"whole": {0, 1}, "short": {10, 0}, "empty": {1 << 20, 0}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			first, err := album.Open(t.Context(), dir, album.Options{})
			if err != nil {
				t.Fatal(err)
			}
			p := drawn(t, 1)
			e, err := first.Enqueue(t.Context(), p, picture.SumOf(p.Data), live) // and then it is killed
			if err == nil {
				err = first.Close()
			}
			if err == nil {
				err = os.Truncate(first.File(e.Sum, p.Format), max(0, int64(len(p.Data)-c.cut)))
			}
			if err != nil {
				t.Fatal(err)
			}
			a := open(t, dir)
			if entries := pending(t, a); len(entries) != c.left {
				t.Fatalf("%+v", entries)
			}
			holdsFiles(t, a, c.left)
			if c.left > 0 {
				got, err := a.Take(t.Context(), e.ID)
				if err != nil || string(got.Data) != string(p.Data) {
					t.Error(err)
				}
			} else if _, err := a.Take(t.Context(), e.ID); !errors.Is(err, album.ErrNotPending) {
				t.Error(err)
			}
			if keep(t, a, 1).Picture.Width != p.Width {
				t.Error("it cannot be copied again")
			}
			if r := verify(t, dir); r.Whole != 1 || len(r.Missing)+len(r.Changed)+len(r.Strange)+r.Adopted > 0 {
				t.Errorf("%+v", r)
			}
		})
	}
}
