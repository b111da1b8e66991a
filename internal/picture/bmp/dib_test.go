package bmp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"bilipaste/internal/picture/bmp"
)

const (
	rgb888  = "\x00\x00\xff\x00\x00\xff\x00\x00\xff\x00\x00\x00"
	argb888 = rgb888 + "\x00\x00\x00\xff"
)

// dib puts a packed DIB together; masks are those in a long header.
func dib(size, width, height, bits int, compression uint32, masks, rest string) []byte {
	b := file(size, width, height, bits, compression, "", rest)[14:]
	copy(b[min(40, size):size], masks)
	return b
}

// coloured says that a DIB has so many colours in its table.
func coloured(b []byte, n uint32) []byte {
	binary.LittleEndian.PutUint32(b[32:], n)
	return b
}

func TestEveryKindOfDIB(t *testing.T) {
	half := color.NRGBA{R: 255, A: 128}
	for name, test := range map[string]struct {
		block []byte
		want  [][]color.NRGBA // rows, from the top
	}{
		"OS/2":                   {dib(12, 2, 1, 1, 0, "", palette3+"\x40\x00\x00\x00"), [][]color.NRGBA{{black, red}}},
		"1 bit":                  {dib(40, 2, 1, 1, 0, "", palette4[:8]+"\x40\x00\x00\x00"), [][]color.NRGBA{{black, red}}},
		"4 bits, few colours":    {coloured(dib(40, 2, 1, 4, 0, "", palette4+"\x12\x00\x00\x00"), 4), [][]color.NRGBA{{red, green}}},
		"8 bits":                 {dib(40, 2, 1, 8, 0, "", palette4+strings.Repeat("\x00", 4*252)+"\x03\x01\x00\x00"), [][]color.NRGBA{{blue, red}}},
		"8 bits, V5":             {coloured(dib(124, 2, 1, 8, 0, "", palette4+"\x03\x01\x00\x00"), 4), [][]color.NRGBA{{blue, red}}},
		"RLE8":                   {coloured(dib(40, 2, 1, 8, 1, "", palette4+"\x02\x01\x00\x01"), 4), [][]color.NRGBA{{red, red}}},
		"16 bits":                {dib(40, 2, 1, 16, 0, "", "\x00\x7c\xff\x7f"), [][]color.NRGBA{{red, white}}},
		"16 bits, masks behind":  {dib(40, 2, 1, 16, 3, "", rgb565+"\xe0\x07\xff\xff"), [][]color.NRGBA{{green, white}}},
		"16 bits, masks in V4":   {dib(108, 2, 1, 16, 3, rgb565, "\xe0\x07\xff\xff"), [][]color.NRGBA{{green, white}}},
		"24 bits":                {dib(40, 1, 2, 24, 0, "", "\xff\x00\x00\x00\x00\x00\xff\x00"), [][]color.NRGBA{{red}, {blue}}},
		"24 bits, upside down":   {dib(40, 1, -2, 24, 0, "", "\xff\x00\x00\x00\x00\x00\xff\x00"), [][]color.NRGBA{{blue}, {red}}},
		"24 bits, with a table":  {coloured(dib(40, 1, 1, 24, 0, "", palette4+"\xff\x00\x00\x00"), 4), [][]color.NRGBA{{blue}}},
		"24 bits, V5":            {dib(124, 1, 1, 24, 0, argb888, "\x00\x00\xff\x00"), [][]color.NRGBA{{red}}},
		"32 bits":                {dib(40, 2, 1, 32, 0, "", "\x00\x00\xff\x00\x00\xff\x00\x07"), [][]color.NRGBA{{red, green}}},
		"32 bits, masks behind":  {dib(40, 1, 1, 32, 3, "", rgb888+"\x00\x00\xff\x00"), [][]color.NRGBA{{red}}},
		"32 bits, other masks":   {dib(40, 1, -1, 32, 3, "", "\xff\x00\x00\x00\x00\xff\x00\x00\x00\x00\xff\x00"+"\xff\x00\x00\x00"), [][]color.NRGBA{{red}}},
		"V5":                     {dib(124, 2, 1, 32, 3, argb888, "\x00\x00\xff\x80\x00\xff\x00\x00"), [][]color.NRGBA{{half, {G: 255}}}},
		"V5, upside down":        {dib(124, 1, -2, 32, 3, argb888, "\x00\x00\xff\x80\x00\xff\x00\xff"), [][]color.NRGBA{{half}, {green}}},
		"V5, masks that are not": {dib(124, 2, 1, 32, 0, argb888, "\x00\x00\xff\x80\x00\xff\x00\xff"), [][]color.NRGBA{{half, green}}},
		"V5, alpha never set":    {dib(124, 2, 1, 32, 3, argb888, "\x00\x00\xff\x00\x00\xff\x00\x00"), [][]color.NRGBA{{red, green}}},
		"V5, no alpha":           {dib(124, 1, 1, 32, 3, rgb888, "\x00\x00\xff\x00"), [][]color.NRGBA{{red}}},
		"V5, masks repeated":     {dib(124, 2, 1, 32, 3, argb888, rgb888+"\x00\x00\xff\x80\x00\xff\x00\xff"), [][]color.NRGBA{{half, green}}},
		"V5, pixels like masks":  {dib(124, 3, 1, 32, 3, rgb888, rgb888), [][]color.NRGBA{{red, green, blue}}},
		"odd alpha":              {dib(124, 2, 1, 32, 3, rgb888+"\x00\x00\x00\x80", "\x00\x00\xff\x80\x00\xff\x00\x00"), [][]color.NRGBA{{red, {G: 255}}}},
		"a longer block":         {append(dib(40, 1, 1, 24, 0, "", "\xff\x00\x00\x00"), make([]byte, 100)...), [][]color.NRGBA{{blue}}},
	} {
		m, err := bmp.DecodeDIB(test.block)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		data, err := bmp.DIBToPNG(test.block)
		if err != nil {
			t.Errorf("%s: to PNG: %v", name, err)
		}
		p, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Errorf("%s: as PNG: %v", name, err)
			continue
		}
		if want := image.Rect(0, 0, len(test.want[0]), len(test.want)); m.Bounds() != want || p.Bounds() != want {
			t.Errorf("%s: %v, as PNG %v, want %v", name, m.Bounds(), p.Bounds(), want)
			continue
		}
		for y, row := range test.want {
			for x, want := range row {
				if got := color.NRGBAModel.Convert(m.At(x, y)); got != want {
					t.Errorf("%s: %d, %d is %v, want %v", name, x, y, got, want)
				}
				if got := color.NRGBAModel.Convert(p.At(x, y)); got != want {
					t.Errorf("%s: as PNG, %d, %d is %v, want %v", name, x, y, got, want)
				}
			}
		}
	}
}

func TestWhatIsNoDIB(t *testing.T) {
	for name, good := range map[string][]byte{
		"24 bits": dib(40, 2, 1, 24, 0, "", "\x00\x00\x00\x00\x00\x00"),
		"8 bits":  coloured(dib(40, 2, 1, 8, 0, "", palette4+"\x00\x00"), 4),
		"masks":   dib(40, 2, 1, 16, 3, "", rgb565+"\x00\x00\x00\x00"),
		"V5":      dib(124, 1, -1, 32, 3, argb888, "\x00\x00\x00\x00"),
	} {
		for size := range len(good) {
			if _, err := bmp.DecodeDIB(good[:size:size]); err == nil {
				t.Errorf("%s: %d of %d bytes pass", name, size, len(good))
			}
		}
	}
	for name, bad := range map[string][]byte{
		"lowest height": dib(40, 1, -1<<31, 24, 0, "", "\x00\x00\x00\x00"),
		"no width":      dib(40, 0, 1, 24, 0, "", "\x00\x00\x00\x00"),
		"wide":          dib(40, 1<<30, 1, 32, 0, "", "\x00\x00\x00\x00"),
		"many colours":  coloured(dib(40, 1, 1, 24, 0, "", "\x00\x00\x00\x00"), 1<<31),
	} {
		if _, err := bmp.DecodeDIB(bad); err == nil {
			t.Errorf("%s passes", name)
		}
	}
	if _, err := bmp.DIBToPNG(coloured(dib(40, 1<<20, 1<<20, 8, 1, "", palette4+"\x00\x01"), 4)); !errors.Is(err, bmp.ErrTooLarge) {
		t.Errorf("large, of few bytes: %v", err)
	}
	if _, err := bmp.DecodeDIB(dib(40, 2, 1, 0, 5, "", "")); !errors.Is(err, bmp.ErrUnsupported) {
		t.Errorf("a PNG inside: %v", err)
	}
}

func FuzzDecodeDIB(f *testing.F) {
	f.Add(dib(124, 2, 1, 32, 3, argb888, rgb888+"\x00\x00\xff\x80\x00\xff\x00\xff"))
	f.Add(dib(40, 1, -2, 24, 0, "", "\xff\x00\x00\x00\x00\x00\xff\x00"))
	f.Add(dib(40, 2, 1, 16, 3, "", rgb565+"\xe0\x07\xff\xff"))
	f.Add(coloured(dib(40, 2, 1, 8, 1, "", palette4+"\x02\x01\x00\x01"), 4))
	f.Fuzz(func(t *testing.T, block []byte) {
		m, err := bmp.DecodeDIB(block)
		if err != nil || m.Bounds().Dx()*m.Bounds().Dy() > 1<<16 {
			return
		}
		data, err := bmp.DIBToPNG(block)
		if err != nil {
			t.Fatal(err)
		}
		p, err := png.Decode(bytes.NewReader(data))
		if err != nil || p.Bounds() != m.Bounds() {
			t.Fatalf("%v became %v, %v", m.Bounds(), p.Bounds(), err)
		}
		for y := range m.Bounds().Dy() {
			for x := range m.Bounds().Dx() {
				if color.NRGBAModel.Convert(p.At(x, y)) != color.NRGBAModel.Convert(m.At(x, y)) {
					t.Fatalf("%d, %d: %v became %v", x, y, m.At(x, y), p.At(x, y))
				}
			}
		}
	})
}

func TestEncodedDIBsAreDecoded(t *testing.T) {
	clear, gray := image.NewNRGBA(image.Rect(0, 0, 5, 3)), image.NewGray(image.Rect(2, 1, 7, 4))
	opaque := image.NewRGBA(image.Rect(0, 0, 6, 3))
	for i := range clear.Pix {
		clear.Pix[i] = byte(i * 17)
	}
	for i := range gray.Pix {
		gray.Pix[i] = byte(i * 13)
	}
	for i := range opaque.Pix {
		opaque.Pix[i] = byte(i*11) | byte(i%4/3*255)
	}
	for _, c := range []struct {
		m    image.Image
		isV5 bool
	}{{clear, true}, {gray, false}, {opaque, false}, {opaque.SubImage(image.Rect(1, 1, 6, 3)), false}} {
		block, isV5 := bmp.EncodeDIB(c.m)
		m, err := bmp.DecodeDIB(block)
		b := c.m.Bounds()
		if err != nil || isV5 != c.isV5 || m.Bounds() != image.Rect(0, 0, b.Dx(), b.Dy()) {
			t.Errorf("%T: V5 %v, %v", c.m, isV5, err)
			continue
		}
		for y := range b.Dy() {
			for x := range b.Dx() {
				want := color.NRGBAModel.Convert(c.m.At(b.Min.X+x, b.Min.Y+y))
				if got := m.At(x, y); got != want {
					t.Fatalf("%T: %d, %d is %v, want %v", c.m, x, y, got, want)
				}
			}
		}
	}
}
