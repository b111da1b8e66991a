package watcher

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"bilipaste/internal/desktoptest"
)

func TestWaylandPuts(t *testing.T) {
	c := desktoptest.StartSway(t)
	w := open(t)
	b := w.backend.(*wayland)
	clips := make(chan Clip, 10)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = w.Run(ctx, func(c Clip) { clips <- c }) })
	t.Cleanup(func() { cancel(); running.Wait() })
	listens(t, b)

	c.Copy(t, "image/png", noise(10))
	before := <-clips
	for _, format := range []string{"image/png", "image/jpeg"} {
		for _, size := range []int{1, 200_000, 12 << 20} {
			want := noise(size)
			if err := w.PutPicture(t.Context(), format, want); err != nil {
				t.Fatal(err)
			}
			var pasting sync.WaitGroup
			for range 2 { // at once
				pasting.Go(func() {
					if got := paste(t, c, format); got != string(want) {
						t.Errorf("%s of %d bytes: %d others are pasted", format, size, len(got))
					}
				})
			}
			pasting.Wait()
			if got := strings.Fields(formatsOf(t, c)); !slices.Equal(got, []string{format, b.mark}) {
				t.Errorf("offered: %q", got)
			}
		}
	}
	if err := w.Replace(t.Context(), before, "link"); !errors.Is(err, ErrChanged) {
		t.Errorf("Replace after a Put: %v", err)
	}

	path := file(t, "截图 1%.png", pictureOf(100, 1))
	if err := w.PutFiles(t.Context(), []string{path}); err != nil {
		t.Fatal(err)
	}
	if got := paste(t, c, "text/uri-list"); got != fileURI(path)+"\r\n" {
		t.Errorf("files are pasted as %q", got)
	}
	if got := paste(t, c, "x-special/gnome-copied-files"); got != "copy\n"+fileURI(path) {
		t.Errorf("files are pasted as %q", got)
	}
	if got := reads(t, open(t), IsFiles, nil); !slices.Equal(got.Files, []string{path}) {
		t.Errorf("another program reads %q", got.Files)
	}
	if err := w.PutText(t.Context(), "link"); err != nil {
		t.Fatal(err)
	}
	if got := paste(t, c, ""); got != "link" {
		t.Errorf("a text is pasted as %q", got)
	}
	reads(t, w, IsOurs, nil)

	c.Copy(t, "text/plain", []byte("newer"))
	if got := <-clips; got.Why != TextBeside {
		t.Errorf("Run told of %q, which is ours", got.Formats)
	}
	s := b.session
	desktoptest.Eventually(t, "what was put is let go", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.sources) == 0
	})
}

func TestWaylandReadsWhatIsThere(t *testing.T) {
	c := desktoptest.StartSway(t)
	early := open(t)
	if clip, err := early.Read(t.Context()); err != nil || clip.Why != IsEmpty {
		t.Errorf("of nothing: %q, %v", clip.Why, err)
	}
	for _, w := range []func() *Watcher{
		func() *Watcher { return early },
		func() *Watcher { return open(t) }, // it was there at the start
	} {
		c.Copy(t, "image/png", noise(12<<20))
		reads(t, early, IsPicture, noise(12<<20))
		w := w()
		clip := reads(t, w, IsPicture, noise(12<<20))
		if err := w.Replace(t.Context(), clip, "link"); err != nil {
			t.Errorf("Replace: %v", err)
		}
		if got := paste(t, c, ""); got != "link" {
			t.Errorf("%q is pasted", got)
		}
		reads(t, w, IsOurs, nil)

		c.Copy(t, "image/png", noise(20))
		clip = reads(t, w, IsPicture, noise(20))
		c.Copy(t, "text/plain", []byte("newer"))
		reads(t, early, TextBeside, nil)
		if err := w.Replace(t.Context(), clip, "link"); !errors.Is(err, ErrChanged) {
			t.Errorf("Replace after another copy: %v", err)
		}
		if got := paste(t, c, ""); got != "newer" {
			t.Errorf("%q is pasted", got)
		}
	}
	if _, err := early.Read(ended(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("Read with an ended context: %v", err)
	}
}

func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
