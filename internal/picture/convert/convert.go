// Package convert changes encoded pictures where a host does not take them as
// they are: into another format with the same pixels, or into fewer bytes.
// What changes how a picture looks, such as its colour profile and its
// orientation, goes with it, or the picture is refused.
//
// A conversion is bounded in memory and time. What a decoder will take is
// known before it starts, from the parts that package container finds, and the
// decoder is given these parts and nothing else.
package convert

import (
	"context"
	"errors"
	"fmt"
	"image/png"
	"slices"

	"bilipaste/internal/picture/container"
)

// The errors that say why a picture cannot be converted. Others mean that it
// cannot be decoded.
var (
	ErrTooLarge    = errors.New("the result is larger than allowed")
	ErrMemory      = errors.New("it has too many pixels")
	ErrTime        = errors.New("it would take too long")
	ErrColours     = errors.New("it has more than 256 colours")
	ErrTransparent = errors.New("it is transparent in places")
	ErrPages       = errors.New("it has several pages")
	ErrColourSpace = errors.New("its colours are meant for printing")
	ErrHDR         = errors.New("its colours are not sRGB's, and cannot be converted here")
)

// VariantError says what is rare about a picture that other programs decode.
type VariantError string

// Error returns what is rare.
func (e VariantError) Error() string { return string(e) }

// largestPNG is the most bytes that a PNG made here may have.
const largestPNG = 64 << 20

// ToPNG returns the first picture of a GIF, BMP, TIFF or still WebP as a PNG.
// It returns ErrMemory, ErrTime, ErrPages or a VariantError where it will not.
func ToPNG(ctx context.Context, data []byte) (converted []byte, err error) {
	defer recovered(&err)
	ctx, cancel := bounded(ctx)
	defer cancel()
	left := newBudget(data)
	m, about, err := decode(ctx, data, left)
	if err != nil {
		return nil, why(ctx, err)
	}
	if m, err = upright(m, about.orientation, left); err != nil {
		return nil, err
	}
	// What is written is copied once, into one piece.
	out := &pages{ctx: ctx, limit: min(largestPNG, int(*left/2))}
	if err := png.Encode(out, m); err != nil {
		if errors.Is(err, ErrTooLarge) && out.limit < largestPNG {
			err = ErrMemory
		}
		return nil, why(ctx, err)
	}
	if len(about.profile) == 0 {
		return out.join(nil, 0), nil
	}
	profile, err := profileChunk(about.profile)
	if err != nil {
		return nil, err
	}
	const head = len(container.PNGSignature) + 25 // the colours stand behind the header
	return out.join(profile, head), nil
}

// Size returns a picture's width and height in pixels, without decoding it. An
// error means that it has none, so that nobody can decode it.
func Size(data []byte) (width, height int, err error) {
	err = errNoPixels
	switch {
	case isPNG(data):
		if c, _ := container.First(container.PNG(data)); c.Name == "IHDR" {
			var h container.PNGHeader
			h, err = container.ParsePNGHeader(c.Body)
			width, height = h.Width, h.Height
		}
	case isJPEG(data):
		for s, bad := range container.JPEG(data) {
			if f, ok := s.Frame(); bad == nil && ok && f.Width > 0 && f.Height > 0 && len(f.Components) > 0 {
				return f.Width, f.Height, nil
			}
		}
	case isWebP(data):
		for c, bad := range container.WebP(data) {
			if w, h, ok := c.WebPSize(); ok && width == 0 {
				width, height = w, h
			}
			if bad == nil && slices.Contains([]string{"VP8 ", "VP8L", "ANMF"}, c.Name) {
				err = nil
			}
		}
	case isGIF(data):
		var b container.Block
		if b, err = container.First(container.GIF(data)); err == nil {
			width, height = b.Screen()
		}
	case isBMP(data):
		var h *container.BMPHeader
		if h, _, err = container.BMP(data); h != nil {
			width, height, err = h.Width, h.Height, nil
		}
	case isTIFF(data):
		var d container.Directory
		if d, err = mainPage(data); err == nil || errors.Is(err, ErrPages) {
			width, height, err = int(d.Uint(container.TIFFWidth, 0)), int(d.Uint(container.TIFFHeight, 0)), nil
		}
	}
	if err == nil && (width == 0 || height == 0) {
		err = errNoPixels
	}
	return width, height, err
}

var errNoPixels = errors.New("it has no pixels")

// recovered turns a decoder's panic into an error: the decoders are other
// people's, and the bytes anybody's.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("its decoder failed: %v", r)
	}
}
