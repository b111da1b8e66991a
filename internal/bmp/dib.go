package bmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
)

// ErrTooLarge says that a DIB has more pixels than are decoded.
var ErrTooLarge = errors.New("bmp: it has too many pixels")

// mostPixels keeps a few bytes from asking for all memory. Three 4K screens
// side by side have less than half of it.
const mostPixels = 1 << 26

// DecodeDIB returns the picture of a packed DIB, as on Windows's clipboard: an
// *image.Paletted, or an *image.NRGBA. block may be longer than the DIB.
func DecodeDIB(block []byte) (image.Image, error) {
	h, end, err := readInfo(block)
	switch {
	case err != nil:
		return nil, err
	case end > len(block):
		return nil, errMalformed
	case h.width*h.height > mostPixels:
		return nil, ErrTooLarge
	}
	if h.compression == plain && h.bits == 32 && h.size >= infoAlphas {
		// Its masks do not count, but some that write one mean it.
		h.masks[3] = binary.LittleEndian.Uint32(block[infoMasks:])
	}
	h.pixels = block[end:]
	if h.compression == masked && h.size >= infoMasks {
		// Some, Windows among them, repeat the masks behind the header.
		stride := (h.width*h.bits + 31) / 32 * 4
		masks := block[info:infoMasks]
		if rest, ok := bytes.CutPrefix(h.pixels, masks); ok && len(rest) >= stride*h.height {
			h.pixels = rest
		}
	}
	return h.decode()
}
