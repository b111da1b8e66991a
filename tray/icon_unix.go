//go:build unix && !darwin

package tray

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"sync"
)

// The library makes a host's bytes from the lower half of each channel's 16
// bits, after they were multiplied with alpha: an icon's soft edges come out
// as noise. So it is given a format of picture that it decodes by this file,
// whose colours have equal halves and alpha left out, as hosts expect them.
const straightMagic = "bilipaste straight alpha\n"

var registerStraight = sync.OnceFunc(func() {
	image.RegisterFormat("straight", straightMagic, func(r io.Reader) (image.Image, error) {
		if _, err := io.CopyN(io.Discard, r, int64(len(straightMagic))); err != nil {
			return nil, fmt.Errorf("the icon's head: %w", err)
		}
		m, err := png.Decode(r)
		return straight{m}, err
	}, nil)
})

// iconFile returns what the library takes for an icon, of the embedded PNG.
func iconFile(data []byte) []byte {
	registerStraight()
	return append([]byte(straightMagic), data...)
}

type straight struct{ image.Image }

func (s straight) At(x, y int) color.Color {
	return straightColor(color.NRGBAModel.Convert(s.Image.At(x, y)).(color.NRGBA))
}

type straightColor color.NRGBA

func (c straightColor) RGBA() (r, g, b, a uint32) {
	return uint32(c.R) * 0x101, uint32(c.G) * 0x101, uint32(c.B) * 0x101, uint32(c.A) * 0x101
}
