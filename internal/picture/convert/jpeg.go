package convert

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"math"

	"golang.org/x/image/draw"
)

// Shrunk is a picture that was made smaller at the cost of its looks.
type Shrunk struct {
	Data          []byte
	Quality       int // of JPEG
	Width, Height int // pixels
}

// The qualities that are tried before a picture is scaled down.
const (
	bestQuality  = 92
	worstQuality = 80
)

// ToJPEG returns a PNG, JPEG or still WebP as a JPEG of at most limit bytes,
// of as many pixels and as good a quality as fit. It returns ErrTransparent,
// ErrMemory or ErrColourSpace where it will not.
func ToJPEG(ctx context.Context, data []byte, limit int) (Shrunk, error) {
	var dress []byte
	var m image.Image
	var err error
	if f, bad := readPNG(data); bad == nil {
		if 4*f.width*f.height > Memory {
			return Shrunk{}, ErrMemory
		}
		m, err = f.opaque(ctx)
		dress = append(exifSegment(f.chunk("eXIf")), iccSegments(f.profile())...)
	} else {
		m, err = decode(ctx, data)
		if err == nil && !isOpaque(m) {
			err = ErrTransparent
		}
		dress = appSegments(data)
	}
	if _, ok := m.(*image.CMYK); ok {
		err = ErrColourSpace
	}
	if err != nil {
		return Shrunk{}, err
	}
	limit -= len(dress)
	out := &limited{ctx: ctx, limit: max(0, limit)}
	for {
		fits, err := encode(out, m, worstQuality)
		if err != nil {
			return Shrunk{}, err
		}
		if fits {
			break
		}
		if b := m.Bounds(); limit <= 0 || b.Dx()*b.Dy() == 1 {
			return Shrunk{}, ErrTooLarge
		}
		// How far it is from fitting is not known: a sixth of the pixels less.
		m = scale(m, math.Sqrt(5.0/6))
	}
	b := m.Bounds()
	s := Shrunk{Quality: worstQuality, Width: b.Dx(), Height: b.Dy(), Data: dressed(out.data, dress)}
	for q := bestQuality; q > worstQuality; q -= 3 {
		fits, err := encode(out, m, q)
		if err != nil {
			return Shrunk{}, err
		}
		if fits {
			s.Quality, s.Data = q, dressed(out.data, dress)
			break
		}
	}
	return s, nil
}

// encode writes a picture to out, anew, and tells whether it fits.
func encode(out *limited, m image.Image, quality int) (fits bool, err error) {
	out.data = out.data[:0]
	err = jpeg.Encode(out, m, &jpeg.Options{Quality: quality})
	if errors.Is(err, ErrTooLarge) {
		return false, nil
	}
	return err == nil, err
}

// scale makes a picture smaller. The factor is between 1/2 and 1, where
// ApproxBiLinear is good, and needs no buffer.
func scale(m image.Image, factor float64) image.Image {
	b := m.Bounds()
	r := image.Rect(0, 0, max(1, int(float64(b.Dx())*factor)), max(1, int(float64(b.Dy())*factor)))
	var to draw.Image = image.NewRGBA(r)
	if _, ok := m.(*image.Gray); ok {
		to = image.NewGray(r)
	}
	draw.ApproxBiLinear.Scale(to, r, m, b, draw.Src, nil)
	return to
}

// opaque returns a PNG's pixels with 8 bits a sample, or ErrTransparent.
func (f *pngFile) opaque(ctx context.Context) (image.Image, error) {
	m := image.NewRGBA(image.Rect(0, 0, f.width, f.height))
	err := f.lines(ctx, func(l line) error {
		at := l.y*m.Stride + 4*l.x
		for i := range l.pixels {
			c, _ := f.pixel(l.row, i)
			if c.A != 255 {
				return ErrTransparent
			}
			m.Pix[at], m.Pix[at+1], m.Pix[at+2], m.Pix[at+3] = c.R, c.G, c.B, 255
			at += 4 * l.dx
		}
		return nil
	})
	return m, err
}

func isOpaque(m image.Image) bool {
	o, ok := m.(interface{ Opaque() bool })
	return ok && o.Opaque() || m.ColorModel() == color.YCbCrModel
}

// jpegNeed estimates the bytes that decoding a JPEG takes: a progressive one's
// coefficients are kept besides its samples.
func jpegNeed(data []byte) int {
	need := 0
	eachSegment(data, func(marker byte, segment []byte) bool {
		isFrame := marker >= 0xc0 && marker <= 0xc2
		if !isFrame || len(segment) < 10 {
			return true
		}
		pixels := int(binary.BigEndian.Uint16(segment[5:])) * int(binary.BigEndian.Uint16(segment[7:]))
		parts, largest := 0, 1
		for c := segment[10:]; len(c) >= 3; c = c[3:] {
			n := int(c[1]>>4) * int(c[1]&15)
			parts, largest = parts+n, max(largest, n)
		}
		need = pixels * parts / largest
		if marker == 0xc2 {
			need *= 5
		}
		return false
	})
	return need
}

// eachSegment calls do for each segment of a JPEG before its pixels, until do
// returns false.
func eachSegment(data []byte, do func(marker byte, segment []byte) bool) {
	if len(data) < 4 || data[0] != 0xff || data[1] != 0xd8 {
		return
	}
	for rest := data[2:]; len(rest) >= 4 && rest[0] == 0xff && rest[1] != 0xda; {
		size := 2 + int(binary.BigEndian.Uint16(rest[2:]))
		if size > len(rest) || !do(rest[1], rest[:size]) {
			return
		}
		rest = rest[size:]
	}
}

// appSegments returns the application segments and comments of a JPEG that
// suit any other. How its colours are stored is not one of them.
func appSegments(data []byte) []byte {
	var kept []byte
	eachSegment(data, func(marker byte, segment []byte) bool {
		if marker > 0xe0 && marker < 0xee || marker == 0xef || marker == 0xfe {
			kept = append(kept, segment...)
		}
		return true
	})
	return kept
}

// exifSegment returns EXIF data as a JPEG holds it.
func exifSegment(exif []byte) []byte {
	if len(exif) == 0 || len(exif) > 65000 {
		return nil
	}
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(8+len(exif)))
	return append(append(head, "Exif\x00\x00"...), exif...)
}

// iccSegments returns an ICC profile as a JPEG holds it.
func iccSegments(profile []byte) []byte {
	const part = 65000
	var out []byte
	count := (len(profile) + part - 1) / part
	if count > 255 {
		return nil
	}
	for i := range count {
		p := profile[i*part : min(len(profile), (i+1)*part)]
		out = append(out, 0xff, 0xe2)
		out = binary.BigEndian.AppendUint16(out, uint16(2+14+len(p)))
		out = append(append(out, "ICC_PROFILE\x00"...), byte(i+1), byte(count))
		out = append(out, p...)
	}
	return out
}

// dressed returns a copy of a JPEG with segments after its start.
func dressed(data, segments []byte) []byte {
	return bytes.Join([][]byte{data[:2], segments, data[2:]}, nil)
}
