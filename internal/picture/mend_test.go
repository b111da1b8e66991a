package picture_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"slices"
	"testing"

	"golang.org/x/image/tiff"

	"bilipaste/internal/fault"
	"bilipaste/internal/picture"
	"bilipaste/uploader/hosttest"
)

func encoded(t testing.TB, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// photo is a picture whose every pixel counts.
func photo() *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, 61, 43))
	for i := range m.Pix {
		m.Pix[i] = byte(i * i / 5)
	}
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 255
	}
	return m
}

func pngChunk(name, body string) []byte {
	c := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	c = append(c, name+body...)
	return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
}

func animation(t testing.TB) []byte {
	frame := func(n int) *image.Paletted {
		m := image.NewPaletted(image.Rect(0, 0, 25, 14), color.Palette{color.Black, color.White, color.NRGBA{200, 0, 0, 255}})
		for i := range m.Pix {
			m.Pix[i] = byte((i*i + n) % 3)
		}
		return m
	}
	return encoded(t, func(b *bytes.Buffer) error {
		return gif.EncodeAll(b, &gif.GIF{Image: []*image.Paletted{frame(1), frame(2)}, Delay: []int{10, 20}})
	})
}

func splice(data []byte, at int, more ...byte) []byte {
	return slices.Concat(data[:at], more, data[at:])
}

func set32(data []byte, at int, v uint32) []byte {
	data = bytes.Clone(data)
	binary.LittleEndian.PutUint32(data[at:], v)
	return data
}

// A picture whose pixels are all there is taken, however its outer structure is
// damaged, and goes on as a sound one.
func TestWhatIsWholeIsMended(t *testing.T) {
	p := encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, photo()) })
	j := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, photo(), nil) })
	g := animation(t)
	w := hosttest.Picture(t, picture.WebP, 1).Data
	moving := hosttest.AnimatedWebP(t).Data
	bmp := hosttest.Picture(t, picture.BMP, 1).Data
	const ihdr, iend = 8 + 25, 12
	damaged := pngChunk("gAMA", "\x00\x00\xb1\x8f")
	damaged[9] ^= 1
	cutIDAT := p[:len(p)-iend-4] // all pixels, but not their checksum
	if !bytes.Equal(p[len(p)-iend+4:len(p)-4], []byte("IEND")) {
		t.Fatal("where does it end?")
	}
	for name, test := range map[string]struct{ data, want []byte }{
		"png without end":                {p[:len(p)-iend], p},
		"png without the end's checksum": {p[:len(p)-4], p},
		"png with a wrong one":           {append(p[:len(p)-1:len(p)-1], 0), p},
		"png without the pixels' one":    {cutIDAT, p},
		"png with a damaged extra":       {splice(p, ihdr, damaged...), p},
		"png that ends in an extra":      {append(p[:len(p)-iend:len(p)-iend], pngChunk("tEXt", "Comment\x00cut")[:11]...), p},
		"jpeg without end":               {j[:len(j)-2], j},
		"jpeg with half an end":          {j[:len(j)-1], j},
		"gif with NULs":                  {splice(g, len(g)-1, 0, 0, 0), g},
		"gif with a NUL for its end":     {append(g[:len(g)-1:len(g)-1], 0), g},
		"gif without end":                {g[:len(g)-1], g},
		"gif without the last block's":   {g[:len(g)-2], g},
		"gif that ends in a comment":     {append(g[:len(g)-1:len(g)-1], 0x21, 0xfe, 9, 'c'), g},
		"webp that says more":            {set32(w, 4, uint32(len(w)+90)), w},
		"webp that says less":            {set32(w, 4, uint32(len(w)-14)), w},
		"webp, animated, that says more": {set32(moving, 4, uint32(len(moving)+90)), moving},
		"bmp that says more":             {set32(bmp, 2, uint32(len(bmp)+2)), bmp},
		"bmp with its pixels at 0":       {set32(bmp, 10, 0), bmp},
	} {
		before := bytes.Clone(test.data)
		got, err := picture.New("x", test.data)
		if err != nil || !bytes.Equal(got.Data, test.want) {
			t.Errorf("%s: %d bytes, want %d: %v", name, len(got.Data), len(test.want), err)
		}
		if !bytes.Equal(before, test.data) {
			t.Errorf("%s: what was given is changed", name)
		}
	}
	for name, sound := range map[string][]byte{
		"png": p, "jpeg": j, "gif": g, "webp": w, "bmp": bmp, "png and more": append(bytes.Clone(p), 1, 2), "gif and more": append(bytes.Clone(g), 1, 2),
		"bmp that says less": set32(bmp, 2, 54), "bmp that says nothing": set32(bmp, 2, 0),
	} {
		if got, err := picture.New("x", sound); err != nil || &got.Data[0] != &sound[0] || len(got.Data) != len(sound) {
			t.Errorf("%s: not left as it is: %v", name, err)
		}
	}
}

// A picture of which pixels are missing is refused, wherever it is cut.
func TestWhatIsCutIsRefused(t *testing.T) {
	p := encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, photo()) })
	j := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, photo(), nil) })
	g := animation(t)
	w := hosttest.Picture(t, picture.WebP, 1).Data
	bmp := hosttest.Picture(t, picture.BMP, 1).Data
	tif := encoded(t, func(b *bytes.Buffer) error { return tiff.Encode(b, photo(), nil) })
	restarts := slices.Concat(j[:2], []byte("\xff\xdd\x00\x04\x00\x01"), j[2:]) // which it does not have
	scans, err := os.ReadFile("testdata/progressive.jpg")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := picture.New("x", scans[:len(scans)-2]); err != nil || !bytes.Equal(got.Data, scans) {
		t.Errorf("a progressive jpeg without end: %v", err)
	}
	firstFrame := bytes.LastIndex(g, []byte("\x21\xf9"))
	const iend = 12
	for name, test := range map[string]struct {
		data    []byte
		atLeast int // bytes of which none can be missing
	}{
		"png": {p, len(p) - iend - 12}, "jpeg": {j, len(j) - 5}, "gif": {g, len(g) - 6}, "webp": {w[:len(w)-16], len(w) - 18}, "bmp": {bmp, len(bmp) - 3}, "tiff": {tif, len(tif) - 16}, // a resolution comes last

	} {
		for size := 40; size < test.atLeast; size += 1 + test.atLeast/200 {
			if name == "gif" && size <= firstFrame && size > firstFrame-4 { // nobody can tell that there was another
				continue
			}
			if _, err := picture.New("x", test.data[:size:size]); fault.KindOf(err) != fault.Unusable {
				t.Fatalf("%s: %d of %d bytes: %v", name, size, len(test.data), err)
			}
		}
	}
	nothing := func(w, h uint32) []byte {
		header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
		return slices.Concat(p[:8], pngChunk("IHDR", string(header)+"\x08\x06\x00\x00\x00"), pngChunk("IDAT", ""), pngChunk("IEND", ""))
	}
	empty := bytes.Clone(j)
	copy(empty[bytes.Index(j, []byte("\xff\xc0"))+5:], "\xff\x00\xff\x00")
	wide := bytes.Clone(g)
	copy(wide[bytes.IndexByte(wide[20:], 0x2c)+20+5:], "\xff\xff\xff\xff")
	for name, data := range map[string][]byte{
		"a large png without pixels":  nothing(60000, 60000),
		"a large jpeg of a small one": empty,
		"a large gif of a small one":  wide,
		"a jpeg without its restarts": restarts[:len(restarts)-2],
		"a progressive jpeg's first":  scans[:bytes.LastIndex(scans, []byte("\xff\xda"))],
	} {
		if _, err := picture.New("x", data); why(err) != "unusable.cut" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
