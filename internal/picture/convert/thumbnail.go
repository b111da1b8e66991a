package convert

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"image/png"
	"slices"

	"golang.org/x/image/draw"

	"bilipaste/internal/picture/container"
)

// thumbnailMemory is what the making of a small picture takes at most, in bytes,
// the picture given included.
const thumbnailMemory = 160e6

const (
	thumbnailProfile = 64 << 10 // bytes of a profile that a small picture keeps
	pngHeaderChunk   = 25       // bytes of the chunk that comes first
)

// Thumbnail returns a small picture to show instead of one, at most side pixels
// wide and high: a JPEG, or a PNG where it is transparent. It keeps the colour
// profile. It returns ErrMemory, ErrTime, ErrPages or a VariantError where it will
// not.
func Thumbnail(ctx context.Context, data []byte, side int) (small []byte, err error) {
	defer recovered(&err)
	ctx, cancel := bounded(ctx)
	defer cancel()
	left := budget(thumbnailMemory - len(data))
	m, about, err := decodeAny(ctx, data, &left)
	if err != nil {
		return nil, why(ctx, err)
	}
	// First roughly, by a few points of each pixel, then by every point of that.
	m = scaled(m, 4*side, draw.ApproxBiLinear)
	if m, err = upright(scaled(m, side, draw.BiLinear), about.orientation, &left); err != nil {
		return nil, err
	}
	profile := about.profile
	if len(profile) < 128 || len(profile) > thumbnailProfile || string(profile[16:20]) != "RGB " { // as the pixels are by now
		profile = nil
	}
	var out bytes.Buffer
	if o, ok := m.(interface{ Opaque() bool }); ok && o.Opaque() {
		err = jpeg.Encode(&out, m, &jpeg.Options{Quality: 80})
		return slices.Insert(out.Bytes(), len("\xff\xd8"), iccSegments(profile)...), err
	}
	if err = png.Encode(&out, m); err != nil || profile == nil {
		return out.Bytes(), err
	}
	chunk, err := profileChunk(profile)
	return slices.Insert(out.Bytes(), len(container.PNGSignature)+pngHeaderChunk, chunk...), err
}

// scaled returns m no wider and no higher than side.
func scaled(m image.Image, side int, by draw.Scaler) image.Image {
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	if most := max(w, h); most > side {
		w, h = max(1, w*side/most), max(1, h*side/most)
	} else if _, ok := m.(*image.RGBA); ok {
		return m
	}
	to := image.NewRGBA(image.Rect(0, 0, w, h))
	by.Scale(to, to.Bounds(), m, m.Bounds(), draw.Src, nil)
	return to
}

// decodeAny decodes a picture.
func decodeAny(ctx context.Context, data []byte, left *budget) (m image.Image, about facts, err error) {
	if !isPNG(data) {
		if m, about, err = decode(ctx, data, left); err == nil && isJPEG(data) {
			about.orientation, about.profile = jpegOrientation(data), jpegProfile(data)
		}
		return m, about, err
	}
	if m, err = decodePNG(ctx, data, left); err == nil {
		if f, err := readPNG(data); err == nil {
			about.profile = f.profile()
		}
	}
	return m, about, err
}

// jpegProfile returns the ICC profile of a JPEG, nil if it has none.
func jpegProfile(data []byte) (profile []byte) {
	for s, err := range container.JPEG(data) {
		if err != nil || s.Marker == container.SOS {
			break
		}
		if part, ok := bytes.CutPrefix(s.Body, []byte("ICC_PROFILE\x00")); ok && s.Marker == container.APP0+2 && len(part) > 2 {
			profile = append(profile, part[2:]...)
		}
	}
	return profile
}

// decodePNG decodes a PNG, of a moving one its still picture.
func decodePNG(ctx context.Context, data []byte, left *budget) (image.Image, error) {
	c, err := container.First(container.PNG(data))
	if err != nil {
		return nil, err
	}
	h, err := container.ParsePNGHeader(c.Body)
	if err != nil {
		return nil, err
	}
	pixel := int64(4)
	if h.Depth == 16 {
		pixel = 8
	}
	if h.Interlaced { // each pass is a picture of its own
		pixel *= 2
	}
	if err := left.take(int64(h.Width) * int64(h.Height) * pixel); err != nil {
		return nil, err
	}
	return png.Decode(readParts(ctx, data))
}

// jpegOrientation returns the orientation of a JPEG's first EXIF data, 0 if it
// has none.
func jpegOrientation(data []byte) uint16 {
	for s, err := range container.JPEG(data) {
		if err != nil || s.Marker == container.SOS {
			break
		}
		if exif, ok := bytes.CutPrefix(s.Body, []byte("Exif\x00")); ok && s.Marker == container.APP0+1 && len(exif) > 1 {
			return container.Orientation(exif[1:])
		}
	}
	return 0
}
