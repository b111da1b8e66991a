package convert

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// The colour types of PNG.
const (
	gray      = 0
	rgb       = 2
	palette   = 3
	grayAlpha = 4
	rgbAlpha  = 6
)

// pngFile is a still PNG, taken apart.
type pngFile struct {
	width, height int
	depth, colour int
	interlaced    bool
	plte, trns    []byte
	head          []byte   // the signature and IHDR
	before, after [][]byte // the other chunks, before and after the pixels
	pixels        [][]byte // what the IDAT chunks hold
}

var errPNG = errors.New("it is no PNG that can be read")

// readPNG takes a PNG apart. An animation is an error.
func readPNG(data []byte) (*pngFile, error) {
	const ihdr = len(pngSignature) + 25
	if len(data) < ihdr || string(data[:len(pngSignature)]) != pngSignature || string(data[12:16]) != "IHDR" {
		return nil, errPNG
	}
	f := &pngFile{
		width: int(binary.BigEndian.Uint32(data[16:])), height: int(binary.BigEndian.Uint32(data[20:])),
		depth: int(data[24]), colour: int(data[25]), interlaced: data[28] == 1, head: data[:ihdr],
	}
	switch {
	case f.width < 1 || f.height < 1 || f.samples() == 0 || data[26] != 0 || data[27] != 0 || data[28] > 1:
		return nil, errPNG
	case f.depth != 8 && f.depth != 16 && (f.colour != gray && f.colour != palette || f.depth != 1 && f.depth != 2 && f.depth != 4):
		return nil, errPNG
	case f.width > 1<<20 || f.height > 1<<20 || f.width*f.height > 250e6:
		return nil, ErrMemory
	}
	for rest := data[ihdr:]; len(rest) >= 12; {
		size := uint64(binary.BigEndian.Uint32(rest)) + 12
		if size > uint64(len(rest)) {
			break
		}
		chunk := rest[:size]
		rest = rest[size:]
		body := chunk[8 : size-4]
		switch string(chunk[4:8]) {
		case "acTL":
			return nil, errPNG
		case "IEND":
			return f, nil
		case "IDAT":
			f.pixels = append(f.pixels, body)
			continue
		case "PLTE":
			f.plte = body
		case "tRNS":
			f.trns = body
		}
		if f.pixels == nil {
			f.before = append(f.before, chunk)
		} else {
			f.after = append(f.after, chunk)
		}
	}
	return nil, errPNG
}

// samples returns how many samples a pixel has.
func (f *pngFile) samples() int {
	switch f.colour {
	case gray, palette:
		return 1
	case grayAlpha:
		return 2
	case rgb:
		return 3
	case rgbAlpha:
		return 4
	}
	return 0
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
	parts := make([]io.Reader, len(f.pixels))
	for i, p := range f.pixels {
		parts[i] = bytes.NewReader(p)
	}
	z, err := zlib.NewReader(&reader{ctx, io.MultiReader(parts...)})
	if err != nil {
		return err
	}
	passes := adam7[:]
	if !f.interlaced {
		passes = []struct{ x, y, dx, dy int }{{0, 0, 1, 1}}
	}
	bits := f.samples() * f.depth
	for _, pass := range passes {
		pixels := (f.width - pass.x + pass.dx - 1) / pass.dx
		if pixels <= 0 {
			continue
		}
		size := (pixels*bits + 7) / 8
		above, buffer := make([]byte, 1+size), make([]byte, 1+size)
		first := true
		for y := pass.y; y < f.height; y += pass.dy {
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
	out = appendChunk(out, "IDAT", body)
	for _, c := range f.after {
		out = append(out, c...)
	}
	return appendChunk(out, "IEND", nil)
}

func appendChunk(out []byte, name string, body []byte) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(len(body)))
	start := len(out)
	out = append(append(out, name...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[start:]))
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

// withProfile adds an ICC profile to a PNG that has none.
func withProfile(data, profile []byte) ([]byte, error) {
	f, err := readPNG(data)
	if err != nil {
		return nil, err
	}
	body := bytes.NewBufferString("icc\x00\x00")
	z := zlib.NewWriter(body)
	_, err = z.Write(profile)
	if err = errors.Join(err, z.Close()); err != nil {
		return nil, err
	}
	out := append([]byte(nil), f.head...)
	out = appendChunk(out, "iCCP", body.Bytes())
	return append(out, data[len(f.head):]...), nil
}

// Still returns an animated PNG without its animation: the picture that
// viewers show that know of none.
func Still(data []byte) ([]byte, error) {
	if len(data) < len(pngSignature) {
		return nil, errPNG
	}
	out := append([]byte(nil), data[:len(pngSignature)]...)
	for rest := data[len(pngSignature):]; len(rest) >= 12; {
		size := uint64(binary.BigEndian.Uint32(rest)) + 12
		if size > uint64(len(rest)) {
			break
		}
		switch name := string(rest[4:8]); name {
		case "acTL", "fcTL", "fdAT":
		case "IEND":
			return append(out, rest[:size]...), nil
		default:
			out = append(out, rest[:size]...)
		}
		rest = rest[size:]
	}
	return nil, errPNG
}
