// Package bmp decodes BMP files of every kind that programs have written:
// those of OS/2 and all of Windows, of 1 to 32 bits, run-length coded, with
// masks, upside down or not; and the device-independent bitmaps (DIB) that
// Windows programs hand each other, which are BMP files without their first header.
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
	size          int // of the header itself
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
	if err != nil {
		return nil, err
	}
	return h.decode()
}

func (h *header) decode() (image.Image, error) {
	if h.compression == rle8 || h.compression == rle4 {
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

// read reads the headers of a file.
func read(data []byte) (*header, error) {
	const fileHeader = 14
	if len(data) < fileHeader+core || string(data[:2]) != "BM" {
		return nil, errMalformed
	}
	h, _, err := readInfo(data[fileHeader:])
	if err != nil {
		return nil, err
	}
	at := binary.LittleEndian.Uint32(data[10:])
	if uint64(at) > uint64(len(data)) || int(at) < fileHeader+h.size {
		return nil, errMalformed
	}
	h.pixels = data[at:]
	return h, nil
}

// readInfo reads the headers after the file's, and returns where they and the
// tables behind them end.
func readInfo(dib []byte) (h *header, end int, err error) {
	le := binary.LittleEndian
	if len(dib) < core {
		return nil, 0, errMalformed
	}
	size := int(le.Uint32(dib))
	if size < core || size > len(dib) || size > 1<<10 {
		return nil, 0, errMalformed
	}
	h = &header{size: size}
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
		h.compression, colours = field(16), int(min(field(32), 1<<16))
	}
	if h.height < 0 {
		h.topDown, h.height = true, -h.height
	}
	if h.width <= 0 || h.height <= 0 || h.width > largest || h.height > largest {
		return nil, 0, errMalformed
	}
	end = size
	h.masks = [4]uint32{0xff0000, 0xff00, 0xff, 0}
	if h.bits == 16 {
		h.masks = [4]uint32{0x7c00, 0x3e0, 0x1f, 0}
	}
	switch h.compression {
	case plain:
	case rle8, rle4:
		if h.bits != map[uint32]int{rle8: 8, rle4: 4}[h.compression] || h.topDown {
			return nil, 0, errMalformed
		}
	case masked, alphaMask:
		if size != info && size < infoMasks || h.bits != 16 && h.bits != 32 {
			return nil, 0, ErrUnsupported // OS/2's 3 is another coding
		}
		from, n := dib[info:], 3
		if size == info && h.compression == alphaMask || size >= infoAlphas {
			n = 4
		}
		if len(from) < 4*n {
			return nil, 0, errMalformed
		}
		for i := range n {
			h.masks[i] = le.Uint32(from[4*i:])
		}
		if size == info {
			end += 4 * n
		}
	default:
		return nil, 0, ErrUnsupported // a JPEG or a PNG, or a fax
	}
	tables := dib[end:]
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
		return nil, 0, errMalformed
	}
	return h, end + entry*colours, nil
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
	visible := h.masks[3] == 0
	transparent := h.masks == [4]uint32{0xff0000, 0xff00, 0xff, 0xff000000}
	simple := h.bits != 16 && (transparent || h.masks == [4]uint32{0xff0000, 0xff00, 0xff, 0})
	for n := range h.height {
		from, to := h.pixels[n*stride:][:size*h.width], m.Pix[h.row(n)*m.Stride:][:m.Stride]
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
func (h *header) sampled(to, from []byte) (visible bool) {
	size := h.bits / 8
	for len(from) >= size {
		v := uint32(from[0]) | uint32(from[1])<<8
		if size == 4 {
			v |= uint32(from[2])<<16 | uint32(from[3])<<24
		}
		to[0], to[1], to[2], to[3] = sample(v, h.masks[0]), sample(v, h.masks[1]), sample(v, h.masks[2]), 255
		if h.masks[3] != 0 {
			to[3] = sample(v, h.masks[3])
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
