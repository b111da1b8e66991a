package convert_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bilipaste/internal/picture/convert"
)

// The pictures in testdata were written by libtiff's tools, ImageMagick and
// libwebp, and the PNG beside each is what these make of it themselves.
func TestOthersMakeTheSameOfIt(t *testing.T) {
	files, err := filepath.Glob("testdata/*.[tw]*[fp]")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := convert.ToPNG(t.Context(), data)
		if name == "g3-2d.tiff" || name == "g3-fill.tiff" {
			if _, rare := errors.AsType[convert.VariantError](err); !rare || !strings.Contains(err.Error(), "G3") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		expected, err := os.ReadFile(file + ".png")
		if err != nil {
			t.Fatal(err)
		}
		want, err := png.Decode(bytes.NewReader(expected))
		if err != nil {
			t.Fatal(err)
		}
		m, err := png.Decode(bytes.NewReader(got))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		tolerance := 0
		switch name {
		case "alpha-associated.tiff": // which is rounded when it is divided by
			tolerance = 3
		case "palette.tiff": // whose colours have 16 bits
			tolerance = 1
		}
		nearlySame(t, name, want, m, tolerance)
	}
}

// nearlySame checks that two pictures differ by at most a tolerance of 255ths.
func nearlySame(t *testing.T, name string, want, got image.Image, tolerance int) {
	t.Helper()
	if got.Bounds() != want.Bounds() {
		t.Errorf("%s: %v, want %v", name, got.Bounds(), want.Bounds())
		return
	}
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			a, b := nrgba64(want.At(x, y)), nrgba64(got.At(x, y))
			for i := range a {
				if d := int(a[i]) - int(b[i]); max(d, -d) > tolerance*257 && (a[3] > 0x800 || i == 3) {
					t.Errorf("%s: the pixel %d, %d is %v, want %v", name, x, y, b, a)
					return
				}
			}
		}
	}
}

func nrgba64(c color.Color) [4]uint16 {
	n, _ := color.NRGBA64Model.Convert(c).(color.NRGBA64)
	if n8, ok := c.(color.NRGBA); ok { // exactly
		n = color.NRGBA64{uint16(n8.R) * 257, uint16(n8.G) * 257, uint16(n8.B) * 257, uint16(n8.A) * 257}
	}
	if n.A == 0 {
		return [4]uint16{}
	}
	return [4]uint16{n.R, n.G, n.B, n.A}
}
