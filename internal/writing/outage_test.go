package writing_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/watcher"
)

// copies is a clip of a picture of its own.
func copies(t *testing.T, name string) watcher.Clip {
	t.Helper()
	return watcher.Clip{Formats: []string{name}, Take: watcher.Picture, Why: watcher.IsPicture, Data: pictureOf(t, name).Data}
}

// said returns what the user was told, and what was pasted.
func (d *desk) said() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.log)
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

func TestAPictureIsInTheAlbumBeforeItIsSent(t *testing.T) {
	d := newDesk()
	d.proceed = make(chan struct{})
	d.start(t)
	d.copied <- copies(t, "one")
	<-d.sending
	d.copied <- copies(t, "two") // it waits for its turn there
	eventually(t, "both are kept", func() bool {
		entries, err := d.album.Pending(t.Context())
		if err != nil || len(entries) != 2 {
			return false
		}
		_, err = d.album.Original(t.Context(), entries[1].Sum)
		return err == nil
	})
	entries, err := d.album.Pending(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"one", "two"} {
		file, err := d.album.Original(t.Context(), entries[i].Sum)
		data, readErr := os.ReadFile(file)
		if err != nil || readErr != nil || string(data) != string(pictureOf(t, name).Data) || !entries[i].Taken {
			t.Errorf("%s: %v, %v, %+v", name, err, readErr, entries[i])
		}
	}
	d.proceed <- struct{}{}
	<-d.sending
	d.proceed <- struct{}{}
	<-d.reported
	<-d.reported
	if got := pending(t, d.album); len(got) != 0 {
		t.Errorf("pending: %q", got)
	}
}

func TestWhatTheAlbumCannotKeepIsNotSent(t *testing.T) {
	d := newDesk()
	m := d.start(t)
	originals := filepath.Join(m.Album.Dir(), "originals")
	if err := errors.Join(os.Remove(originals), os.WriteFile(originals, nil, 0o600)); err != nil { // no folder
		t.Fatal(err)
	}
	d.copied <- copies(t, "one")
	r := <-d.reported
	if len(d.sending) != 0 || r.Text != "" || r.Pictures[0].Waits || d.text != "" {
		t.Errorf("%+v", r)
	}
	if log := d.said(); len(log) != 1 || !strings.HasPrefix(log[0], "failed: Picture not uploaded: the album in ") {
		t.Errorf("%q", log)
	}
}

// In an outage the rest of a clip waits without being tried.
func TestTheRestOfAClipWaits(t *testing.T) {
	d := newDesk()
	d.failing["a.png"] = &fault.Error{Kind: fault.Rejected, Host: "host"}
	d.failing["b.png"] = noLogin
	d.start(t)
	var c watcher.Clip
	for _, name := range []string{"a.png", "b.png", "c.png"} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, pictureOf(t, name).Data, 0o600); err != nil {
			t.Fatal(err)
		}
		c.Files = append(c.Files, file)
	}
	c.Take = watcher.Files
	d.copied <- c
	r := <-d.reported
	if len(d.sending) != 2 || r.Pictures[0].Waits || !r.Pictures[1].Waits || !r.Pictures[2].Waits {
		t.Errorf("%d were tried: %+v", len(d.sending), r.Pictures)
	}
	if got := pending(t, d.album); !slices.Equal(got, []string{"a.png", "b.png", "c.png"}) {
		t.Errorf("pending: %q", got)
	}
}

// What was copied before an outage was found waits at once; what is copied after
// it is tried. Trouble of the host may be with one picture alone.
func TestAnOutageIsFoundOnce(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		tried int // of those that were copied before
	}{
		"not signed in": {noLogin, 0},
		"trouble":       {&fault.Error{Kind: fault.Passing, Host: "host", Code: 500}, 2},
	} {
		t.Run(name, func(t *testing.T) { anOutageIsFoundOnce(t, test.err, test.tried) })
	}
}

func anOutageIsFoundOnce(t *testing.T, outage error, tried int) {
	d := newDesk()
	d.proceed = make(chan struct{})
	m := d.start(t)
	d.fails(outage)
	d.copied <- copies(t, "one")
	<-d.sending
	d.copied <- copies(t, "two")
	d.copied <- copies(t, "three")
	eventually(t, "all three are in the album", func() bool {
		entries, err := m.Album.Pending(t.Context())
		return err == nil && len(entries) == 3
	})
	close(d.proceed)
	for range 3 {
		if r := <-d.reported; !r.Pictures[0].Waits || !errors.Is(r.Pictures[0].Err, outage) {
			t.Errorf("%+v", r.Pictures)
		}
	}
	if n := len(d.sending); n != tried {
		t.Errorf("%d of those that had come before were tried, not %d", n, tried)
	}
	d.copied <- copies(t, "four")
	<-d.reported
	if n := len(d.sending); n != tried+1 {
		t.Errorf("%d were tried afterwards", n-tried)
	}
}

// What fails for a reason that will pass is told once, and goes up late, with
// nothing pasted; what fails for good waits for the user.
func TestWhatFailsIsPending(t *testing.T) {
	d := newDesk()
	d.start(t)
	d.fails(offline)
	for _, name := range []string{"one", "two"} {
		d.copied <- copies(t, name)
		if r := <-d.reported; !r.Pictures[0].Waits || r.Text != "" {
			t.Errorf("%+v", r)
		}
	}
	d.fails(&fault.Error{Kind: fault.Rejected, Host: "host"})
	d.copied <- copies(t, "bad")
	if r := <-d.reported; r.Pictures[0].Waits {
		t.Errorf("%+v", r)
	}
	d.fails(noLogin) // another outage
	d.copied <- copies(t, "three")
	<-d.reported
	want := []string{
		"failed: Picture not uploaded: host cannot be reached: dial: refused / It is kept, and goes up by itself. []",
		"failed again: :  []",
		"failed: Picture not uploaded: host does not accept the picture / It is kept: \"bilipaste queue list\" shows it. []",
		"failed: Picture not uploaded: not logged in / run \"bilipaste login\" / It is kept, and goes up by itself. []",
	}
	log := d.said()
	for i := range log {
		log[i] = strings.Replace(log[i], "[.]", "[]", 1)
	}
	if !slices.Equal(log, want) {
		t.Errorf("%q", log)
	}

	// With the next one that goes up, the rest does.
	d.fails(nil)
	d.copied <- copies(t, "four")
	<-d.reported
	eventually(t, "the others go up", func() bool {
		return slices.ContainsFunc(d.said(), func(s string) bool { return strings.HasPrefix(s, "done: 3 pictures copied earlier are uploaded") })
	})
	if entries, err := d.album.Pending(t.Context()); err != nil || len(entries) != 1 || !entries[0].Failed {
		t.Errorf("pending: %+v, %v", entries, err)
	}
	if d.text != "![](https://host/)" || slices.Index(d.said(), "paste") < 0 {
		t.Errorf("%q", d.said())
	}
}
