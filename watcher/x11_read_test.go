//go:build !darwin && !windows

package watcher

import (
	"errors"
	"slices"
	"testing"

	"bilipaste/internal/desktoptest"
)

func TestReadFindsWhatWasThereAtTheStart(t *testing.T) {
	x := desktoptest.StartX(t)
	want := pictureOf(3_000_000, 1)
	for _, run := range []bool{false, true} {
		owner := x.Copy(t, "image/png", want)
		desktoptest.Eventually(t, "the picture is there", func() bool {
			got, err := x.Paste(t, "image/png")
			return err == nil && len(got) == len(want)
		})
		w := open(t)
		seen := make(chan Clip, 10)
		if run {
			runs(t, w, seen)
		}
		c := reads(t, w, IsPicture, want)
		if c.Take != Picture || c.Type != "image/png" || !slices.Equal(c.Formats, []string{"image/png"}) {
			t.Errorf("taken as %v %q of %q", c.Take, c.Type, c.Formats)
		}
		if err := w.Replace(t.Context(), c, "link"); err != nil {
			t.Errorf("Replace: %v", err)
		}
		if got, err := x.Paste(t, "UTF8_STRING"); err != nil || string(got) != "link" {
			t.Errorf("%q is pasted, %v", got, err)
		}
		if err := w.Replace(t.Context(), c, "again"); !errors.Is(err, ErrChanged) {
			t.Errorf("a second Replace: %v", err)
		}
		reads(t, w, IsOurs, nil)
		if len(seen) > 0 {
			t.Error("Run told of it")
		}
		_ = owner.Kill()
	}
}

func TestReadJudgesAsRunDoes(t *testing.T) {
	x, w := atRest(t)
	if c, err := w.Read(t.Context()); err != nil || c.Why != IsEmpty || c.Take != Nothing {
		t.Errorf("of nothing: %q, %v", c.Why, err)
	}
	x.Copy(t, "UTF8_STRING", []byte("a text"))
	reads(t, w, TextBeside, nil)
	x.Copy(t, "x-kde-passwordManagerHint", []byte("secret"))
	reads(t, w, IsSecret, nil)
	path := file(t, "a.png", pictureOf(100, 1))
	x.Copy(t, "text/uri-list", []byte("file://"+path))
	if c := reads(t, w, IsFiles, nil); !slices.Equal(c.Files, []string{path}) {
		t.Errorf("files: %q", c.Files)
	}
	owner := x.Copy(t, "image/png", pictureOf(2000, 1))
	c := reads(t, w, IsPicture, pictureOf(2000, 1))
	_ = owner.Kill()
	reads(t, w, IsEmpty, nil)
	if err := w.Replace(t.Context(), c, "link"); err != nil {
		t.Errorf("Replace, whose program has ended: %v", err)
	}
	if err := w.PutPicture(t.Context(), "image/png", pictureOf(2000, 2)); err != nil {
		t.Fatal(err)
	}
	reads(t, w, IsOurs, nil)
}

func TestReplaceAfterReadLeavesANewerCopyAlone(t *testing.T) {
	x, w := atRest(t)
	for i := range 10 {
		x.Copy(t, "image/png", pictureOf(2000, byte(i)))
		c := reads(t, w, IsPicture, pictureOf(2000, byte(i)))
		p := newProgram(t)
		p.copy(map[string][]byte{"UTF8_STRING": []byte("newer")})
		if err := w.Replace(t.Context(), c, "link"); !errors.Is(err, ErrChanged) {
			t.Errorf("Replace: %v, want ErrChanged", err)
		}
		if got, err := x.Paste(t, "UTF8_STRING"); err != nil || string(got) != "newer" {
			t.Errorf("%q is pasted, %v", got, err)
		}
	}
}

// A clip that Run has told of, and that a clipboard manager has taken over since.
func TestReadDuringRun(t *testing.T) {
	d := newDesk(t)
	app, manager := newProgram(t), newProgram(t)
	manager.manage()
	content := map[string][]byte{"image/png": pictureOf(3000, 1)}
	app.copy(content)
	d.expect(IsPicture)
	before := reads(t, d.Watcher, IsPicture, content["image/png"])
	manager.copy(content)
	d.until("the take-over is judged", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.latest.offer != before.offer
	})
	after := reads(t, d.Watcher, IsPicture, content["image/png"])
	if err := d.Replace(t.Context(), after, "link"); err != nil {
		t.Errorf("Replace: %v", err)
	}
	d.pastes("UTF8_STRING", "link")
	if err := d.Replace(t.Context(), before, "again"); !errors.Is(err, ErrChanged) {
		t.Errorf("Replace of the same clip, read earlier: %v", err)
	}
	d.none()
}

func TestPutAndReadSayThatTheServerIsGone(t *testing.T) {
	x, w := atRest(t)
	x.Stop()
	desktoptest.Eventually(t, "the connection is over", w.backend.(*x11).link.isOver)
	for what, err := range map[string]error{
		"PutText": w.PutText(t.Context(), "link"),
		"Read":    func() error { _, err := w.Read(t.Context()); return err }(),
	} {
		if err == nil || errors.Is(err, ErrChanged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	x.Restart(t)
	if err := w.PutText(t.Context(), "link"); err != nil {
		t.Errorf("the server is back: %v", err)
	}
	if got, err := x.Paste(t, "UTF8_STRING"); err != nil || string(got) != "link" {
		t.Errorf("%q is pasted, %v", got, err)
	}
}
