package convert

import (
	"encoding/binary"
	"image/color"
	"math"

	"bilipaste/internal/picture/container"
)

// toSRGB converts a PNG's samples to sRGB where its chunks say that they are
// something else.
type toSRGB struct {
	light  [1 << 16]float32 // of a sample of 16 bits, 0 to 1
	sample [1 << 16]byte    // of sRGB, for light in 65535ths
	matrix *[3][3]float64   // from the PNG's red, green and blue to sRGB's; nil if they are the same
}

// sRGB's primaries and white, as cHRM says them, and its gamma, as gAMA does.
var sRGBChromaticities = [8]float64{0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06}

const sRGBGamma = 0.45455

// colours returns how a PNG's colours become sRGB: nil if they are that, or
// have a profile that goes along. It returns ErrHDR where only a browser can say.
func (f *pngFile) colours() (*toSRGB, error) {
	if c := f.chunk("cICP"); c != nil {
		if string(c) == "\x01\x0d\x00\x01" { // sRGB itself
			return nil, nil
		}
		return nil, ErrHDR
	}
	if f.profile() != nil || f.chunk("sRGB") != nil {
		return nil, nil
	}
	gamma, chromaticities := sRGBGamma, sRGBChromaticities
	if g := f.chunk("gAMA"); len(g) == 4 && binary.BigEndian.Uint32(g) != 0 {
		gamma = float64(binary.BigEndian.Uint32(g)) / 1e5
	}
	if c := f.chunk("cHRM"); len(c) == 32 {
		for i := range chromaticities {
			chromaticities[i] = float64(binary.BigEndian.Uint32(c[4*i:])) / 1e5
		}
	}
	const near = 0.005 // what others write for sRGB's differs in the last digits
	sameGamma, sameChromaticities := math.Abs(gamma-sRGBGamma) < near, true
	for i, p := range chromaticities {
		sameChromaticities = sameChromaticities && math.Abs(p-sRGBChromaticities[i]) < near
	}
	if sameGamma && sameChromaticities {
		return nil, nil
	}
	t := &toSRGB{}
	for i := range t.light {
		v := float64(i) / (1<<16 - 1)
		if sameGamma {
			t.light[i] = float32(fromSRGB(v))
		} else {
			t.light[i] = float32(math.Pow(v, 1/gamma))
		}
		t.sample[i] = byte(math.Round(255 * asSRGB(v)))
	}
	if !sameChromaticities && f.Colour != container.PNGGray && f.Colour != container.PNGGrayAlpha {
		from, ok := fromChromaticities(chromaticities)
		to, _ := fromChromaticities(sRGBChromaticities)
		if !ok {
			return nil, ErrHDR
		}
		m := multiply(inverse(to), multiply(adapted(chromaticities, sRGBChromaticities), from))
		t.matrix = &m
	}
	return t, nil
}

func fromSRGB(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func asSRGB(v float64) float64 {
	if v <= 0.0031308 {
		return v * 12.92
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

// sRGB returns the i-th pixel of a line as sRGB, and whether it is opaque.
func (f *pngFile) sRGB(row []byte, i int, t *toSRGB) (c [3]byte, opaque bool) {
	p, _ := f.pixel(row, i)
	if t == nil {
		return [3]byte{p.R, p.G, p.B}, p.A == 255
	}
	s := f.wide(row, i, p)
	light := [3]float64{float64(t.light[s[0]]), float64(t.light[s[1]]), float64(t.light[s[2]])}
	for k := range c {
		v := light[k]
		if m := t.matrix; m != nil {
			v = m[k][0]*light[0] + m[k][1]*light[1] + m[k][2]*light[2]
		}
		c[k] = t.sample[int(math.Round((1<<16-1)*max(0, min(v, 1))))]
	}
	return c, p.A == 255
}

// wide returns the i-th pixel of a line, which is p in 8 bits, in 16.
func (f *pngFile) wide(row []byte, i int, p color.NRGBA) (s [3]uint16) {
	if f.Depth < 16 {
		return [3]uint16{uint16(p.R) * 0x101, uint16(p.G) * 0x101, uint16(p.B) * 0x101}
	}
	n := f.Samples()
	for k := range s {
		at := 2 * (i*n + k)
		if n < 3 { // shades of gray
			at = 2 * i * n
		}
		s[k] = binary.BigEndian.Uint16(row[at:])
	}
	return s
}

type matrix = [3][3]float64

// fromChromaticities returns what makes CIE's X, Y and Z of amounts of primaries, given
// with their white as cHRM has them. ok is false for what can be no colours.
func fromChromaticities(p [8]float64) (m matrix, ok bool) {
	for k := range 3 {
		x, y := p[2+2*k], p[3+2*k]
		if y <= 0 {
			return m, false
		}
		m[0][k], m[1][k], m[2][k] = x/y, 1, (1-x-y)/y
	}
	if p[1] <= 0 || math.Abs(determinant(m)) < 1e-6 {
		return m, false
	}
	inv, w := inverse(m), white(p)
	for k := range 3 {
		amount := inv[k][0]*w[0] + inv[k][1]*w[1] + inv[k][2]*w[2]
		for row := range 3 {
			m[row][k] *= amount
		}
	}
	return m, math.Abs(determinant(m)) > 1e-6
}

func white(p [8]float64) [3]float64 { return [3]float64{p[0] / p[1], 1, (1 - p[0] - p[1]) / p[1]} }

// adapted returns what makes one white another, by Bradford's cones.
func adapted(from, to [8]float64) matrix {
	cones := matrix{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}
	a, b := white(from), white(to)
	var scale matrix
	for k := range 3 {
		scale[k][k] = (cones[k][0]*b[0] + cones[k][1]*b[1] + cones[k][2]*b[2]) /
			(cones[k][0]*a[0] + cones[k][1]*a[1] + cones[k][2]*a[2])
	}
	return multiply(inverse(cones), multiply(scale, cones))
}

func multiply(a, b matrix) (m matrix) {
	for i := range 3 {
		for j := range 3 {
			m[i][j] = a[i][0]*b[0][j] + a[i][1]*b[1][j] + a[i][2]*b[2][j]
		}
	}
	return m
}

func determinant(m matrix) float64 {
	return m[0][0]*(m[1][1]*m[2][2]-m[1][2]*m[2][1]) - m[0][1]*(m[1][0]*m[2][2]-m[1][2]*m[2][0]) + m[0][2]*(m[1][0]*m[2][1]-m[1][1]*m[2][0])
}

func inverse(m matrix) (inv matrix) {
	d := determinant(m)
	for i := range 3 {
		for j := range 3 {
			a, b, c, e := (j+1)%3, (j+2)%3, (i+1)%3, (i+2)%3
			inv[i][j] = (m[a][c]*m[b][e] - m[a][e]*m[b][c]) / d
		}
	}
	return inv
}
