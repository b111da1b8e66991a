package writing_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/fault"
	"bilipaste/internal/picture"
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
	eventually(t, "both are recorded", func() bool { return len(pending(t, d.album)) == 0 })
}

func TestWhatTheAlbumCannotKeepIsSentAllTheSame(t *testing.T) {
	d := newDesk()
	m := d.start(t)
	originals := filepath.Join(m.Album.Dir(), "originals")
	if err := errors.Join(os.Remove(originals), os.WriteFile(originals, nil, 0o600)); err != nil { // no folder
		t.Fatal(err)
	}
	d.copied <- copies(t, "one")
	r := <-d.reported
	if r.Text == "" || r.Pasted != nil || r.Pictures[0].NotKept == nil {
		t.Errorf("%+v", r)
	}
	if log := d.said(); len(log) != 2 || !strings.HasPrefix(log[1], "done: Picture uploaded: ") || !strings.Contains(log[1], "The album could not keep it: ") {
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
	if r.Pictures[0].Waits || !r.Pictures[1].Waits || !r.Pictures[2].Waits {
		t.Errorf("%+v", r.Pictures)
	}
	if <-d.sending != "a.png" || <-d.sending != "b.png" || len(d.sending) > 0 {
		t.Error("another one was tried")
	}
	if got := pending(t, d.album); !slices.Equal(got, []string{"a.png", "b.png", "c.png"}) {
		t.Errorf("pending: %q", got)
	}
}

var (
	offline = &fault.Error{Kind: fault.Passing, Host: "host", Why: "network", After: time.Hour, Err: &net.OpError{Op: "dial", Err: errors.New("refused")}} // which is not tried again at once
	noLogin = &fault.Error{Kind: fault.NotLoggedIn}
)

// pictureOf returns a picture of which there is one for each name.
func pictureOf(t *testing.T, name string) picture.Picture {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 16, 16))
	for i := range name {
		m.SetGray(i%16, i/16, color.Gray{name[i]})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	p, err := picture.New(name, b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// pending returns the names of what is pending.
func pending(t *testing.T, a *album.Album) (names []string) {
	t.Helper()
	entries, err := a.Pending(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Picture.Name)
	}
	return names
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
	eventually(t, "only what has failed is pending", func() bool {
		entries, err := d.album.Pending(t.Context())
		return err == nil && len(entries) == 1 && entries[0].Failed
	})
	if d.text != "![](https://host/)" || slices.Index(d.said(), "paste") < 0 {
		t.Errorf("%q", d.said())
	}
}

// What was copied earlier is told of in one notification, with its first links.
func TestManyLateLinksAreOneNotification(t *testing.T) {
	d := newDesk()
	m := d.start(t)
	d.fails(noLogin)
	d.copied <- copies(t, "first")
	<-d.reported
	for _, name := range strings.Fields("1 2 3 4 5 6 7") {
		e, err := m.Album.Keep(t.Context(), pictureOf(t, name+".png"), shelf)
		if err == nil {
			err = m.Album.Postpone(t.Context(), e.ID, album.Failure{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	d.fails(nil)
	m.Queue.Wake()
	eventually(t, "all go up", func() bool { return len(pending(t, d.album)) == 0 && len(d.said()) > 1 })
	log := d.said()
	if len(log) != 2 || !strings.HasPrefix(log[1], "done: 8 pictures copied earlier are uploaded") || strings.Count(log[1], "https://") != 5 || !strings.Contains(log[1], "and 3 more, among the recent links") {
		t.Errorf("told %q", log)
	}
}
