package convert

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"math"

	"golang.org/x/image/draw"

	"bilipaste/internal/picture/container"
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
		if 4*f.Width*f.Height > Memory {
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
	m := image.NewRGBA(image.Rect(0, 0, f.Width, f.Height))
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
	for s := range container.JPEG(data) {
		f, ok := s.Frame()
		if !ok {
			continue
		}
		need := 0
		for _, blocks := range f.Blocks() {
			need += int(64 * blocks)
		}
		if f.Progressive() {
			need *= 5
		}
		if len(f.Components) == 4 {
			need += 4 * f.Width * f.Height
		}
		return need
	}
	return Memory + 1
}

// appSegments returns the application segments and comments of a JPEG that
// suit any other. How its colours are stored is not one of them.
func appSegments(data []byte) []byte {
	var kept []byte
	for s := range container.JPEG(data) {
		switch m := s.Marker; {
		case m > container.APP0 && m < 0xee || m == container.APPF || m == container.COM:
			kept = append(kept, s.Raw...)
		case m == container.SOS:
			return kept
		}
	}
	return kept
}

// exifSegment returns EXIF data as a JPEG holds it.
func exifSegment(exif []byte) []byte {
	if len(exif) == 0 || len(exif) > 65000 {
		return nil
	}
	return container.AppendJPEGSegment(nil, container.APP0+1, []byte("Exif\x00\x00"), exif)
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
		out = container.AppendJPEGSegment(out, container.APP0+2, []byte("ICC_PROFILE\x00"), []byte{byte(i + 1), byte(count)}, p)
	}
	return out
}

// dressed returns a copy of a JPEG with segments after its start.
func dressed(data, segments []byte) []byte {
	return bytes.Join([][]byte{data[:2], segments, data[2:]}, nil)
}
