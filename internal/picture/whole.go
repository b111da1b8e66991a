package picture

import (
	"encoding/binary"
	"errors"

	"bilipaste/internal/picture/container"
)

// whole checks, without decoding, that a picture reaches its own end. What
// comes after that end does not matter, as it does not to browsers.
func whole(f Format, data []byte) error {
	switch f {
	case PNG:
		return last(container.PNG(data))
	case JPEG:
		return last(container.JPEG(data))
	case WebP:
		return last(container.WebP(data))
	case GIF:
		return last(container.GIF(data))
	case BMP:
		if size := binary.LittleEndian.Uint32(data[2:]); uint64(size) > uint64(len(data)) {
			return errors.New("bmp is shorter than it says")
		}
	}
	return nil
}

// last returns the error with which a walk ends, nil if it reaches the end.
func last[Part any](parts func(func(Part, error) bool)) (end error) {
	for _, err := range parts {
		end = err
	}
	return end
}
