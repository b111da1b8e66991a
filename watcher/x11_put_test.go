//go:build !darwin && !windows

package watcher

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bilipaste/internal/desktoptest"
)

// atRest returns a watched clipboard without a Run.
func atRest(t *testing.T) (*desktoptest.XServer, *Watcher) {
	t.Helper()
	x := desktoptest.StartX(t)
	return x, open(t)
}

// open opens one more watcher of the desktop.
func open(t *testing.T) *Watcher {
	t.Helper()
	w, err := Open(t.Context(), pngs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// runs starts a Run that tells seen, and ends it with the test.
func runs(t *testing.T, w *Watcher, seen chan Clip) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = w.Run(ctx, func(c Clip) { seen <- c }) })
	t.Cleanup(func() { cancel(); running.Wait() })
	l := w.backend.(*x11).link
	desktoptest.Eventually(t, "Run is attached", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.changed != nil
	})
}

// reads checks what Read finds, once what was copied has arrived.
func reads(t *testing.T, w *Watcher, why Reason, data []byte) Clip {
	t.Helper()
	var c Clip
	desktoptest.Eventually(t, "Read finds "+string(why), func() bool {
		var err error
		if c, err = w.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		return c.Why == why && bytes.Equal(c.Data, data)
	})
	if c.Data != nil && c.Sum != sha256.Sum256(c.Data) {
		t.Errorf("the sum of %d bytes is wrong", len(c.Data))
	}
	return c
}

// deliveries counts what is on its way from us.
func (d *desk) deliveries() int {
	l := d.backend.(*x11).link
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.deliveries)
}

// somebodyElses tells whether the newest change that was judged is no Put.
func (d *desk) somebodyElses() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.latest.offer != nil
}

func TestAPictureIsPutAsItWas(t *testing.T) {
	d := newDesk(t)
	for i, size := range []int{200, maxPart - 1, maxPart, maxPart + 1, 2 * maxPart, 1_000_003, 12_000_000} {
		for _, format := range []string{"image/png", "image/jpeg"} {
			want := pictureOf(size, byte(i))
			if err := d.PutPicture(t.Context(), format, want); err != nil {
				t.Fatal(err)
			}
			got, err := d.Paste(t, format)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s of %d bytes: %d others are pasted, %v", format, size, len(got), err)
			}
			targets, err := d.Paste(t, "TARGETS")
			if want := []string{"TARGETS", "TIMESTAMP", "MULTIPLE", "SAVE_TARGETS", format}; err != nil || !slices.Equal(strings.Fields(string(targets)), want) {
				t.Errorf("offered: %q, %v, want %q", targets, err, want)
			}
		}
	}
	if n := d.deliveries(); n != 0 {
		t.Errorf("%d deliveries are left over", n)
	}
	d.none() // of what we put there
}

func TestSeveralProgramsPasteAtOnce(t *testing.T) {
	d := newDesk(t)
	want := pictureOf(12_000_000, 1)
	if err := d.PutPicture(t.Context(), "image/png", want); err != nil {
		t.Fatal(err)
	}
	var pasting sync.WaitGroup
	for range 4 {
		pasting.Go(func() {
			if got, err := d.Paste(t, "image/png"); err != nil || !bytes.Equal(got, want) {
				t.Errorf("pasted: %d bytes, %v", len(got), err)
			}
		})
	}
	pasting.Wait()
}

func TestALargePictureIsGivenWithMultiple(t *testing.T) {
	d := newDesk(t)
	want := pictureOf(3_000_000, 1)
	if err := d.PutPicture(t.Context(), "image/png", want); err != nil {
		t.Fatal(err)
	}
	p := newProgram(t)
	p.patience = 1
	png, into := uint32(p.atom("image/png")), uint32(p.atom("A"))
	asked := words([]uint32{png, into, uint32(p.atom("image/jpeg")), uint32(p.atom("B"))})
	pairs, ok := p.paste("MULTIPLE", png, into, uint32(p.atom("image/jpeg")), uint32(p.atom("B")))
	copy(asked[12:], []byte{0, 0, 0, 0})
	if !ok || !bytes.Equal(pairs, asked) {
		t.Fatalf("MULTIPLE: %v, want %v", pairs, asked)
	}
	p.patience = 0
	if got, ok := p.pasted(p.atom("A")); !ok || !bytes.Equal(got, want) {
		t.Errorf("%d bytes come", len(got))
	}
}

// One that does not read on, or is gone, holds up nobody and leaves nothing behind.
func TestAReaderMayStopMidway(t *testing.T) {
	d := newDesk(t)
	l := d.backend.(*x11).link
	want := pictureOf(60_000_000, 1)
	if err := d.PutPicture(t.Context(), "image/png", want); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		signal syscall.Signal
		take   time.Duration
	}{
		{"killed", syscall.SIGKILL, time.Hour},
		{"stopped", syscall.SIGSTOP, 300 * time.Millisecond},
	} {
		l.mu.Lock()
		l.limits.take = c.take
		l.mu.Unlock()
		reader := exec.Command("xclip", "-selection", "clipboard", "-t", "image/png", "-o")
		if err := reader.Start(); err != nil {
			t.Fatal(err)
		}
		d.until("it is under way", func() bool { return d.deliveries() > 0 })
		_ = reader.Process.Signal(c.signal)
		if got, err := d.Paste(t, "image/png"); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: another pastes %d bytes, %v", c.name, len(got), err)
		}
		d.until("the one that was "+c.name+" is given up", func() bool { return d.deliveries() == 0 })
		_ = reader.Process.Kill()
		_ = reader.Wait()
	}

	l.mu.Lock()
	l.limits.take = time.Hour
	l.mu.Unlock()
	p := newProgram(t)
	p.patience = 2
	if got, ok := p.paste("image/png"); ok || len(got) != 2*maxPart || !bytes.HasPrefix(want, got) {
		t.Errorf("two parts are %d bytes, all: %v", len(got), ok)
	}
	if n := d.deliveries(); n != 1 {
		t.Errorf("%d deliveries are under way", n)
	}
	p.patience = 0
	if got, ok := p.paste("image/png"); !ok || !bytes.Equal(got, want) {
		t.Errorf("pasted anew, at the same property: %d bytes", len(got))
	}
	p.patience = 1
	p.paste("image/png")
	p.quit()
	d.until("the one that is gone is given up", func() bool { return d.deliveries() == 0 })
}

// What is on its way arrives whole, also when something else is copied.
func TestAnotherCopyDoesNotCutADelivery(t *testing.T) {
	d := newDesk(t)
	want := pictureOf(3_000_000, 1)
	if err := d.PutPicture(t.Context(), "image/png", want); err != nil {
		t.Fatal(err)
	}
	p := newProgram(t)
	p.patience = 1
	first, _ := p.paste("image/png")
	d.Copy(t, "UTF8_STRING", []byte("newer"))
	d.expect(TextBeside)
	l := d.backend.(*x11).link
	l.mu.Lock()
	if l.ours != nil {
		t.Error("what was put is still held")
	}
	l.mu.Unlock()
	p.patience = 0
	rest, ok := p.pastedParts(p.atom("PASTED"))
	if !ok || !bytes.Equal(append(first, rest...), want) {
		t.Errorf("%d bytes came", len(first)+len(rest))
	}
	d.pastes("UTF8_STRING", "newer")
}

func TestFilesArePutAsAFileManagerDoes(t *testing.T) {
	d := newDesk(t)
	a, b := file(t, "截图 1%.png", pictureOf(100, 1)), file(t, "é#b?;&.png", pictureOf(100, 2))
	if err := d.PutFiles(t.Context(), []string{a, b}); err != nil {
		t.Fatal(err)
	}
	d.pastes("text/uri-list", fileURI(a)+"\r\n"+fileURI(b)+"\r\n")
	d.pastes("x-special/gnome-copied-files", "copy\n"+fileURI(a)+"\n"+fileURI(b))
	if !strings.HasSuffix(fileURI(a), "/%E6%88%AA%E5%9B%BE%201%25.png") || !strings.Contains(fileURI(b), "%23b%3F") {
		t.Errorf("as %s and %s", fileURI(a), fileURI(b))
	}
	c := reads(t, open(t), IsFiles, nil) // as another program sees it
	if !slices.Equal(c.Files, []string{a, b}) {
		t.Errorf("another program reads %q", c.Files)
	}
	if err := d.PutFiles(t.Context(), []string{a, a + ".gone"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
	d.pastes("x-special/gnome-copied-files", "copy\n"+fileURI(a)+"\n"+fileURI(b))
	d.none()
}

func TestPutWritesOverWhateverIsThere(t *testing.T) {
	x, w := atRest(t)
	put := func(what string) {
		t.Helper()
		if err := w.PutText(t.Context(), what); err != nil {
			t.Fatal(err)
		}
		if got, err := x.Paste(t, "UTF8_STRING"); err != nil || string(got) != what {
			t.Errorf("%q is put, %q is pasted, %v", what, got, err)
		}
	}
	put("over nothing")
	put("over our own")
	x.Copy(t, "image/png", pictureOf(3000, 1))
	reads(t, w, IsPicture, pictureOf(3000, 1))
	put("over a picture")
	for range 20 { // whose notice may still be on the way
		p := newProgram(t)
		p.copy(map[string][]byte{"UTF8_STRING": []byte("another")})
		put("over another")
		p.quit()
	}
	reads(t, w, IsOurs, nil)
	reads(t, open(t), TextBeside, nil)
}

func TestReplaceLeavesWhatWasPutAlone(t *testing.T) {
	d := newDesk(t)
	d.Copy(t, "image/png", pictureOf(3000, 1))
	c := d.expect(IsPicture)
	if err := d.PutPicture(t.Context(), "image/png", pictureOf(3000, 2)); err != nil {
		t.Fatal(err)
	}
	if err := d.Replace(t.Context(), c, "link"); !errors.Is(err, ErrChanged) {
		t.Errorf("Replace: %v, want ErrChanged", err)
	}
	d.pastes("image/png", string(pictureOf(3000, 2)))
}

func TestWhatWasPutDoesNotComeBackFromAManager(t *testing.T) {
	d := newDesk(t)
	app, manager := newProgram(t), newProgram(t)
	manager.manage()
	a, path := pictureOf(200_000, 1), file(t, "a.png", pictureOf(100, 1))
	app.copy(map[string][]byte{"image/png": a})
	c := d.expect(IsPicture)
	if err := d.Replace(t.Context(), c, "link"); err != nil {
		t.Fatal(err)
	}
	for _, taken := range []*program{manager, app} { // one that nobody knows for a manager, too
		if err := d.PutPicture(t.Context(), "image/png", a); err != nil {
			t.Fatal(err)
		}
		taken.copy(map[string][]byte{"image/png": a})
		d.until("the take-over is judged", d.somebodyElses)
		if err := d.PutFiles(t.Context(), []string{path}); err != nil {
			t.Fatal(err)
		}
		taken.copy(map[string][]byte{uriList: []byte(fileURI(path))})
		d.until("the take-over is judged", d.somebodyElses)
	}
	if err := d.PutPicture(t.Context(), "image/png", a); err != nil {
		t.Fatal(err)
	}
	time.Sleep(takeOver + 100*time.Millisecond) // the rule is about time: a manager has more of it
	manager.copy(map[string][]byte{"image/png": a})
	d.until("the take-over is judged", d.somebodyElses)
	d.none()
}

func TestCloseHandsAPictureOver(t *testing.T) {
	d := newDesk(t)
	manager := newProgram(t)
	manager.manage()
	want := pictureOf(12_000_000, 1)
	if err := d.PutPicture(t.Context(), "image/png", want); err != nil {
		t.Fatal(err)
	}
	d.end()
	if all := <-manager.saved; len(all) != 1 || !bytes.Equal(all["image/png"], want) {
		t.Errorf("handed over: %d formats, %d bytes", len(all), len(all["image/png"]))
	}
}
