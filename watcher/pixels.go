package watcher

import (
	"bytes"
	"image"
	_ "image/gif" // what is compared, and put as a bitmap
	_ "image/jpeg"
	_ "image/png"

	_ "golang.org/x/image/webp" // the same
)

// maxPixels is the largest picture that is decoded.
const maxPixels = 1 << 26

// samePixels reports whether two encoded pictures show the same: as many pixels,
// and those of a grid alike. Two decoders of one JPEG differ a little.
func samePixels(a, b []byte) bool {
	const grid = 64 // points in each direction
	average := 1    // of 255, that the channels may differ by
	sizeA, of := sizeOf(a)
	sizeB, as := sizeOf(b)
	if of == "" || as == "" || sizeA != sizeB {
		return false
	}
	if of == "jpeg" || as == "jpeg" {
		average = 4
	}
	points := func(data []byte) (values []int) {
		m, _, err := image.Decode(bytes.NewReader(data))
		if err != nil {
			return nil
		}
		r := m.Bounds()
		for y := range grid {
			for x := range grid {
				at := image.Pt((2*x+1)*r.Dx()/(2*grid), (2*y+1)*r.Dy()/(2*grid))
				red, green, blue, alpha := m.At(r.Min.X+at.X, r.Min.Y+at.Y).RGBA()
				for _, v := range []uint32{red, green, blue, alpha} {
					values = append(values, int(v>>8))
				}
			}
		}
		return values
	}
	first, second := points(a), points(b)
	if len(first) == 0 || len(second) != len(first) {
		return false
	}
	difference := 0
	for i, v := range first {
		difference += max(v-second[i], second[i]-v)
	}
	return difference <= average*len(first)
}

// sizeOf returns a picture's size in pixels and its format, "" where it is too
// large to be decoded, or cannot be.
func sizeOf(data []byte) (size image.Point, format string) {
	c, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || c.Width*c.Height > maxPixels {
		return image.Point{}, ""
	}
	return image.Pt(c.Width, c.Height), format
}
