package container

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// The kinds of a GIF's blocks.
const (
	GIFHeader    = 0
	GIFExtension = 0x21
	GIFFrame     = 0x2c
	GIFEnd       = 0x3b
)

// Block is a part of a GIF.
type Block struct {
	Kind byte
	Raw  []byte
	Gap  int // bytes before it that belong to no block
}

// GIF yields a GIF's header and its blocks to the end mark. NULs between blocks
// belong to none, as browsers have it. A block's own end may be missing in the
// last frame: then comes ErrCut.
func GIF(data []byte) iter.Seq2[Block, error] {
	return func(yield func(Block, error) bool) {
		const head = 13
		if len(data) < 6 || string(data[:6]) != "GIF87a" && string(data[:6]) != "GIF89a" {
			yield(Block{}, errForeign)
			return
		}
		if len(data) < head || len(data) < head+colourTable(data[10]) {
			yield(Block{}, ErrCut)
			return
		}
		at := head + colourTable(data[10])
		if !yield(Block{Kind: GIFHeader, Raw: data[:at]}, nil) {
			return
		}
		for gap := 0; at < len(data); gap = 0 {
			for at+1 < len(data) && data[at] == 0 {
				at, gap = at+1, gap+1
			}
			start, kind := at, data[at]
			switch kind {
			case 0:
				yield(Block{}, ErrNoEnd)
				return
			case GIFEnd:
				yield(Block{kind, data[at : at+1], gap}, nil)
				return
			case GIFFrame:
				at += 10
				if at <= len(data) {
					at += colourTable(data[at-1]) + 1
				}
			case GIFExtension:
				at += 2
			default:
				yield(Block{}, fmt.Errorf("it has a block of the unknown kind %#x", kind))
				return
			}
			at = subBlocksEnd(data, at)
			if at < 0 {
				yield(Block{kind, data[start:], gap}, ErrCut)
				return
			}
			if !yield(Block{kind, data[start:at], gap}, nil) {
				return
			}
		}
		yield(Block{}, ErrNoEnd)
	}
}

// Announces tells whether an extension says how a frame that comes after it is
// shown, as far as it is there.
func (b Block) Announces() bool {
	const graphicControl = 0xf9
	return b.Kind == GIFExtension && (len(b.Raw) < 2 || b.Raw[1] == graphicControl)
}

// Screen returns the size that a GIF's header says, in pixels.
func (b Block) Screen() (width, height int) {
	return int(binary.LittleEndian.Uint16(b.Raw[6:])), int(binary.LittleEndian.Uint16(b.Raw[8:]))
}

// Frame returns a frame's size in pixels, the smallest code size of its
// compressed pixels, and the sub-blocks that hold them. ok is false if the
// block is no frame, or too short.
func (b Block) Frame() (width, height, codeSize int, pixels []byte, ok bool) {
	const head = 10
	if b.Kind != GIFFrame || len(b.Raw) < head {
		return 0, 0, 0, nil, false
	}
	at := head + colourTable(b.Raw[head-1])
	if at >= len(b.Raw) {
		return 0, 0, 0, nil, false
	}
	return int(binary.LittleEndian.Uint16(b.Raw[5:])), int(binary.LittleEndian.Uint16(b.Raw[7:])), int(b.Raw[at]), b.Raw[at+1:], true
}

// colourTable returns the size of the colour table that a flags byte announces.
func colourTable(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// subBlocksEnd returns where the sub-blocks end that start at at, -1 if they do not.
func subBlocksEnd(data []byte, at int) int {
	for at < len(data) {
		size := int(data[at])
		at += 1 + size
		if size == 0 {
			return at
		}
	}
	return -1
}

// GIFFrames counts the frames of a GIF, up to where it is malformed.
func GIFFrames(data []byte) (n int) {
	for b, err := range GIF(data) {
		if err == nil && b.Kind == GIFFrame {
			n++
		}
	}
	return n
}
