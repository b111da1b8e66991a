package container

import (
	"encoding/binary"
	"errors"
	"image/color"
)

// ErrBMPVariant says that a BMP only wraps a picture of another format.
var ErrBMPVariant = errors.New("bmp: it holds a picture of another format")

var errBMP = errors.New("bmp: malformed")

// The ways in which a BMP's pixels are stored.
const (
	BMPPlain     = 0
	BMPRLE8      = 1
	BMPRLE4      = 2
	BMPMasked    = 3
	BMPAlphaMask = 6
)

// The sizes of a BMP's headers.
const (
	BMPFileHeader = 14
	BMPInfo       = 40 // Windows 3's
	BMPInfoMasks  = 52 // with masks
	BMPInfoAlphas = 56 // with a mask for transparency
	bmpCore       = 12 // OS/2's
	bmpOS2        = 64 // OS/2's second, of which the end may be left out
	bmpV4         = 108
	bmpV5         = 124

	bmpLargest = 1 << 20 // pixels across and down
)

// BMPHeader is what a BMP says of itself.
type BMPHeader struct {
	Size          int // of the header itself, in bytes
	Width, Height int // pixels
	TopDown       bool
	Bits          int // a pixel
	Compression   uint32
	Masks         [4]uint32 // red, green, blue, alpha
	Palette       color.Palette
}

// BMP reads the headers of a BMP file, and returns where its pixels start: at
// the headers' end where the file says another offset that cannot be.
func BMP(data []byte) (h *BMPHeader, pixels int, err error) {
	if len(data) < BMPFileHeader+bmpCore || string(data[:2]) != "BM" {
		return nil, 0, errBMP
	}
	h, end, err := DIB(data[BMPFileHeader:])
	if err != nil {
		return nil, 0, err
	}
	at := binary.LittleEndian.Uint32(data[10:])
	if uint64(at) > uint64(len(data)) || int(at) < BMPFileHeader+h.Size {
		return h, min(BMPFileHeader+end, len(data)), ErrLength
	}
	return h, int(at), nil
}

// Stride returns the bytes of a stored row, padding included.
func (h *BMPHeader) Stride() int { return (h.Width*h.Bits + 31) / 32 * 4 }

// Pixels returns the bytes that the stored rows have at least, unless they are
// run-length coded. The padding of the last may be missing.
func (h *BMPHeader) Pixels() int { return h.Stride()*(h.Height-1) + (h.Width*h.Bits+7)/8 }

// RunLength tells whether the pixels are run-length coded.
func (h *BMPHeader) RunLength() bool { return h.Compression == BMPRLE8 || h.Compression == BMPRLE4 }

// Profile returns the ICC profile of a DIB, nil if it has none inside it.
func (h *BMPHeader) Profile(dib []byte) []byte {
	const embedded = 0x4d424544 // Windows's name of it
	le := binary.LittleEndian
	if h.Size < bmpV5 || len(dib) < bmpV5 || le.Uint32(dib[56:]) != embedded {
		return nil
	}
	from, size := uint64(le.Uint32(dib[112:])), uint64(le.Uint32(dib[116:]))
	if from < bmpV5 || from+size > uint64(len(dib)) {
		return nil
	}
	return dib[from : from+size]
}

// IsBMP tells whether a file's first bytes are a BMP's headers. Two letters are
// not enough: texts start with them, too.
func IsBMP(head []byte) bool {
	if len(head) < BMPFileHeader+bmpCore || string(head[:2]) != "BM" {
		return false
	}
	le := binary.LittleEndian
	size := le.Uint32(head[BMPFileHeader:])
	planes := head[22:]
	switch {
	case size == bmpCore:
	case size < 16, size > bmpOS2 && size != bmpV4 && size != bmpV5, len(head) < 30:
		return false
	default:
		planes = head[26:]
	}
	switch bits := le.Uint16(planes[2:]); bits {
	case 0, 1, 2, 4, 8, 16, 24, 32:
		return le.Uint16(planes) <= 1 // some write 0
	}
	return false
}

// DIB reads the headers after the file's, and returns where they and the
// tables behind them end.
func DIB(dib []byte) (h *BMPHeader, end int, err error) {
	le := binary.LittleEndian
	if len(dib) < bmpCore {
		return nil, 0, errBMP
	}
	size := int(le.Uint32(dib))
	if size < bmpCore || size > len(dib) || size > 1<<10 {
		return nil, 0, errBMP
	}
	h = &BMPHeader{Size: size}
	entry, colours := 4, 0
	if size < 16 {
		entry = 3
		h.Width, h.Height, h.Bits = int(le.Uint16(dib[4:])), int(le.Uint16(dib[6:])), int(le.Uint16(dib[10:]))
	} else {
		h.Width, h.Height, h.Bits = int(int32(le.Uint32(dib[4:]))), int(int32(le.Uint32(dib[8:]))), int(le.Uint16(dib[14:]))
		field := func(at int) uint32 { // OS/2 leaves out what is 0 at the end
			if at+4 > size {
				return 0
			}
			return le.Uint32(dib[at:])
		}
		h.Compression, colours = field(16), int(min(field(32), 1<<16))
	}
	if h.Height < 0 {
		h.TopDown, h.Height = true, -h.Height
	}
	if h.Width <= 0 || h.Height <= 0 || h.Width > bmpLargest || h.Height > bmpLargest {
		return nil, 0, errBMP
	}
	end = size
	h.Masks = [4]uint32{0xff0000, 0xff00, 0xff, 0}
	if h.Bits == 16 {
		h.Masks = [4]uint32{0x7c00, 0x3e0, 0x1f, 0}
	}
	switch h.Compression {
	case BMPPlain:
	case BMPRLE8, BMPRLE4:
		if h.Bits != map[uint32]int{BMPRLE8: 8, BMPRLE4: 4}[h.Compression] || h.TopDown {
			return nil, 0, errBMP
		}
	case BMPMasked, BMPAlphaMask:
		if size != BMPInfo && size < BMPInfoMasks || h.Bits != 16 && h.Bits != 32 {
			return nil, 0, ErrBMPVariant // OS/2's 3 is another coding
		}
		from, n := dib[BMPInfo:], 3
		if size == BMPInfo && h.Compression == BMPAlphaMask || size >= BMPInfoAlphas {
			n = 4
		}
		if len(from) < 4*n {
			return nil, 0, errBMP
		}
		for i := range n {
			h.Masks[i] = le.Uint32(from[4*i:])
		}
		if size == BMPInfo {
			end += 4 * n
		}
	default:
		return nil, 0, ErrBMPVariant // a JPEG or a PNG, or a fax
	}
	tables := dib[end:]
	switch h.Bits {
	case 1, 2, 4, 8:
		if colours == 0 {
			colours = 1 << h.Bits
		}
		for i := range 1 << h.Bits {
			c := color.RGBA{A: 255}
			if at := entry * i; i < colours && at+3 <= len(tables) {
				c.B, c.G, c.R = tables[at], tables[at+1], tables[at+2]
			}
			h.Palette = append(h.Palette, c)
		}
	case 16, 24, 32:
	default:
		return nil, 0, errBMP
	}
	return h, end + entry*colours, nil
}
