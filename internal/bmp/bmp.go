// Package bmp decodes BMP files of every kind that programs have written:
// those of OS/2 and all of Windows, of 1 to 32 bits, run-length coded, with
// masks, upside down or not.
package bmp

import (
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"math/bits"
)

// The errors. ErrUnsupported is for a BMP that only wraps another format.
var (
	ErrUnsupported = errors.New("bmp: it holds a picture of another format")
	errMalformed   = errors.New("bmp: malformed")
)

// The ways in which pixels are stored.
const (
	plain      = 0
	rle8       = 1
	rle4       = 2
	masked     = 3
	alphaMask  = 6
	core       = 12 // the size of OS/2's header
	info       = 40 // of Windows 3's
	infoMasks  = 52 // with masks
	infoAlphas = 56 // with a mask for transparency
	largest    = 1 << 20
)

// header is what a BMP says of itself.
type header struct {
	width, height int
	topDown       bool
	bits          int
	compression   uint32
	masks         [4]uint32 // red, green, blue, alpha
	palette       color.Palette
	pixels        []byte
}

// DecodeConfig returns the size and the colour model of a BMP file.
func DecodeConfig(data []byte) (image.Config, error) {
	h, err := read(data)
	if err != nil {
		return image.Config{}, err
	}
	c := image.Config{ColorModel: color.NRGBAModel, Width: h.width, Height: h.height}
	if h.bits <= 8 {
		c.ColorModel = h.palette
	}
	return c, nil
}

// Decode returns a BMP file's picture: an *image.Paletted, or an *image.NRGBA.
func Decode(data []byte) (image.Image, error) {
	h, err := read(data)
	switch {
	case err != nil:
		return nil, err
	case h.compression == rle8, h.compression == rle4:
		return h.runs()
	}
	stride := (h.width*h.bits + 31) / 32 * 4
	if stride*h.height > len(h.pixels) {
		return nil, errMalformed
	}
	if h.bits <= 8 {
		return h.indexed(stride), nil
	}
	return h.direct(stride), nil
}

// read reads the headers.
func read(data []byte) (*header, error) {
	const fileHeader = 14
	le := binary.LittleEndian
	if len(data) < fileHeader+core || string(data[:2]) != "BM" {
		return nil, errMalformed
	}
	dib := data[fileHeader:]
	size := int(le.Uint32(dib))
	if size < core || size > len(dib) || size > 1<<10 {
		return nil, errMalformed
	}
	h := &header{}
	entry, colours := 4, 0
	if size < 16 {
		entry = 3
		h.width, h.height, h.bits = int(le.Uint16(dib[4:])), int(le.Uint16(dib[6:])), int(le.Uint16(dib[10:]))
	} else {
		h.width, h.height, h.bits = int(int32(le.Uint32(dib[4:]))), int(int32(le.Uint32(dib[8:]))), int(le.Uint16(dib[14:]))
		field := func(at int) uint32 { // OS/2 leaves out what is 0 at the end
			if at+4 > size {
				return 0
			}
			return le.Uint32(dib[at:])
		}
		h.compression, colours = field(16), int(min(field(32), 256))
	}
	if h.height < 0 {
		h.topDown, h.height = true, -h.height
	}
	if h.width <= 0 || h.height <= 0 || h.width > largest || h.height > largest {
		return nil, errMalformed
	}
	tables := dib[size:]
	h.masks = [4]uint32{0xff0000, 0xff00, 0xff, 0}
	if h.bits == 16 {
		h.masks = [4]uint32{0x7c00, 0x3e0, 0x1f, 0}
	}
	switch h.compression {
	case plain:
	case rle8, rle4:
		if h.bits != map[uint32]int{rle8: 8, rle4: 4}[h.compression] || h.topDown {
			return nil, errMalformed
		}
	case masked, alphaMask:
		if size != info && size < infoMasks || h.bits != 16 && h.bits != 32 {
			return nil, ErrUnsupported // OS/2's 3 is another coding
		}
		from, n := dib[info:], 3
		if size == info && h.compression == alphaMask || size >= infoAlphas {
			n = 4
		}
		if len(from) < 4*n {
			return nil, errMalformed
		}
		for i := range n {
			h.masks[i] = le.Uint32(from[4*i:])
		}
		if size == info {
			tables = tables[4*n:]
		}
	default:
		return nil, ErrUnsupported // a JPEG or a PNG, or a fax
	}
	switch h.bits {
	case 1, 2, 4, 8:
		if colours == 0 {
			colours = 1 << h.bits
		}
		for i := range 1 << h.bits {
			c := color.RGBA{A: 255}
			if at := entry * i; i < colours && at+3 <= len(tables) {
				c.B, c.G, c.R = tables[at], tables[at+1], tables[at+2]
			}
			h.palette = append(h.palette, c)
		}
	case 16, 24, 32:
	default:
		return nil, errMalformed
	}
	at := le.Uint32(data[10:])
	if uint64(at) > uint64(len(data)) || int(at) < fileHeader+size {
		return nil, errMalformed
	}
	h.pixels = data[at:]
	return h, nil
}

// row returns where the n-th stored row belongs.
func (h *header) row(n int) int {
	if h.topDown {
		return n
	}
	return h.height - 1 - n
}

func (h *header) indexed(stride int) image.Image {
	m := image.NewPaletted(image.Rect(0, 0, h.width, h.height), h.palette)
	perByte, mask := 8/h.bits, byte(1<<h.bits-1)
	for n := range h.height {
		from, to := h.pixels[n*stride:], m.Pix[h.row(n)*m.Stride:]
		for x := range h.width {
			to[x] = from[x/perByte] >> (8 - h.bits - x%perByte*h.bits) & mask
		}
	}
	return m
}

func (h *header) direct(stride int) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, h.width, h.height))
	size := h.bits / 8
	simple := h.bits != 16 && h.masks == [4]uint32{0xff0000, 0xff00, 0xff, 0}
	visible := h.masks[3] == 0
	for n := range h.height {
		from, to := h.pixels[n*stride:], m.Pix[h.row(n)*m.Stride:]
		for x := range h.width {
			p, q := from[x*size:], to[4*x:]
			if simple {
				q[0], q[1], q[2], q[3] = p[2], p[1], p[0], 255
				continue
			}
			v := uint32(p[0]) | uint32(p[1])<<8
			if size == 4 {
				v |= uint32(p[2])<<16 | uint32(p[3])<<24
			}
			q[0], q[1], q[2], q[3] = sample(v, h.masks[0]), sample(v, h.masks[1]), sample(v, h.masks[2]), 255
			if h.masks[3] != 0 {
				q[3] = sample(v, h.masks[3])
				visible = visible || q[3] != 0
			}
		}
	}
	if !visible { // its writer did not know of transparency
		for i := 3; i < len(m.Pix); i += 4 {
			m.Pix[i] = 255
		}
	}
	return m
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
func (h *header) runs() (image.Image, error) {
	m := image.NewPaletted(image.Rect(0, 0, h.width, h.height), h.palette)
	x, y := 0, 0
	put := func(index byte) {
		if x < h.width && y < h.height {
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
			x, y, p = min(x+int(p[0]), h.width), min(y+int(p[1]), h.height), p[2:]
		default:
			size := (int(value)*h.bits + 7) / 8
			if size > len(p) {
				return nil, errMalformed
			}
			for i := range int(value) {
				put(h.nibble(p[i*h.bits/8], i))
			}
			p = p[min(size+size%2, len(p)):]
		}
	}
	return nil, errMalformed
}

// nibble returns the i-th index of a byte of a run.
func (h *header) nibble(b byte, i int) byte {
	switch {
	case h.bits == 8:
		return b
	case i%2 == 0:
		return b >> 4
	}
	return b & 15
}
