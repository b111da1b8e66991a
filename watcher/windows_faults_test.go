//go:build windows

package watcher

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// hurry gives other programs less time.
func (d *winDesk) hurry(limit time.Duration) {
	b := d.clipboard()
	b.limits = winLimits{hold: limit, answer: limit, put: limit}
}

// idleDesk is a desk without a Run.
func idleDesk(t *testing.T) *winDesk {
	t.Helper()
	d := &winDesk{winProgram: startWinProgram(t), t: t}
	w, err := Open(t.Context(), pngs)
	if err != nil {
		t.Fatal(err)
	}
	d.Watcher = w
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// finds checks which picture Read finds.
func (d *winDesk) finds(data []byte) Clip {
	d.t.Helper()
	c, err := d.Read(d.t.Context())
	if err != nil || !bytes.Equal(c.Data, data) {
		d.t.Fatalf("%q with %d bytes, %v; want %d", c.Why, len(c.Data), err, len(data))
	}
	return c
}

func TestWindowsAnotherProgramHoldsTheClipboard(t *testing.T) {
	d := idleDesk(t)
	d.copy(named("PNG", pictureOf(2000, 1)...))
	other := startWinProgram(t)
	const hold = 2 * time.Second
	other.do(order{Hold: hold})
	start := time.Now()
	c := d.finds(pictureOf(2000, 1))
	if took := time.Since(start); took < hold/2 {
		t.Errorf("it was read after %v, held for %v", took, hold)
	}
	other.do(order{Hold: hold})
	if err := d.Replace(t.Context(), c, "link"); err != nil {
		t.Fatal(err)
	}
	d.pastes("link")
}

func TestWindowsAProgramThatHoldsTheClipboardIsNamed(t *testing.T) {
	d := idleDesk(t)
	d.hurry(100 * time.Millisecond)
	d.copy(named("PNG", pictureOf(2000, 1)...))
	c := d.finds(pictureOf(2000, 1))
	other := startWinProgram(t)
	other.do(order{Hold: time.Second, Windowed: true})
	err := d.Replace(t.Context(), c, "link")
	if err == nil || !strings.Contains(err.Error(), "watcher.test.exe holds the clipboard") {
		t.Errorf("Replace: %v", err)
	}
	if c, err := d.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "watcher.test.exe holds the clipboard") {
		t.Errorf("Read: %q, %v", c.Why, err)
	}
	if formats, err := c.offer.formats(t.Context()); err == nil || !slices.Contains(formats, "PNG") {
		t.Errorf("what cannot be had is not known: %q, %v", formats, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Replace(ctx, c, "link"); err == nil {
		t.Error("given up, it replaces")
	}
	other.do(order{}) // when it has let go
	d.finds(pictureOf(2000, 1))
}

func TestWindowsAContentMayBeLate(t *testing.T) {
	d := newWinDesk(t)
	want := pictureOf(2000, 1)
	d.do(order{Contents: []winContent{named("PNG", want...)}, Windowed: true, Late: true, Slow: 300 * time.Millisecond})
	c := d.expect(IsPicture)
	if !bytes.Equal(c.Data, want) {
		t.Errorf("%d bytes came", len(c.Data))
	}
	if err := d.Replace(t.Context(), c, "link"); err != nil {
		t.Error(err)
	}
	d.pastes("link")
	d.none()
}

// A frozen program must not make us keep the clipboard from all others.
func TestWindowsAFrozenProgram(t *testing.T) {
	if os.Getenv("DISPLAY") != "" {
		t.Skip("Wine's own link to X11 asks the frozen program, and keeps the clipboard open meanwhile")
	}
	d := newWinDesk(t)
	d.hurry(300 * time.Millisecond)
	other := startWinProgram(t)
	frozen := time.Now()
	const freeze = 3 * time.Second
	d.do(order{Contents: []winContent{named("PNG", pictureOf(2000, 1)...)}, Windowed: true, Late: true, Freeze: freeze})
	if c := d.expect(NotReadable); !c.Lost() {
		t.Errorf("nobody is told of the picture in %q", c.Formats)
	}
	other.do(order{Hold: time.Millisecond})
	if took := time.Since(frozen); took > freeze {
		t.Errorf("another program can open the clipboard after %v", took)
	}
	other.copy(named("PNG", pictureOf(2000, 2)...))
	c := d.expect(IsPicture)
	if err := d.Replace(t.Context(), c, "link"); err != nil {
		t.Error(err)
	}
	d.do(order{}) // when it works again
	d.pastes("link")
}

// One that freezes while it is asked is given up, and waited for by nobody.
func TestWindowsAProgramThatDoesNotHandOver(t *testing.T) {
	d := newWinDesk(t)
	d.hurry(200 * time.Millisecond)
	before := runtime.NumGoroutine()
	d.do(order{Contents: []winContent{named("PNG", pictureOf(2000, 1)...)}, Windowed: true, Late: true, Slow: 2 * time.Second})
	d.expect(NotReadable)
	start := time.Now()
	if c, err := d.Read(t.Context()); err == nil || time.Since(start) > time.Second {
		t.Errorf("meanwhile: %q after %v, %v", c.Why, time.Since(start), err)
	}
	d.until("it is over", func() bool { return runtime.NumGoroutine() <= before })
	d.copy(named("PNG", pictureOf(2000, 2)...))
	d.expect(IsPicture)
}

func TestWindowsAProgramThatEndsHandsOverBefore(t *testing.T) {
	d := idleDesk(t)
	other := startWinProgram(t)
	want := pictureOf(2000, 1)
	other.do(order{Contents: []winContent{named("PNG", want...)}, Windowed: true, Late: true})
	other.quit()
	d.finds(want)
}

func TestWindowsAnOfferThatIsGone(t *testing.T) {
	d := idleDesk(t)
	d.copy(named("PNG", pictureOf(2000, 1)...))
	o, _, err := d.clipboard().current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if formats, err := o.formats(t.Context()); err != nil || !slices.Equal(formats, []string{"PNG"}) {
		t.Fatalf("%q, %v", formats, err)
	}
	d.copy(named("PNG", pictureOf(2000, 2)...))
	if _, err := o.read(t.Context(), "PNG", 3000, nil); !errors.Is(err, errSuperseded) {
		t.Errorf("read: %v", err)
	}
	if _, err := o.formats(t.Context()); !errors.Is(err, errSuperseded) {
		t.Errorf("formats: %v", err)
	}
	if err := d.clipboard().put(t.Context(), o, content{text: "link"}); !errors.Is(err, ErrChanged) {
		t.Errorf("put: %v", err)
	}
	d.finds(pictureOf(2000, 2))
}

// Another program that reads makes the number grow on Windows, where the
// content was to be put there late.
func TestWindowsTheNumberGrowsByItself(t *testing.T) {
	d := newWinDesk(t)
	png := named("PNG", pictureOf(2000, 1)...)
	d.copy(png)
	c := d.expect(IsPicture)
	d.do(order{Contents: []winContent{png}, Add: true, Windowed: true})
	if err := d.Replace(t.Context(), c, "link"); err != nil {
		t.Errorf("Replace: %v", err)
	}
	d.pastes("link")
	d.none()
}

func TestWindowsTheLikeTwiceIsOneCopy(t *testing.T) {
	d := newWinDesk(t)
	for i := range byte(5) { // as Wine has it from X11
		png := named("PNG", pictureOf(2000, i)...)
		d.copy(png)
		d.copy(png)
		if c := d.settled(); c.Why != IsPicture || !bytes.Equal(c.Data, png.Data) {
			t.Errorf("%d: %q", i, c.Why)
		}
	}
	d.copy(unicode("what comes next"))
	if c := d.settled(); c.Why != TextBeside {
		t.Errorf("%q", c.Why)
	}
}

// settled returns the next clip that was there for long enough to be read.
func (d *winDesk) settled() Clip {
	d.t.Helper()
	for {
		select {
		case c := <-d.clips:
			if c.Why != Superseded {
				return c
			}
		case <-time.After(15 * time.Second):
			d.t.Fatal("no clip came")
		}
	}
}

func TestWindowsReadingAndPuttingAtOnce(t *testing.T) {
	d := idleDesk(t)
	var busy sync.WaitGroup
	defer busy.Wait()
	busy.Go(func() {
		for i := range byte(50) {
			if err := d.PutPicture(t.Context(), "image/png", pictureOf(5000, i)); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range byte(50) {
		d.copy(named("PNG", pictureOf(5000, 100+i)...))
		c, err := d.Read(t.Context())
		if err != nil || c.Why != IsOurs && !bytes.Equal(c.Data, pictureOf(5000, 100+i)) {
			t.Errorf("%q with %d bytes, %v", c.Why, len(c.Data), err)
		}
	}
}

func TestWindowsManyCopies(t *testing.T) {
	d := newWinDesk(t)
	var copying sync.WaitGroup
	defer copying.Wait()
	copying.Go(func() {
		for i := range byte(100) {
			d.copy(named("PNG", pictureOf(5000, i)...))
		}
		d.copy(unicode("the last one"))
	})
	seen := 0
	for c := range d.clips {
		if c.Why == TextBeside {
			break
		}
		if c.Why == IsPicture {
			seen++
		} else if c.Why != Superseded && c.Why != IsEmpty {
			t.Errorf("%q", c.Why)
		}
	}
	t.Logf("%d of 100 were seen", seen)
}
