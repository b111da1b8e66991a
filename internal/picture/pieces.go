package picture

import (
	"bytes"
	"crypto/sha256"
	"io"
)

// Parts returns the encoded image, in as many parts as it has.
func (p Picture) Parts() [][]byte {
	if p.Pieces != nil {
		return p.Pieces
	}
	return [][]byte{p.Data}
}

// Size returns how many bytes the encoded image has.
func (p Picture) Size() int64 {
	size := 0
	for _, part := range p.Parts() {
		size += len(part)
	}
	return int64(size)
}

// Sum returns the sum of the encoded image.
func (p Picture) Sum() (sum Sum) {
	h := sha256.New()
	for _, part := range p.Parts() {
		_, _ = h.Write(part) // it never fails
	}
	h.Sum(sum[:0])
	return sum
}

// Reader reads the encoded image.
func (p Picture) Reader() io.Reader {
	var readers []io.Reader
	for _, part := range p.Parts() {
		readers = append(readers, bytes.NewReader(part))
	}
	return io.MultiReader(readers...)
}

// Whole returns the picture with its encoded image in Data, copied there from Pieces.
func (p Picture) Whole() Picture {
	if p.Pieces != nil {
		p.Data, p.Pieces = bytes.Join(p.Pieces, nil), nil
	}
	return p
}
