package metadata

import (
	"bytes"
	"errors"
	"fmt"
)

// GIF removes the comments and the foreign data of a GIF, also of an animated one.
func GIF(data []byte) ([]byte, error) {
	const head = 13
	if len(data) < head || !bytes.HasPrefix(data, []byte("GIF8")) {
		return nil, errors.New("it does not start as a GIF does")
	}
	var out pieces
	at := head + colourTable(data[10])
	if at > len(data) {
		return nil, errCut
	}
	out.keep(data[:at])
	for {
		if at >= len(data) {
			return nil, errCut
		}
		start := at
		switch data[at] {
		case 0x3b: // the end
			out.keep(data[at : at+1])
			return out.join(data), nil
		case 0x2c: // a frame
			if at+10 > len(data) {
				return nil, errCut
			}
			at += 10 + colourTable(data[at+9]) + 1
			if at = blocksEnd(data, at); at < 0 {
				return nil, errCut
			}
			out.keep(data[start:at])
		case 0x21: // an extension
			if at = blocksEnd(data, at+2); at < 0 {
				return nil, errCut
			}
			if gifShows(data[start:at]) {
				out.keep(data[start:at])
			}
		default:
			return nil, fmt.Errorf("it has a block of the unknown kind %#x", data[at])
		}
	}
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
