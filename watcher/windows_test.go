//go:build windows

package watcher

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"slices"
	"sync"
	"testing"
	"time"
)

// winDesk is a watched clipboard and another program.
type winDesk struct {
	*Watcher
	*winProgram
	t     testing.TB
	clips chan Clip
	end   func()
}

func newWinDesk(t testing.TB) *winDesk {
	t.Helper()
	d := &winDesk{winProgram: startWinProgram(t), t: t, clips: make(chan Clip, 16)}
	d.do(order{Contents: []winContent{unicode("what was there before")}})
	w, err := Open(t.Context(), isPNG)
	if err != nil {
		t.Fatal(err)
	}
	d.Watcher = w
	ctx, cancel := context.WithCancel(context.Background())
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
		b := d.clipboard()
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.changed != nil
	})
	return d
}

func (d *winDesk) clipboard() *winClipboard { return d.backend.(*winClipboard) }

// until waits until a condition holds.
func (d *winDesk) until(what string, holds func() bool) {
	d.t.Helper()
	for end := time.Now().Add(15 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			d.t.Fatalf("still not: %s", what)
		}
	}
}

// expect returns the next clip, which must be taken or left alone for this reason.
func (d *winDesk) expect(why Reason) Clip {
	d.t.Helper()
	select {
	case c := <-d.clips:
		if c.Why != why {
			d.t.Fatalf("the clip %q is %q with %d bytes and files %q, want %q", c.Formats, c.Why, len(c.Data), c.Files, why)
		}
		return c
	case <-time.After(15 * time.Second):
		d.t.Fatalf("no clip came, want %q", why)
		panic("unreachable")
	}
}

// none checks that no clip came before the next one: a text that is copied now.
func (d *winDesk) none() {
	d.t.Helper()
	d.copy(unicode("what comes next"))
	d.expect(TextBeside)
}

// unicode is a text as programs copy it.
func unicode(text string) winContent { return winContent{ID: cfUnicodeText, Data: wide(text)} }

func named(name string, data ...byte) winContent { return winContent{Name: name, Data: data} }

// pixels is the picture that the tests copy; it is half transparent in places.
func pixels(width, height int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.SetNRGBA(x, y, color.NRGBA{byte(x * 7), byte(y * 5), byte(x ^ y), byte(255 - x%2*100)})
		}
	}
	return m
}

// dibOf returns m as a DIB with a header of this size.
func dibOf(m *image.NRGBA, header, bits int, topDown bool) []byte {
	width, height := m.Rect.Dx(), m.Rect.Dy()
	b := make([]byte, header)
	le := binary.LittleEndian
	le.PutUint32(b, uint32(header))
	le.PutUint32(b[4:], uint32(width))
	le.PutUint32(b[8:], uint32(height))
	if topDown {
		le.PutUint32(b[8:], uint32(-height))
	}
	b[12], b[14] = 1, byte(bits)
	if header > 40 {
		b[16] = 3
		for i, mask := range []uint32{0xff0000, 0xff00, 0xff, 0xff000000} {
			le.PutUint32(b[40+4*i:], mask)
		}
	}
	for row := range height {
		y := height - 1 - row
		if topDown {
			y = row
		}
		for x := range width {
			c := m.NRGBAAt(x, y)
			b = append(b, c.B, c.G, c.R)
			if bits == 32 {
				b = append(b, c.A)
			}
		}
		for (len(b)-header)%4 != 0 {
			b = append(b, 0)
		}
	}
	return b
}

// sameAs checks that data is a PNG of m, with its transparency or without.
func sameAs(data []byte, m *image.NRGBA, transparent bool) error {
	got, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return err
	}
	if got.Bounds() != m.Rect {
		return fmt.Errorf("it has %v, want %v", got.Bounds(), m.Rect)
	}
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			want := m.NRGBAAt(x, y)
			if !transparent {
				want.A = 255
			}
			if c := color.NRGBAModel.Convert(got.At(x, y)); c != want {
				return fmt.Errorf("%d, %d is %v, want %v", x, y, c, want)
			}
		}
	}
	return nil
}

func encoded(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWindowsPictures(t *testing.T) {
	d := newWinDesk(t)
	poorer := winContent{ID: cfDIB, Data: dibOf(pixels(5, 5), 40, 24, false)}
	for i, c := range []struct {
		name        string
		contents    func(m *image.NRGBA) []winContent
		transparent bool
	}{
		{"24 bits", func(m *image.NRGBA) []winContent { return []winContent{{ID: cfDIB, Data: dibOf(m, 40, 24, false)}} }, false},
		{"24 bits, upside down", func(m *image.NRGBA) []winContent { return []winContent{{ID: cfDIB, Data: dibOf(m, 40, 24, true)}} }, false},
		{"32 bits", func(m *image.NRGBA) []winContent { return []winContent{{ID: cfDIB, Data: dibOf(m, 40, 32, false)}} }, false},
		{"V5", func(m *image.NRGBA) []winContent { return []winContent{{ID: cfDIBV5, Data: dibOf(m, 124, 32, false)}} }, true},
		{"V5, upside down", func(m *image.NRGBA) []winContent { return []winContent{{ID: cfDIBV5, Data: dibOf(m, 124, 32, true)}} }, true},
		{"V5 beside a poorer one", func(m *image.NRGBA) []winContent {
			return []winContent{poorer, {ID: cfDIBV5, Data: dibOf(m, 124, 32, false)}}
		}, true},
		{"PNG beside others", func(m *image.NRGBA) []winContent {
			return []winContent{poorer, named("HTML Format", 'x'), named("PNG", encoded(t, m)...)}
		}, true},
		{"image/png", func(m *image.NRGBA) []winContent { return []winContent{named("image/png", encoded(t, m)...)} }, true},
	} {
		for _, windowed := range []bool{true, false} {
			// Another one each time: the like so soon would be a take-over.
			m := pixels(37+i, 19)
			if windowed {
				m = pixels(19, 37+i)
			}
			d.do(order{Contents: c.contents(m), Windowed: windowed})
			clip := d.expect(IsPicture)
			if clip.Take != Picture || clip.Type != "image/png" {
				t.Errorf("%s: take %v as %q", c.name, clip.Take, clip.Type)
			}
			if err := sameAs(clip.Data, m, c.transparent); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
	d.none()
}

func TestWindowsReplace(t *testing.T) {
	d := newWinDesk(t)
	const text = "![](https://example.org/é截图😀.png)\n![](b)"
	d.copy(named("PNG", picture(2000, 1)...))
	c := d.expect(IsPicture)
	if err := d.Replace(t.Context(), c, text); err != nil {
		t.Fatal(err)
	}
	if r := d.paste(cfUnicodeText); fromWide(r.Data) != "![](https://example.org/é截图😀.png)\r\n![](b)\x00" || slices.Contains(r.Formats, "PNG") {
		t.Errorf("pasted: %q of %q", fromWide(r.Data), r.Formats)
	}
	if err := d.Replace(t.Context(), c, text); !errors.Is(err, ErrChanged) {
		t.Errorf("again: %v", err)
	}
	d.copy(named("PNG", picture(2000, 2)...))
	c = d.expect(IsPicture)
	d.copy(unicode("newer"))
	if err := d.Replace(t.Context(), c, text); !errors.Is(err, ErrChanged) {
		t.Errorf("after another copy: %v", err)
	}
	if r := d.paste(cfUnicodeText); fromWide(r.Data) != "newer\x00" {
		t.Errorf("what was copied is now %q", fromWide(r.Data))
	}
	d.expect(TextBeside)
	d.none()
}
