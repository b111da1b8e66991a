package uploader_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"slices"
	"testing"

	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// BenchmarkPrepare prepares pictures that the host takes, with metadata on them.
func BenchmarkPrepare(b *testing.B) {
	photo := func(w, h, noise int) *image.RGBA {
		m := image.NewRGBA(image.Rect(0, 0, w, h))
		seed := uint32(1)
		for i := range m.Pix {
			seed = seed*1664525 + 1013904223
			m.Pix[i] = byte(i/40) + byte(seed>>24)%byte(noise)
			if i%4 == 3 {
				m.Pix[i] = 255
			}
		}
		return m
	}
	fast := png.Encoder{CompressionLevel: png.BestSpeed}
	withText := func(p picture.Picture) picture.Picture {
		p.Data = slices.Concat(p.Data[:33], chunk("tEXt", "Comment\x00where it was taken"), p.Data[33:])
		return p
	}
	camera := drawn(b, "camera.jpg", func(out *bytes.Buffer) error {
		return jpeg.Encode(out, photo(4000, 3000, 30), &jpeg.Options{Quality: 92})
	})
	camera.Data = slices.Concat(camera.Data[:2], []byte("\xff\xfe\x00\x10where it was"), camera.Data[2:])
	for name, p := range map[string]picture.Picture{
		"4K PNG":     withText(drawn(b, "4k.png", func(out *bytes.Buffer) error { return fast.Encode(out, photo(3840, 2160, 2)) })),
		"12 MP JPEG": camera,
		"12 MB PNG":  withText(drawn(b, "12.png", func(out *bytes.Buffer) error { return fast.Encode(out, photo(2050, 2000, 120)) })),
	} {
		b.Run(name, func(b *testing.B) {
			host := like(web...)
			b.SetBytes(int64(len(p.Data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := (uploader.Prepare{}).Do(b.Context(), p, host); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
