package container

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"iter"
	"math"
)

// PNGSignature is what a PNG starts with.
const PNGSignature = "\x89PNG\r\n\x1a\n"

// The colour types of PNG.
const (
	PNGGray      = 0
	PNGColour    = 2
	PNGPalette   = 3
	PNGGrayAlpha = 4
	PNGAlpha     = 6
)

// Chunk is a part of a PNG or a WebP.
type Chunk struct {
	Name string
	Raw  []byte // with its header, and with what follows the body: a checksum, or padding
	Body []byte
}

// PNG yields a PNG's chunks after the signature, to the end chunk, whose
// checksum may be missing. With ErrCut comes what there is of the last chunk.
func PNG(data []byte) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		if len(data) < len(PNGSignature) || string(data[:len(PNGSignature)]) != PNGSignature {
			yield(Chunk{}, errForeign)
			return
		}
		const head, checksum = 8, 4
		for rest := data[len(PNGSignature):]; ; {
			switch {
			case len(rest) == 0:
				yield(Chunk{}, ErrNoEnd)
				return
			case len(rest) < head:
				yield(Chunk{}, ErrCut)
				return
			}
			c := Chunk{Name: string(rest[4:head]), Raw: rest, Body: rest[head:]}
			size := uint64(binary.BigEndian.Uint32(rest))
			if whole := size + head + checksum; whole <= uint64(len(rest)) {
				c.Raw, c.Body, rest = rest[:whole], rest[head:head+size], rest[whole:]
			} else if c.Name == "IEND" {
				c.Body = nil
			} else {
				c.Body = c.Body[:min(size, uint64(len(c.Body)))]
				yield(c, ErrCut)
				return
			}
			if !yield(c, nil) || c.Name == "IEND" {
				return
			}
		}
	}
}

// Sound tells whether a PNG chunk's checksum is there and right.
func (c Chunk) Sound() bool {
	end := 8 + len(c.Body)
	return len(c.Raw) == end+4 && crc32.ChecksumIEEE(c.Raw[4:end]) == binary.BigEndian.Uint32(c.Raw[end:])
}

// Critical tells whether a PNG cannot be shown whole without the chunk: an
// animation's frames are in chunks whose names say that it can.
func (c Chunk) Critical() bool {
	return c.Name[0]&0x20 == 0 || c.Name == "acTL" || c.Name == "fcTL" || c.Name == "fdAT"
}

// AppendPNGChunk appends a PNG chunk to out.
func AppendPNGChunk(out []byte, name string, body []byte) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(len(body)))
	start := len(out)
	out = append(append(out, name...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[start:]))
}

// PNGHeader is what the IHDR chunk says.
type PNGHeader struct {
	Width, Height int // pixels
	Depth         int // bits a sample
	Colour        int // PNGGray to PNGAlpha
	Interlaced    bool
}

var errPNGHeader = errors.New("its header chunk is malformed")

// ParsePNGHeader reads the body of an IHDR chunk.
func ParsePNGHeader(body []byte) (PNGHeader, error) {
	if len(body) != 13 {
		return PNGHeader{}, errPNGHeader
	}
	h := PNGHeader{
		Depth: int(body[8]), Colour: int(body[9]), Interlaced: body[12] == 1,
		Width: int(binary.BigEndian.Uint32(body)), Height: int(binary.BigEndian.Uint32(body[4:])),
	}
	switch few := h.Colour == PNGGray || h.Colour == PNGPalette; {
	case h.Width < 1 || h.Height < 1 || h.Width > math.MaxInt32 || h.Height > math.MaxInt32,
		h.Samples() == 0, body[10] != 0, body[11] != 0, body[12] > 1:
		return PNGHeader{}, errPNGHeader
	case h.Depth == 8, h.Depth == 16 && h.Colour != PNGPalette, few && (h.Depth == 1 || h.Depth == 2 || h.Depth == 4):
		return h, nil
	}
	return PNGHeader{}, errPNGHeader
}

// Samples returns how many samples a pixel has, 0 for an unknown colour type.
func (h PNGHeader) Samples() int {
	switch h.Colour {
	case PNGGray, PNGPalette:
		return 1
	case PNGGrayAlpha:
		return 2
	case PNGColour:
		return 3
	case PNGAlpha:
		return 4
	}
	return 0
}

// Bytes returns how many bytes the pixels have before they are compressed, at
// least; interlaced ones have more. What is past an int64 is its largest.
func (h PNGHeader) Bytes() int64 {
	row, rows := 1+(int64(h.Width)*int64(h.Samples()*h.Depth)+7)/8, int64(h.Height)
	if rows > 0 && row > math.MaxInt64/rows {
		return math.MaxInt64
	}
	return row * rows
}

// AnimatedPNG tells whether a PNG moves: an animation control chunk after the
// pixels does not count.
func AnimatedPNG(data []byte) bool {
	for c, err := range PNG(data) {
		switch {
		case err != nil || c.Name == "IDAT":
			return false
		case c.Name == "acTL":
			return true
		}
	}
	return false
}
