package convert

import (
	"bytes"
	"context"
	"image"
	"image/gif"
	"image/jpeg"

	"bilipaste/internal/picture/bmp"
	"bilipaste/internal/picture/container"
)

// facts is what changes how a picture looks beside its pixels.
type facts struct {
	orientation uint16 // of EXIF, 0 if upright
	profile     []byte // ICC
}

func isPNG(data []byte) bool  { return bytes.HasPrefix(data, []byte(container.PNGSignature)) }
func isJPEG(data []byte) bool { return bytes.HasPrefix(data, []byte("\xff\xd8\xff")) }
func isGIF(data []byte) bool  { return bytes.HasPrefix(data, []byte("GIF8")) }
func isBMP(data []byte) bool  { return bytes.HasPrefix(data, []byte("BM")) }
func isWebP(data []byte) bool {
	return len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP"
}
func isTIFF(data []byte) bool {
	return bytes.HasPrefix(data, []byte("II*\x00")) || bytes.HasPrefix(data, []byte("MM\x00*"))
}

// decode decodes a picture that is no PNG, if there is memory for it.
func decode(ctx context.Context, data []byte, left *budget) (image.Image, facts, error) {
	var m image.Image
	var about facts
	var err error
	switch {
	case isJPEG(data):
		m, err = decodeJPEG(ctx, data, left)
	case isWebP(data):
		return decodeWebP(ctx, data, left)
	case isGIF(data):
		m, err = decodeGIF(ctx, data, left)
	case isBMP(data):
		return decodeBMP(data, left)
	case isTIFF(data):
		return decodeTIFF(ctx, data, left)
	default:
		err = VariantError("its format is not decoded here")
	}
	return m, about, err
}

// decodeBMP decodes a BMP, whose newest header may have a profile.
func decodeBMP(data []byte, left *budget) (image.Image, facts, error) {
	h, _, err := container.BMP(data)
	if h == nil {
		return nil, facts{}, err
	}
	size := int64(h.Width) * int64(h.Height)
	if h.Bits > 8 {
		size *= 4
	}
	if err := left.take(size); err != nil {
		return nil, facts{}, err
	}
	m, err := bmp.Decode(data)
	profile := h.Profile(data[container.BMPFileHeader:])
	return m, facts{profile: profile}, err
}

// decodeGIF decodes the first frame of a GIF, which gets the size of the whole.
func decodeGIF(ctx context.Context, data []byte, left *budget) (image.Image, error) {
	var parts [][]byte
	var screen image.Rectangle
	for b, err := range container.GIF(data) {
		if err != nil {
			return nil, err
		}
		parts = append(parts, b.Raw)
		if b.Kind == container.GIFHeader {
			screen.Max = image.Pt(b.Screen())
		}
		if b.Kind == container.GIFFrame {
			parts = append(parts, []byte{container.GIFEnd})
			break
		}
	}
	// The frame is in the screen, and then there is the screen itself.
	if err := left.take(5 * int64(screen.Dx()) * int64(screen.Dy())); err != nil {
		return nil, err
	}
	m, err := gif.Decode(readParts(ctx, parts...))
	if err != nil {
		return nil, err
	}
	frame, ok := m.(*image.Paletted)
	if !ok || frame.Rect == screen {
		return m, nil
	}
	whole := image.NewNRGBA(screen)
	for y := frame.Rect.Min.Y; y < frame.Rect.Max.Y; y++ {
		for x := frame.Rect.Min.X; x < frame.Rect.Max.X; x++ {
			whole.Set(x, y, frame.At(x, y))
		}
	}
	return whole, nil
}

// decodeJPEG decodes a JPEG, whose end mark may be missing.
func decodeJPEG(ctx context.Context, data []byte, left *budget) (image.Image, error) {
	parts, err := jpegParts(data, left)
	if err != nil {
		return nil, err
	}
	m, err := jpeg.Decode(readParts(ctx, parts...))
	if rare, ok := err.(jpeg.UnsupportedError); ok { //nolint:errorlint // it is not wrapped
		err = VariantError(rare.Error())
	}
	return m, err
}

// jpegParts returns what a decoder is to be given of a JPEG, and takes the
// memory that it will need.
func jpegParts(data []byte, left *budget) (parts [][]byte, err error) {
	var frame container.Frame
	var blocks []int64
	var visited int64
	jfif, adobeRGB := false, false
	for s, err := range container.JPEG(data) {
		if err != nil {
			break // it shows in the pixels
		}
		parts = append(parts, s.Raw)
		switch f, isFrame := s.Frame(); {
		case isFrame && frame.Components != nil, s.Marker == container.SOS && frame.Components == nil:
			return nil, errJPEG
		case isFrame:
			frame, blocks = f, f.Blocks()
			switch {
			case f.Marker > container.SOF2:
				return nil, VariantError("its pixels are coded in a way that browsers do not know, such as arithmetically")
			case f.Precision != 8:
				return nil, VariantError("it has 12 bits a sample")
			}
		case s.Marker == container.APP0:
			jfif = jfif || bytes.HasPrefix(s.Body, []byte("JFIF\x00"))
		case s.Marker == container.APP0+14:
			const transform = 11
			adobeRGB = adobeRGB || len(s.Body) > transform && bytes.HasPrefix(s.Body, []byte("Adobe")) && s.Body[transform] == 0
		case s.Marker == container.SOS:
			for _, i := range scanned(s, frame) {
				visited += blocks[i]
			}
			if visited > maxBlocks {
				return nil, ErrTime
			}
		}
	}
	var need int64
	for _, n := range blocks {
		need += 64 * n
	}
	if frame.Progressive() { // its coefficients are kept besides its samples
		need *= 5
	}
	named := len(blocks) == 3 && frame.Components[0].ID == 'R' && frame.Components[1].ID == 'G' && frame.Components[2].ID == 'B'
	if len(blocks) == 4 || !jfif && (adobeRGB || named) { // its planes are put together
		need += 4 * int64(frame.Width) * int64(frame.Height)
	}
	return append(parts, []byte{0xff, container.EOI}), left.take(need)
}

// scanned returns the numbers of the components that a scan holds.
func scanned(s container.Segment, frame container.Frame) (components []int) {
	if len(s.Body) == 0 {
		return nil
	}
	for rest := s.Body[1:]; len(rest) >= 2 && len(components) < int(s.Body[0]); rest = rest[2:] {
		for i, c := range frame.Components {
			if c.ID == rest[0] {
				components = append(components, i)
			}
		}
	}
	return components
}

// upright turns a picture as its EXIF orientation asks for.
func upright(m image.Image, orientation uint16, left *budget) (image.Image, error) {
	if orientation < 2 || orientation > 8 {
		return m, nil
	}
	b := m.Bounds()
	w, h := b.Dx(), b.Dy()
	if err := left.take(8 * int64(w) * int64(h)); err != nil {
		return nil, err
	}
	out := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		out = image.Rect(0, 0, h, w)
	}
	set, turned := canvas(m, out)
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch orientation {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			set(tx, ty, b.Min.X+x, b.Min.Y+y)
		}
	}
	return turned, nil
}

// canvas returns an empty picture that holds m's pixels exactly, and what
// copies one of them there.
func canvas(m image.Image, r image.Rectangle) (set func(tx, ty, x, y int), out image.Image) {
	switch m := m.(type) {
	case *image.Paletted:
		to := image.NewPaletted(r, m.Palette)
		return func(tx, ty, x, y int) { to.SetColorIndex(tx, ty, m.ColorIndexAt(x, y)) }, to
	case *image.Gray:
		to := image.NewGray(r)
		return func(tx, ty, x, y int) { to.SetGray(tx, ty, m.GrayAt(x, y)) }, to
	case *image.Gray16:
		to := image.NewGray16(r)
		return func(tx, ty, x, y int) { to.SetGray16(tx, ty, m.Gray16At(x, y)) }, to
	case *image.RGBA:
		to := image.NewRGBA(r)
		return func(tx, ty, x, y int) { to.SetRGBA(tx, ty, m.RGBAAt(x, y)) }, to
	case *image.NRGBA:
		to := image.NewNRGBA(r)
		return func(tx, ty, x, y int) { to.SetNRGBA(tx, ty, m.NRGBAAt(x, y)) }, to
	case *image.RGBA64:
		to := image.NewRGBA64(r)
		return func(tx, ty, x, y int) { to.SetRGBA64(tx, ty, m.RGBA64At(x, y)) }, to
	}
	to := image.NewNRGBA64(r)
	return func(tx, ty, x, y int) { to.Set(tx, ty, m.At(x, y)) }, to
}

// exifOrientation returns the orientation in EXIF data as a WebP holds it.
func exifOrientation(exif []byte) uint16 {
	return container.Orientation(bytes.TrimPrefix(exif, []byte("Exif\x00\x00"))) // some writers put it there
}
