// Package bmp decodes BMP files of every kind that programs have written:
// those of OS/2 and all of Windows, of 1 to 32 bits, run-length coded, with
// masks, upside down or not; and the device-independent bitmaps (DIB) that
// Windows programs hand each other, which are BMP files without their first header.
package bmp

import (
	"errors"
	"image"
	"image/color"
	"math/bits"

	"bilipaste/internal/picture/container"
)

// The errors. ErrUnsupported is for a BMP that only wraps another format.
var (
	ErrUnsupported = container.ErrBMPVariant
	errMalformed   = errors.New("bmp: malformed")
)

// picture is a BMP's headers and stored pixels.
type picture struct {
	*container.BMPHeader
	pixels []byte
}

// DecodeConfig returns the size and the colour model of a BMP file.
func DecodeConfig(data []byte) (image.Config, error) {
	h, err := read(data)
	if err != nil {
		return image.Config{}, err
	}
	c := image.Config{ColorModel: color.NRGBAModel, Width: h.Width, Height: h.Height}
	if h.Bits <= 8 {
		c.ColorModel = h.Palette
	}
	return c, nil
}

// Decode returns a BMP file's picture: an *image.Paletted, or an *image.NRGBA.
func Decode(data []byte) (image.Image, error) {
	h, err := read(data)
	if err != nil {
		return nil, err
	}
	return h.decode()
}

func (h *picture) decode() (image.Image, error) {
	if h.RunLength() {
		return h.runs()
	}
	if h.Pixels() > len(h.pixels) {
		return nil, errMalformed
	}
	if h.Bits <= 8 {
		return h.indexed(h.Stride()), nil
	}
	return h.direct(h.Stride()), nil
}

// read reads the headers of a file. A wrong offset of the pixels is corrected.
func read(data []byte) (*picture, error) {
	h, at, err := container.BMP(data)
	if err != nil && !errors.Is(err, container.ErrLength) {
		return nil, err
	}
	return &picture{h, data[at:]}, nil
}

// row returns where the n-th stored row belongs.
func (h *picture) row(n int) int {
	if h.TopDown {
		return n
	}
	return h.Height - 1 - n
}

func (h *picture) indexed(stride int) image.Image {
	m := image.NewPaletted(image.Rect(0, 0, h.Width, h.Height), h.Palette)
	perByte, mask := 8/h.Bits, byte(1<<h.Bits-1)
	for n := range h.Height {
		from, to := h.pixels[n*stride:], m.Pix[h.row(n)*m.Stride:]
		for x := range h.Width {
			to[x] = from[x/perByte] >> (8 - h.Bits - x%perByte*h.Bits) & mask
		}
	}
	return m
}

func (h *picture) direct(stride int) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, h.Width, h.Height))
	size := h.Bits / 8
	visible := h.Masks[3] == 0
	transparent := h.Masks == [4]uint32{0xff0000, 0xff00, 0xff, 0xff000000}
	simple := h.Bits != 16 && (transparent || h.Masks == [4]uint32{0xff0000, 0xff00, 0xff, 0})
	for n := range h.Height {
		from, to := h.pixels[n*stride:][:size*h.Width], m.Pix[h.row(n)*m.Stride:][:m.Stride]
		if !simple {
			visible = h.sampled(to, from) || visible
			continue
		}
		for len(from) >= size && len(to) >= 4 {
			to[0], to[1], to[2], to[3] = from[2], from[1], from[0], 255
			if transparent {
				to[3] = from[3]
				visible = visible || from[3] != 0
			}
			from, to = from[size:], to[4:]
		}
	}
	if !visible { // its writer did not know of transparency
		for i := 3; i < len(m.Pix); i += 4 {
			m.Pix[i] = 255
		}
	}
	return m
}

// sampled reads a row through the masks, and reports whether it shows anything.
func (h *picture) sampled(to, from []byte) (visible bool) {
	size := h.Bits / 8
	for len(from) >= size {
		v := uint32(from[0]) | uint32(from[1])<<8
		if size == 4 {
			v |= uint32(from[2])<<16 | uint32(from[3])<<24
		}
		to[0], to[1], to[2], to[3] = sample(v, h.Masks[0]), sample(v, h.Masks[1]), sample(v, h.Masks[2]), 255
		if h.Masks[3] != 0 {
			to[3] = sample(v, h.Masks[3])
		}
		visible = visible || to[3] != 0
		from, to = from[size:], to[4:]
	}
	return visible
}

// sample returns what a mask shows of a pixel. Less than 8 bits are repeated to
// fill them, as Windows does.
func sample(v, mask uint32) byte {
	if mask == 0 {
		return 0
	}
	n := bits.Len32(mask >> bits.TrailingZeros32(mask))
	v = v & mask >> bits.TrailingZeros32(mask)
	for n < 8 {
		v |= v << n
		n *= 2
	}
	return byte(v >> (n - 8))
}

// runs decodes a run-length coded picture. What no run reaches has colour 0.
func (h *picture) runs() (image.Image, error) {
	m := image.NewPaletted(image.Rect(0, 0, h.Width, h.Height), h.Palette)
	x, y := 0, 0
	put := func(index byte) {
		if x < h.Width && y < h.Height {
			m.Pix[h.row(y)*m.Stride+x] = index
		}
		x++
	}
	for p := h.pixels; len(p) >= 2; {
		count, value := int(p[0]), p[1]
		p = p[2:]
		if count > 0 {
			for i := range count {
				put(h.nibble(value, i))
			}
			continue
		}
		switch value {
		case 0:
			x, y = 0, y+1
		case 1:
			return m, nil
		case 2:
			if len(p) < 2 {
				return nil, errMalformed
			}
			x, y, p = min(x+int(p[0]), h.Width), min(y+int(p[1]), h.Height), p[2:]
		default:
			size := (int(value)*h.Bits + 7) / 8
			if size > len(p) {
				return nil, errMalformed
			}
			for i := range int(value) {
				put(h.nibble(p[i*h.Bits/8], i))
			}
			p = p[min(size+size%2, len(p)):]
		}
	}
	return nil, errMalformed
}

// nibble returns the i-th index of a byte of a run.
func (h *picture) nibble(b byte, i int) byte {
	switch {
	case h.Bits == 8:
		return b
	case i%2 == 0:
		return b >> 4
	}
	return b & 15
}
