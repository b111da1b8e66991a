package container

import (
	"encoding/binary"
	"iter"
)

// Box is a part of a file of the ISO base media format: HEIC, AVIF, JPEG XL.
type Box struct {
	Type string
	Body []byte // as far as it is there, with ErrCut
}

// Boxes yields the boxes that data consists of.
func Boxes(data []byte) iter.Seq2[Box, error] {
	return func(yield func(Box, error) bool) {
		for rest := data; len(rest) > 0; {
			if len(rest) < 8 {
				yield(Box{}, ErrCut)
				return
			}
			head, size := uint64(8), uint64(binary.BigEndian.Uint32(rest))
			switch {
			case size == 0: // to the end
				size = uint64(len(rest))
			case size == 1 && len(rest) >= 16:
				head, size = 16, binary.BigEndian.Uint64(rest[8:])
			}
			if size < head {
				yield(Box{}, errForeign)
				return
			}
			b := Box{Type: string(rest[4:8])}
			if size > uint64(len(rest)) {
				b.Body = rest[head:]
				yield(b, ErrCut)
				return
			}
			b.Body = rest[head:size]
			if !yield(b, nil) {
				return
			}
			rest = rest[size:]
		}
	}
}

// Brands returns the names of the formats that a file says it is of, its own
// first; nil if it is no file of boxes.
func Brands(head []byte) []string {
	b, _ := First(Boxes(head)) // it may be longer than the head
	if b.Type != "ftyp" || len(b.Body) < 4 {
		return nil
	}
	brands := []string{string(b.Body[:4])}
	for rest := b.Body[min(8, len(b.Body)):]; len(rest) >= 4; rest = rest[4:] {
		brands = append(brands, string(rest[:4]))
	}
	return brands
}
