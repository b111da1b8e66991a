package convert

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"

	"bilipaste/internal/picture/container"
)

// Recompress returns a PNG with the same pixels, compressed anew as hard as
// can be, in at most limit bytes; or ErrTooLarge. It holds two lines at a time.
func Recompress(ctx context.Context, data []byte, limit int) ([]byte, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	f, err := readPNG(data)
	if err != nil {
		return nil, err
	}
	left := newBudget(data)
	const rowsKept = 8                                                                                // as they are, and as each filter makes them
	if err := left.take(rowsKept * (f.Bytes()/int64(f.Height) + int64(limit)/rowsKept)); err != nil { // and the result is joined
		return nil, err
	}
	out, err := newLimited(ctx, limit, left)
	if err != nil {
		return nil, err
	}
	z, err := zlib.NewWriterLevel(out, zlib.BestCompression)
	if err != nil {
		return nil, err
	}
	var above []byte
	var rows [5][]byte
	err = f.lines(ctx, func(l line) error {
		if l.startsAnew {
			above = make([]byte, len(l.row))
			for i := range rows {
				rows[i] = make([]byte, 1+len(l.row))
				rows[i][0] = byte(i)
			}
		}
		best := 0
		if f.Depth >= 8 && f.Colour != container.PNGPalette {
			best = filter(&rows, l.row, above, l.samplesBytes)
		} else {
			copy(rows[0][1:], l.row)
		}
		above = append(above[:0], l.row...)
		_, err := z.Write(rows[best])
		return err
	})
	if err = errors.Join(err, z.Close()); err != nil {
		return nil, why(ctx, err)
	}
	packed := f.withPixels(out.data)
	if len(packed) > limit {
		return nil, ErrTooLarge
	}
	return packed, nil
}

// filter fills rows with a line as each filter of PNG makes it, and returns
// the one that should compress best: whose bytes are nearest to 0.
func filter(rows *[5][]byte, row, above []byte, bpp int) (best int) {
	none, sub, up, average, paethed := rows[0][1:], rows[1][1:], rows[2][1:], rows[3][1:], rows[4][1:]
	var sums [5]int
	for i, v := range row {
		var left, corner byte
		if i >= bpp {
			left, corner = row[i-bpp], above[i-bpp]
		}
		none[i] = v
		sub[i] = v - left
		up[i] = v - above[i]
		average[i] = v - byte((int(left)+int(above[i]))/2)
		paethed[i] = v - paeth(left, above[i], corner)
		sums[0] += abs(int(int8(v)))
		sums[1] += abs(int(int8(sub[i])))
		sums[2] += abs(int(int8(up[i])))
		sums[3] += abs(int(int8(average[i])))
		sums[4] += abs(int(int8(paethed[i])))
	}
	for i, sum := range sums {
		if sum < sums[best] {
			best = i
		}
	}
	return best
}

// Palette returns a PNG with the same pixels, but with a palette, in at most
// limit bytes; or ErrColours where it has more than 256, or ErrTooLarge.
func Palette(ctx context.Context, data []byte, limit int) ([]byte, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	f, err := readPNG(data)
	if err != nil {
		return nil, err
	}
	if f.Colour == container.PNGPalette || f.Colour != container.PNGColour && f.Colour != container.PNGAlpha && f.profile() != nil {
		return nil, ErrColours // a profile for shades of gray suits no palette
	}
	left := newBudget(data)
	if err := left.take(int64(f.Width)*int64(f.Height) + int64(limit)); err != nil {
		return nil, err
	}
	m := image.NewPaletted(image.Rect(0, 0, f.Width, f.Height), make(color.Palette, 0, 256))
	known := map[color.NRGBA]uint8{}
	var last color.NRGBA
	var index uint8
	err = f.lines(ctx, func(l line) error {
		at := l.y*m.Stride + l.x
		for i := range l.pixels {
			c, exact := f.pixel(l.row, i)
			if !exact {
				return ErrColours
			}
			if c != last || len(known) == 0 {
				var ok bool
				if index, ok = known[c]; !ok {
					if len(known) == 256 {
						return ErrColours
					}
					index = uint8(len(known))
					known[c] = index
					m.Palette = append(m.Palette, c)
				}
				last = c
			}
			m.Pix[at] = index
			at += l.dx
		}
		return nil
	})
	if err != nil {
		return nil, why(ctx, err)
	}
	out, err := newLimited(ctx, limit, left)
	if err != nil {
		return nil, err
	}
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(out, m); err != nil {
		return nil, why(ctx, err)
	}
	return f.dress(out.data, limit)
}

// dress gives a PNG made from f's pixels the chunks of f that change how they
// look and do not depend on how they are stored.
func (f *pngFile) dress(data []byte, limit int) ([]byte, error) {
	size := len(f.head)
	out := bytes.NewBuffer(make([]byte, 0, len(data)+1<<10))
	out.Write(data[:size])
	for _, c := range append(f.before[:len(f.before):len(f.before)], f.after...) {
		switch string(c[4:8]) {
		case "PLTE", "tRNS", "sBIT", "bKGD", "hIST":
		default:
			out.Write(c)
		}
	}
	out.Write(data[size:])
	if out.Len() > limit {
		return nil, ErrTooLarge
	}
	return out.Bytes(), nil
}

// pixel returns the i-th pixel of a line, and whether 8 bits hold it exactly.
func (f *pngFile) pixel(row []byte, i int) (c color.NRGBA, exact bool) {
	n := f.Samples()
	var s [4]byte
	exact = true
	switch f.Depth {
	case 8:
		copy(s[:], row[i*n:i*n+n])
	case 16:
		for k := range n {
			high, low := row[2*(i*n+k)], row[2*(i*n+k)+1]
			s[k] = high
			exact = exact && high == low
		}
	default:
		mask := byte(1<<f.Depth - 1)
		v := row[i*f.Depth/8] >> (8 - f.Depth - i*f.Depth%8) & mask
		if s[0] = v; f.Colour == container.PNGGray {
			s[0] = v * (255 / mask)
		}
	}
	switch f.Colour {
	case container.PNGGray:
		c = color.NRGBA{s[0], s[0], s[0], 255}
	case container.PNGGrayAlpha:
		c = color.NRGBA{s[0], s[0], s[0], s[1]}
	case container.PNGColour:
		c = color.NRGBA{s[0], s[1], s[2], 255}
	case container.PNGAlpha:
		c = color.NRGBA{s[0], s[1], s[2], s[3]}
	case container.PNGPalette:
		if at := 3 * int(s[0]); at+3 <= len(f.plte) {
			c = color.NRGBA{f.plte[at], f.plte[at+1], f.plte[at+2], 255}
		} else {
			c.A = 255
		}
		if int(s[0]) < len(f.trns) {
			c.A = f.trns[s[0]]
		}
	}
	if f.Colour == container.PNGGray && len(f.trns) == 2 && f.isKey(row, i, 1) || f.Colour == container.PNGColour && len(f.trns) == 6 && f.isKey(row, i, 3) {
		c.A = 0
	}
	return c, exact
}

// isKey tells whether a pixel has the one colour that stands for nothing.
func (f *pngFile) isKey(row []byte, i, n int) bool {
	for k := range n {
		want := uint16(f.trns[2*k])<<8 | uint16(f.trns[2*k+1])
		var v uint16
		at := i*n + k
		switch f.Depth {
		case 16:
			v = uint16(row[2*at])<<8 | uint16(row[2*at+1])
		case 8:
			v = uint16(row[at])
		default:
			v = uint16(row[at*f.Depth/8] >> (8 - f.Depth - at*f.Depth%8) & byte(1<<f.Depth-1))
		}
		if v != want {
			return false
		}
	}
	return true
}
