package watcher

import (
	"context"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"bilipaste/internal/desktoptest"
)

// A program that has ended leaves an empty clipboard, which a clipboard manager fills.
func TestWaylandAnOlderLinkThatComesBackIsReplaced(t *testing.T) {
	c := desktoptest.StartSway(t)
	w, err := Open(t.Context(), pngs)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	clips := make(chan Clip, 10)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = w.Run(ctx, func(c Clip) { clips <- c }) })
	defer running.Wait()
	defer cancel()
	b := w.backend.(*wayland)
	listens(t, b)
	c.Copy(t, "image/png", pictureOf(1000, 1))
	if err := w.Replace(t.Context(), <-clips, "the first link"); err != nil {
		t.Fatal(err)
	}
	program := c.Copy(t, "image/png", pictureOf(1000, 2))
	second := <-clips
	if err := program.Kill(); err != nil {
		t.Fatal(err)
	}
	desktoptest.Eventually(t, "the clipboard is empty", func() bool {
		b.session.mu.Lock()
		defer b.session.mu.Unlock()
		return b.session.current == nil
	})
	owner(t, b, "the first link", ourTextFormats...)
	if err := w.Replace(t.Context(), second, "the second link"); err != nil {
		t.Errorf("Replace: %v", err)
	}
	if got := paste(t, c, ""); got != "the second link" {
		t.Errorf("%q is pasted", got)
	}
	owner(t, b, "the first link", ourTextFormats...) // copied, as nothing has ended
	if clip := <-clips; clip.Why != TextBeside {
		t.Errorf("the first clip after the second picture is %q", clip.Why)
	}
	if got := paste(t, c, ""); got != "the first link" {
		t.Errorf("%q is pasted", got)
	}
}

// Of a text that its program gives once, we are not the one to have had it.
func TestWaylandATextThatIsGivenOnce(t *testing.T) {
	c := desktoptest.StartSway(t)
	w, err := Open(t.Context(), pngs)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	w.ending = 20 * time.Second
	clips := make(chan Clip, 10)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = w.Run(ctx, func(c Clip) { clips <- c }) })
	defer running.Wait()
	defer cancel()
	listens(t, w.backend.(*wayland))
	cmd := exec.Command("wl-copy", "--foreground", "--paste-once")
	cmd.Stdin = strings.NewReader("a password")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if clip := <-clips; clip.Why != TextBeside {
		t.Fatalf("it is %q", clip.Why)
	}
	_ = cmd.Wait()
	if got := paste(t, c, ""); got != "a password" {
		t.Errorf("%q is pasted", got)
	}
	desktoptest.Eventually(t, "it cannot be pasted twice", func() bool {
		text, err := c.Paste(t, "")
		return err != nil && text == ""
	})
	if len(clips) > 0 {
		t.Error("Run told of it")
	}
}
