// Package convert changes encoded pictures where a host does not take them as
// they are: into another format with the same pixels, or into fewer bytes.
// What changes how a picture looks, such as its colour profile and its
// orientation, goes with it.
package convert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // the formats that are read
	"image/png"
	"io"

	_ "golang.org/x/image/tiff" //
	_ "golang.org/x/image/webp" //

	"bilipaste/internal/picture/bmp"
)

// Memory is the most that decoding a picture may take, in bytes. With it, the
// whole of a conversion stays under 400 MB.
const Memory = 330 << 20

// The errors that say why a picture cannot be converted. Others mean that it
// cannot be decoded.
var (
	ErrTooLarge    = errors.New("the result is larger than allowed")
	ErrMemory      = errors.New("it has too many pixels")
	ErrColours     = errors.New("it has more than 256 colours")
	ErrTransparent = errors.New("it is transparent in places")
	ErrPages       = errors.New("it has several pages")
	ErrColourSpace = errors.New("its colours are meant for printing")
)

// ToPNG returns the first picture of a GIF, BMP, TIFF or still WebP as a PNG.
// It returns ErrMemory or ErrPages where it will not.
func ToPNG(ctx context.Context, data []byte) ([]byte, error) {
	t := readTIFF(data)
	if t.pages > 1 {
		return nil, ErrPages
	}
	m, err := decode(ctx, data)
	if err != nil {
		return nil, err
	}
	m = upright(m, t.orientation)
	out := &pages{ctx: ctx}
	if err := png.Encode(out, m); err != nil {
		return nil, err
	}
	if len(t.profile) == 0 {
		return out.join(), nil
	}
	return withProfile(out.join(), t.profile)
}

// Config returns a picture's size, colour model and format without decoding it.
func Config(data []byte) (image.Config, string, error) {
	if bytes.HasPrefix(data, []byte("BM")) {
		config, err := bmp.DecodeConfig(data)
		return config, "bmp", err
	}
	return image.DecodeConfig(bytes.NewReader(data))
}

// decode decodes a picture, if there is memory for it. A GIF's first frame
// gets the size of the whole.
func decode(ctx context.Context, data []byte) (m image.Image, err error) {
	defer func() { // the decoders are other people's, and the bytes anybody's
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("its decoder failed: %v", r)
		}
	}()
	config, format, err := Config(data)
	if err != nil {
		return nil, err
	}
	if need(config, format, data) > Memory {
		return nil, ErrMemory
	}
	if format == "bmp" {
		m, err = bmp.Decode(data)
	} else {
		m, _, err = image.Decode(&reader{ctx, bytes.NewReader(data)})
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	if frame, ok := m.(*image.Paletted); ok && format == "gif" && frame.Bounds() != image.Rect(0, 0, config.Width, config.Height) {
		whole := image.NewNRGBA(image.Rect(0, 0, config.Width, config.Height))
		for y := frame.Rect.Min.Y; y < frame.Rect.Max.Y; y++ {
			for x := frame.Rect.Min.X; x < frame.Rect.Max.X; x++ {
				whole.Set(x, y, frame.At(x, y))
			}
		}
		m = whole
	}
	return m, nil
}

// need estimates the bytes that decoding takes.
func need(config image.Config, format string, data []byte) int {
	pixels := config.Width * config.Height
	if config.Width > 1<<20 || config.Height > 1<<20 {
		return Memory + 1
	}
	switch config.ColorModel {
	case color.GrayModel:
		return pixels
	case color.Gray16Model:
		return 2 * pixels
	case color.YCbCrModel:
		if format == "jpeg" {
			return jpegNeed(data)
		}
		return 3 * pixels / 2
	case color.NYCbCrAModel:
		return 5 * pixels / 2
	case color.RGBA64Model, color.NRGBA64Model:
		return 8 * pixels
	}
	switch format {
	case "gif":
		return 5 * pixels
	case "webp": // lossless: it is transformed in a second buffer
		return 8 * pixels
	}
	if _, ok := config.ColorModel.(color.Palette); ok {
		return pixels
	}
	return 4 * pixels
}

// upright turns a picture as its EXIF orientation asks for.
func upright(m image.Image, orientation uint16) image.Image {
	if orientation < 2 || orientation > 8 {
		return m
	}
	b := m.Bounds()
	w, h := b.Dx(), b.Dy()
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
	return turned
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

// reader reads until ctx is done.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// pages keeps what is written until ctx is done, however much it is, and never
// copies it to make room.
type pages struct {
	ctx  context.Context
	full [][]byte
	last []byte
}

func (p *pages) Write(data []byte) (int, error) {
	const size = 1 << 20
	for rest := data; len(rest) > 0; {
		if err := p.ctx.Err(); err != nil {
			return 0, err
		}
		if len(p.last) == cap(p.last) {
			p.full, p.last = append(p.full, p.last), make([]byte, 0, size)
		}
		n := min(len(rest), cap(p.last)-len(p.last))
		p.last, rest = append(p.last, rest[:n]...), rest[n:]
	}
	return len(data), nil
}

func (p *pages) join() []byte { return bytes.Join(append(p.full, p.last), nil) }

// limited keeps what is written: until ctx is done, and up to limit bytes,
// past which it fails with ErrTooLarge.
type limited struct {
	ctx   context.Context
	data  []byte
	limit int
}

func (l *limited) Write(p []byte) (int, error) {
	if err := l.ctx.Err(); err != nil {
		return 0, err
	}
	if len(l.data)+len(p) > l.limit {
		return 0, ErrTooLarge
	}
	if l.data == nil && l.limit > 0 {
		l.data = make([]byte, 0, l.limit)
	}
	l.data = append(l.data, p...)
	return len(p), nil
}
