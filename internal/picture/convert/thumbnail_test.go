package convert_test

import (
	"bytes"
	"compress/zlib"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"slices"
	"testing"

	"bilipaste/internal/picture/container"
	"bilipaste/internal/picture/convert"
)

// halves is a picture whose left half is red and whose right half is blue.
func halves(w, h int, alpha uint8) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{200, 0, 0, alpha}
			if x >= w/2 {
				c = color.NRGBA{0, 0, 200, alpha}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

func encodedAs(t *testing.T, m image.Image, as string) []byte {
	t.Helper()
	var out bytes.Buffer
	var err error
	switch as {
	case "png":
		err = png.Encode(&out, m)
	case "jpeg":
		err = jpeg.Encode(&out, m, nil)
	case "gif":
		err = gif.Encode(&out, m, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAThumbnailIsSmallAndLooksTheSame(t *testing.T) {
	for _, c := range []struct {
		as     string
		w, h   int
		alpha  uint8
		format string
		tw, th int
	}{
		{"png", 1000, 500, 255, "jpeg", 320, 160}, {"png", 500, 4000, 255, "jpeg", 40, 320}, {"png", 1000, 500, 100, "png", 320, 160},
		{"jpeg", 3000, 2000, 255, "jpeg", 320, 213}, {"gif", 640, 640, 255, "jpeg", 320, 320}, {"png", 30, 20, 255, "jpeg", 30, 20}, {"png", 5000, 1, 255, "jpeg", 320, 1},
	} {
		small, err := convert.Thumbnail(t.Context(), encodedAs(t, halves(c.w, c.h, c.alpha), c.as), 320)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		m, format, err := image.Decode(bytes.NewReader(small))
		if err != nil || format != c.format || m.Bounds().Dx() != c.tw || m.Bounds().Dy() != c.th {
			t.Errorf("%+v: %s of %v, %v", c, format, m.Bounds(), err)
			continue
		}
		left, _, _, _ := m.At(c.tw/8, c.th/2).RGBA()
		_, _, right, _ := m.At(c.tw-1-c.tw/8, c.th/2).RGBA()
		if want := uint32(c.alpha) * 0x101 * 150 / 255; left < want || right < want {
			t.Errorf("%+v: its halves are %x and %x", c, left, right)
		}
	}
}

func TestAThumbnailStandsUpright(t *testing.T) {
	data := encodedAs(t, halves(600, 300, 255), "jpeg")
	const quarter = 6 // to be turned clockwise: what is left comes up
	turned := append(data[:2:2], container.AppendJPEGSegment(nil, container.APP0+1, []byte("Exif\x00\x00"), container.OrientedExif(quarter))...)
	small, err := convert.Thumbnail(t.Context(), append(turned, data[2:]...), 320)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := image.Decode(bytes.NewReader(small))
	if err != nil || m.Bounds().Dx() != 160 || m.Bounds().Dy() != 320 {
		t.Fatalf("%v, %v", m.Bounds(), err)
	}
	if top, _, _, _ := m.At(80, 20).RGBA(); top < 0x9000 {
		t.Errorf("above it is %x, want red", top)
	}
}

// A picture of many pixels in few bytes takes no memory.
func TestAThumbnailOfABombIsRefused(t *testing.T) {
	huge := encodedAs(t, image.NewPaletted(image.Rect(0, 0, 20000, 5000), color.Palette{color.White}), "png")
	if _, err := convert.Thumbnail(t.Context(), huge, 320); !errors.Is(err, convert.ErrMemory) {
		t.Errorf("%d bytes: %v", len(huge), err)
	}
	for _, data := range [][]byte{nil, []byte("text"), huge[:40], []byte("\xff\xd8\xff")} {
		if _, err := convert.Thumbnail(t.Context(), data, 320); err == nil {
			t.Errorf("of %.10q there is one", data)
		}
	}
}

func TestAThumbnailKeepsTheProfile(t *testing.T) {
	profile := make([]byte, 600)
	copy(profile[16:], "RGB XYZ ")
	profile[599] = 7
	var zipped bytes.Buffer
	z := zlib.NewWriter(&zipped)
	if _, err := z.Write(profile); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	asPNG := func(alpha uint8) []byte {
		data := encodedAs(t, halves(600, 300, alpha), "png")
		return slices.Insert(data, 33, container.AppendPNGChunk(nil, "iCCP", append([]byte("x\x00\x00"), zipped.Bytes()...))...)
	}
	asJPEG := func(profile []byte) []byte {
		data := encodedAs(t, halves(600, 300, 255), "jpeg")
		for i, part := range [][]byte{profile[300:], profile[:300]} { // which come in order
			data = slices.Insert(data, 2, container.AppendJPEGSegment(nil, container.APP0+2, []byte("ICC_PROFILE\x00"), []byte{byte(2 - i), 2}, part)...)
		}
		return data
	}
	grey := slices.Clone(profile)
	copy(grey[16:], "GRAY")
	for what, c := range map[string]struct {
		data []byte
		want []byte
	}{
		"PNG": {asPNG(255), profile}, "transparent PNG": {asPNG(100), profile}, "JPEG": {asJPEG(profile), profile},
		"grey": {asJPEG(grey), nil}, "none": {encodedAs(t, halves(600, 300, 255), "jpeg"), nil},
	} {
		small, err := convert.Thumbnail(t.Context(), c.data, 320)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if _, _, err := image.Decode(bytes.NewReader(small)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if got := profileOf(t, small); !bytes.Equal(got, c.want) {
			t.Errorf("%s: its profile has %d bytes, not %d", what, len(got), len(c.want))
		}
	}
}

// profileOf is the ICC profile of a JPEG or PNG.
func profileOf(t *testing.T, data []byte) (profile []byte) {
	t.Helper()
	if !bytes.HasPrefix(data, []byte(container.PNGSignature)) {
		for s, err := range container.JPEG(data) {
			if err != nil || s.Marker == container.SOS {
				break
			}
			if part, ok := bytes.CutPrefix(s.Body, []byte("ICC_PROFILE\x00")); ok {
				profile = append(profile, part[2:]...)
			}
		}
		return profile
	}
	for c, err := range container.PNG(data) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Name == "iCCP" {
			_, packed, _ := bytes.Cut(c.Body, []byte{0})
			z, err := zlib.NewReader(bytes.NewReader(packed[1:]))
			if err != nil {
				t.Fatal(err)
			}
			if profile, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
	}
	return profile
}
