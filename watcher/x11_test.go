//go:build !darwin && !windows

package watcher

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bilipaste/internal/desktoptest"
)

// desk is a virtual desktop with a watched clipboard.
type desk struct {
	*desktoptest.XServer
	*Watcher
	t     testing.TB
	clips chan Clip
	end   func() // ends Run and closes the Watcher
}

// newDesk starts one. Programs get a short time to answer.
func newDesk(t testing.TB) *desk {
	limits := x11Patience
	limits.list, limits.chunk, limits.late = 500*time.Millisecond, 500*time.Millisecond, 300*time.Millisecond
	return startDesk(t, limits)
}

// startDesk starts one.
func startDesk(t testing.TB, limits x11Limits, set ...func(*Watcher)) *desk {
	d := &desk{XServer: desktoptest.StartX(t), t: t, clips: make(chan Clip, 16)}
	w, err := Open(t.Context(), pngs)
	if err != nil {
		t.Fatal(err)
	}
	d.Watcher = w
	x := w.backend.(*x11)
	x.limits, x.link.limits = limits, limits
	for _, s := range set {
		s(w)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx, func(c Clip) { d.clips <- c }) }()
	d.end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
		if err := w.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	t.Cleanup(d.end)
	d.until("Run is attached", func() bool {
		x.link.mu.Lock()
		defer x.link.mu.Unlock()
		return x.link.changed != nil
	})
	return d
}

// until waits until a condition holds.
func (d *desk) until(what string, holds func() bool) {
	d.t.Helper()
	for end := time.Now().Add(15 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			d.t.Fatalf("still not: %s", what)
		}
	}
}

// clip returns the next clip.
func (d *desk) clip() Clip {
	d.t.Helper()
	select {
	case c := <-d.clips:
		return c
	case <-time.After(15 * time.Second):
		d.t.Fatal("no clip came")
		panic("unreachable")
	}
}

// expect returns the next clip, which must be taken or left alone for this reason.
func (d *desk) expect(why Reason) Clip {
	d.t.Helper()
	c := d.clip()
	if c.Why != why {
		d.t.Fatalf("the clip %q is %q with %d bytes and files %q, want %q", c.Formats, c.Why, len(c.Data), c.Files, why)
	}
	return c
}

// none checks that no clip came before the next one: a text that is copied now.
func (d *desk) none() {
	d.t.Helper()
	d.Copy(d.t, "UTF8_STRING", []byte("what comes next"))
	d.expect(TextBeside)
}

// pastes checks what other programs find on the clipboard.
func (d *desk) pastes(format, want string) {
	d.t.Helper()
	got, err := d.Paste(d.t, format)
	if err != nil {
		d.t.Fatal(err)
	}
	if string(got) != want {
		d.t.Errorf("%s pastes %.80q, want %.80q", format, got, want)
	}
}

func TestPicturesArriveByteForByte(t *testing.T) {
	d := newDesk(t)
	for i, size := range []int{200, 203_000, 1 << 20, 12_000_000, 20_300_000} {
		want := pictureOf(size, byte(i))
		d.Copy(t, "image/png", want)
		c := d.expect(IsPicture)
		if c.Take != Picture || c.Type != "image/png" || !slices.Equal(c.Formats, []string{"image/png"}) {
			t.Errorf("%d bytes: take %v as %q of %q", size, c.Take, c.Type, c.Formats)
		}
		if !bytes.Equal(c.Data, want) {
			t.Errorf("%d bytes: %d others came", size, len(c.Data))
		}
	}
	d.Copy(t, "image/jpeg", pictureOf(3000, 9))
	if c := d.expect(IsPicture); c.Type != "image/jpeg" || len(c.Data) != 3000 {
		t.Errorf("jpeg: %q with %d bytes", c.Type, len(c.Data))
	}
	d.Copy(t, "image/svg+xml", []byte("<svg/>")) // to be refused by name
	if c := d.expect(IsPicture); c.Type != "image/svg+xml" || string(c.Data) != "<svg/>" {
		t.Errorf("svg: %q with %q", c.Type, c.Data)
	}
}

func TestOnlyCopiedPictureFilesCount(t *testing.T) {
	d := newDesk(t)
	a, b := file(t, "截图 1%.png", pictureOf(100, 1)), file(t, "é#b?.png", pictureOf(100, 2))
	note := file(t, "note.png", []byte("no picture"))
	uri := func(path string) string { return "file://" + strings.NewReplacer("%", "%25", " ", "%20").Replace(path) }

	d.Copy(t, "text/uri-list", []byte(uri(a)+"\r\n"+uri(b)+"\r\n"))
	if c := d.expect(IsFiles); c.Take != Files || !slices.Equal(c.Files, []string{a, b}) {
		t.Errorf("files: %q, want %q and %q", c.Files, a, b)
	}
	d.Copy(t, "text/uri-list", []byte(uri(a)+"\r\n"+uri(note)+"\r\n"))
	d.expect(OtherFiles)
	d.Copy(t, "text/uri-list", []byte("https://example.org/a.png\r\n"))
	d.expect(OtherFiles)
	d.Copy(t, "x-special/gnome-copied-files", []byte("cut\n"+uri(a)))
	d.expect(IsCut)
	d.Copy(t, "UTF8_STRING", []byte("\n "+a+"\n"))
	if c := d.expect(IsPath); !slices.Equal(c.Files, []string{a}) {
		t.Errorf("a path: %q", c.Files)
	}
	d.Copy(t, "UTF8_STRING", []byte(uri(b)))
	d.expect(IsPath)
	d.Copy(t, "UTF8_STRING", []byte("see "+a))
	d.expect(TextBeside)
	d.Copy(t, "UTF8_STRING", bytes.Repeat([]byte("a long text "), 200_000))
	d.expect(TextBeside)
	d.Copy(t, "x-kde-passwordManagerHint", []byte("secret"))
	d.expect(IsSecret)
}

func TestReplaceServesTheTextToEveryProgram(t *testing.T) {
	d := newDesk(t)
	d.Copy(t, "image/png", pictureOf(2000, 1))
	c := d.expect(IsPicture)
	const text = "![](https://example.org/é截图.png)"
	if err := d.Replace(t.Context(), c, text); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"UTF8_STRING", "TEXT", "text/plain", "text/plain;charset=utf-8"} {
		d.pastes(format, text)
	}
	d.pastes("STRING", "![](https://example.org/\xe9??.png)")
	targets, err := d.Paste(t, "TARGETS")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"TARGETS", "TIMESTAMP", "MULTIPLE", "SAVE_TARGETS", "UTF8_STRING", "STRING", "TEXT", "text/plain", "text/plain;charset=utf-8"} {
		if !slices.Contains(strings.Fields(string(targets)), want) {
			t.Errorf("%s is not offered", want)
		}
	}
	if _, err := d.Paste(t, "image/png"); err == nil {
		t.Error("the picture can still be pasted")
	}
	if err := d.Replace(t.Context(), c, "again"); !errors.Is(err, ErrChanged) {
		t.Errorf("a second Replace: %v, want ErrChanged", err)
	}
	d.none()
}

func TestReplaceLeavesANewerCopyAlone(t *testing.T) {
	d := newDesk(t)
	for i := range 20 {
		d.Copy(t, "image/png", pictureOf(2000, byte(i)))
		c := d.expect(IsPicture)
		d.Copy(t, "UTF8_STRING", []byte("newer"))
		if i%2 == 0 { // else its notice may still be on the way
			d.expect(TextBeside)
		}
		err := d.Replace(t.Context(), c, "link")
		if i%2 == 0 && !errors.Is(err, ErrChanged) {
			t.Fatalf("Replace: %v, want ErrChanged", err)
		}
		if i%2 == 1 {
			d.expect(TextBeside)
		}
		d.pastes("UTF8_STRING", "newer")
	}
	if err := d.Replace(t.Context(), Clip{}, "link"); !errors.Is(err, ErrChanged) {
		t.Errorf("Replace of no clip: %v", err)
	}
}

func TestReplaceAfterTheProgramHasEnded(t *testing.T) {
	d := newDesk(t)
	owner := d.Copy(t, "image/png", pictureOf(2000, 1))
	c := d.expect(IsPicture)
	_ = owner.Kill()
	_, _ = owner.Wait()
	if err := d.Replace(t.Context(), c, "link"); err != nil {
		t.Fatal(err)
	}
	d.pastes("UTF8_STRING", "link")
}

func TestALongTextIsServedWhole(t *testing.T) {
	d := newDesk(t)
	for _, size := range []int{maxPart, maxPart + 1, 3 * maxPart} {
		d.Copy(t, "image/png", pictureOf(2000, 1))
		long := strings.Repeat("x", size)
		if err := d.Replace(t.Context(), d.expect(IsPicture), long); err != nil {
			t.Fatal(err)
		}
		d.pastes("UTF8_STRING", long)
		d.pastes("TEXT", long)
	}
}

func TestTheServerMayEndAndComeBack(t *testing.T) {
	d := newDesk(t)
	d.Copy(t, "image/png", pictureOf(2000, 1))
	c := d.expect(IsPicture)
	d.Stop()
	if err := d.Replace(t.Context(), c, "link"); !errors.Is(err, ErrChanged) {
		t.Errorf("Replace with no server: %v", err)
	}
	d.Restart(t)
	d.until("the watcher is back", func() bool {
		x := d.backend.(*x11)
		x.mu.Lock()
		defer x.mu.Unlock()
		if x.link.isOver() {
			return false
		}
		x.link.mu.Lock()
		defer x.link.mu.Unlock()
		return x.link.changed != nil
	})
	d.Copy(t, "image/png", pictureOf(2000, 2))
	c = d.expect(IsPicture)
	if err := d.Replace(t.Context(), c, "link"); err != nil {
		t.Fatal(err)
	}
	d.pastes("UTF8_STRING", "link")
}

func TestTheSamePictureCopiedAgainLaterIsANewClip(t *testing.T) {
	d := newDesk(t)
	same := pictureOf(2000, 1)
	d.Copy(t, "image/png", same)
	c := d.expect(IsPicture)
	if err := d.Replace(t.Context(), c, "link"); err != nil {
		t.Fatal(err)
	}
	d.Copy(t, "image/png", same) // at once, but after it was replaced
	d.expect(IsPicture)

	time.Sleep(takeOver + 100*time.Millisecond) // the rule is about time
	d.Copy(t, "image/png", same)
	d.expect(IsPicture)
}

func TestOpenNamesWhatItTried(t *testing.T) {
	t.Setenv("DISPLAY", "")
	t.Setenv("WAYLAND_DISPLAY", "")
	_, err := Open(t.Context(), pngs)
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "X11: DISPLAY is not set") {
		t.Errorf("no display: %v", err)
	}
	t.Setenv("DISPLAY", ":987654")
	if _, err = Open(t.Context(), pngs); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), ":987654") {
		t.Errorf("no server: %v", err)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	x := desktoptest.StartX(t)
	before := runtime.NumGoroutine()
	w, err := Open(t.Context(), pngs)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	x.Copy(t, "image/png", pictureOf(2000, 1))
	ended := make(chan error)
	go func() { ended <- w.Run(ctx, func(Clip) {}) }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run ended with %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	(&desk{t: t}).until("all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before+2 }) // xclip's pipe
}

func BenchmarkRead(b *testing.B) {
	for name, size := range map[string]int{"200kB": 200_000, "12MB": 12_000_000} {
		b.Run(name, func(b *testing.B) {
			d := newDesk(b)
			d.Copy(b, "image/png", pictureOf(size, 1))
			c := d.expect(IsPicture)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if data, err := c.offer.read(b.Context(), "image/png", MaxClip, nil); err != nil || len(data) != size {
					b.Fatal(len(data), err)
				}
			}
		})
	}
}
