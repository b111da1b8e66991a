//go:build !darwin && !windows

package watcher

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jezek/xgb"
)

func TestSeveralFormatsAtOnce(t *testing.T) {
	d := newDesk(t)
	p := newProgram(t)
	a := pictureOf(3000, 1)
	path := file(t, "a.png", a)
	list := []byte("file://" + path)
	for _, c := range []struct {
		content map[string][]byte
		why     Reason
	}{
		{map[string][]byte{"image/png": a, "text/html": []byte("<img>")}, IsPicture},
		{map[string][]byte{"image/png": a, "UTF8_STRING": []byte("1\t2"), "text/html": []byte("<table>")}, TextBeside},
		{map[string][]byte{"image/png": a, "x-kde-passwordManagerHint": []byte("secret")}, IsSecret},
		{map[string][]byte{uriList: append(list, 0), "x-special/gnome-copied-files": append([]byte("copy\n"), list...), kdeCut: nil}, IsFiles}, // PCManFM
		{map[string][]byte{uriList: list, "x-special/gnome-copied-files": append([]byte("cut\n"), list...)}, IsCut},
		{map[string][]byte{uriList: list, kdeCut: []byte("1")}, IsCut},
		{map[string][]byte{uriList: list, kdeCut: []byte("0"), "UTF8_STRING": []byte(path)}, IsFiles},
		{map[string][]byte{uriList: []byte("https://example.org/a.png"), "image/png": a}, IsPicture},
		{map[string][]byte{uriList: []byte("file:///etc/passwd"), "image/png": a}, OtherFiles},
		{map[string][]byte{"image/png": nil}, NotReadable},
		{map[string][]byte{"image/png": {}}, NotReadable},
		{map[string][]byte{}, IsEmpty},
	} {
		p.copy(c.content)
		if got := d.clip(); got.Why != c.why {
			t.Errorf("%q: %q, want %q", got.Formats, got.Why, c.why)
		}
	}
}

func TestAnAnnouncedSizeIsALowerBound(t *testing.T) {
	d := newDesk(t)
	p := newProgram(t)
	want := pictureOf(300_000, 1)
	for _, size := range []uint32{0, 1, 300_000, 300_001, MaxClip} {
		p.mu.Lock()
		p.size, p.parts = size, append(slices.Collect(slices.Chunk(want, 100_000)), []byte{})
		p.mu.Unlock()
		p.copy(map[string][]byte{"image/png": want})
		if size > 300_000 { // it broke off
			if c := d.expect(NotReadable); !c.Lost() {
				t.Errorf("%d announced: nobody is told", size)
			}
			continue
		}
		c := d.expect(IsPicture)
		if !bytes.Equal(c.Data, want) || cap(c.Data) > 2<<20 {
			t.Errorf("%d announced: %d bytes in room for %d", size, len(c.Data), cap(c.Data))
		}
	}
	p.mu.Lock()
	p.size, p.parts = MaxClip+1, [][]byte{want[:1000], want[1000:2000], {}}
	p.mu.Unlock()
	p.copy(map[string][]byte{"image/png": want})
	d.expect(TooLarge)
	d.until("the owner came to its end", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.parts) == 0
	})
}

func TestAClipboardManagersTakeOverIsNoNewClip(t *testing.T) {
	d := newDesk(t)
	app, manager := newProgram(t), newProgram(t)
	content := map[string][]byte{"image/png": pictureOf(3000, 1)}

	app.copy(content)
	c := d.expect(IsPicture)
	manager.copy(content) // one that nobody knows for a manager, soon after
	if err := d.Replace(t.Context(), c, "link"); err != nil {
		t.Fatalf("after a take-over: %v", err)
	}
	d.pastes("UTF8_STRING", "link")
	d.none()

	app.copy(content)
	c = d.expect(IsPicture)
	app.quit()
	manager.copy(content) // after the program's end
	d.until("the take-over is judged", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.latest.offer != c.offer
	})
	d.none()
	if err := d.Replace(t.Context(), c, "link"); !errors.Is(err, ErrChanged) {
		t.Errorf("after a take-over and another copy: %v", err)
	}
}

// A desktop's clipboard manager that was asked to take a picture over may be
// done only after the picture was replaced: with all of it, or with nothing.
func TestADesktopsManagerMayBeLate(t *testing.T) {
	d := newDesk(t)
	app, manager := newProgram(t), newProgram(t)
	manager.manage()
	content := map[string][]byte{"image/png": pictureOf(3000, 1)}
	for name, taken := range map[string]map[string][]byte{"all": content, "nothing": {}} {
		app.copy(content)
		c := d.expect(IsPicture)
		if err := d.Replace(t.Context(), c, name); err != nil {
			t.Fatal(err)
		}
		manager.mu.Lock()
		manager.refuse = 3 // it takes the clipboard before it has the content
		manager.mu.Unlock()
		manager.copy(taken)
		d.until("the link is back", func() bool {
			got, err := d.Paste(t, "UTF8_STRING")
			return err == nil && string(got) == name
		})
		d.none()
	}
}

func TestTheSameProgramMayCopyTheSameAgain(t *testing.T) {
	d := newDesk(t)
	app := newProgram(t)
	content := map[string][]byte{"image/png": pictureOf(3000, 1)}
	app.copy(content)
	first := d.expect(IsPicture)
	app.copy(content)
	second := d.expect(IsPicture)
	if err := d.Replace(t.Context(), first, "first"); !errors.Is(err, ErrChanged) {
		t.Errorf("the first: %v, want ErrChanged", err)
	}
	if err := d.Replace(t.Context(), second, "second"); err != nil {
		t.Error(err)
	}
	d.pastes("UTF8_STRING", "second")
}

func TestOurTextAnswersAsTheConventionsSay(t *testing.T) {
	d := newDesk(t)
	p := newProgram(t)
	p.copy(map[string][]byte{"image/png": pictureOf(3000, 1)})
	if err := d.Replace(t.Context(), d.expect(IsPicture), "link"); err != nil {
		t.Fatal(err)
	}
	if stamp, ok := p.paste("TIMESTAMP"); !ok || len(stamp) != 4 || xgb.Get32(stamp) == 0 {
		t.Errorf("TIMESTAMP: %v", stamp)
	}
	utf8, no, a, b := uint32(p.atom("UTF8_STRING")), uint32(p.atom("image/png")), uint32(p.atom("A")), uint32(p.atom("B"))
	pairs, ok := p.paste("MULTIPLE", utf8, a, no, b)
	if want := words([]uint32{utf8, a, no, 0}); !ok || !bytes.Equal(pairs, want) {
		t.Errorf("MULTIPLE: %v, want %v", pairs, want)
	}
	if _, ok := p.paste("SAVE_TARGETS"); !ok {
		t.Error("SAVE_TARGETS is refused")
	}
	if _, ok := p.paste("image/png"); ok {
		t.Error("a picture is given")
	}
}

func TestCloseHandsTheTextOver(t *testing.T) {
	d := newDesk(t)
	manager := newProgram(t)
	manager.manage()
	d.Copy(t, "image/png", pictureOf(3000, 1))
	if err := d.Replace(t.Context(), d.expect(IsPicture), "link"); err != nil {
		t.Fatal(err)
	}
	d.end()
	if all := <-manager.saved; string(all["UTF8_STRING"]) != "link" {
		t.Errorf("handed over: %q", all)
	}
	d.pastes("UTF8_STRING", "link")
}

func TestCloseDoesNotWaitForAFrozenManager(t *testing.T) {
	d := newDesk(t)
	manager := newProgram(t)
	manager.manage()
	manager.mu.Lock()
	manager.frozen = true
	manager.mu.Unlock()
	d.backend.(*x11).link.limits.handOver = 100 * time.Millisecond
	d.Copy(t, "image/png", pictureOf(3000, 1))
	if err := d.Replace(t.Context(), d.expect(IsPicture), "link"); err != nil {
		t.Fatal(err)
	}
	d.end()
}

func TestReplaceFromWithinSeen(t *testing.T) {
	desktop := newDesk(t)
	desktop.end()
	w, err := Open(t.Context(), pngs)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error, 1)
	ended := make(chan error)
	go func() { ended <- w.Run(ctx, func(c Clip) { results <- w.Replace(ctx, c, "link") }) }()
	x := w.backend.(*x11)
	desktop.until("Run is attached", func() bool {
		x.link.mu.Lock()
		defer x.link.mu.Unlock()
		return x.link.changed != nil
	})
	desktop.Copy(t, "image/png", pictureOf(3000, 1))
	if err := <-results; err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run ended with %v", err)
	}
	desktop.pastes("UTF8_STRING", "link") // it is served without a Run too
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}
