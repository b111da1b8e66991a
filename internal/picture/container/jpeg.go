package container

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// The JPEG markers that mean something here.
const (
	SOF0 = 0xc0 // baseline
	SOF2 = 0xc2 // progressive
	DHT  = 0xc4
	SOI  = 0xd8
	EOI  = 0xd9
	SOS  = 0xda
	APP0 = 0xe0
	APPF = 0xef
	COM  = 0xfe

	tem  = 0x01
	rst0 = 0xd0
	rst7 = 0xd7
)

// Segment is a part of a JPEG.
type Segment struct {
	Marker byte
	Raw    []byte // all of it: marker, length, body, and the scan after SOS
	Body   []byte
	Scan   []byte // SOS: the compressed samples, restart markers included
}

// JPEG yields a JPEG's segments from SOI to EOI. Bytes between segments, fill
// bytes and markers that stand alone belong to none. Segments are stepped over:
// one may hold a whole JPEG, the thumbnail. ErrNoEnd comes after at least one scan.
func JPEG(data []byte) iter.Seq2[Segment, error] {
	return func(yield func(Segment, error) bool) {
		if len(data) < 3 || data[0] != 0xff || data[1] != SOI || data[2] != 0xff {
			yield(Segment{}, errForeign)
			return
		}
		if !yield(Segment{Marker: SOI, Raw: data[:2]}, nil) {
			return
		}
		missing := ErrCut
		for rest := data[2:]; ; {
			at := bytes.IndexByte(rest, 0xff)
			for at >= 0 && at+1 < len(rest) && rest[at+1] == 0xff {
				at++
			}
			if at < 0 || at+1 >= len(rest) {
				yield(Segment{}, missing)
				return
			}
			marker := rest[at+1]
			switch {
			case marker == EOI:
				yield(Segment{Marker: marker, Raw: rest[at : at+2]}, nil)
				return
			case marker == 0 || marker == tem || marker >= rst0 && marker <= SOI:
				rest = rest[at+2:]
				continue
			}
			const head = 4
			rest = rest[at:]
			if len(rest) < head {
				yield(Segment{}, ErrCut)
				return
			}
			end := 2 + int(binary.BigEndian.Uint16(rest[2:]))
			if end < head || end > len(rest) {
				yield(Segment{}, ErrCut)
				return
			}
			s := Segment{Marker: marker, Raw: rest[:end], Body: rest[head:end]}
			if marker == SOS {
				s.Scan = rest[end : end+scanEnd(rest[end:])]
				end += len(s.Scan)
				s.Raw, missing = rest[:end], ErrNoEnd
			}
			rest = rest[end:]
			if !yield(s, nil) {
				return
			}
		}
	}
}

// scanEnd returns where the compressed samples end that rest begins with: at a
// marker that is not part of them.
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

// AppendJPEGSegment appends a segment to out. The body is at most 65533 bytes.
func AppendJPEGSegment(out []byte, marker byte, body ...[]byte) []byte {
	size := 2
	for _, b := range body {
		size += len(b)
	}
	out = binary.BigEndian.AppendUint16(append(out, 0xff, marker), uint16(size))
	for _, b := range body {
		out = append(out, b...)
	}
	return out
}

// Frame is what a JPEG's frame header says.
type Frame struct {
	Marker        byte // SOF0 to SOF15
	Precision     int  // bits a sample
	Width, Height int  // pixels
	Components    []Component
}

// Component is a colour of a JPEG: its number, and how many of its samples
// there are across and down for each unit of the picture.
type Component struct{ ID, H, V byte }

// Frame reads a segment as a frame header; ok is false if it is none.
func (s Segment) Frame() (f Frame, ok bool) {
	if s.Marker < SOF0 || s.Marker > 0xcf || s.Marker == DHT || s.Marker == 0xc8 || s.Marker == 0xcc || len(s.Body) < 6 {
		return Frame{}, false
	}
	f = Frame{Marker: s.Marker, Precision: int(s.Body[0]),
		Height: int(binary.BigEndian.Uint16(s.Body[1:])), Width: int(binary.BigEndian.Uint16(s.Body[3:]))}
	for c := s.Body[6:]; len(c) >= 3; c = c[3:] {
		f.Components = append(f.Components, Component{c[0], c[1] >> 4, c[1] & 15})
	}
	return f, true
}

// Progressive tells whether the picture comes in several scans that refine it.
func (f Frame) Progressive() bool { return f.Marker == SOF2 }

// Blocks returns how many blocks of 64 samples each component has, padding
// included.
func (f Frame) Blocks() []int64 {
	h, v := 1, 1
	for _, c := range f.Components {
		h, v = max(h, int(c.H)), max(v, int(c.V))
	}
	across, down := (f.Width+8*h-1)/(8*h), (f.Height+8*v-1)/(8*v)
	blocks := make([]int64, len(f.Components))
	for i, c := range f.Components {
		blocks[i] = int64(across) * int64(down) * int64(c.H) * int64(c.V)
	}
	return blocks
}
