package convert_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"bilipaste/internal/picture/convert"
)

func encoded(t testing.TB, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t testing.TB, m image.Image) []byte {
	e := png.Encoder{CompressionLevel: png.NoCompression}
	return encoded(t, func(b *bytes.Buffer) error { return e.Encode(b, m) })
}

// fill sets a picture's bytes to a slow wave with some noise.
func fill(pix []byte, noise int) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range pix {
		pix[i] = byte(i/9 + random.IntN(noise+1))
	}
}

// everyKind returns a PNG of each colour type and depth that Go writes.
func everyKind(t testing.TB) map[string][]byte {
	r := image.Rect(0, 0, 45, 33)
	g, g16 := image.NewGray(r), image.NewGray16(r)
	nrgba, nrgba64 := image.NewNRGBA(r), image.NewNRGBA64(r)
	opaque := image.NewRGBA(r)
	two := image.NewPaletted(r, color.Palette{color.Black, color.White})
	five := image.NewPaletted(r, color.Palette{color.Black, color.White, color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 0, 255, 100}, color.NRGBA{}})
	for _, pix := range [][]byte{g.Pix, g16.Pix, nrgba.Pix, nrgba64.Pix, opaque.Pix} {
		fill(pix, 3)
	}
	for i := range two.Pix {
		two.Pix[i], five.Pix[i] = byte(i/3%2), byte(i/4%5)
	}
	for i := 3; i < len(opaque.Pix); i += 4 {
		opaque.Pix[i] = 255
	}
	return map[string][]byte{
		"gray": pngOf(t, g), "gray 16": pngOf(t, g16), "rgba": pngOf(t, nrgba), "rgba 16": pngOf(t, nrgba64),
		"rgb": pngOf(t, opaque), "1 bit": pngOf(t, two), "4 bit": pngOf(t, five),
	}
}

func samePixels(t *testing.T, name string, before, after []byte) {
	t.Helper()
	want, _, err := image.Decode(bytes.NewReader(before))
	if err != nil {
		t.Fatalf("%s: before: %v", name, err)
	}
	got, format, err := image.Decode(bytes.NewReader(after))
	if err != nil || format != "png" {
		t.Fatalf("%s: after: %s, %v", name, format, err)
	}
	sameImages(t, name, want, got)
}

func sameImages(t *testing.T, name string, want, got image.Image) {
	t.Helper()
	b := want.Bounds()
	if got.Bounds().Size() != b.Size() {
		t.Fatalf("%s: %v became %v", name, b, got.Bounds())
	}
	at := got.Bounds().Min
	for y := range b.Dy() {
		for x := range b.Dx() {
			r, g, bl, a := want.At(b.Min.X+x, b.Min.Y+y).RGBA()
			r2, g2, bl2, a2 := got.At(at.X+x, at.Y+y).RGBA()
			if r != r2 || g != g2 || bl != bl2 || a != a2 {
				t.Fatalf("%s: the pixel %d, %d differs", name, x, y)
			}
		}
	}
}

func TestRecompressKeepsEveryPixel(t *testing.T) {
	for name, data := range everyKind(t) {
		got, err := convert.Recompress(t.Context(), data, len(data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		samePixels(t, name, data, got)
		if len(got) >= len(data) {
			t.Errorf("%s: %d bytes became %d", name, len(data), len(got))
		}
		if _, err := convert.Recompress(t.Context(), data, len(got)-1); !errors.Is(err, convert.ErrTooLarge) {
			t.Errorf("%s: past the limit: %v", name, err)
		}
	}
}

func TestPaletteKeepsEveryPixel(t *testing.T) {
	r := image.Rect(0, 0, 64, 48)
	few, few16, many := image.NewNRGBA(r), image.NewNRGBA64(r), image.NewNRGBA(r)
	for i := 0; i < len(few.Pix); i += 4 {
		n := byte(i / 4 % 251)
		copy(few.Pix[i:], []byte{n, 255 - n, n / 2, 200 + n%4*10})
		for k, v := range few.Pix[i : i+4] {
			few16.Pix[2*(i+k)], few16.Pix[2*(i+k)+1] = v, v
		}
	}
	fill(many.Pix, 200)
	for name, m := range map[string]image.Image{"8 bit": few, "16 bit": few16} {
		data := pngOf(t, m)
		got, err := convert.Palette(t.Context(), data, len(data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		samePixels(t, name, data, got)
		if got[25] != 3 || len(got) > len(data)/3 {
			t.Errorf("%s: no palette: type %d, %d bytes of %d", name, got[25], len(got), len(data))
		}
	}
	few16.Pix[1]++ // a shade that 8 bits do not hold
	for name, m := range map[string]image.Image{"many": many, "not exact": few16} {
		data := pngOf(t, m)
		if _, err := convert.Palette(t.Context(), data, len(data)); !errors.Is(err, convert.ErrColours) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatChangesTheLooksGoesAlong(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 64, 64))
	data := withChunks(pngOf(t, m), soundChunk("gAMA", "\x00\x00\x30\x39"))
	for name, change := range map[string]func(context.Context, []byte, int) ([]byte, error){
		"recompressed": convert.Recompress, "palette": convert.Palette,
	} {
		got, err := change(t.Context(), data, len(data))
		if err != nil || !bytes.Contains(got, []byte("gAMA\x00\x00\x30\x39")) {
			t.Errorf("%s: the gamma is lost: %v", name, err)
		}
	}
}

func TestADamagedChunkIsNotWrittenAnew(t *testing.T) {
	data := pngOf(t, image.NewNRGBA(image.Rect(0, 0, 64, 64)))
	extra := withChunks(data, soundChunk("gAMA", "\x00\x00\x30\x39"))
	extra[33+9] ^= 1
	got, err := convert.Recompress(t.Context(), extra, len(data))
	if err != nil || bytes.Contains(got, []byte("gAMA")) {
		t.Errorf("one that can be done without: %v", err)
	}
	data[bytes.Index(data, []byte("IDAT"))+6] ^= 1
	if _, err := convert.Recompress(t.Context(), data, len(data)); err == nil {
		t.Error("damaged pixels get a checksum that says that they are right")
	}
}

func TestToPNGKeepsEveryPixel(t *testing.T) {
	opaque := image.NewRGBA(image.Rect(0, 0, 31, 17))
	fill(opaque.Pix, 20)
	for i := 3; i < len(opaque.Pix); i += 4 {
		opaque.Pix[i] = 255
	}
	p := image.NewPaletted(image.Rect(0, 0, 31, 17), color.Palette{color.Black, color.White, color.NRGBA{}})
	for i := range p.Pix {
		p.Pix[i] = byte(i % 3)
	}
	g16 := image.NewGray16(image.Rect(0, 0, 31, 17))
	fill(g16.Pix, 20)
	for name, data := range map[string][]byte{
		"bmp":              encoded(t, func(b *bytes.Buffer) error { return bmp.Encode(b, opaque) }),
		"bmp, palette":     encoded(t, func(b *bytes.Buffer) error { return bmp.Encode(b, p) }),
		"tiff":             encoded(t, func(b *bytes.Buffer) error { return tiff.Encode(b, opaque, nil) }),
		"tiff, gray 16":    encoded(t, func(b *bytes.Buffer) error { return tiff.Encode(b, g16, nil) }),
		"tiff, compressed": encoded(t, func(b *bytes.Buffer) error { return tiff.Encode(b, opaque, &tiff.Options{Compression: tiff.Deflate}) }),
		"gif":              encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, p, nil) }),
	} {
		got, err := convert.ToPNG(t.Context(), data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		samePixels(t, name, data, got)
	}
}

func TestTheFirstFrameOfAGIFHasTheSizeOfTheWhole(t *testing.T) {
	frame := image.NewPaletted(image.Rect(2, 1, 5, 4), color.Palette{color.White})
	data := encoded(t, func(b *bytes.Buffer) error {
		return gif.EncodeAll(b, &gif.GIF{Image: []*image.Paletted{frame}, Delay: []int{0}, Config: image.Config{Width: 9, Height: 7}})
	})
	got, err := convert.ToPNG(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	want := image.NewNRGBA(image.Rect(0, 0, 9, 7))
	for i := range 9 {
		want.Set(2+i%3, 1+i/3, color.White)
	}
	m, err := png.Decode(bytes.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	sameImages(t, "frame", want, m)
}

// tiffWith returns a TIFF of two pixels, black and white, with one more entry
// in its directory, and perhaps a second page.
func tiffWith(tag, kind uint16, count, value uint32, more string, pages int) []byte {
	le := binary.LittleEndian
	b := []byte("II*\x00\x08\x00\x00\x00")
	for page := range pages {
		entries := [][4]uint32{{256, 3, 1, 2}, {257, 3, 1, 1}, {258, 3, 1, 8}, {259, 3, 1, 1}, {262, 3, 1, 1},
			{273, 4, 1, 0}, {277, 3, 1, 1}, {278, 3, 1, 1}, {279, 4, 1, 2}, {uint32(tag), uint32(kind), count, value}}
		slices.SortFunc(entries, func(a, b [4]uint32) int { return cmp.Compare(a[0], b[0]) })
		size := 2 + 12*len(entries) + 4
		data := uint32(len(b) + size)
		for i, e := range entries {
			switch {
			case e[0] == 273:
				entries[i][3] = data
			case e[0] == uint32(tag) && count > 1:
				entries[i][3] = data + 2
			}
		}
		b = le.AppendUint16(b, uint16(len(entries)))
		for _, e := range entries {
			b = le.AppendUint16(le.AppendUint16(b, uint16(e[0])), uint16(e[1]))
			b = le.AppendUint32(le.AppendUint32(b, e[2]), e[3])
		}
		next := uint32(0)
		if page+1 < pages {
			next = data + 2 + uint32(len(more))
		}
		b = append(append(le.AppendUint32(b, next), 0, 255), more...)
	}
	return b
}

func TestATIFFsOrientationAndProfileAreKept(t *testing.T) {
	for orientation, want := range map[uint32]string{1: "0 255", 2: "255 0", 3: "255 0", 4: "0 255", 5: "0/255", 6: "0/255", 7: "255/0", 8: "255/0"} {
		got, err := convert.ToPNG(t.Context(), tiffWith(274, 3, 1, orientation, "", 1))
		if err != nil {
			t.Fatal(err)
		}
		m, err := png.Decode(bytes.NewReader(got))
		if err != nil {
			t.Fatal(err)
		}
		between := " "
		if m.Bounds().Dy() == 2 {
			between = "/"
		}
		last := m.Bounds().Max.Sub(image.Pt(1, 1))
		shown := strings.NewReplacer("65535", "255").Replace(num(m.At(0, 0)) + between + num(m.At(last.X, last.Y)))
		if shown != want {
			t.Errorf("orientation %d: %s, want %s", orientation, shown, want)
		}
	}
	got, err := convert.ToPNG(t.Context(), tiffWith(34675, 7, 12, 0, "profile data", 1))
	if err != nil || !bytes.Contains(got, []byte("iCCPicc\x00\x00")) {
		t.Errorf("the profile is lost: %v", err)
	}
	if _, err := png.Decode(bytes.NewReader(got)); err != nil {
		t.Error(err)
	}
	if _, err := convert.ToPNG(t.Context(), tiffWith(274, 3, 1, 1, "", 2)); !errors.Is(err, convert.ErrPages) {
		t.Errorf("two pages: %v", err)
	}
}

func num(c color.Color) string {
	if r, _, _, _ := c.RGBA(); r == 0 {
		return "0"
	}
	return "65535"
}

func TestToJPEGFits(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 300, 200))
	fill(m.Pix, 255)
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 255
	}
	data := pngOf(t, m)
	jpg := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, m, &jpeg.Options{Quality: 100}) })
	jpg = bytes.Join([][]byte{jpg[:2], []byte("\xff\xe2\x00\x15ICC_PROFILE\x00\x01\x01profi"), jpg[2:]}, nil)
	for name, data := range map[string][]byte{"png": data, "jpeg": jpg} {
		wide := 0
		for _, limit := range []int{len(data), 60e3, 45e3, 30e3, 10e3} {
			s, err := convert.ToJPEG(t.Context(), data, limit)
			if err != nil {
				t.Fatalf("%s, %d: %v", name, limit, err)
			}
			c, err := jpeg.DecodeConfig(bytes.NewReader(s.Data))
			if err != nil || c.Width != s.Width || c.Height != s.Height || len(s.Data) > limit || len(s.Data) < limit/3 && s.Quality < 92 {
				t.Errorf("%s: limit %d: %d bytes, %dx%d, %v", name, limit, len(s.Data), s.Width, s.Height, err)
			}
			if s.Quality < 80 || s.Quality > 92 || wide != 0 && s.Width > wide {
				t.Errorf("%s: limit %d: quality %d, %d wide", name, limit, s.Quality, s.Width)
			}
			if name == "jpeg" && !bytes.Contains(s.Data, []byte("ICC_PROFILE\x00\x01\x01profi")) {
				t.Error("the profile is lost")
			}
			wide = s.Width
		}
		if wide == 300 {
			t.Errorf("%s: nothing was scaled down", name)
		}
	}
	if _, err := convert.ToJPEG(t.Context(), data, 100); !errors.Is(err, convert.ErrTooLarge) {
		t.Errorf("no room at all: %v", err)
	}
	m.Pix[3] = 254
	if _, err := convert.ToJPEG(t.Context(), pngOf(t, m), 30e3); !errors.Is(err, convert.ErrTransparent) {
		t.Errorf("transparent: %v", err)
	}
}

func TestACancelledConversionEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	data := everyKind(t)["rgb"]
	_, err1 := convert.Recompress(ctx, data, len(data))
	_, err2 := convert.Palette(ctx, data, len(data))
	_, err3 := convert.ToJPEG(ctx, data, len(data))
	_, err4 := convert.ToPNG(ctx, encoded(t, func(b *bytes.Buffer) error { return bmp.Encode(b, image.NewGray(image.Rect(0, 0, 9, 9))) }))
	for i, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func FuzzConvert(f *testing.F) {
	for _, data := range everyKind(f) {
		f.Add(data)
	}
	f.Add(tiffWith(274, 3, 1, 6, "", 2))
	files, err := filepath.Glob("testdata/*.[tw]*")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(encoded(f, func(b *bytes.Buffer) error { return bmp.Encode(b, image.NewGray(image.Rect(0, 0, 9, 9))) }))
	f.Add(encoded(f, func(b *bytes.Buffer) error { return jpeg.Encode(b, image.NewGray(image.Rect(0, 0, 9, 9)), nil) }))
	f.Fuzz(func(t *testing.T, data []byte) {
		if w, h, err := convert.Size(data); err != nil || w > 1<<10 || h > 1<<10 {
			return // the size is bounded by memory, which a fuzzer has less of
		}
		_ = convert.Complete(t.Context(), data)
		_ = convert.TIFFWhole(data)
		for name, change := range map[string]func(context.Context, []byte, int) ([]byte, error){
			"recompress": convert.Recompress, "palette": convert.Palette,
			"png": func(ctx context.Context, data []byte, _ int) ([]byte, error) { return convert.ToPNG(ctx, data) },
			"jpeg": func(ctx context.Context, data []byte, n int) ([]byte, error) {
				s, err := convert.ToJPEG(ctx, data, n)
				return s.Data, err
			},
		} {
			got, err := change(t.Context(), data, 1<<20)
			if err != nil {
				continue
			}
			if _, _, err := image.DecodeConfig(bytes.NewReader(got)); err != nil {
				t.Errorf("%s: the result is no picture: %v", name, err)
			}
			if _, err := png.Decode(bytes.NewReader(data)); err == nil && (name == "recompress" || name == "palette") {
				samePixels(t, name, data, got)
			}
		}
	})
}
