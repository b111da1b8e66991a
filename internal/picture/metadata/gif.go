package metadata

import (
	"bytes"

	"bilipaste/internal/picture/container"
)

// GIF removes the comments and the foreign data of a GIF, also of an animated one.
func GIF(data []byte) ([][]byte, error) {
	var out pieces
	for b, err := range container.GIF(data) {
		if err != nil {
			return nil, err
		}
		if b.Kind != container.GIFExtension || gifShows(b.Raw) {
			out.keep(b.Raw)
		}
	}
	return out.left(data), nil
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
