package watcher

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// board is a clipboard whose programs nobody knows, as on Wayland.
type board struct {
	t       *testing.T
	w       *Watcher
	seen    []Clip
	changed func(offer)
	now     offer
	ours    *content
}

// paper is what a program has put on a board.
type paper struct {
	content string
	slow    time.Duration // what it takes to read it
}

func (p *paper) formats(context.Context) ([]string, error) { return []string{"image/png"}, nil }

func (p *paper) read(ctx context.Context, _ string, _ int, _ io.Writer) ([]byte, error) {
	select {
	case <-time.After(p.slow):
		return []byte(p.content), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (b *board) name() string { return "a board" }
func (b *board) close() error { return nil }

func (b *board) run(ctx context.Context, attached func(), changed func(offer)) error {
	b.changed = changed
	attached()
	<-ctx.Done()
	return ctx.Err()
}

func (b *board) current(context.Context) (offer, Reason, error) {
	switch {
	case b.now != nil:
		return b.now, "", nil
	case b.ours != nil:
		return nil, IsOurs, nil
	}
	return nil, IsEmpty, nil
}

func (b *board) put(_ context.Context, onlyIf offer, c content) error {
	if onlyIf != nil && b.now != onlyIf {
		return ErrChanged
	}
	b.now, b.ours = nil, &c
	return nil
}

// copy puts content on the board and lets it be seen.
func (b *board) copy(p offer) {
	b.now, b.ours = p, nil
	b.changed(p)
	synctest.Wait()
}

// onBoard runs a test with a watched board, in a time of its own.
func onBoard(t *testing.T, test func(*testing.T, *board)) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{t: t}
		b.w = watch(b, pngs)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.w.Run(ctx, func(c Clip) { b.seen = append(b.seen, c) }) }()
		synctest.Wait()
		test(t, b)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
}

// expect checks the contents of the clips so far.
func (b *board) expect(want ...string) {
	b.t.Helper()
	synctest.Wait()
	var got []string
	for _, c := range b.seen {
		got = append(got, string(c.Data))
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("clips: %q, want %q", got, want)
	}
}

func TestTheLikeSoonAfterIsATakeOver(t *testing.T) {
	onBoard(t, func(t *testing.T, b *board) {
		b.copy(&paper{content: "a"})
		time.Sleep(takeOver - time.Millisecond)
		b.copy(&paper{content: "a"})
		b.expect("a")
		if err := b.w.Replace(t.Context(), b.seen[0], "link"); err != nil || b.ours.text != "link" {
			t.Errorf("Replace: %v, the board holds %v", err, b.ours)
		}
	})
}

func TestTheLikeLaterIsACopy(t *testing.T) {
	onBoard(t, func(t *testing.T, b *board) {
		b.copy(&paper{content: "a"})
		time.Sleep(takeOver)
		b.copy(&paper{content: "a"})
		b.expect("a", "a")
		if err := b.w.Replace(t.Context(), b.seen[0], "link"); !errors.Is(err, ErrChanged) {
			t.Errorf("the first: %v", err)
		}
	})
}

func TestTheLikeAfterReplaceOrAnotherIsACopy(t *testing.T) {
	onBoard(t, func(t *testing.T, b *board) {
		b.copy(&paper{content: "a"})
		if err := b.w.Replace(t.Context(), b.seen[0], "link"); err != nil {
			t.Fatal(err)
		}
		b.copy(&paper{content: "a"})
		b.copy(&paper{content: "b"})
		b.copy(&paper{content: "a"})
		b.expect("a", "a", "b", "a")
	})
}

// Replace must not say that the clipboard has changed while the change may
// prove to be a take-over.
func TestReplaceWaitsForTheVerdict(t *testing.T) {
	onBoard(t, func(t *testing.T, b *board) {
		for _, c := range []struct {
			next string
			want error
		}{{"a", nil}, {"b", ErrChanged}} {
			b.copy(&paper{content: "a"})
			first := b.seen[len(b.seen)-1]
			b.copy(&paper{content: c.next, slow: 3 * time.Second})
			start := time.Now()
			if err := b.w.Replace(t.Context(), first, "link"); !errors.Is(err, c.want) {
				t.Errorf("a, then %s: %v, want %v", c.next, err, c.want)
			}
			if waited := time.Since(start); waited != 3*time.Second {
				t.Errorf("a, then %s: waited for %v", c.next, waited)
			}
		}
	})
}

func TestWhatIsNotJudgedWhenRunEndsIsLetPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{t: t}
		b.w = watch(b, pngs)
		for range 2 {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- b.w.Run(ctx, func(c Clip) { b.seen = append(b.seen, c) }) }()
			synctest.Wait()
			b.copy(&paper{content: "a"})
			b.copy(&paper{content: "b", slow: time.Hour})
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("Run ended with %v", err)
			}
			if err := b.w.Replace(t.Context(), b.seen[0], "link"); !errors.Is(err, ErrChanged) {
				t.Errorf("Replace: %v", err)
			}
			time.Sleep(takeOver)
		}
		b.expect("a", "a")
	})
}

// successor is what a clipboard manager offers once a program has ended.
type successor struct{ sheet }

func (successor) from(offer) origin { return heir }

// text is one that is the same offer nowhere else.
func (b *board) text(text string) offer { return &successor{sheet{"UTF8_STRING": []byte(text)}} }

func (b *board) replace(clip int, text string) {
	b.t.Helper()
	if err := b.w.Replace(b.t.Context(), b.seen[clip], text); err != nil || b.ours == nil || b.ours.text != text {
		b.t.Errorf("Replace of clip %d: %v, the board holds %v", clip, err, b.ours)
	}
}

func TestAnOlderLinkThatComesBackIsReplaced(t *testing.T) {
	onBoard(t, func(t *testing.T, b *board) {
		b.copy(&paper{content: "a"})
		b.replace(0, "first")
		b.copy(&paper{content: "b"})
		b.copy(b.text("first"))
		b.expect("a", "b")
		b.replace(1, "second")

		// It may come when the new one is there already.
		b.copy(&paper{content: "c"})
		b.replace(2, "third")
		b.copy(b.text("second"))
		b.expect("a", "b", "c")
		if b.ours == nil || b.ours.text != "third" {
			t.Errorf("the board holds %v", b.ours)
		}
	})
}

func TestOtherTextsThatComeBackAreLeftAlone(t *testing.T) {
	onBoard(t, func(t *testing.T, b *board) {
		b.copy(&paper{content: "a"})
		b.replace(0, "first")
		b.copy(&paper{content: "b"})
		b.copy(b.text("a text of the user's"))
		b.copy(&paper{content: "c"})
		b.copy(&sheet{"UTF8_STRING": []byte("first")}) // copied by the user, as nothing has ended
		b.expect("a", "b", "", "c", "")
		for _, clip := range []int{1, 3} {
			if err := b.w.Replace(t.Context(), b.seen[clip], "link"); !errors.Is(err, ErrChanged) {
				t.Errorf("Replace of clip %d: %v, want ErrChanged", clip, err)
			}
		}
	})
}

// Klipper holds the pixels of what was copied, and writes them in its own way.
func TestTheSamePixelsInOtherBytesAreATakeOver(t *testing.T) {
	onBoard(t, func(t *testing.T, b *board) {
		m := gradient(40, 30)
		b.copy(&paper{content: string(encodedAs(t, m, png.NoCompression))})
		b.copy(&successor{sheet{"image/png": encodedAs(t, m, png.BestCompression)}})
		if len(b.seen) != 1 {
			t.Fatalf("%d clips", len(b.seen))
		}
		b.replace(0, "link")
		b.copy(&paper{content: string(encodedAs(t, m, png.NoCompression))})
		b.copy(&successor{sheet{"image/png": encodedAs(t, gradient(40, 31), png.BestCompression)}})
		b.copy(&sheet{"image/png": encodedAs(t, m, png.DefaultCompression)}) // nothing has ended
		if len(b.seen) != 4 {
			t.Errorf("%d clips", len(b.seen))
		}
		time.Sleep(2 * time.Minute)
		b.w.mu.Lock()
		defer b.w.mu.Unlock()
		if b.w.latest.data != nil {
			t.Error("the picture is held for ever")
		}
	})
}

func gradient(width, height int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.SetNRGBA(x, y, color.NRGBA{byte(255 * x / width), byte(255 * y / height), byte(x ^ y), 255})
		}
	}
	return m
}

func encodedAs(t *testing.T, m image.Image, level png.CompressionLevel) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: level}).Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSamePixels(t *testing.T) {
	m := gradient(300, 200)
	moved := image.NewNRGBA(m.Rect)
	for i := range m.Pix {
		moved.Pix[i] = m.Pix[(i+40)%len(m.Pix)]
	}
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, m, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	decoded, err := jpeg.Decode(bytes.NewReader(photo.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	a := encodedAs(t, m, png.NoCompression)
	for name, c := range map[string]struct {
		other []byte
		want  bool
	}{
		"in other bytes":      {encodedAs(t, m, png.BestCompression), true},
		"as a photo":          {photo.Bytes(), true},
		"of a photo":          {encodedAs(t, decoded, png.DefaultCompression), true},
		"of another size":     {encodedAs(t, gradient(300, 201), png.DefaultCompression), false},
		"moved by ten pixels": {encodedAs(t, moved, png.DefaultCompression), false},
		"black":               {encodedAs(t, image.NewNRGBA(m.Rect), png.DefaultCompression), false},
		"cut off":             {a[:len(a)/2], false},
		"none":                {nil, false},
	} {
		if got := samePixels(a, c.other); got != c.want || samePixels(c.other, a) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
