//go:build windows

package watcher

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"slices"
	"testing"

	"bilipaste/internal/picture/bmp"
)

func TestWindowsPutPicture(t *testing.T) {
	d := newWinDesk(t)
	opaque := image.NewGray(image.Rect(0, 0, 37, 19))
	for i := range opaque.Pix {
		opaque.Pix[i] = byte(i)
	}
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, opaque, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mediaType string
		data      []byte
		as        []string // formats, the best one first
		m         image.Image
	}{
		{"image/png", encoded(t, pixels(37, 19)), []string{"PNG", "CF_DIBV5"}, pixels(37, 19)},
		{"image/png", encoded(t, opaque), []string{"PNG", "CF_DIB"}, opaque},
		{"image/jpeg", photo.Bytes(), []string{"JFIF", "CF_DIB"}, nil},
		{"image/png", pictureOf(12_000_000, 1), []string{"PNG"}, nil}, // one that cannot be decoded
		{"image/x-unheard-of", []byte("x"), []string{"image/x-unheard-of"}, nil},
	} {
		if err := d.PutPicture(t.Context(), c.mediaType, c.data); err != nil {
			t.Fatal(err)
		}
		data, formats := d.paste(c.as[0])
		if !bytes.Equal(data, c.data) || len(formats) < len(c.as) || !slices.Equal(formats[:len(c.as)], c.as) {
			t.Errorf("%s: %d bytes are pasted of %q, want %d of %q", c.mediaType, len(data), formats, len(c.data), c.as)
		}
		if len(c.as) == 1 {
			continue
		}
		for _, format := range []string{"CF_DIB", "CF_DIBV5"} { // one of them is made by Windows
			data, _ := d.paste(format)
			m, err := bmp.DecodeDIB(data)
			if err != nil || m.Bounds() != image.Rect(0, 0, 37, 19) {
				t.Errorf("%s as %s: %v", c.mediaType, format, err)
				continue
			}
			if c.m == nil || format != c.as[1] {
				continue
			}
			for y := range 19 {
				for x := range 37 {
					if got, want := m.At(x, y), color.NRGBAModel.Convert(c.m.At(x, y)); got != want {
						t.Fatalf("%s: %d, %d is %v, want %v", c.mediaType, x, y, got, want)
					}
				}
			}
		}
	}
	d.none()
}

func TestWindowsPutFiles(t *testing.T) {
	d := newWinDesk(t)
	a, b := file(t, "截图 1%.png", pictureOf(100, 1)), file(t, "é😀.png", pictureOf(100, 2))
	if err := d.PutFiles(t.Context(), []string{a, b}); err != nil {
		t.Fatal(err)
	}
	data, formats := d.paste("CF_HDROP")
	if files, _ := droppedFiles(data); !slices.Equal(pathsOf(files), []string{a, b}) {
		t.Errorf("%q are pasted of %q", files, formats)
	}
	if effect, _ := d.paste("Preferred DropEffect"); !bytes.Equal(effect, []byte{1, 0, 0, 0}) {
		t.Errorf("they are to be % x", effect)
	}
	if err := d.PutFiles(t.Context(), []string{a + ".gone"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
	other, err := Open(t.Context(), pngs)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if c, err := other.Read(t.Context()); err != nil || !slices.Equal(c.Files, []string{a, b}) {
		t.Errorf("another watcher reads %q, %v", c.Files, err)
	}
	if c, err := d.Read(t.Context()); err != nil || c.Why != IsOurs {
		t.Errorf("ours is %q, %v", c.Why, err)
	}
	d.none()
}

func TestWindowsWhatIsPutStays(t *testing.T) {
	d := newWinDesk(t)
	for _, text := range []string{"over another's", "over our own", "", "a\x00b\r\nc"} {
		if err := d.PutText(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		if text == "a\x00b\r\nc" {
			text = "ab\r\nc"
		}
		d.pastes(text)
	}
	d.none()
	if err := d.PutText(t.Context(), "it stays"); err != nil {
		t.Fatal(err)
	}
	d.end()
	d.pastes("it stays")
}
