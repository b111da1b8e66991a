package watcher

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bilipaste/internal/desktoptest"
)

const testMark = "application/x-bilipaste.test"

var testLimits = wlLimits{answer: 5 * time.Second, content: 5 * time.Second, late: 5 * time.Second, idle: 5 * time.Second}

// onSway returns a backend on a compositor of its own.
func onSway(t *testing.T, limits wlLimits) (*wayland, *desktoptest.Sway) {
	t.Helper()
	c := desktoptest.StartSway(t)
	b := &wayland{path: c.Display, mark: testMark, limits: limits}
	if _, err := b.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.close() })
	return b, c
}

// running is a run of a backend.
type running struct {
	t      *testing.T
	offers chan offer
	ended  chan error
	cancel context.CancelFunc
}

// startRun starts b.run and returns when it listens. It ends with the test.
func startRun(t *testing.T, b *wayland) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &running{t, make(chan offer, 100), make(chan error, 1), cancel}
	var tasks sync.WaitGroup
	tasks.Go(func() { w.ended <- b.run(ctx, func() {}, func(o offer) { w.offers <- o }) })
	t.Cleanup(func() { cancel(); tasks.Wait() })
	listens(t, b)
	return w
}

// listens returns when what is copied from now on is told of.
func listens(t *testing.T, b *wayland) {
	t.Helper()
	desktoptest.Eventually(t, "run listens", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.session.listening.Lock()
		defer b.session.listening.Unlock()
		return b.session.changed != nil
	})
}

// next returns the next change.
func (w *running) next() offer {
	w.t.Helper()
	select {
	case o := <-w.offers:
		return o
	case err := <-w.ended:
		w.t.Fatalf("run ended: %v", err)
	case <-time.After(20 * time.Second):
		w.t.Fatal("no change was told")
	}
	panic("unreachable")
}

// end returns what run returned.
func (w *running) end() error {
	w.t.Helper()
	select {
	case err := <-w.ended:
		return err
	case <-time.After(20 * time.Second):
		w.t.Fatal("run does not end")
		return nil
	}
}

func paste(t *testing.T, c *desktoptest.Sway, format string) string {
	t.Helper()
	text, err := c.Paste(t, format)
	if err != nil {
		t.Error(err)
	}
	return text
}

func formatsOf(t *testing.T, c *desktoptest.Sway) string {
	t.Helper()
	list, err := c.Formats(t)
	if err != nil {
		t.Error(err)
	}
	return list
}

// owner is another program that copies: several formats, all with one content.
func owner(t *testing.T, b *wayland, content string, formats ...string) {
	t.Helper()
	s, err := connectWayland(t.Context(), b.path, "", testLimits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	s.mu.Lock()
	id := s.newID()
	for _, f := range formats {
		s.sources[id] = append(s.sources[id], form{f, []byte(content)})
	}
	r := wlRequest(nil, s.manager, wlManagerCreateSource, id)
	for _, f := range formats {
		r = wlRequest(r, id, wlSourceOffer, f)
	}
	s.send(wlRequest(r, s.device, wlDeviceSetSelection, id))
	s.mu.Unlock()
	if err := s.roundTrip(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

func TestWaylandReadsPicturesWholeAndInOrder(t *testing.T) {
	b, c := onSway(t, testLimits)
	w := startRun(t, b)
	for _, size := range []int{1, 197, 200_000, 12 << 20, 20 << 20} {
		data := noise(size)
		c.Copy(t, "image/png", data)
		o := w.next()
		var seen bytes.Buffer
		got, err := o.read(t.Context(), "image/png", MaxClip, &seen)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
		if !bytes.Equal(seen.Bytes(), data) {
			t.Errorf("%d bytes: %d were seen, or others", size, seen.Len())
		}
		if _, err := o.read(t.Context(), "image/png", size-1, nil); !errors.Is(err, errTooLarge) {
			t.Errorf("%d bytes with a limit below: %v", size, err)
		}
		if got, err := o.read(t.Context(), "image/png", size, nil); err != nil || len(got) != size {
			t.Errorf("%d bytes with that limit: %d, %v", size, len(got), err)
		}
		if _, err := o.read(t.Context(), "image/jpeg", MaxClip, nil); err == nil {
			t.Error("a format was read that is not offered")
		}
	}
}

func TestWaylandListsEveryFormat(t *testing.T) {
	b, _ := onSway(t, testLimits)
	w := startRun(t, b)
	want := []string{"x-kde-passwordManagerHint", "UTF8_STRING", "text/plain", "image/png", "application/x-x;name=\"a b\""}
	owner(t, b, "secret", want...)
	got, err := w.next().formats(t.Context())
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestWaylandDoesNotTellOfWhatWasThere(t *testing.T) {
	b, c := onSway(t, testLimits)
	first := startRun(t, b)
	c.Copy(t, "image/png", noise(10))
	first.next()
	first.cancel()
	if err := first.end(); !errors.Is(err, context.Canceled) {
		t.Errorf("run returned %v", err)
	}

	// Both in the same session and in a new one.
	again := startRun(t, b)
	other := &wayland{path: b.path, mark: "another", limits: testLimits}
	if _, err := other.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.close() }()
	anew := startRun(t, other)
	c.Copy(t, "image/png", noise(20))
	for _, w := range []*running{again, anew} {
		got, err := w.next().read(t.Context(), "image/png", MaxClip, nil)
		if err != nil || !bytes.Equal(got, noise(20)) {
			t.Errorf("the first change told of is %d bytes, %v", len(got), err)
		}
	}
}

func TestWaylandReplaces(t *testing.T) {
	b, c := onSway(t, testLimits)
	w := startRun(t, b)
	const text = "![图](https://example.com/a.png)"
	for range 20 { // ids are used again
		owner(t, b, "picture", "image/png")
		if err := b.put(t.Context(), w.next(), content{text: text}); err != nil {
			t.Fatal(err)
		}
	}
	for _, format := range ourTextFormats {
		if got := paste(t, c, format); got != text {
			t.Errorf("%s: %q", format, got)
		}
	}
	if got := paste(t, c, ""); got != text {
		t.Errorf("pasted without a type: %q", got)
	}
	if got, want := strings.Fields(formatsOf(t, c)), append(slices.Clone(ourTextFormats), testMark); !slices.Equal(got, want) {
		t.Errorf("offered: %q, want %q", got, want)
	}
	select {
	case <-w.offers:
		t.Error("our own text was told of")
	default:
	}

	// It stays when nobody watches any more, and ends when another program copies.
	w.cancel()
	_ = w.end()
	if got := paste(t, c, ""); got != text {
		t.Errorf("after run has ended: %q", got)
	}
	w = startRun(t, b)
	c.Copy(t, "image/png", noise(10))
	w.next()
	s := b.session
	desktoptest.Eventually(t, "our text is let go", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.sources) == 0
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.nextID > 20 || len(s.offers) > 2 {
		t.Errorf("objects pile up: ids up to %d, %d offers", s.nextID, len(s.offers))
	}
}

func TestWaylandLeavesAnotherCopyAlone(t *testing.T) {
	b, c := onSway(t, testLimits)
	w := startRun(t, b)
	c.Copy(t, "image/png", noise(10))
	taken := w.next()
	c.Copy(t, "text/plain", []byte("newer"))
	newer := w.next()
	if err := b.put(t.Context(), taken, content{text: "link"}); !errors.Is(err, ErrChanged) {
		t.Errorf("replace: %v", err)
	}
	if got := paste(t, c, ""); got != "newer" {
		t.Errorf("the clipboard holds %q", got)
	}
	if _, err := taken.read(t.Context(), "image/png", MaxClip, nil); !errors.Is(err, errSuperseded) {
		t.Errorf("read of what is gone: %v", err)
	}
	if err := b.put(t.Context(), newer, content{text: "link"}); err != nil {
		t.Errorf("replace of what is there: %v", err)
	}

	// The copy that nobody has told of yet counts too.
	c.Copy(t, "image/png", noise(10))
	taken = w.next()
	s := b.session
	s.mu.Lock() // our side is slow
	owner(t, b, "newest", "text/plain")
	s.mu.Unlock()
	if err := b.put(t.Context(), taken, content{text: "link"}); !errors.Is(err, ErrChanged) {
		t.Errorf("replace: %v", err)
	}
	if got := paste(t, c, ""); got != "newest" {
		t.Errorf("the clipboard holds %q", got)
	}
}

func TestWaylandReplacesWhatAnEndedProgramCopied(t *testing.T) {
	b, c := onSway(t, testLimits)
	w := startRun(t, b)
	program := c.Copy(t, "image/png", noise(10))
	o := w.next()
	if err := program.Kill(); err != nil {
		t.Fatal(err)
	}
	desktoptest.Eventually(t, "the clipboard is empty", func() bool {
		b.session.mu.Lock()
		defer b.session.mu.Unlock()
		return b.session.current == nil
	})
	if _, err := o.read(t.Context(), "image/png", MaxClip, nil); !errors.Is(err, errEnded) {
		t.Errorf("read: %v", err)
	}
	if err := b.put(t.Context(), o, content{text: "link"}); err != nil {
		t.Error(err)
	}
	if got := paste(t, c, ""); got != "link" {
		t.Errorf("the clipboard holds %q", got)
	}
	if err := b.put(t.Context(), o, content{text: "another"}); !errors.Is(err, ErrChanged) {
		t.Errorf("replace of what we put there: %v", err)
	}
}

func TestWaylandSaysWhatIsMissing(t *testing.T) {
	for _, test := range []struct{ display, dir, want string }{
		{"", "/run/user/1", "WAYLAND_DISPLAY is not set"},
		{"wayland-1", "", "XDG_RUNTIME_DIR is not set"},
		{"wayland-1", t.TempDir(), "/wayland-1:"},
		{t.TempDir() + "/absolute", "", "/absolute:"},
		{newStandIn(t, "wl_seat").path, "", "the compositor has no data-control"},
	} {
		t.Setenv("WAYLAND_DISPLAY", test.display)
		t.Setenv("XDG_RUNTIME_DIR", test.dir)
		if _, err := openWayland(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

// The whole watcher, on a compositor that the environment names either way.
func TestWaylandIsTheFirstWay(t *testing.T) {
	c := desktoptest.StartSway(t)
	for _, display := range []string{c.Display, filepath.Base(c.Display)} {
		t.Setenv("WAYLAND_DISPLAY", display)
		t.Setenv("XDG_RUNTIME_DIR", filepath.Dir(c.Display))
		watcher, err := Open(t.Context(), pngs)
		if err != nil {
			t.Fatal(err)
		}
		if got := watcher.Backend(); got != "Wayland (wlr-data-control)" {
			t.Errorf("the way is %s", got)
		}
		clips := make(chan Clip, 10)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = watcher.Run(ctx, func(c Clip) { clips <- c }) })
		listens(t, watcher.backend.(*wayland))

		c.Copy(t, "image/png", noise(5000))
		next := func() Clip {
			t.Helper()
			select {
			case clip := <-clips:
				return clip
			case <-time.After(20 * time.Second):
				t.Fatal("no clip was told of")
				return Clip{}
			}
		}
		clip := next()
		if clip.Why != IsPicture || !bytes.Equal(clip.Data, noise(5000)) {
			t.Errorf("a picture is taken as %s, %d bytes", clip.Why, len(clip.Data))
		}
		if err := watcher.Replace(t.Context(), clip, "link"); err != nil {
			t.Error(err)
		}
		if got := paste(t, c, ""); got != "link" {
			t.Errorf("the clipboard holds %q", got)
		}
		owner(t, watcher.backend.(*wayland), "hint", "image/png", "x-kde-passwordManagerHint")
		if clip := next(); clip.Why != IsSecret {
			t.Errorf("a password is taken as %s", clip.Why)
		}
		cancel()
		running.Wait()
		if err := watcher.Close(); err != nil {
			t.Error(err)
		}
	}
}
