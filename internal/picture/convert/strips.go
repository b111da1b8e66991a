package convert

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"fmt"
	"io"
	"math/bits"

	"golang.org/x/image/ccitt"
	"golang.org/x/image/tiff/lzw"

	"bilipaste/internal/picture/container"
)

// unpredict undoes the prediction of each sample from the one to its left.
func (t *tiffPage) unpredict(row []byte, samples int) error {
	const none, horizontal = 1, 2
	p := t.Uint(container.TIFFPredictor, none)
	switch {
	case p == none || t.compression == tiffG3 || t.compression == tiffG4:
	case p == horizontal && t.depth == 8:
		for i := samples; i < len(row); i++ {
			row[i] += row[i-samples]
		}
	case p == horizontal && t.depth == 16:
		for i := 2 * samples; i+1 < len(row); i += 2 {
			t.Order().PutUint16(row[i:], t.Order().Uint16(row[i:])+t.Order().Uint16(row[i-2*samples:]))
		}
	default:
		return VariantError(fmt.Sprintf("its samples are predicted in way %d", p))
	}
	return nil
}

// unpacked returns a reader of a strip's rows.
func (t *tiffPage) unpacked(ctx context.Context, packed []byte, rows int) (io.Reader, error) {
	var r io.Reader = &reader{ctx, bytes.NewReader(packed)}
	if t.Uint(container.TIFFFillOrder, 1) == 2 {
		r = reversed{r}
	}
	switch t.compression {
	case 0, tiffPlain:
		return r, nil
	case tiffLZW:
		return lzw.NewReader(r, lzw.MSB, 8), nil
	case tiffDeflate, tiffOldDeflate:
		return zlib.NewReader(r)
	case tiffPackBits:
		return &packBits{in: bufio.NewReader(r)}, nil
	case tiffG3, tiffG4:
		const twoDimensional, filled = 1, 4
		kind := ccitt.Group4
		if t.compression == tiffG3 {
			kind = ccitt.Group3
			if t.Uint(container.TIFFG3Options, 0)&(twoDimensional|filled) != 0 {
				return nil, VariantError("its fax coding (G3) is two-dimensional, or has filled rows")
			}
		}
		if t.depth != 1 || t.samples != 1 {
			return nil, errTIFF
		}
		// A fax's white is 0, whatever the colours are called.
		return ccitt.NewReader(r, ccitt.MSB, kind, t.tileWidth, rows, &ccitt.Options{Invert: true}), nil
	case tiffOldJPEG, tiffJPEG:
		return nil, VariantError("it holds JPEG data")
	}
	return nil, VariantError(fmt.Sprintf("it is compressed in way %d", t.compression))
}

// reversed reads bytes whose bits are stored the other way round.
type reversed struct{ io.Reader }

func (r reversed) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	for i := range p[:n] {
		p[i] = bits.Reverse8(p[i])
	}
	return n, err
}

// packBits reads what is coded as runs of bytes.
type packBits struct {
	in      *bufio.Reader
	literal int // bytes that are still to be given as they are
	repeat  int // times that value is still to be given
	value   byte
}

func (r *packBits) Read(p []byte) (n int, err error) {
	for ; n < len(p); n++ {
		for r.literal == 0 && r.repeat == 0 {
			head, err := r.in.ReadByte()
			if err != nil {
				return n, err
			}
			switch count := int(int8(head)); {
			case count >= 0:
				r.literal = count + 1
			case count > -128:
				r.repeat = 1 - count
				if r.value, err = r.in.ReadByte(); err != nil {
					return n, err
				}
			}
		}
		if r.repeat > 0 {
			p[n] = r.value
			r.repeat--
			continue
		}
		if p[n], err = r.in.ReadByte(); err != nil {
			return n, err
		}
		r.literal--
	}
	return n, nil
}
