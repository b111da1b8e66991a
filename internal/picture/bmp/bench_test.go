package bmp_test

import (
	"math/rand/v2"
	"testing"

	"bilipaste/internal/picture/bmp"
)

// screen returns a DIB of a 4K screen: windows with text, and a photo in a corner.
func screen(bits int) []byte {
	const width, height = 3840, 2160
	size := bits / 8
	pixels := make([]byte, width*height*size)
	noise := rand.New(rand.NewPCG(1, 2))
	for y := range height {
		for x := range width {
			p := pixels[(y*width+x)*size:]
			switch {
			case x < width/4 && y < height/3: // a photo
				p[0], p[1], p[2] = byte(x/5+noise.IntN(9)), byte(y/4+noise.IntN(9)), byte((x+y)/9+noise.IntN(9))
			case y%24 < 14 && (x/7*31+y/24*17)%5 != 0 && noise.IntN(3) == 0: // text
				p[0], p[1], p[2] = 40, 40, 40
			default:
				p[0], p[1], p[2] = 250, 250, 250
			}
			if size == 4 {
				p[3] = 255
			}
		}
	}
	return file(40, width, height, bits, 0, "", string(pixels))[14:]
}

func BenchmarkDIBToPNG(b *testing.B) {
	for name, bits := range map[string]int{"4K of 24 bits": 24, "4K of 32 bits": 32} {
		block := screen(bits)
		b.Run(name, func(b *testing.B) {
			size := 0
			for b.Loop() {
				data, err := bmp.DIBToPNG(block)
				if err != nil {
					b.Fatal(err)
				}
				size = len(data)
			}
			b.ReportMetric(float64(size)/1e6, "MB")
		})
	}
}
