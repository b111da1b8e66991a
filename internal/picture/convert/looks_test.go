package convert_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/draw"

	"bilipaste/internal/picture/container"
	"bilipaste/internal/picture/convert"
)

const icc = "not a profile, but as long as one that is short" // no program here reads it

// packed returns an iCCP chunk's body.
func packed(profile string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = io.WriteString(z, profile) // a buffer takes everything
	_ = z.Close()
	return "icc\x00\x00" + b.String()
}

// unpacked returns the profile in a PNG.
func unpacked(t *testing.T, data []byte) string {
	for c, err := range container.PNG(data) {
		if err != nil || c.Name != "iCCP" {
			continue
		}
		z, err := zlib.NewReader(bytes.NewReader(c.Body[len("icc\x00\x00"):]))
		if err != nil {
			t.Fatal(err)
		}
		profile, err := io.ReadAll(z)
		if err != nil || !c.Sound() {
			t.Fatal(err)
		}
		return string(profile)
	}
	return ""
}

func soundChunk(name, body string) []byte {
	c := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	c = append(c, name+body...)
	return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
}

func withChunks(data []byte, chunks ...[]byte) []byte {
	return slices.Concat(data[:33], bytes.Join(chunks, nil), data[33:])
}

// flat returns an opaque picture of one colour.
func flat(c color.NRGBA) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, 24, 16))
	draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return m
}

func TestAPNGsProfileAndOrientationGoIntoTheJPEG(t *testing.T) {
	const exif = "MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
	plain := pngOf(t, flat(color.NRGBA{200, 100, 50, 255}))
	long := strings.Repeat(icc, 2000)
	for _, profile := range []string{icc, long} {
		s, err := convert.ToJPEG(t.Context(), withChunks(plain, soundChunk("iCCP", packed(profile)), soundChunk("eXIf", exif)), 1e6)
		if err != nil {
			t.Fatal(err)
		}
		got, orientation := "", uint16(0)
		for part, err := range container.JPEG(s.Data) {
			if err != nil {
				t.Fatal(err)
			}
			if p, ok := strings.CutPrefix(string(part.Body), "ICC_PROFILE\x00"); ok && part.Marker == 0xe2 {
				got += p[2:]
			}
			if e, ok := strings.CutPrefix(string(part.Body), "Exif\x00\x00"); ok && part.Marker == 0xe1 {
				orientation = container.Orientation([]byte(e))
			}
		}
		if got != profile || orientation != 6 {
			t.Errorf("a profile of %d bytes is %d, the orientation %d", len(profile), len(got), orientation)
		}
	}
}

func TestAWebPsProfileAndOrientationAreKept(t *testing.T) {
	plain, err := os.ReadFile("testdata/lossy-even.webp")
	if err != nil {
		t.Fatal(err)
	}
	const icc, exif = icc + "!", "II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"
	chunks := container.AppendWebPChunk(nil, "VP8X", []byte{0x28, 0, 0, 0, 35, 0, 0, 21, 0, 0})
	chunks = append(container.AppendWebPChunk(chunks, "ICCP", []byte(icc)), plain[12:]...)
	chunks = container.AppendWebPChunk(chunks, "EXIF", []byte("Exif\x00\x00"+exif))
	data := append(container.WebPHeader(len(chunks)), chunks...)

	got, err := convert.ToPNG(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	if p := unpacked(t, got); p != icc {
		t.Errorf("the profile is %q", p)
	}
	expected, err := os.ReadFile("testdata/lossy-even.webp.png")
	if err != nil {
		t.Fatal(err)
	}
	lying, err := png.Decode(bytes.NewReader(expected))
	if err != nil {
		t.Fatal(err)
	}
	upright := image.NewNRGBA(image.Rect(0, 0, 22, 36))
	for y := range 22 {
		for x := range 36 {
			upright.Set(21-y, x, lying.At(x, y))
		}
	}
	m, err := png.Decode(bytes.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	sameImages(t, "turned", upright, m)

	s, err := convert.ToJPEG(t.Context(), data, 1e6)
	if err != nil || s.Width != 36 || !bytes.Contains(s.Data, []byte("ICC_PROFILE\x00\x01\x01"+icc)) || !bytes.Contains(s.Data, []byte("\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06")) {
		t.Errorf("as JPEG: %v", err)
	}
}

func TestABMPsProfileIsKept(t *testing.T) {
	le := binary.LittleEndian
	head := make([]byte, 14+124)
	copy(head, "BM")
	for at, v := range map[int]uint32{10: 14 + 124, 14: 124, 18: 1, 22: 1, 26: 1 | 24<<16, 14 + 56: 0x4d424544, 14 + 112: 124 + 4, 14 + 116: uint32(len(icc))} {
		le.PutUint32(head[at:], v)
	}
	data := slices.Concat(head, []byte{1, 2, 3, 0}, []byte(icc))
	got, err := convert.ToPNG(t.Context(), data)
	if err != nil || unpacked(t, got) != icc {
		t.Errorf("%q, %v", unpacked(t, got), err)
	}
}

// Of a camera's TIFF the thumbnail is no page, wherever it stands.
func TestAThumbnailIsNoPage(t *testing.T) {
	const subfile, thumbnail = 254, 1
	le := binary.LittleEndian
	data := tiffWith(subfile, 4, 1, thumbnail, "", 2)
	if _, err := convert.ToPNG(t.Context(), data); err == nil {
		t.Error("thumbnails alone are a picture")
	}
	for which := range 2 {
		data := bytes.Clone(data)
		at := int(le.Uint32(data[4:]))
		if which == 1 {
			at = int(le.Uint32(data[at+2+12*int(le.Uint16(data[at:])):]))
		}
		le.PutUint32(data[at+2+8:], 0) // the first field of a page
		data[at+2+12*10+4] ^= 0xff     // and a pixel that tells it from the other
		got, err := convert.ToPNG(t.Context(), data)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := png.Decode(bytes.NewReader(got)); err != nil || num(m.At(0, 0)) != "65535" {
			t.Errorf("page %d: not the page is taken: %v", which, err)
		}
	}
}

func TestAColourSpaceThatAPNGDescribesBecomesSRGB(t *testing.T) {
	chrm := func(chromaticities ...uint32) []byte {
		var b []byte
		for _, p := range chromaticities {
			b = binary.BigEndian.AppendUint32(b, p)
		}
		return soundChunk("cHRM", string(b))
	}
	gama := func(g uint32) []byte { return soundChunk("gAMA", string(binary.BigEndian.AppendUint32(nil, g))) }
	deep := image.NewGray16(image.Rect(0, 0, 24, 16))
	for i := 0; i < len(deep.Pix); i += 2 {
		binary.BigEndian.PutUint16(deep.Pix[i:], 655) // a hundredth of the light: 8 bits have 2 or 3 steps for it
	}
	sRGB := chrm(31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
	p3 := chrm(31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
	adobe := chrm(31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
	for name, test := range map[string]struct {
		m      image.Image
		chunks [][]byte
		want   color.NRGBA
	}{
		"nothing said":      {flat(color.NRGBA{200, 100, 50, 255}), nil, color.NRGBA{200, 100, 50, 255}},
		"sRGB":              {flat(color.NRGBA{200, 100, 50, 255}), [][]byte{gama(45455), sRGB}, color.NRGBA{200, 100, 50, 255}},
		"sRGB by name":      {flat(color.NRGBA{200, 100, 50, 255}), [][]byte{soundChunk("sRGB", "\x00"), gama(100000)}, color.NRGBA{200, 100, 50, 255}},
		"a profile":         {flat(color.NRGBA{200, 100, 50, 255}), [][]byte{soundChunk("iCCP", packed(icc)), gama(100000)}, color.NRGBA{200, 100, 50, 255}},
		"linear":            {flat(color.NRGBA{55, 55, 55, 255}), [][]byte{gama(100000)}, color.NRGBA{128, 128, 128, 255}},
		"linear, 16 bits":   {deep, [][]byte{gama(100000)}, color.NRGBA{25, 25, 25, 255}},
		"gamma 1.8":         {flat(color.NRGBA{128, 128, 128, 255}), [][]byte{gama(55556)}, color.NRGBA{147, 147, 147, 255}},
		"Display P3":        {flat(color.NRGBA{200, 100, 50, 255}), [][]byte{gama(45455), p3}, color.NRGBA{215, 93, 30, 255}},
		"P3's white":        {flat(color.NRGBA{255, 255, 255, 255}), [][]byte{gama(45455), p3}, color.NRGBA{255, 255, 255, 255}},
		"Adobe RGB, a gray": {flat(color.NRGBA{128, 128, 128, 255}), [][]byte{gama(45455), adobe}, color.NRGBA{128, 128, 128, 255}},
	} {
		s, err := convert.ToJPEG(t.Context(), withChunks(pngOf(t, test.m), test.chunks...), 1e6)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		m, err := jpeg.Decode(bytes.NewReader(s.Data))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := color.NRGBAModel.Convert(m.At(9, 9)).(color.NRGBA)
		near := func(a, b byte) bool { d := int(a) - int(b); return d >= -2 && d <= 2 }
		if !near(got.R, test.want.R) || !near(got.G, test.want.G) || !near(got.B, test.want.B) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestWhatIsTooMuchIsRefused(t *testing.T) {
	lossless := func(w, h uint32) []byte { // whose pixels take no bits
		head := binary.LittleEndian.AppendUint32([]byte{0x2f}, (w-1)|(h-1)<<14)
		c := container.AppendWebPChunk(nil, "VP8L", append(head, 0x07, 0x10, 0x11, 0x11, 0x88, 0x88, 0xfe, 0x07, 0))
		return append(container.WebPHeader(len(c)), c...)
	}
	wide := func(w, h uint32) []byte {
		data := pngOf(t, image.NewNRGBA(image.Rect(0, 0, 1, 1)))
		header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
		return slices.Concat(data[:8], soundChunk("IHDR", string(header)+"\x08\x02\x00\x00\x00"), data[33:])
	}
	_, err := convert.ToPNG(t.Context(), lossless(16383, 16383))
	_, err2 := convert.ToJPEG(t.Context(), wide(10000, 9000), 1e6)
	_, err3 := convert.Recompress(t.Context(), wide(1<<20, 1<<20), 1e6)
	_, err4 := convert.Palette(t.Context(), wide(1<<15, 1<<14), 1e6)
	screen := encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, flat(color.NRGBA{A: 255}), nil) })
	copy(screen[6:], "\xff\xff\xff\xff")
	_, err5 := convert.ToPNG(t.Context(), screen)
	for i, err := range []error{err, err2, err3, err4, err5} {
		if !errors.Is(err, convert.ErrMemory) {
			t.Errorf("%d: %v", i, err)
		}
	}
	scans, err := os.ReadFile("../testdata/progressive.jpg")
	if err != nil {
		t.Fatal(err)
	}
	copy(scans[bytes.Index(scans, []byte("\xff\xc2"))+5:], "\x10\x00\x10\x00") // pixels, in a scan for each colour
	last := bytes.LastIndex(scans, []byte("\xff\xda"))
	many := slices.Concat(scans[:last], bytes.Repeat(scans[last:len(scans)-2], 300), scans[last:])
	if _, err := convert.ToJPEG(t.Context(), many, 1e6); !errors.Is(err, convert.ErrTime) {
		t.Errorf("%d bytes of scans: %v", len(many), err)
	}
}

func TestWhatAJPEGCannotShowIsRefused(t *testing.T) {
	for file, want := range map[string]error{"cmyk.jpg": convert.ErrColourSpace, "lossless.webp": convert.ErrTransparent, "lossy-alpha.webp": convert.ErrTransparent} {
		data, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := convert.ToJPEG(t.Context(), data, 1e6); !errors.Is(err, want) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// Where a TIFF's own facts lie behind its end, no others are made up.
func TestATIFFWhoseFactsAreCutIsNoPicture(t *testing.T) {
	whole, err := os.ReadFile("testdata/packbits-big.tiff")
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []uint16{container.TIFFBits, container.TIFFStrips, container.TIFFStripBytes} {
		data := bytes.Clone(whole)
		be := binary.BigEndian
		at := int(be.Uint32(data[4:])) + 2
		for be.Uint16(data[at:]) != tag {
			at += 12
		}
		be.PutUint32(data[at+4:], 3)
		be.PutUint32(data[at+8:], uint32(len(data)-1))
		if _, err := convert.ToPNG(t.Context(), data); !errors.Is(err, container.ErrCut) || !errors.Is(convert.TIFFWhole(data), container.ErrCut) {
			t.Errorf("%d: %v, %v", tag, err, convert.TIFFWhole(data))
		}
	}
}

func TestAPNGThatIsMadeHasALimit(t *testing.T) {
	if err := convert.WritePages(1000, 1001); !errors.Is(err, convert.ErrTooLarge) {
		t.Error(err)
	}
	if err := convert.WritePages(1000, 1000); err != nil {
		t.Error(err)
	}
}

func TestAConversionHasATimeLimit(t *testing.T) {
	convert.LimitTime(t, time.Nanosecond)
	m := flat(color.NRGBA{1, 2, 3, 255})
	data := pngOf(t, m)
	tif, err := os.ReadFile("testdata/zip.tiff")
	if err != nil {
		t.Fatal(err)
	}
	_, err1 := convert.Recompress(t.Context(), data, len(data))
	_, err2 := convert.Palette(t.Context(), data, len(data))
	_, err3 := convert.ToJPEG(t.Context(), data, len(data))
	_, err4 := convert.ToPNG(t.Context(), tif)
	err5 := convert.Complete(t.Context(), encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, m, nil) }))
	for i, err := range []error{err1, err2, err3, err4, err5} {
		if !errors.Is(err, convert.ErrTime) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// Scaling in place makes what a library makes that has a second buffer.
func TestShrinkIsBilinear(t *testing.T) {
	r := image.Rect(0, 0, 83, 61)
	gray, rgba := image.NewGray(r), image.NewRGBA(r)
	for y := range r.Dy() {
		for x := range r.Dx() {
			gray.SetGray(x, y, color.Gray{byte(3*x + y)})
			rgba.SetRGBA(x, y, color.RGBA{byte(3 * x), byte(4 * y), byte(x + y), 255})
		}
	}
	ratios := []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410}
	pictures := map[string]image.Image{"gray": gray, "rgba": rgba}
	for _, ratio := range ratios {
		m := image.NewYCbCr(r, ratio)
		for y := range r.Dy() {
			for x := range r.Dx() {
				m.Y[m.YOffset(x, y)] = byte(2*x + y)
				m.Cb[m.COffset(x, y)], m.Cr[m.COffset(x, y)] = byte(90+x/2), byte(80+y/2)
			}
		}
		pictures[fmt.Sprint(ratio)] = m
	}
	for name, m := range pictures {
		want := image.NewRGBA(image.Rect(0, 0, 66, 48))
		draw.ApproxBiLinear.Scale(want, want.Rect, m, r, draw.Src, nil)
		got := convert.Shrink(m, 0.8)
		if got.Bounds() != want.Bounds() {
			t.Fatalf("%s: %v", name, got.Bounds())
		}
		tolerance := 3
		if strings.HasPrefix(name, "YCbCr") { // whose colours have steps, which are scaled on their own
			tolerance = 12
		}
		nearlySame(t, name, want, got, tolerance)
	}
}
