package convert

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"

	"bilipaste/internal/picture/container"
)

// pngFile is a still PNG, taken apart.
type pngFile struct {
	container.PNGHeader
	plte, trns    []byte
	head          []byte   // the signature and IHDR
	before, after [][]byte // the other chunks, before and after the pixels
	pixels        [][]byte // what the IDAT chunks hold
}

var (
	errPNG  = errors.New("it is no PNG that can be read")
	errJPEG = errors.New("it is no JPEG that can be read")
)

// readPNG takes a PNG apart. An animation is an error.
func readPNG(data []byte) (*pngFile, error) {
	if container.AnimatedPNG(data) {
		return nil, errPNG
	}
	f := &pngFile{}
	for c, err := range container.PNG(data) {
		if err != nil {
			return nil, err
		}
		switch {
		case c.Critical() && !c.Sound():
			return nil, fmt.Errorf("its chunk %q is damaged", c.Name)
		case !c.Sound(): // viewers pass over it
			continue
		case f.head == nil:
			if c.Name != "IHDR" {
				return nil, errPNG
			}
			if f.PNGHeader, err = container.ParsePNGHeader(c.Body); err != nil {
				return nil, err
			}
			if f.Width > 1<<20 || f.Height > 1<<20 || f.Width*f.Height > 250e6 {
				return nil, ErrMemory
			}
			f.head = data[:len(container.PNGSignature)+len(c.Raw)]
			continue
		case c.Name == "IEND":
			return f, nil
		case c.Name == "IDAT":
			f.pixels = append(f.pixels, c.Body)
			continue
		case c.Name == "PLTE":
			f.plte = c.Body
		case c.Name == "tRNS":
			f.trns = c.Body
		}
		if f.pixels == nil {
			f.before = append(f.before, c.Raw)
		} else {
			f.after = append(f.after, c.Raw)
		}
	}
	return nil, errPNG
}

// adam7 holds, for each pass of an interlaced picture, where it begins and how
// far apart its pixels are.
var adam7 = [7]struct{ x, y, dx, dy int }{
	{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2},
}

// line is a line of samples, and where its pixels belong.
type line struct {
	row          []byte // without the filter's byte; valid until the next line
	x, y, dx     int    // its first pixel, and how far apart they are
	pixels       int
	startsAnew   bool // no line above counts
	samplesBytes int  // a whole pixel's, at least 1
}

// lines calls do for each line of the picture, unfiltered, in the file's order.
func (f *pngFile) lines(ctx context.Context, do func(line) error) error {
	z, err := zlib.NewReader(readParts(ctx, f.pixels...))
	if err != nil {
		return err
	}
	passes := adam7[:]
	if !f.Interlaced {
		passes = []struct{ x, y, dx, dy int }{{0, 0, 1, 1}}
	}
	bits := f.Samples() * f.Depth
	for _, pass := range passes {
		pixels := (f.Width - pass.x + pass.dx - 1) / pass.dx
		if pixels <= 0 {
			continue
		}
		size := (pixels*bits + 7) / 8
		above, buffer := make([]byte, 1+size), make([]byte, 1+size)
		first := true
		for y := pass.y; y < f.Height; y += pass.dy {
			if _, err := io.ReadFull(z, buffer); err != nil {
				return err
			}
			bpp := max(1, bits/8)
			if err := unfilter(buffer[0], buffer[1:], above[1:], bpp); err != nil {
				return err
			}
			err := do(line{row: buffer[1:], x: pass.x, y: y, dx: pass.dx, pixels: pixels, startsAnew: first, samplesBytes: bpp})
			if err != nil {
				return err
			}
			above, buffer, first = buffer, above, false
		}
	}
	return nil
}

func unfilter(filter byte, row, above []byte, bpp int) error {
	switch filter {
	case 0:
	case 1:
		for i := bpp; i < len(row); i++ {
			row[i] += row[i-bpp]
		}
	case 2:
		for i := range row {
			row[i] += above[i]
		}
	case 3:
		for i := range min(bpp, len(row)) {
			row[i] += above[i] / 2
		}
		for i := bpp; i < len(row); i++ {
			row[i] += byte((int(row[i-bpp]) + int(above[i])) / 2)
		}
	case 4:
		for i := range min(bpp, len(row)) {
			row[i] += above[i]
		}
		for i := bpp; i < len(row); i++ {
			row[i] += paeth(row[i-bpp], above[i], above[i-bpp])
		}
	default:
		return errPNG
	}
	return nil
}

func paeth(a, b, c byte) byte {
	pa, pb := int(b)-int(c), int(a)-int(c)
	pc := abs(pa + pb)
	pa, pb = abs(pa), abs(pb)
	switch {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	}
	return c
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// withPixels returns the file with other pixels, given as one IDAT chunk's body.
func (f *pngFile) withPixels(body []byte) []byte {
	size := len(f.head) + 24 + len(body)
	for _, c := range f.before {
		size += len(c)
	}
	for _, c := range f.after {
		size += len(c)
	}
	out := append(make([]byte, 0, size), f.head...)
	for _, c := range f.before {
		out = append(out, c...)
	}
	out = container.AppendPNGChunk(out, "IDAT", body)
	for _, c := range f.after {
		out = append(out, c...)
	}
	return container.AppendPNGChunk(out, "IEND", nil)
}

// profile returns the ICC profile of a PNG, nil if it has none.
func (f *pngFile) profile() []byte {
	_, packed, ok := bytes.Cut(f.chunk("iCCP"), []byte{0})
	if !ok || len(packed) < 2 || packed[0] != 0 {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(packed[1:]))
	if err != nil {
		return nil
	}
	profile, err := io.ReadAll(io.LimitReader(z, 4<<20))
	if err != nil {
		return nil
	}
	return profile
}

// chunk returns what the first chunk of a name holds, beside the pixels.
func (f *pngFile) chunk(name string) []byte {
	for _, chunks := range [][][]byte{f.before, f.after} {
		for _, c := range chunks {
			if string(c[4:8]) == name {
				return c[8 : len(c)-4]
			}
		}
	}
	return nil
}

// profileChunk returns an ICC profile as a PNG holds it.
func profileChunk(profile []byte) ([]byte, error) {
	body := bytes.NewBufferString("icc\x00\x00")
	z := zlib.NewWriter(body)
	_, err := z.Write(profile)
	if err = errors.Join(err, z.Close()); err != nil {
		return nil, err
	}
	return container.AppendPNGChunk(nil, "iCCP", body.Bytes()), nil
}

// Still returns an animated PNG without its animation: the picture that
// viewers show that know of none.
func Still(data []byte) ([]byte, error) {
	out := []byte(container.PNGSignature)
	for c, err := range container.PNG(data) {
		if err != nil {
			return nil, err
		}
		switch c.Name {
		case "acTL", "fcTL", "fdAT":
		default:
			out = append(out, c.Raw...)
		}
	}
	return out, nil
}
