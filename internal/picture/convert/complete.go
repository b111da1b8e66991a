package convert

import (
	"compress/lzw"
	"context"
	"errors"
	"io"

	"bilipaste/internal/picture/container"
)

// Complete decodes all that a picture has of pixels, within the bounds of a
// conversion, and returns an error unless each of them is there. It is for
// pictures whose outer structure leaves that in doubt.
func Complete(ctx context.Context, data []byte) (err error) {
	defer recovered(&err)
	ctx, cancel := bounded(ctx)
	defer cancel()
	switch {
	case isPNG(data):
		var f *pngFile
		if f, err = readPNG(data); err == nil {
			err = f.lines(ctx, func(line) error { return nil })
		}
	case isJPEG(data):
		if err = allScans(data); err == nil {
			_, err = decodeJPEG(ctx, data, newBudget(data))
		}
	case isGIF(data):
		err = allFrames(ctx, data)
	case isWebP(data):
		err = webpComplete(ctx, data)
	case isBMP(data):
		left := newBudget(data)
		_, _, err = decodeBMP(data, left)
	default:
		err = VariantError("its format is not decoded here")
	}
	return why(ctx, err)
}

var errMissing = errors.New("a part of its pixels is missing")

// allScans checks that a JPEG's scans hold all of each component: a picture
// whose last scans are missing decodes, too.
func allScans(data []byte) error {
	const whole = 64 // numbers of a block
	var frame container.Frame
	var lowest [][whole]int // for each component and number: 1 + the lowest bit that was given
	for s, err := range container.JPEG(data) {
		if err != nil {
			break
		}
		if f, ok := s.Frame(); ok {
			frame, lowest = f, make([][whole]int, len(f.Components))
		}
		if s.Marker != container.SOS || len(s.Body) < 4 {
			continue
		}
		spectrum := s.Body[len(s.Body)-3:]
		from, to, low := int(spectrum[0]), int(spectrum[1]), int(spectrum[2]&15)
		if !frame.Progressive() {
			from, to, low = 0, whole-1, 0
		}
		for _, i := range scanned(s, frame) {
			for k := from; k <= min(to, whole-1); k++ {
				lowest[i][k] = 1 + low
			}
		}
	}
	for _, component := range lowest {
		// What no scan ever gave is 0; the first number of each block is always given.
		for k, low := range component {
			if low > 1 || low == 0 && (k == 0 || frame.Progressive()) {
				return errMissing
			}
		}
	}
	if lowest == nil {
		return errJPEG
	}
	return nil
}

// allFrames checks that each frame of a GIF has all its pixels.
func allFrames(ctx context.Context, data []byte) error {
	frames := 0
	for b, err := range container.GIF(data) {
		if err != nil {
			return err
		}
		if b.Kind != container.GIFFrame {
			continue
		}
		frames++
		w, h, codeSize, pixels, ok := b.Frame()
		if !ok || codeSize < 2 || codeSize > 8 {
			return errMissing
		}
		r := lzw.NewReader(&reader{ctx, &subBlocks{rest: pixels}}, lzw.LSB, codeSize)
		if n, err := io.CopyN(io.Discard, r, int64(w)*int64(h)); err != nil || n == 0 {
			return errMissing
		}
	}
	if frames == 0 {
		return errMissing
	}
	return nil
}

// subBlocks reads what a GIF's sub-blocks hold, as far as they are there.
type subBlocks struct {
	rest []byte
	left int // of the sub-block that rest is in
}

func (s *subBlocks) Read(p []byte) (int, error) {
	if s.left == 0 && len(s.rest) > 0 {
		s.left, s.rest = int(s.rest[0]), s.rest[1:]
	}
	n := copy(p, s.rest[:min(s.left, len(s.rest))])
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	s.left, s.rest = s.left-n, s.rest[n:]
	return n, nil
}

// webpComplete checks each frame of a WebP.
func webpComplete(ctx context.Context, data []byte) error {
	var still webpFrame
	frames := 0
	for c, err := range container.WebP(data) {
		if err != nil {
			break
		}
		if c.Name != "ANMF" {
			still.add(c)
			continue
		}
		const header = 16 // bytes: where the frame is, and how long
		var frame webpFrame
		for part, err := range container.WebPChunks(c.Body[min(header, len(c.Body)):]) {
			if err != nil {
				return err
			}
			frame.add(part)
		}
		if _, err := frame.decode(ctx, newBudget(data)); err != nil {
			return err
		}
		frames++
	}
	if frames > 0 {
		return nil
	}
	_, err := still.decode(ctx, newBudget(data))
	return err
}
