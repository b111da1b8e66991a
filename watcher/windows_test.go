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
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	w, err := Open(t.Context(), pngs)
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

// pastes checks which text other programs find on the clipboard.
func (d *winDesk) pastes(want string) {
	d.t.Helper()
	if data, _ := d.paste("CF_UNICODETEXT"); fromWide(data) != want+"\x00" {
		d.t.Errorf("%q is pasted, want %q", fromWide(data), want)
	}
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
			return []winContent{{ID: cfDIBV5, Data: dibOf(m, 124, 32, false)}, poorer}
		}, true},
		{"24 bits, of which Windows makes a V5", func(m *image.NRGBA) []winContent {
			return []winContent{{ID: cfDIB, Data: dibOf(m, 40, 24, false)}, {ID: cfBitmap, Data: make([]byte, 16)}}
		}, false},
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

// One that has only a bitmap for the screen gets the rest from Windows.
func TestWindowsMakesADIBOfABitmap(t *testing.T) {
	d := newWinDesk(t)
	pixels := []byte{1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 10, 11, 12, 0}
	d.copy(winContent{ID: cfBitmap, Data: pixels})
	c := d.expect(IsPicture)
	m := &image.NRGBA{Pix: []byte{3, 2, 1, 255, 6, 5, 4, 255, 9, 8, 7, 255, 12, 11, 10, 255}, Stride: 8, Rect: image.Rect(0, 0, 2, 2)}
	if err := sameAs(c.Data, m, true); err != nil {
		t.Error(err)
	}
}

func TestWindowsLargePictures(t *testing.T) {
	d := newWinDesk(t)
	for i, size := range []int{12_000_000, 20_300_001, MaxClip} {
		want := pictureOf(size, byte(i))
		d.copy(winContent{Name: "PNG", Data: want})
		if c := d.expect(IsPicture); !bytes.Equal(c.Data, want) {
			t.Errorf("%d bytes: %d others came", size, len(c.Data))
		}
	}
	d.copy(winContent{Name: "PNG", Data: pictureOf(MaxClip+1, 9)})
	d.expect(TooLarge)
	d.copy(winContent{ID: cfDIB, Data: dibOf(pixels(9, 9), 40, 24, false)[:200]})
	d.expect(NotReadable)
	d.copy(named("PNG", pictureOf(9, 9)...))
	d.expect(IsPicture)
}

func TestWindowsSecrets(t *testing.T) {
	d := newWinDesk(t)
	png := named("PNG", pictureOf(2000, 1)...)
	for _, secret := range []winContent{
		named("ExcludeClipboardContentFromMonitorProcessing", 0, 0, 0, 0),
		named("ExcludeClipboardContentFromMonitorProcessing", 1, 0, 0, 0),
		named("Clipboard Viewer Ignore", 0),
		named("CanIncludeInClipboardHistory", 0, 0, 0, 0),
	} {
		d.copy(png, secret)
		d.expect(IsSecret)
	}
	d.copy(png, named("CanIncludeInClipboardHistory", 1, 0, 0, 0), named("CanUploadToCloudClipboard", 0, 0, 0, 0))
	d.expect(IsPicture)
	d.copy(unicode("a text"), named("CanIncludeInClipboardHistory", 0, 0, 0, 0))
	d.expect(IsSecret)
}

func TestWindowsFiles(t *testing.T) {
	d := newWinDesk(t)
	folder := t.TempDir()
	for range 6 {
		folder = filepath.Join(folder, strings.Repeat("很长的文件夹", 8))
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(folder, "截图 1%.png")
	if err := os.WriteFile(long, pictureOf(100, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	short, note := file(t, "é#b&;😀.png", pictureOf(100, 2)), file(t, "note.png", []byte("no picture"))
	if len([]rune(long)) <= 260 {
		t.Fatalf("%q is not long", long)
	}
	drop := func(paths ...string) winContent { return winContent{ID: cfHDrop, Data: dropFiles(paths)} }

	d.copy(drop(long, short), named("Preferred DropEffect", 5, 0, 0, 0))
	if c := d.expect(IsFiles); c.Take != Files || !slices.Equal(c.Files, []string{long, short}) {
		t.Errorf("files: %q, want %q and %q", c.Files, long, short)
	}
	d.copy(drop(short))
	if c := d.expect(IsFiles); !slices.Equal(c.Files, []string{short}) {
		t.Errorf("files: %q", c.Files)
	}
	d.copy(drop(long, short), named("Preferred DropEffect", 2, 0, 0, 0))
	d.expect(IsCut)
	d.copy(drop(long, note))
	d.expect(OtherFiles)
	d.copy(drop(short + ".gone"))
	d.expect(OtherFiles)
	d.copy(unicode(`"` + long + `"`))
	if c := d.expect(IsPath); !slices.Equal(c.Files, []string{long}) {
		t.Errorf("a path: %q", c.Files)
	}
	d.copy(unicode("see " + short))
	d.expect(TextBeside)
}

// To look at one of these would send the user's password's hash to a stranger.
func TestWindowsATextThatLeadsElsewhereIsNotLookedAt(t *testing.T) {
	for _, text := range []string{
		`\\evil\s\a.png`, `"\\evil\s\a.png"`, `//evil/s/a.png`, `\/evil\s\a.png`, `\\?\C:\a.png`, `\\?\UNC\evil\s\a.png`, `\??\C:\a.png`,
		`\\.\C:\a.png`, `\\.\COM1`, `\\.\pipe\a`, `NUL`, `C:\NUL`, `C:\a\COM1`, `C:\a\nul\b.png`, `C:\a.png:stream`, `C:a.png`, `\a.png`,
		`file://evil/s/a.png`, `file:////evil/s/a.png`, `file://///evil/s/a.png`, `file:///\\evil\s\a.png`, `file:\\evil\s\a.png`,
		`file:///%5C%5Cevil%5Cs%5Ca.png`, `file:///%2F%2Fevil/s/a.png`, `file:///C:/NUL`, `file:///%5C%5C.%5CCOM1`,
	} {
		if f, ok := pathOf(text); ok {
			t.Errorf("%s leads to %q", text, f)
		}
		if files, elsewhere := fileList([]byte(text)); len(files) > 0 || elsewhere == 0 {
			t.Errorf("the address %s leads to %q", text, files)
		}
	}
	for path, want := range map[string]bool{ // copied files may be on shares
		`C:\a.png`: true, `\\server\s\a.png`: true, `\\?\C:\a.png`: true, `\\?\UNC\server\s\a.png`: true, `C:\a\..\b.png`: true,
		`\\.\COM1`: false, `C:\NUL`: false, `\\.\C:\a.png`: false,
	} {
		if files, _ := droppedFiles(dropFiles([]string{path})); (len(files) == 1) != want {
			t.Errorf("the copied file %s leads to %q", path, files)
		}
	}
}

func TestWindowsCells(t *testing.T) {
	d := newWinDesk(t)
	d.copy(unicode("1\t2\r\n"), named("HTML Format", 'x'), winContent{ID: cfDIB, Data: dibOf(pixels(9, 9), 40, 24, false)})
	d.expect(TextBeside)
	d.do(order{Empty: true})
	d.expect(IsEmpty)
	d.copy(named("bilipaste test", 'x'))
	d.expect(NoPicture)
}

func TestWindowsReplace(t *testing.T) {
	d := newWinDesk(t)
	const text = "![](https://example.org/é截图😀.png)\n![](b)"
	d.copy(named("PNG", pictureOf(2000, 1)...))
	c := d.expect(IsPicture)
	if err := d.Replace(t.Context(), c, text); err != nil {
		t.Fatal(err)
	}
	data, formats := d.paste("CF_UNICODETEXT")
	if fromWide(data) != "![](https://example.org/é截图😀.png)\r\n![](b)\x00" || slices.Contains(formats, "PNG") {
		t.Errorf("pasted: %q of %q", fromWide(data), formats)
	}
	if err := d.Replace(t.Context(), c, text); !errors.Is(err, ErrChanged) {
		t.Errorf("again: %v", err)
	}
	d.copy(named("PNG", pictureOf(2000, 2)...))
	c = d.expect(IsPicture)
	d.copy(unicode("newer"))
	if err := d.Replace(t.Context(), c, text); !errors.Is(err, ErrChanged) {
		t.Errorf("after another copy: %v", err)
	}
	d.pastes("newer")
	d.expect(TextBeside)
	d.none()
}
