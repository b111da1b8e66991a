package hosttest

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"slices"
	"testing"

	"bilipaste/internal/picture"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// Picture returns a small picture of a format, whose bytes differ with seed.
func Picture(t testing.TB, format picture.Format, seed int) picture.Picture {
	t.Helper()
	p, err := picture.New("picture"+format.Ext(), encode(t, format, seed))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func encode(t testing.TB, format picture.Format, seed int) []byte {
	m := image.NewPaletted(image.Rect(0, 0, 24, 16), color.Palette{color.Black, color.White, color.NRGBA{200, 0, byte(seed), 255}})
	random := rand.New(rand.NewPCG(uint64(seed), 1))
	for i := range m.Pix {
		m.Pix[i] = byte(random.IntN(3))
	}
	var data bytes.Buffer
	var err error
	switch format {
	case picture.PNG:
		err = png.Encode(&data, m)
	case picture.JPEG:
		err = jpeg.Encode(&data, m, nil)
	case picture.GIF:
		err = gif.Encode(&data, m, nil)
	case picture.BMP:
		err = bmp.Encode(&data, m)
	case picture.TIFF:
		err = tiff.Encode(&data, m, nil)
	case picture.WebP:
		data.Write(webp(seed, false))
	case picture.APNG:
		data.Write(apng(encode(t, picture.PNG, seed)))
	default:
		t.Fatalf("no %s can be made here", format)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

// AnimatedWebP returns a WebP of two frames.
func AnimatedWebP(t testing.TB) picture.Picture {
	t.Helper()
	p, err := picture.New("animation.webp", webp(1, true))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// apng makes an animation of one frame of a PNG of 24 x 16 pixels.
func apng(still []byte) []byte {
	chunk := func(name, body string) []byte {
		c := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
		c = append(c, name+body...)
		return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
	}
	const head = 8 + 25 // the signature and the header chunk
	return slices.Concat(still[:head], chunk("acTL", "\x00\x00\x00\x01\x00\x00\x00\x00"),
		chunk("fcTL", "\x00\x00\x00\x00\x00\x00\x00\x18\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0a\x00\x64\x00\x00"),
		still[head:])
}

// webp writes a WebP of one pixel, or an animation of two such frames, with a
// comment that differs with seed.
func webp(seed int, animated bool) []byte {
	// Lossless, 1 x 1: no transform, no cache, no meta codes, and five prefix
	// codes of one symbol each, so that the pixel itself takes no bits.
	frame := chunk("VP8L", []byte{0x2f, 0, 0, 0, 0x10, 0x07, 0x10, 0x11, 0x11, 0x88, 0x88, 0xfe, 0x07, 0})
	flags := byte(1 << 2) // a comment (XMP)
	pixels := frame
	if animated {
		flags |= 1 << 1
		place := make([]byte, 16)
		place[12] = 100 // milliseconds
		pixels = append(chunk("ANIM", make([]byte, 6)), chunk("ANMF", append(place, frame...))...)
		pixels = append(pixels, chunk("ANMF", append(place, frame...))...)
	}
	body := append([]byte("WEBP"), chunk("VP8X", []byte{flags, 0, 0, 0, 0, 0, 0, 0, 0, 0})...)
	body = append(body, pixels...)
	body = append(body, chunk("XMP ", binary.BigEndian.AppendUint32([]byte("seed"), uint32(seed)))...)
	return chunk("RIFF", body)
}

func chunk(name string, data []byte) []byte {
	c := binary.LittleEndian.AppendUint32([]byte(name), uint32(len(data)))
	c = append(c, data...)
	if len(data)%2 == 1 {
		c = append(c, 0)
	}
	return c
}

// PNG returns a whole PNG of exactly size bytes, most of them a chunk that
// viewers skip. size is at least 200.
func PNG(t testing.TB, size int) picture.Picture {
	t.Helper()
	small := encode(t, picture.PNG, 1)
	head := len(small) - 12 // before the end chunk
	fill := size - len(small) - 12
	if fill < 0 {
		t.Fatalf("a PNG of %d bytes is too small", size)
	}
	data := make([]byte, 0, size)
	data = append(data, small[:head]...)
	data = binary.BigEndian.AppendUint32(data, uint32(fill))
	start := len(data)
	data = append(data, "teSt"...)
	data = data[:len(data)+fill]
	_, _ = rand.NewChaCha8([32]byte{}).Read(data[start+4:]) // it never fails
	data = binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(data[start:]))
	data = append(data, small[head:]...)
	p, err := picture.New("large.png", data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
