package convert

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"math"

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
// ErrMemory, ErrTime, ErrHDR, ErrColourSpace or a VariantError where it will not.
func ToJPEG(ctx context.Context, data []byte, limit int) (s Shrunk, err error) {
	defer recovered(&err)
	ctx, cancel := bounded(ctx)
	defer cancel()
	left := newBudget(data)
	m, dress, err := undressed(ctx, data, left)
	if err != nil {
		return Shrunk{}, why(ctx, err)
	}
	limit -= len(dress)
	out, err := newLimited(ctx, limit, left)
	if err != nil {
		return Shrunk{}, err
	}
	for {
		fits, err := encode(out, m, worstQuality)
		if err != nil {
			return Shrunk{}, why(ctx, err)
		}
		if fits {
			break
		}
		if b := m.Bounds(); limit <= 0 || b.Dx()*b.Dy() == 1 {
			return Shrunk{}, ErrTooLarge
		}
		// How far it is from fitting is not known: a sixth of the pixels less.
		m = shrink(m, math.Sqrt(5.0/6))
	}
	b := m.Bounds()
	s = Shrunk{Quality: worstQuality, Width: b.Dx(), Height: b.Dy(), Data: dressed(out.data, dress)}
	for q := bestQuality; q > worstQuality; q -= 3 {
		fits, err := encode(out, m, q)
		if err != nil {
			return Shrunk{}, why(ctx, err)
		}
		if fits {
			s.Quality, s.Data = q, dressed(out.data, dress)
			break
		}
	}
	return s, nil
}

// undressed returns a picture's pixels, and the segments that a JPEG of them
// needs to look the same.
func undressed(ctx context.Context, data []byte, left *budget) (m image.Image, dress []byte, err error) {
	if isPNG(data) {
		f, err := readPNG(data)
		if err != nil {
			return nil, nil, err
		}
		m, err := f.opaque(ctx, left)
		return m, append(exifSegment(f.chunk("eXIf")), iccSegments(f.profile())...), err
	}
	m, about, err := decode(ctx, data, left)
	if err != nil {
		return nil, nil, err
	}
	switch p := m.(type) {
	case *image.CMYK:
		return nil, nil, ErrColourSpace
	case *image.NRGBA:
		if !p.Opaque() {
			return nil, nil, ErrTransparent
		}
		m = &image.RGBA{Pix: p.Pix, Stride: p.Stride, Rect: p.Rect}
	case *image.Gray, *image.YCbCr, *image.RGBA:
	default:
		return nil, nil, VariantError("its pixels are of a kind that is not made a JPEG here")
	}
	if isJPEG(data) {
		return m, appSegments(data), nil
	}
	if about.orientation != 0 {
		dress = exifSegment(container.OrientedExif(about.orientation))
	}
	return m, append(dress, iccSegments(about.profile)...), nil
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

// shrink makes a picture smaller, in its own memory. The factor is between 1/2
// and 1, where four neighbours are enough.
func shrink(m image.Image, factor float64) image.Image {
	b := m.Bounds()
	r := image.Rect(0, 0, max(1, int(float64(b.Dx())*factor)), max(1, int(float64(b.Dy())*factor)))
	switch m := m.(type) {
	case *image.Gray:
		shrinkPlane(m.Pix, m.Stride, 1, b.Max, r.Max)
		return &image.Gray{Pix: m.Pix, Stride: r.Dx(), Rect: r}
	case *image.RGBA:
		shrinkPlane(m.Pix, m.Stride, 4, b.Max, r.Max)
		return &image.RGBA{Pix: m.Pix, Stride: 4 * r.Dx(), Rect: r}
	case *image.YCbCr:
		from, to := chroma(m.SubsampleRatio, b.Max), chroma(m.SubsampleRatio, r.Max)
		shrinkPlane(m.Y, m.YStride, 1, b.Max, r.Max)
		shrinkPlane(m.Cb, m.CStride, 1, from, to)
		shrinkPlane(m.Cr, m.CStride, 1, from, to)
		return &image.YCbCr{Y: m.Y, Cb: m.Cb, Cr: m.Cr, YStride: r.Dx(), CStride: to.X, SubsampleRatio: m.SubsampleRatio, Rect: r}
	}
	return m
}

// chroma returns the size of the colour planes of a picture of a size.
func chroma(ratio image.YCbCrSubsampleRatio, size image.Point) image.Point {
	one := image.NewYCbCr(image.Rect(0, 0, 8, 8), ratio)
	across, down := 8/one.CStride, 8*one.CStride/len(one.Cb)
	return image.Pt((size.X+across-1)/across, (size.Y+down-1)/down)
}

// shrinkPlane scales a plane of samples, n a pixel, in its place: a row that is
// written lies before every row that is still to be read.
func shrinkPlane(pix []byte, stride, n int, from, to image.Point) {
	const one = 1 << 16
	row := make([]byte, n*to.X)
	for y := range to.Y {
		top, fy := source(y, from.Y, to.Y)
		above, below := pix[top*stride:], pix[min(top+1, from.Y-1)*stride:]
		for x := range to.X {
			left, fx := source(x, from.X, to.X)
			a, b := n*left, n*min(left+1, from.X-1)
			for i := range n {
				up := int(above[a+i])*(one-fx) + int(above[b+i])*fx
				low := int(below[a+i])*(one-fx) + int(below[b+i])*fx
				row[n*x+i] = byte((up>>8*(one-fy) + low>>8*fy + 1<<23) >> 24)
			}
		}
		copy(pix[n*to.X*y:], row)
	}
}

// source returns the pixel before the middle of the i-th of to pixels, which
// cover from pixels, and how far behind it that is, in 65536ths of a pixel.
func source(i, from, to int) (at, fraction int) {
	middle := max(0, ((2*i+1)*from<<16/to-1<<16)/2)
	return middle >> 16, middle & 0xffff
}

// opaque returns a PNG's pixels with 8 bits a sample, as sRGB unless a profile
// says what they are; or ErrTransparent.
func (f *pngFile) opaque(ctx context.Context, left *budget) (image.Image, error) {
	colours, err := f.colours()
	if err != nil {
		return nil, err
	}
	r := image.Rect(0, 0, f.Width, f.Height)
	size := int64(f.Width) * int64(f.Height)
	if f.Colour == container.PNGGray || f.Colour == container.PNGGrayAlpha {
		if err := left.take(size); err != nil {
			return nil, err
		}
		m := image.NewGray(r)
		return m, f.lines(ctx, func(l line) error {
			at := l.y*m.Stride + l.x
			for i := range l.pixels {
				c, opaque := f.sRGB(l.row, i, colours)
				if !opaque {
					return ErrTransparent
				}
				m.Pix[at] = c[0]
				at += l.dx
			}
			return nil
		})
	}
	if err := left.take(4 * size); err != nil {
		return nil, err
	}
	m := image.NewRGBA(r)
	return m, f.lines(ctx, func(l line) error {
		at := l.y*m.Stride + 4*l.x
		for i := range l.pixels {
			c, opaque := f.sRGB(l.row, i, colours)
			if !opaque {
				return ErrTransparent
			}
			m.Pix[at], m.Pix[at+1], m.Pix[at+2], m.Pix[at+3] = c[0], c[1], c[2], 255
			at += 4 * l.dx
		}
		return nil
	})
}

// appSegments returns the application segments and comments of a JPEG that
// suit any other. How its colours are stored is not one of them, nor is what
// tells of further pictures behind it.
func appSegments(data []byte) []byte {
	var kept []byte
	for s, err := range container.JPEG(data) {
		switch m := s.Marker; {
		case err != nil:
			return kept
		case m == container.APP0+2 && !bytes.HasPrefix(s.Body, []byte("ICC_PROFILE\x00")):
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
