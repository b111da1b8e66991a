//go:build !darwin && !windows

package watcher

import (
	"bytes"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAnOwnerThatStopsMidwayIsGivenUp(t *testing.T) {
	d := newDesk(t)
	for name, signal := range map[string]syscall.Signal{"stopped": syscall.SIGSTOP, "killed": syscall.SIGKILL} {
		owner := d.Copy(t, "image/png", pictureOf(60_000_000, 1))
		d.until("the transfer is under way", func() bool {
			l := d.backend.(*x11).link
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.transfer != nil
		})
		if err := owner.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if c := d.clip(); c.Why != NotReadable {
			t.Errorf("%s: %q with %d bytes", name, c.Why, len(c.Data))
		}
		want := pictureOf(2_000_000, 2)
		d.Copy(t, "image/png", want)
		if c := d.expect(IsPicture); !bytes.Equal(c.Data, want) {
			t.Errorf("after one was %s: other bytes came", name)
		}
		_ = owner.Signal(syscall.SIGCONT)
	}
}

func TestAStoppedOwnerDoesNotHoldUpTheNextCopy(t *testing.T) {
	d := newDesk(t)
	x := d.backend.(*x11)
	x.link.limits.list, x.link.limits.chunk = time.Minute, time.Minute
	owner := d.Copy(t, "image/png", pictureOf(60_000_000, 1))
	d.until("the transfer is under way", func() bool {
		x.link.mu.Lock()
		defer x.link.mu.Unlock()
		return x.link.transfer != nil
	})
	_ = owner.Signal(syscall.SIGSTOP)
	d.Copy(t, "image/png", pictureOf(2000, 2))
	d.expect(Superseded)
	d.expect(IsPicture)
	_ = owner.Signal(syscall.SIGCONT)
}

// Some work on a large picture before they hand it over.
func TestABusyProgramIsWaitedFor(t *testing.T) {
	d := startDesk(t, x11Patience)
	p := newProgram(t)
	want := pictureOf(3000, 1)
	p.busy = map[string]time.Duration{"TARGETS": 2500 * time.Millisecond, "image/png": 5500 * time.Millisecond}
	p.copy(map[string][]byte{"image/png": want})
	if c := d.expect(IsPicture); !bytes.Equal(c.Data, want) {
		t.Errorf("%d others came", len(c.Data))
	}
}

func TestWhatIsNotEvenListedIsToldOf(t *testing.T) {
	limits := x11Patience
	limits.list, limits.late = busy+100*time.Millisecond, 50*time.Millisecond
	d := startDesk(t, limits)
	p, next := newProgram(t), newProgram(t)
	p.silent = []string{"TARGETS"}
	p.copy(map[string][]byte{"image/png": pictureOf(3000, 1)})
	if c := d.expect(Unanswered); !c.Lost() {
		t.Error("nobody is told of it")
	}
	next.copy(map[string][]byte{"image/png": pictureOf(3000, 2)})
	d.expect(IsPicture)

	p.copy(map[string][]byte{"image/png": pictureOf(3000, 1)})
	next.copy(map[string][]byte{"image/png": pictureOf(3000, 2)})
	if c := d.expect(Superseded); c.Lost() { // at once: perhaps it was only clearing up
		t.Error("it is told of")
	}
	d.expect(IsPicture)
}

// Some offer a text whatever they offer, and never hand it over.
func TestATextThatNeverComes(t *testing.T) {
	limits := x11Patience
	limits.chunk = 2 * time.Second
	d := startDesk(t, limits)
	p := newProgram(t)
	p.silent = []string{"UTF8_STRING"}
	content := map[string][]byte{"image/png": pictureOf(3000, 1), "UTF8_STRING": []byte("1\t2")}
	p.copy(content)
	if c := d.expect(IsPicture); len(c.Data) != 3000 {
		t.Errorf("%d bytes came", len(c.Data))
	}

	// A busy program is another matter.
	p.mu.Lock()
	p.silent, p.busyOnce = nil, map[string]time.Duration{"UTF8_STRING": 2500 * time.Millisecond}
	p.mu.Unlock()
	content["image/png"] = pictureOf(3000, 2)
	p.copy(content)
	d.expect(TextBeside)
}

// Of a text that its program gives once, we are not the one to have had it.
func TestATextThatIsGivenOnce(t *testing.T) {
	d := startDesk(t, x11Patience, func(w *Watcher) { w.ending = 20 * time.Second })
	cmd := exec.Command("xclip", "-quiet", "-selection", "clipboard", "-loops", "1")
	cmd.Stdin = strings.NewReader("a password")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d.expect(TextBeside)
	_ = cmd.Wait()
	if targets, err := d.Paste(t, "TARGETS"); err != nil || !strings.Contains(string(targets), "UTF8_STRING") {
		t.Errorf("offered: %q, %v", targets, err)
	}
	d.pastes("UTF8_STRING", "a password")
	d.until("it cannot be pasted twice", func() bool {
		_, err := d.Paste(t, "UTF8_STRING")
		return err != nil
	})
	if len(d.clips) > 0 {
		t.Error("Run told of it")
	}
}

func TestAFailureToReadTheMarkIsNoCopy(t *testing.T) {
	d := newDesk(t)
	p := newProgram(t)
	list := []byte("file://" + file(t, "a.png", pictureOf(100, 1)))
	content := map[string][]byte{uriList: list, kdeCut: []byte("1"), "UTF8_STRING": list}
	for _, mark := range []string{kdeCut, "UTF8_STRING"} {
		p.mu.Lock()
		p.silent = []string{mark}
		p.mu.Unlock()
		content[kdeCut] = []byte("0")
		p.copy(content)
		if c := d.expect(NotReadable); !c.Lost() {
			t.Errorf("nobody is told of what %s would not say", mark)
		}
	}
	p.mu.Lock()
	p.silent = nil
	p.mu.Unlock()
	content[kdeCut] = nil // refused
	p.copy(content)
	d.expect(IsFiles)
}
