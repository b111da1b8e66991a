package metadata

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// PNG removes the metadata of a PNG, also of an animated one. The chunks that
// stay are the ones that a picture cannot do without, and those that change
// how it looks.
func PNG(data []byte) ([]byte, error) {
	if len(data) < len(pngSignature) || string(data[:len(pngSignature)]) != pngSignature {
		return nil, errors.New("it does not start as a PNG does")
	}
	var out pieces
	out.keep(data[:len(pngSignature)])
	exif := false
	for rest := data[len(pngSignature):]; ; {
		if len(rest) < 12 {
			return nil, errCut
		}
		size := uint64(binary.BigEndian.Uint32(rest)) + 12
		if size > uint64(len(rest)) {
			return nil, errCut
		}
		chunk := rest[:size]
		rest = rest[size:]
		switch name := string(chunk[4:8]); {
		case name == "eXIf":
			if o := Orientation(chunk[8 : size-4]); o != 0 && !exif {
				exif = true
				out.put(pngChunk(name, oriented(o)), chunk)
			}
		case pngShows(name):
			if crc32.ChecksumIEEE(chunk[4:size-4]) != binary.BigEndian.Uint32(chunk[size-4:]) {
				return nil, fmt.Errorf("its chunk %q is damaged", name)
			}
			out.keep(chunk)
			if name == "IEND" {
				return out.join(data), nil
			}
		}
	}
}

// pngShows tells whether a chunk changes how a PNG looks.
func pngShows(name string) bool {
	switch name {
	case "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "cICP", "mDCV", "cLLI", "sBIT", "bKGD", "pHYs", "acTL", "fcTL", "fdAT":
		return true
	}
	return name[0]&0x20 == 0 // a critical one
}

func pngChunk(name string, body []byte) []byte {
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	chunk = append(append(chunk, name...), body...)
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
}

// AnimatedPNG tells whether a PNG moves.
func AnimatedPNG(data []byte) bool {
	for at := len(pngSignature); len(data)-at >= 12; {
		switch string(data[at+4 : at+8]) {
		case "acTL":
			return true
		case "IDAT":
			return false
		}
		size := uint64(binary.BigEndian.Uint32(data[at:])) + 12
		if size > uint64(len(data)-at) {
			return false
		}
		at += int(size)
	}
	return false
}
