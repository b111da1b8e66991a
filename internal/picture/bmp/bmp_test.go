package bmp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"testing"

	xbmp "golang.org/x/image/bmp"

	"bilipaste/internal/picture/bmp"
)

// file puts a BMP together: an info header of a size, tables, and pixels.
func file(size, width, height, bits int, compression uint32, tables, pixels string) []byte {
	le := binary.LittleEndian
	b := append([]byte("BM"), make([]byte, 12+size)...)
	le.PutUint32(b[2:], uint32(len(b)+len(tables)+len(pixels)))
	le.PutUint32(b[10:], uint32(14+size+len(tables)))
	dib := b[14:]
	le.PutUint32(dib, uint32(size))
	if size == 12 {
		le.PutUint16(dib[4:], uint16(width))
		le.PutUint16(dib[6:], uint16(height))
		le.PutUint16(dib[8:], 1)
		le.PutUint16(dib[10:], uint16(bits))
	} else {
		le.PutUint32(dib[4:], uint32(width))
		le.PutUint32(dib[8:], uint32(height))
		le.PutUint16(dib[12:], 1)
		le.PutUint16(dib[14:], uint16(bits))
		if size >= 20 {
			le.PutUint32(dib[16:], compression)
		}
	}
	return append(append(b, tables...), pixels...)
}

const (
	palette4 = "\x00\x00\x00\x00\x00\x00\xff\x00\x00\xff\x00\x00\xff\x00\x00\x00" // black, red, green, blue
	palette3 = "\x00\x00\x00\x00\x00\xff"                                         // OS/2's: black, red
	rgb565   = "\x00\xf8\x00\x00\xe0\x07\x00\x00\x1f\x00\x00\x00"
	argb     = "\x00\x00\xff\x00\x00\xff\x00\x00\xff\x00\x00\x00\x00\x00\x00\xff"
)

var (
	black = color.NRGBA{A: 255}
	red   = color.NRGBA{R: 255, A: 255}
	green = color.NRGBA{G: 255, A: 255}
	blue  = color.NRGBA{B: 255, A: 255}
	white = color.NRGBA{255, 255, 255, 255}
)

func TestEveryKind(t *testing.T) {
	for name, test := range map[string]struct {
		data []byte
		want [][]color.NRGBA // rows, from the top
	}{
		"1 bit, OS/2":   {file(12, 2, 2, 1, 0, palette3, "\x40\x00\x00\x00\x80\x00\x00\x00"), [][]color.NRGBA{{red, black}, {black, red}}},
		"short OS/2":    {file(16, 2, 1, 1, 0, palette4[:8], "\x40\x00\x00\x00"), [][]color.NRGBA{{black, red}}},
		"2 bits":        {file(40, 4, 1, 2, 0, palette4, "\x1b\x00\x00\x00"), [][]color.NRGBA{{black, red, green, blue}}},
		"4 bits":        {file(40, 3, 1, 4, 0, palette4+palette4+palette4+palette4, "\x12\x30\x00\x00"), [][]color.NRGBA{{red, green, blue}}},
		"16 bits, 555":  {file(40, 2, 1, 16, 0, "", "\x00\x7c\xff\x7f"), [][]color.NRGBA{{red, white}}},
		"16 bits, 565":  {file(40, 2, 1, 16, 3, rgb565, "\xe0\x07\xff\xff"), [][]color.NRGBA{{green, white}}},
		"24 bits, down": {file(40, 1, -2, 24, 0, "", "\xff\x00\x00\x00\x00\x00\xff\x00"), [][]color.NRGBA{{blue}, {red}}},
		"32 bits":       {file(40, 1, 1, 32, 0, "", "\x00\x00\xff\x00"), [][]color.NRGBA{{red}}},
		"32 bits, alpha": {file(40, 2, 1, 32, 6, argb, "\x00\x00\xff\x80\x00\xff\x00\x00"),
			[][]color.NRGBA{{{R: 255, A: 128}, {G: 255}}}},
		"32 bits, alpha never set": {file(40, 2, 1, 32, 6, argb, "\x00\x00\xff\x00\x00\xff\x00\x00"), [][]color.NRGBA{{red, green}}},
		"RLE8": {rle(8, "\x02\x01\x00\x00\x00\x03\x01\x02\x03\x00\x00\x01"),
			[][]color.NRGBA{{red, green, blue, black}, {red, red, black, black}}},
		"RLE8, moved": {rle(8, "\x00\x02\x01\x01\x03\x02\x00\x01"), [][]color.NRGBA{{black, green, green, green}, {black, black, black, black}}},
		"RLE4": {rle(4, "\x03\x12\x00\x00\x00\x03\x12\x30\x00\x01"),
			[][]color.NRGBA{{red, green, blue, black}, {red, green, red, black}}},
	} {
		m, err := bmp.Decode(test.data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		config, err := bmp.DecodeConfig(test.data)
		if b := m.Bounds(); err != nil || b.Dx() != len(test.want[0]) || b.Dy() != len(test.want) || config.Width != b.Dx() || config.Height != b.Dy() {
			t.Errorf("%s: %v, %v, %v", name, b, config, err)
			continue
		}
		for y, row := range test.want {
			for x, want := range row {
				if got := color.NRGBAModel.Convert(m.At(x, y)); got != want {
					t.Errorf("%s: %d, %d is %v, want %v", name, x, y, got, want)
				}
			}
		}
	}
}

// rle returns a picture of 4 x 2 pixels.
func rle(bits int, pixels string) []byte {
	compression := map[int]uint32{8: 1, 4: 2}[bits]
	b := file(40, 4, 2, bits, compression, palette4, pixels)
	b[14+32] = 4 // colours
	return b
}

func TestItReadsWhatOthersWrite(t *testing.T) {
	nrgba := image.NewNRGBA(image.Rect(0, 0, 13, 7))
	for i := range nrgba.Pix {
		nrgba.Pix[i] = byte(i * 7)
	}
	gray := image.NewGray(image.Rect(0, 0, 13, 7))
	copy(gray.Pix, nrgba.Pix)
	rgba := image.NewRGBA(nrgba.Rect)
	for i := range rgba.Pix {
		rgba.Pix[i] = byte(i*5) | byte(255*(i%4/3))
	}
	for _, m := range []image.Image{nrgba, gray, rgba} {
		var b bytes.Buffer
		if err := xbmp.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		got, err := bmp.Decode(b.Bytes())
		want, err2 := xbmp.Decode(bytes.NewReader(b.Bytes()))
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		for y := range 7 {
			for x := range 13 {
				if color.NRGBAModel.Convert(got.At(x, y)) != color.NRGBAModel.Convert(want.At(x, y)) {
					t.Fatalf("%T: %d, %d: %v, want %v", m, x, y, got.At(x, y), want.At(x, y))
				}
			}
		}
	}
}

func TestWhatIsNone(t *testing.T) {
	good := file(40, 2, 1, 24, 0, "", "\x00\x00\x00\x00\x00\x00\x00\x00")
	const padding = 2 // of the last row, which some leave out
	for size := range len(good) {
		if _, err := bmp.Decode(good[:size:size]); (err == nil) != (size >= len(good)-padding) {
			t.Errorf("%d of %d bytes: %v", size, len(good), err)
		}
	}
	for _, c := range []uint32{4, 5} { // a JPEG, a PNG
		if _, err := bmp.Decode(file(40, 2, 1, 0, c, "", "")); !errors.Is(err, bmp.ErrUnsupported) {
			t.Error(c, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(file(40, 2, 1, 16, 3, rgb565, "\xe0\x07\xff\xff"))
	f.Add(file(12, 2, 2, 1, 0, palette3, "\x40\x00\x00\x00\x80\x00\x00\x00"))
	f.Add(rle(4, "\x03\x12\x00\x00\x00\x03\x12\x30\x00\x01"))
	f.Add(rle(8, "\x00\x02\x01\x01\x03\x02\x00\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := bmp.DecodeConfig(data)
		if err != nil || c.Width*c.Height > 1<<20 {
			return
		}
		m, err := bmp.Decode(data)
		if err != nil {
			return
		}
		if m.Bounds() != image.Rect(0, 0, c.Width, c.Height) {
			t.Fatalf("%v, said were %d x %d", m.Bounds(), c.Width, c.Height)
		}
		for y := range c.Height {
			m.At(c.Width-1, y).RGBA()
		}
	})
}
