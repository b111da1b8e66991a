package metadata_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/webp"

	"bilipaste/internal/picture/container"
	"bilipaste/internal/picture/metadata"
)

// location is what must never be found in what goes out.
const location = "31.2304N 121.4737E"

// exif is an EXIF structure with a camera, an orientation and a GPS note.
func exif(orientation byte) []byte {
	b := []byte{'I', 'I', '*', 0, 8, 0, 0, 0, 3, 0}
	b = append(b, 0x0f, 0x01, 2, 0, 4, 0, 0, 0, 'C', 'a', 'm', 0)        // Make
	b = append(b, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0)    // Orientation
	b = append(b, 0x25, 0x88, 4, 0, 1, 0, 0, 0, byte(len(b)+4), 0, 0, 0) // the GPS data's offset
	return append(append(b, 0, 0, 0, 0), location...)
}

func segment(marker byte, body string) string {
	return "\xff" + string([]byte{marker, byte((len(body) + 2) >> 8), byte(len(body) + 2)}) + body
}

func chunk(name, body string) string {
	c := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	c = append(c, name+body...)
	return string(binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:])))
}

func riff(name, body string) string {
	c := string(binary.LittleEndian.AppendUint32([]byte(name), uint32(len(body)))) + body
	return c + strings.Repeat("\x00", len(body)%2)
}

func pixels() image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, 37, 23))
	for i := range m.Pix {
		m.Pix[i] = byte(i * i / 7)
	}
	return m
}

func encoded(t testing.TB, encode func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func plainJPEG(t testing.TB) string {
	return encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, pixels(), nil) })
}

func plainPNG(t testing.TB) string {
	return encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, pixels()) })
}

func plainGIF(t testing.TB) string {
	frame := func(n int) *image.Paletted {
		m := image.NewPaletted(image.Rect(0, 0, 5, 4), color.Palette{color.Black, color.White, color.NRGBA{200, 0, 0, 255}})
		m.Pix[n] = 2
		return m
	}
	return encoded(t, func(b *bytes.Buffer) error {
		return gif.EncodeAll(b, &gif.GIF{Image: []*image.Paletted{frame(1), frame(7)}, Delay: []int{10, 20}})
	})
}

// onePixel is a lossless WebP's pixel.
var onePixel = riff("VP8L", "\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00")

// odd is another, whose chunk needs its padding.
var odd = riff("VP8L", "\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00\x00")

func webpOf(chunks ...string) string { return riff("RIFF", "WEBP"+strings.Join(chunks, "")) }

func vp8x(flags byte) string {
	return riff("VP8X", string(flags)+"\x00\x00\x00\x00\x00\x00\x00\x00\x00")
}

const (
	profile    = segmentICC + "a colour profile"
	segmentICC = "ICC_PROFILE\x00\x01\x01"
)

// fixture is a picture with everything on it that may be.
type fixture struct {
	name  string
	strip func([]byte) ([][]byte, error)
	dirty string
	stays []string // what changes how it looks
	plain string   // all that is left; "": stays says enough
}

func fixtures(t testing.TB) []fixture {
	j, p, g := plainJPEG(t), plainPNG(t), plainGIF(t)
	jfif := segment(0xe0, "JFIF\x00\x01\x02\x00\x00\x48\x00\x48\x01\x01"+location[:3])
	app := func(orientation byte) string { return segment(0xe1, "Exif\x00\x00"+string(exif(orientation))) }
	other := segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00<x>"+location+"</x>") + segment(0xed, "Photoshop 3.0\x008BIM"+location) +
		segment(0xe2, "MPF\x00"+location) + segment(0xe0, "JFXX\x00"+location) + segment(0xef, location) + segment(0xfe, location) +
		segment(0xe3, "JFIF\x00\x01\x02\x00\x00\x48\x00\x48\x00\x00"+location) + segment(0xe4, "Exif\x00\x00"+string(exif(8))) + // of other markers
		segment(0xe5, profile+location) + segment(0xe6, "Adobe\x00\x64\x00\x00\x00\x00\x01"+location) +
		segment(0xe0, "JFIF\x00\x01") + segment(0xe1, "Exif\x00") + segment(0xee, "Adobe\x00") // cut
	clean := segment(0xe0, "JFIF\x00\x01\x02\x00\x00\x48\x00\x48\x00\x00")
	turned := segment(0xe1, "Exif\x00\x00"+string(container.OrientedExif(6)))
	hidden := strings.Replace(turned, "\x00\x06\x00\x00\x00\x00\x00\x00", "\x00\x06"+location[:6], 1) // in as many bytes
	text := chunk("tEXt", "Comment\x00"+location) + chunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00"+location) +
		chunk("zTXt", "a\x00\x00"+location) + chunk("tIME", "\x07\xe6\x01\x01\x00\x00\x00") + chunk("prIv", location)
	const ihdr, iend = 8 + 25, 12
	moving := []string{chunk("acTL", "\x00\x00\x00\x02\x00\x00\x00\x00"), chunk("fcTL", "a frame"), chunk("fdAT", "its pixels")}
	var showing []string
	for _, name := range []string{"cICP", "iCCP", "sRGB", "gAMA", "cHRM", "mDCV", "cLLI", "sBIT", "bKGD", "tRNS", "pHYs"} {
		showing = append(showing, chunk(name, "as it is"))
	}
	comment := "\x21\xfe" + string(rune(len(location))) + location + "\x00"
	xmp := "\x21\xff\x0bXMP DataXMP" + string(rune(len(location))) + location + "\x00"
	return []fixture{
		{"jpeg", metadata.JPEG, j[:2] + app(1) + other + j[2:] + location, nil, j},
		{"jpeg, turned", metadata.JPEG, j[:2] + jfif + app(6) + other + segment(0xe2, profile) + app(3) + j[2:] + location,
			nil, j[:2] + clean + turned + segment(0xe2, profile) + j[2:]},
		{"jpeg, hidden in the thumbnail's room", metadata.JPEG, j[:2] + clean[:3] + string(rune(16+len(location))) + clean[4:] + location + j[2:], nil, j[:2] + clean + j[2:]},
		{"jpeg, a thumbnail that is missing", metadata.JPEG, j[:2] + clean[:16] + "\x00\x01" + segment(0xfe, location) + clean[:16] + "\x01\x00" + j[2:], nil, j[:2] + clean + clean + j[2:]},
		{"jpeg, as long as before", metadata.JPEG, j[:2] + hidden + clean + j[2:], nil, j[:2] + turned + clean + j[2:]},
		{"jpeg, Adobe's", metadata.JPEG, j[:2] + segment(0xee, "Adobe\x00\x64\x00\x00\x00\x00\x01"+location) + segment(0xee, "Adobe") + j[2:],
			nil, j[:2] + segment(0xee, "Adobe\x00\x64\x00\x00\x00\x00\x01") + j[2:]},
		{"png, all that shows", metadata.PNG, p[:ihdr] + strings.Join(showing, "") + text + p[ihdr:], showing, ""},
		{"png, animated", metadata.PNG, p[:ihdr] + moving[0] + moving[1] + text + p[ihdr:len(p)-iend] + moving[1] + moving[2] + p[len(p)-iend:], moving, ""},
		{"png, damaged", metadata.PNG, p[:ihdr] + text + strings.Replace(chunk("gAMA", "\x00\x00\xb1\x8f"), "\xb1", "\xb2", 1) +
			strings.Replace(chunk("eXIf", string(exif(8))), "Cam", "cAM", 1) + p[ihdr:], nil, p},
		{"png", metadata.PNG, p[:ihdr] + text + chunk("eXIf", string(exif(1))) + p[ihdr:len(p)-iend] + text + p[len(p)-iend:] + location, nil, p},
		{"png, turned", metadata.PNG, p[:ihdr] + chunk("gAMA", "\x00\x00\xb1\x8f") + chunk("pHYs", "\x00\x00\x0b\x13\x00\x00\x0b\x13\x01") +
			chunk("eXIf", string(exif(8))) + p[ihdr:], []string{"gAMA", "pHYs", "\x01\x12\x00\x03\x00\x00\x00\x01\x00\x08"}, ""},
		{"webp", metadata.WebP, webpOf(vp8x(0x0c), onePixel, riff("EXIF", string(exif(1))), riff("XMP ", location), riff("oth ", location)) + location,
			nil, webpOf(vp8x(0), onePixel)},
		{"webp, simple", metadata.WebP, webpOf(onePixel, riff("abc ", location)), nil, webpOf(onePixel)},
		{"webp, odd", metadata.WebP, webpOf(vp8x(0x04), riff("XMP ", location), odd), nil, webpOf(vp8x(0), odd)},
		{"webp, without its padding", metadata.WebP, riff("RIFF", "WEBP"+vp8x(0x04)+riff("XMP ", location)+odd[:len(odd)-1]), nil, webpOf(vp8x(0), odd)},
		{"webp, as long as before", metadata.WebP, webpOf(vp8x(0x08), onePixel, riff("EXIF", hidden[10:])), nil, webpOf(vp8x(0x08), onePixel, riff("EXIF", turned[10:]))},
		{"webp, turned twice", metadata.WebP, webpOf(vp8x(0x08), onePixel, riff("EXIF", string(exif(6))), riff("EXIF", string(exif(3)))),
			nil, webpOf(vp8x(0x08), onePixel, riff("EXIF", turned[10:]))},
		{"webp, turned", metadata.WebP, webpOf(vp8x(0x2c), riff("ICCP", profile), onePixel, riff("EXIF", "Exif\x00\x00"+string(exif(3))), riff("XMP ", location)),
			[]string{profile, "\x01\x12\x00\x03\x00\x00\x00\x01\x00\x03", vp8x(0x28)}, ""},
		{"webp, animated", metadata.WebP, webpOf(vp8x(0x0e), riff("ANIM", "\x00\x00\x00\x00\x00\x00"),
			riff("ANMF", strings.Repeat("\x00", 16)+onePixel+riff("note", location)), riff("XMP ", location)), nil,
			webpOf(vp8x(0x02), riff("ANIM", "\x00\x00\x00\x00\x00\x00"), riff("ANMF", strings.Repeat("\x00", 16)+onePixel))},
		{"gif", metadata.GIF, g[:len(g)-1] + comment + xmp + ";" + location, []string{"NETSCAPE2.0"}, g},
	}
}

// left is what a strip function leaves of data, in one piece: data itself if there
// is nothing to remove.
func left(strip func([]byte) ([][]byte, error), data []byte) ([]byte, error) {
	pieces, err := strip(data)
	if pieces == nil {
		return data, err
	}
	return bytes.Join(pieces, nil), err
}

func TestMetadataIsRemovedAndThePixelsStay(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			if !strings.Contains(f.dirty, location[:6]) && !strings.Contains(f.dirty, "Cam") {
				t.Fatal("there is nothing to remove")
			}
			got, err := left(f.strip, []byte(f.dirty))
			if err != nil {
				t.Fatal(err)
			}
			for _, gone := range []string{location, location[:3], "Cam", "tIME", "XMP"} {
				if bytes.Contains(got, []byte(gone)) {
					t.Errorf("%q is still there", gone)
				}
			}
			for _, stays := range f.stays {
				if !bytes.Contains(got, []byte(stays)) {
					t.Errorf("%q is lost", stays)
				}
			}
			if f.plain != "" && string(got) != f.plain {
				t.Errorf("%d bytes are left, want the %d of the plain picture", len(got), len(f.plain))
			}
			samePixels(t, []byte(f.dirty), got)
			again, err := left(f.strip, got)
			if err != nil || &again[0] != &got[0] || len(again) != len(got) {
				t.Errorf("what is clean is not left as it is: %v", err)
			}
		})
	}
}

// decode decodes all frames of a picture.
func decode(data []byte) (frames []image.Image, err error) {
	if g, err := gif.DecodeAll(bytes.NewReader(data)); err == nil {
		for _, f := range g.Image {
			frames = append(frames, f)
		}
		return frames, nil
	}
	m, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		m, err = webp.Decode(bytes.NewReader(data))
	}
	return []image.Image{m}, err
}

// samePixels checks that two pictures decode alike, if the first decodes.
func samePixels(t *testing.T, before, after []byte) {
	t.Helper()
	want, err := decode(before)
	if err != nil {
		return
	}
	got, err := decode(after)
	if err != nil || len(got) != len(want) {
		t.Fatalf("it does not decode any more: %v", err)
	}
	for i := range want {
		b := want[i].Bounds()
		if got[i].Bounds() != b {
			t.Fatalf("frame %d: %v became %v", i, b, got[i].Bounds())
		}
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				if got[i].At(x, y) != want[i].At(x, y) {
					t.Fatalf("frame %d: the pixel %d, %d differs", i, x, y)
				}
			}
		}
	}
}

func TestAMalformedPictureIsAnError(t *testing.T) {
	damaged := []byte(plainPNG(t))
	damaged[20] ^= 1
	if _, err := metadata.PNG(damaged); err == nil {
		t.Error("a damaged chunk passes")
	}
	for _, name := range []string{"acTL", "fcTL", "fdAT"} {
		frame := strings.Replace(chunk(name, "a frame"), "frame", "fRame", 1)
		if _, err := metadata.PNG([]byte(plainPNG(t)[:33] + frame + plainPNG(t)[33:])); err == nil {
			t.Errorf("a damaged %s passes", name)
		}
	}
	for _, f := range fixtures(t) {
		whole, err := left(f.strip, []byte(f.dirty))
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{0, 1, 4, 12, 20, len(whole) / 2, len(whole) - 2} {
			if _, err := f.strip(whole[:size:size]); err == nil {
				t.Errorf("%s: %d of %d bytes pass", f.name, size, len(whole))
			}
		}
		if _, err := f.strip([]byte("no picture at all")); err == nil {
			t.Errorf("%s: text passes", f.name)
		}
	}
}

func TestAGainMapIsSeen(t *testing.T) {
	j := plainJPEG(t)
	for _, with := range []string{
		segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00<x xmlns:hdrgm='http://ns.adobe.com/hdr-gain-map/1.0/'/>"),
		segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00<x xmlns:a='http://ns.apple.com/HDRGainMap/1.0/'/>"),
		segment(0xe2, "urn:iso:std:iso:ts:21496:-1\x00\x00\x00\x00\x00"),
	} {
		if !metadata.GainMap([]byte(j[:2] + with + j[2:] + j)) {
			t.Errorf("%q is not seen", with)
		}
	}
	for _, without := range []string{
		segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00<x/>"),
		segment(0xe2, "http://ns.adobe.com/xap/1.0/\x00<x xmlns:hdrgm='http://ns.adobe.com/hdr-gain-map/1.0/'/>"), // of other markers
		segment(0xe2, "http://ns.adobe.com/xap/1.0/\x00<x xmlns:a='http://ns.apple.com/HDRGainMap/1.0/'/>"),
		segment(0xe1, "urn:iso:std:iso:ts:21496:-1\x00\x00\x00\x00\x00"),
		segment(0xe2, profile),
	} {
		if metadata.GainMap([]byte(j[:2] + without + j[2:])) {
			t.Errorf("%q is one", without)
		}
	}
	if metadata.GainMap([]byte(j[:2])) {
		t.Error("nothing is one")
	}
}

func FuzzStrip(f *testing.F) {
	for _, x := range fixtures(f) {
		f.Add([]byte(x.dirty))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := slices.Clone(data)
		for _, strip := range []func([]byte) ([][]byte, error){metadata.JPEG, metadata.PNG, metadata.WebP, metadata.GIF} {
			got, err := left(strip, data)
			if !bytes.Equal(before, data) {
				t.Fatal("the picture given was changed")
			}
			if err != nil {
				continue
			}
			if len(got) > len(data)+2 { // a padding byte, a flag
				t.Fatalf("%d bytes became %d", len(data), len(got))
			}
			if again, err := left(strip, got); err != nil || !bytes.Equal(again, got) {
				t.Fatalf("what is clean is not left as it is: %v", err)
			}
			if config, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && config.Width*config.Height < 1<<16 {
				samePixels(t, data, got)
			}
		}
	})
}
