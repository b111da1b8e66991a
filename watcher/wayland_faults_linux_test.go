package watcher

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"bilipaste/internal/desktoptest"
)

func TestWaylandStoppedOwnerHoldsNothingUp(t *testing.T) {
	limits := testLimits
	limits.content = 300 * time.Millisecond
	b, c := onSway(t, limits)
	w := startRun(t, b)
	frozen := c.Copy(t, "image/png", noise(1000))
	o := w.next()
	if err := syscall.Kill(frozen.Pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	pipes, goroutines := len(openFiles(t, "pipe:")), runtime.NumGoroutine()

	gaveUp := make(chan error, 1)
	go func() {
		_, err := o.read(t.Context(), "image/png", MaxClip, nil)
		gaveUp <- err
	}()
	c.Copy(t, "image/png", noise(2000))
	got, err := w.next().read(t.Context(), "image/png", MaxClip, nil)
	if err != nil || !bytes.Equal(got, noise(2000)) {
		t.Errorf("the next copy: %d bytes, %v", len(got), err)
	}
	if err := <-gaveUp; !errors.Is(err, errSilent) && !errors.Is(err, errSuperseded) {
		t.Errorf("read of a stopped program's content: %v", err)
	}

	// It gets less time once another program has copied.
	s := b.session
	s.limits.content, s.limits.late = time.Hour, 50*time.Millisecond
	for _, before := range []bool{true, false} {
		frozen = c.Copy(t, "image/png", noise(3000))
		o = w.next()
		if err := syscall.Kill(frozen.Pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		if !before {
			go func() {
				_, err := o.read(t.Context(), "image/png", MaxClip, nil)
				gaveUp <- err
			}()
			desktoptest.Eventually(t, "the read is under way", func() bool { return len(openFiles(t, "pipe:")) > pipes })
		}
		c.Copy(t, "image/png", noise(2000))
		w.next()
		if before {
			_, err := o.read(t.Context(), "image/png", MaxClip, nil)
			gaveUp <- err
		}
		if err := <-gaveUp; !errors.Is(err, errSuperseded) {
			t.Errorf("read of a stopped program's content: %v", err)
		}
	}

	// Who gives up is not waited for.
	frozen = c.Copy(t, "image/png", noise(3000))
	o = w.next()
	if err := syscall.Kill(frozen.Pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.read(ctx, "image/png", MaxClip, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("read with an ended context: %v", err)
	}
	if err := b.put(t.Context(), o, content{text: "link"}); err != nil {
		t.Errorf("replace of a stopped program's picture: %v", err)
	}
	if got := paste(t, c, ""); got != "link" {
		t.Errorf("the clipboard holds %q", got)
	}
	desktoptest.Eventually(t, "nothing is left of the reads", func() bool {
		return len(openFiles(t, "pipe:")) <= pipes && runtime.NumGoroutine() <= goroutines
	})
}

// openFiles lists this process's open files of one kind, such as "pipe:".
func openFiles(t *testing.T, kind string) (open []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(name, kind) {
			open = append(open, name)
		}
	}
	return open
}

func TestWaylandOwnerThatDies(t *testing.T) {
	b, c := onSway(t, testLimits)
	w := startRun(t, b)
	stopped := c.Copy(t, "image/png", noise(1000))
	o := w.next()
	if err := syscall.Kill(stopped.Pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	read := make(chan error, 1)
	go func() {
		close(started)
		_, err := o.read(t.Context(), "image/png", MaxClip, nil)
		read <- err
	}()
	<-started
	if err := stopped.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err == nil {
		t.Error("a dead program's content was read")
	}
	c.Copy(t, "image/png", noise(2000))
	if got, err := w.next().read(t.Context(), "image/png", MaxClip, nil); err != nil || len(got) != 2000 {
		t.Errorf("the next copy: %d bytes, %v", len(got), err)
	}
}

func TestWaylandCompositorComesBack(t *testing.T) {
	b, c := onSway(t, testLimits)
	w := startRun(t, b)
	c.Copy(t, "image/png", noise(10))
	o := w.next()
	c.Stop()
	if err := w.end(); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("run returned %v", err)
	}
	if err := b.run(t.Context(), func() {}, func(offer) {}); err == nil {
		t.Error("run went on without a compositor")
	}
	if err := b.put(t.Context(), o, content{text: "link"}); !errors.Is(err, ErrChanged) {
		t.Errorf("replace: %v", err)
	}
	if _, err := o.read(t.Context(), "image/png", MaxClip, nil); err == nil {
		t.Error("read went on without a compositor")
	}

	c.Restart(t)
	w = startRunAnew(t, b)
	c.Copy(t, "image/png", noise(20))
	o = w.next()
	if got, err := o.read(t.Context(), "image/png", MaxClip, nil); err != nil || len(got) != 20 {
		t.Errorf("after the restart: %d bytes, %v", len(got), err)
	}
	if err := b.put(t.Context(), o, content{text: "link"}); err != nil {
		t.Error(err)
	}
	if err := b.close(); err != nil {
		t.Error(err)
	}
	if err := w.end(); err == nil {
		t.Error("run returned no error after close")
	}
	if err := b.run(t.Context(), func() {}, nil); err == nil {
		t.Error("run began after close")
	}
}

// startRunAnew connects again and watches.
func startRunAnew(t *testing.T, b *wayland) *running {
	t.Helper()
	if _, err := b.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	return startRun(t, b)
}

func TestWaylandReaderThatDoesNotRead(t *testing.T) {
	limits := testLimits
	limits.idle = 300 * time.Millisecond
	b, c := onSway(t, limits)
	w := startRun(t, b)
	c.Copy(t, "image/png", noise(10))
	long := strings.Repeat("link ", 1<<18) // more than a pipe holds
	if err := b.put(t.Context(), w.next(), content{text: long}); err != nil {
		t.Fatal(err)
	}

	other, err := connectWayland(t.Context(), b.path, "", testLimits)
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	desktoptest.Eventually(t, "the picture's owner is done", func() bool { return formatsOf(t, c) != "image/png\n" })
	pipes := len(openFiles(t, "pipe:"))
	var stuck []*os.File
	for range 3 {
		in, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = in.Close() }()
		if err := other.receive(other.current, "TEXT", int(out.Fd())); err != nil {
			t.Fatal(err)
		}
		_ = out.Close()
		stuck = append(stuck, in)
	}
	if got := paste(t, c, ""); got != long {
		t.Errorf("another program pastes %d bytes, want %d", len(got), len(long))
	}
	owner(t, b, "picture", "image/png")
	if err := b.put(t.Context(), w.next(), content{text: "next"}); err != nil {
		t.Errorf("the next replace: %v", err)
	}
	if got := paste(t, c, ""); got != "next" {
		t.Errorf("the next text: %q", got)
	}
	desktoptest.Eventually(t, "the stuck ones are given up", func() bool { return len(openFiles(t, "pipe:")) <= pipes+len(stuck) })
	for _, in := range stuck {
		if got, err := io.ReadAll(in); err != nil || len(got) >= len(long) {
			t.Errorf("a late reader gets %d bytes, %v", len(got), err)
		}
	}
}

// At login, all is busy.
func TestWaylandIsWaitedForAtLogin(t *testing.T) {
	x := desktoptest.StartX(t)
	c := desktoptest.StartSway(t)
	t.Setenv("DISPLAY", x.Display)
	c.Freeze()
	defer time.AfterFunc(wlPatience.answer+500*time.Millisecond, c.Thaw).Stop()
	w, err := Open(t.Context(), pngs)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	if got := w.Backend(); got != "Wayland (wlr-data-control)" {
		t.Errorf("the way is %s", got)
	}

	c.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, pngs); !errors.Is(err, ErrUnavailable) {
		t.Errorf("given up: %v", err)
	}
	c.Stop() // there is no compositor any more
	w, err = Open(t.Context(), pngs)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	if got := w.Backend(); got != "X11 (XFixes)" {
		t.Errorf("the way is %s", got)
	}
}
