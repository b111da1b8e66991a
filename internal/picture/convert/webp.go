package convert

import (
	"context"
	"errors"
	"image"

	"golang.org/x/image/webp"

	"bilipaste/internal/picture/container"
)

var errWebP = errors.New("it is no WebP that can be read")

// decodeWebP decodes a still WebP.
func decodeWebP(ctx context.Context, data []byte, left *budget) (image.Image, facts, error) {
	var about facts
	var frame webpFrame
	for c, err := range container.WebP(data) {
		if err != nil {
			break // it shows in the pixels
		}
		switch c.Name {
		case "ANMF":
			return nil, about, VariantError("it is animated")
		case "ICCP":
			about.profile = c.Body
		case "EXIF":
			about.orientation = exifOrientation(c.Body)
		default:
			frame.add(c)
		}
	}
	m, err := frame.decode(ctx, left)
	return m, about, err
}

// webpFrame is what holds the pixels of a WebP, or of one frame of an animation.
type webpFrame struct{ alpha, pixels container.Chunk }

func (f *webpFrame) add(c container.Chunk) {
	switch {
	case f.pixels.Name != "": // only the first counts
	case c.Name == "ALPH":
		f.alpha = c
	case c.Name == "VP8 ", c.Name == "VP8L":
		f.pixels = c
	}
}

// decode returns the frame's pixels: an *image.RGBA, or an *image.NRGBA.
func (f *webpFrame) decode(ctx context.Context, left *budget) (image.Image, error) {
	w, h, ok := f.pixels.WebPSize()
	if !ok || w == 0 || h == 0 {
		return nil, errWebP
	}
	size := int64(w) * int64(h)
	// A lossless picture is transformed in a second buffer, beside its code
	// tables: of some bytes there may be large ones, but at most 2600.
	lossless := func(bytes int) int64 { return 8*size + min(140e6, 600*int64(bytes)) }
	var need int64
	var parts [][]byte
	if f.pixels.Name == "VP8L" {
		need = lossless(len(f.pixels.Body))
	} else {
		const block = 16
		need = 4*size + 2*int64(w+block)*int64(h+block)
		if f.alpha.Name != "" {
			need += size + lossless(len(f.alpha.Body))
			const alpha = 0x10
			x, y := w-1, h-1
			parts = append(parts, container.AppendWebPChunk(nil, "VP8X",
				[]byte{alpha, 0, 0, 0, byte(x), byte(x >> 8), byte(x >> 16), byte(y), byte(y >> 8), byte(y >> 16)}), f.alpha.Raw)
			if len(f.alpha.Raw)%2 == 1 {
				parts = append(parts, []byte{0})
			}
		}
	}
	if err := left.take(need); err != nil {
		return nil, err
	}
	parts = append(parts, f.pixels.Raw)
	if len(f.pixels.Raw)%2 == 1 {
		parts = append(parts, []byte{0})
	}
	total := 0
	for _, p := range parts {
		total += len(p)
	}
	m, err := webp.Decode(readParts(ctx, append([][]byte{container.WebPHeader(total)}, parts...)...))
	if err != nil {
		return nil, err
	}
	switch m := m.(type) {
	case *image.YCbCr:
		rgba := image.NewRGBA(m.Rect)
		fromVP8(rgba.Pix, m, nil, 0)
		return rgba, nil
	case *image.NYCbCrA:
		nrgba := image.NewNRGBA(m.Rect)
		fromVP8(nrgba.Pix, &m.YCbCr, m.A, m.AStride)
		return nrgba, nil
	}
	return m, nil
}

// fromVP8 writes a lossy WebP's pixels as browsers show them. Its light is
// coded from 16 to 235, unlike a JPEG's, and its colours, of which there are a
// quarter as many, are blended: both exactly as in libwebp.
func fromVP8(pix []byte, m *image.YCbCr, alpha []byte, stride int) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	blue, red := make([]byte, w), make([]byte, w)
	for y := range h {
		near := y / 2
		far := max(0, near-1)
		if y%2 == 1 {
			far = min(near+1, (h-1)/2)
		}
		blend(blue, m.Cb[near*m.CStride:], m.Cb[far*m.CStride:])
		blend(red, m.Cr[near*m.CStride:], m.Cr[far*m.CStride:])
		light, to := m.Y[y*m.YStride:][:w], pix[4*w*y:][:4*w]
		for x, l := range light {
			y1, u, v := int(l)*19077>>8, int(blue[x]), int(red[x])
			to[4*x] = clip(y1 + v*26149>>8 - 14234)
			to[4*x+1] = clip(y1 - u*6419>>8 - v*13320>>8 + 8708)
			to[4*x+2] = clip(y1 + u*33050>>8 - 17685)
			to[4*x+3] = 255
		}
		if alpha != nil {
			for x, a := range alpha[y*stride:][:w] {
				to[4*x+3] = a
			}
		}
	}
}

// clip returns a sample that has 6 bits more than it is to have.
func clip(v int) byte { return byte(max(0, min(v>>6, 255))) }

// blend fills a row of samples from the two rows of half as many that are
// nearest to it, as 9:3:3:1.
func blend(out, near, far []byte) {
	w := len(out)
	edge := func(i int) byte { return byte((3*int(near[i]) + int(far[i]) + 2) >> 2) }
	out[0] = edge(0)
	for i := 1; 2*i-1 < w-1; i++ {
		n0, n1, f0, f1 := int(near[i-1]), int(near[i]), int(far[i-1]), int(far[i])
		sum := n0 + n1 + f0 + f1 + 8
		out[2*i-1] = byte(((sum+2*(n1+f0))>>3 + n0) >> 1)
		out[2*i] = byte(((sum+2*(n0+f1))>>3 + n1) >> 1)
	}
	if w%2 == 0 {
		out[w-1] = edge(w/2 - 1)
	}
}
