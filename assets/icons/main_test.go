package main

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/draw"

	"bilipaste/assets"
)

// pictures returns what an icon's file holds, checked against the sizes that it names.
func pictures(t *testing.T, name string, file []byte) []image.Image {
	t.Helper()
	if strings.HasSuffix(name, ".png") {
		return []image.Image{decode(t, name, file)}
	}
	var all []image.Image
	for i := range int(binary.LittleEndian.Uint16(file[4:])) {
		entry := file[6+16*i:]
		size, at := binary.LittleEndian.Uint32(entry[8:]), binary.LittleEndian.Uint32(entry[12:])
		m := decode(t, name, file[at:at+size])
		if side := m.Bounds().Dx(); m.Bounds() != image.Rect(0, 0, side, side) || entry[0] != byte(side) || entry[1] != byte(side) {
			t.Errorf("%s: entry %d is %v, named %d by %d", name, i, m.Bounds(), entry[0], entry[1])
		}
		all = append(all, m)
	}
	return all
}

func decode(t *testing.T, name string, data []byte) image.Image {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return m
}

func TestEmbeddedIconsAreWhatIsMadeHere(t *testing.T) {
	for name, made := range files() {
		embedded, err := assets.Icons.ReadFile("icons/" + name)
		if err != nil {
			t.Errorf("%v: run go generate ./assets", err)
			continue
		}
		a, b := pictures(t, name, embedded), pictures(t, name, made)
		if len(a) != len(b) {
			t.Errorf("%s holds %d sizes, want %d: run go generate ./assets", name, len(a), len(b))
			continue
		}
		for i := range a {
			// Processors round differently at a shape's edge.
			if a[i].Bounds() != b[i].Bounds() || difference(a[i], b[i]) > 0.01 {
				t.Errorf("%s: picture %d is another: run go generate ./assets", name, i)
			}
		}
	}
}

// difference is the root mean square of two pictures' channels, 0 to 1.
func difference(a, b image.Image) float64 {
	sum := 0.0
	size := a.Bounds()
	for y := range size.Dy() {
		for x := range size.Dx() {
			r, g, bl, al := a.At(x, y).RGBA()
			r2, g2, bl2, al2 := b.At(x, y).RGBA()
			for _, d := range [4]float64{float64(r) - float64(r2), float64(g) - float64(g2), float64(bl) - float64(bl2), float64(al) - float64(al2)} {
				sum += d * d / (0xffff * 0xffff)
			}
		}
	}
	return math.Sqrt(sum / float64(size.Dx()*size.Dy()*4))
}

// GNOME's AppIndicator extension drops a new icon of the same size as one that it
// still works on.
func TestEachStateHasASizeOfItsOwn(t *testing.T) {
	states := map[int]string{}
	for name := range icons {
		data, err := assets.Icons.ReadFile("icons/" + name + ".png")
		if err != nil {
			t.Fatal(err)
		}
		width := decode(t, name, data).Bounds().Dx()
		if other, taken := states[width]; taken {
			t.Errorf("%s and %s are %d pixels wide", name, other, width)
		}
		states[width] = name
	}
}

// At 16 px, drawn as such or scaled by the desktop, on a dark and on a light
// panel, in colour or without: each state is seen, and looks unlike the others.
func TestStatesAreToldApart(t *testing.T) {
	drawn := func(name string) image.Image { return paint(16, icons[name]) }
	scaled := func(name string) image.Image {
		small, big := image.NewRGBA(image.Rect(0, 0, 16, 16)), paint(pngSizes[name], icons[name])
		draw.ApproxBiLinear.Scale(small, small.Rect, big, big.Bounds(), draw.Src, nil)
		return small
	}
	names := slices.Sorted(maps.Keys(icons))
	for way, icon := range map[string]func(string) image.Image{"drawn": drawn, "scaled": scaled} {
		for _, panel := range []color.Gray{{0x2b}, {0xf0}} {
			on := map[string]*image.Gray{}
			for _, name := range names {
				m := image.NewGray(image.Rect(0, 0, 16, 16))
				draw.Draw(m, m.Rect, image.NewUniform(panel), image.Point{}, draw.Src)
				draw.Draw(m, m.Rect, icon(name), image.Point{}, draw.Over)
				on[name] = m
				seen := 0
				for _, v := range m.Pix {
					if math.Abs(float64(v)-float64(panel.Y)) > 48 {
						seen++
					}
				}
				if seen < 40 {
					t.Errorf("%s, %s on %#x: %d of 256 pixels stand out", name, way, panel.Y, seen)
				}
			}
			for i, a := range names {
				for _, b := range names[i+1:] {
					if d := difference(on[a], on[b]); d < 0.12 {
						t.Errorf("%s and %s, %s on %#x, without colour: %.3f apart", a, b, way, panel.Y, d)
					}
				}
			}
		}
	}
}
