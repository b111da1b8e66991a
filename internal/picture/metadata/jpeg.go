package metadata

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
)

// The JPEG markers that mean something here.
const (
	tem  = 0x01
	rst0 = 0xd0
	rst7 = 0xd7
	soi  = 0xd8
	eoi  = 0xd9
	sos  = 0xda
	app0 = 0xe0
	appF = 0xef
	com  = 0xfe
)

// JPEG removes the metadata of a JPEG. Of its application segments only what
// shows stays: the JFIF header without its thumbnail, the colour profile,
// Adobe's colour transform, and the orientation.
func JPEG(data []byte) ([]byte, error) {
	if len(data) < 4 || data[0] != 0xff || data[1] != soi {
		return nil, errors.New("it does not start as a JPEG does")
	}
	var out pieces
	out.keep(data[:2])
	exif := false
	for rest := data[2:]; ; {
		at := bytes.IndexByte(rest, 0xff) // what stands before it belongs to nothing
		for at >= 0 && at+1 < len(rest) && rest[at+1] == 0xff {
			at++
		}
		if at < 0 || at+1 >= len(rest) {
			return nil, errCut
		}
		marker := rest[at+1]
		switch {
		case marker == eoi:
			out.keep(rest[at : at+2])
			return out.join(data), nil
		case marker == 0 || marker == tem || marker >= rst0 && marker <= soi:
			rest = rest[at+2:]
			continue
		}
		if len(rest) < at+4 {
			return nil, errCut
		}
		size := 2 + int(binary.BigEndian.Uint16(rest[at+2:]))
		if size < 4 || size > len(rest)-at {
			return nil, errCut
		}
		segment := rest[at : at+size]
		rest = rest[at+size:]
		switch {
		case marker == sos:
			end := scanEnd(rest)
			out.keep(segment)
			out.keep(rest[:end])
			rest = rest[end:]
		case marker < app0 || marker > appF && marker != com:
			out.keep(segment)
		default:
			fresh := shown(marker, segment, &exif)
			out.put(fresh, segment)
		}
	}
}

// scanEnd returns where the compressed data ends that rest begins with: at a
// marker that is not part of it.
func scanEnd(rest []byte) int {
	for at := 0; ; at++ {
		next := bytes.IndexByte(rest[at:], 0xff)
		if next < 0 || at+next+1 >= len(rest) {
			return len(rest)
		}
		at += next
		if m := rest[at+1]; m != 0 && m != 0xff && (m < rst0 || m > rst7) {
			return at
		}
	}
}

// shown returns what stays of an application segment or a comment, perhaps
// nothing. Of several EXIF segments the first counts, as it does to viewers.
func shown(marker byte, segment []byte, exif *bool) []byte {
	body := segment[4:]
	switch {
	case marker == app0 && bytes.HasPrefix(body, []byte("JFIF\x00")) && len(body) >= 14:
		if len(body) == 14 && body[12] == 0 && body[13] == 0 {
			return segment
		}
		return jpegSegment(marker, body[:12], []byte{0, 0})
	case marker == app0+1 && bytes.HasPrefix(body, []byte("Exif\x00")) && len(body) >= 6 && !*exif:
		*exif = true
		if o := Orientation(body[6:]); o != 0 {
			return jpegSegment(marker, []byte("Exif\x00\x00"), oriented(o))
		}
	case marker == app0+2 && bytes.HasPrefix(body, []byte("ICC_PROFILE\x00")):
		return segment
	case marker == app0+14 && bytes.HasPrefix(body, []byte("Adobe")) && len(body) >= 12:
		if len(body) == 12 {
			return segment
		}
		return jpegSegment(marker, body[:12], nil)
	}
	return nil
}

func jpegSegment(marker byte, head, tail []byte) []byte {
	start := binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(2+len(head)+len(tail)))
	return slices.Concat(start, head, tail)
}
