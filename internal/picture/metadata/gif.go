package metadata

import (
	"bytes"
	"errors"
	"fmt"
)

// The kinds of a GIF's blocks.
const (
	gifExtension = 0x21
	gifFrame     = 0x2c
	gifEnd       = 0x3b
)

// GIF removes the comments and the foreign data of a GIF, also of an animated one.
func GIF(data []byte) ([]byte, error) {
	var out pieces
	err := eachGIFBlock(data, func(kind byte, block []byte) {
		if kind != gifExtension || gifShows(block) {
			out.keep(block)
		}
	})
	if err != nil {
		return nil, err
	}
	return out.join(data), nil
}

// eachGIFBlock calls do for the header, of kind 0, and for each block after it
// up to the end.
func eachGIFBlock(data []byte, do func(kind byte, block []byte)) error {
	const head = 13
	if len(data) < head || !bytes.HasPrefix(data, []byte("GIF8")) {
		return errors.New("it does not start as a GIF does")
	}
	at := head + colourTable(data[10])
	if at > len(data) {
		return errCut
	}
	do(0, data[:at])
	for at < len(data) {
		start, kind := at, data[at]
		switch kind {
		case gifEnd:
			do(kind, data[at:at+1])
			return nil
		case gifFrame:
			if at+10 > len(data) {
				return errCut
			}
			at = blocksEnd(data, at+10+colourTable(data[at+9])+1)
		case gifExtension:
			at = blocksEnd(data, at+2)
		default:
			return fmt.Errorf("it has a block of the unknown kind %#x", kind)
		}
		if at < 0 {
			return errCut
		}
		do(kind, data[start:at])
	}
	return errCut
}

// gifShows tells whether an extension changes how a GIF looks.
func gifShows(extension []byte) bool {
	const plainText, graphicControl, application = 0x01, 0xf9, 0xff
	switch extension[1] {
	case plainText, graphicControl:
		return true
	case application:
		for _, name := range []string{"NETSCAPE2.0", "ANIMEXTS1.0", "ICCRGBG1012"} {
			if bytes.HasPrefix(extension[2:], append([]byte{11}, name...)) {
				return true
			}
		}
	}
	return false
}

// colourTable returns the size of the colour table that a flags byte announces.
func colourTable(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// blocksEnd returns where the data blocks end that start at at, -1 if they do not.
func blocksEnd(data []byte, at int) int {
	for at < len(data) {
		size := int(data[at])
		at += 1 + size
		if size == 0 {
			return at
		}
	}
	return -1
}

// Frames counts the frames of a GIF, up to where it is malformed.
func Frames(data []byte) (n int) {
	_ = eachGIFBlock(data, func(kind byte, _ []byte) {
		if kind == gifFrame {
			n++
		}
	})
	return n
}
