package bmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/draw"

	"bilipaste/internal/picture/container"
)

// ErrTooLarge says that a DIB has more pixels than are decoded.
var ErrTooLarge = errors.New("bmp: it has too many pixels")

// mostPixels keeps a few bytes from asking for all memory. Three 4K screens
// side by side have less than half of it.
const mostPixels = 1 << 26

// DecodeDIB returns the picture of a packed DIB, as on Windows's clipboard: an
// *image.Paletted, or an *image.NRGBA. block may be longer than the DIB.
func DecodeDIB(block []byte) (image.Image, error) {
	head, end, err := container.DIB(block)
	switch {
	case err != nil:
		return nil, err
	case end > len(block):
		return nil, errMalformed
	case head.Width*head.Height > mostPixels:
		return nil, ErrTooLarge
	}
	h := &picture{head, block[end:]}
	if h.Compression == container.BMPPlain && h.Bits == 32 && h.Size >= container.BMPInfoAlphas {
		// Its masks do not count, but some that write one mean it.
		h.Masks[3] = binary.LittleEndian.Uint32(block[container.BMPInfoMasks:])
	}
	if h.Compression == container.BMPMasked && h.Size >= container.BMPInfoMasks {
		// Some, Windows among them, repeat the masks behind the header.
		masks := block[container.BMPInfo:container.BMPInfoMasks]
		if rest, ok := bytes.CutPrefix(h.pixels, masks); ok && len(rest) >= h.Stride()*h.Height {
			h.pixels = rest
		}
	}
	return h.decode()
}

// EncodeDIB returns m as a packed DIB: of 24 bits, or with a V5 header, which
// keeps the transparency, where m has some.
func EncodeDIB(m image.Image) (block []byte, isV5 bool) {
	const v5, sRGB, pictures = 124, 0x73524742, 4 // the header's size, and Windows's names
	p, width, height := nrgba(m), m.Bounds().Dx(), m.Bounds().Dy()
	head, size := container.BMPInfo, 3
	if isV5 = !p.Opaque(); isV5 {
		head, size = v5, 4
	}
	stride := (width*size + 3) / 4 * 4
	block = make([]byte, head+stride*height)
	le := binary.LittleEndian
	le.PutUint32(block, uint32(head))
	le.PutUint32(block[4:], uint32(width))
	le.PutUint32(block[8:], uint32(height))
	block[12], block[14] = 1, byte(8*size)
	le.PutUint32(block[20:], uint32(stride*height))
	if isV5 {
		block[16] = container.BMPMasked
		for i, mask := range []uint32{0xff0000, 0xff00, 0xff, 0xff000000, sRGB} {
			le.PutUint32(block[container.BMPInfo+4*i:], mask)
		}
		block[108] = pictures
	}
	for y := range height {
		from, to := p.Pix[y*p.Stride:][:4*width], block[head+(height-1-y)*stride:]
		for len(from) >= 4 {
			to[0], to[1], to[2] = from[2], from[1], from[0]
			if size == 4 {
				to[3] = from[3]
			}
			from, to = from[4:], to[size:]
		}
	}
	return block, isV5
}

// nrgba returns m in the one layout, without a copy where it has that already.
func nrgba(m image.Image) *image.NRGBA {
	switch m := m.(type) {
	case *image.NRGBA:
		return m
	case *image.RGBA:
		if m.Opaque() {
			return &image.NRGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
		}
	}
	p := image.NewNRGBA(image.Rect(0, 0, m.Bounds().Dx(), m.Bounds().Dy()))
	draw.Draw(p, p.Rect, m, m.Bounds().Min, draw.Src)
	return p
}
