// Package container walks the parts of encoded pictures without decoding them:
// PNG's chunks, JPEG's segments, WebP's chunks, GIF's blocks, TIFF's
// directories, the boxes of HEIC and AVIF, and BMP's headers. It is the only
// place that does so: what sniffs, strips, converts or estimates memory sees
// the same parts.
//
// A walker is an iterator of parts and errors. An error is its last value, and
// comes after every part before the damage; parts share the picture's memory.
package container

import (
	"errors"
	"iter"
)

// The errors that are told apart. Others mean that the bytes are no such picture.
var (
	// ErrCut says that the data ends in the middle of a part.
	ErrCut = errors.New("it ends in the middle")
	// ErrNoEnd says that every part is whole, but that the end mark is missing.
	ErrNoEnd = errors.New("its end mark is missing")
	// ErrLength says that every part is whole, but that the outermost length is wrong.
	ErrLength = errors.New("it is not as long as it says")
)

var errForeign = errors.New("it does not start as its format does")

// First returns what a walker yields first.
func First[Part any](parts iter.Seq2[Part, error]) (first Part, err error) {
	parts(func(p Part, e error) bool {
		first, err = p, e
		return false
	})
	return first, err
}
