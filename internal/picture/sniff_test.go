package picture_test

import (
	"bytes"
	"strings"
	"testing"

	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/uploader/hosttest"
)

// Letters that a format starts with do not make a text a picture.
func TestATextIsNoPicture(t *testing.T) {
	for _, start := range []string{
		"BM", "BMW dealers of the city, with their telephone numbers and hours", "GIF87a", "GIF89a", "GIF89a is a format", "RIFF    WEBP", "RIFF, WEBPVP8 and others",
		"II*", "MM", "8BPS", "8BPS\n\n", "abcdftypavif", "    ftypheic", "\xff\xd8\xff\xe0 la carte", "\x89PNG\r\n", "svg", "<svgs>", "<!-- about pictures -->\n<html>",
		"<!DOCTYPE html>\n<svg>", "<?xml version='1.0'?>\n<html xmlns='http://www.w3.org/1999/xhtml'><body><svg/></body></html>", "\xff\n", "JXL ",
	} {
		for _, rest := range []string{"", " and a text of some length, 以及一些中文，\r\n\twith all that texts have: " + strings.Repeat("1234567890", 60)} {
			if f := picture.Sniff([]byte(start + rest)); f != "" {
				t.Errorf("%q is taken for %s", start, f)
			}
		}
	}
}

func TestEveryFormatIsKnownByName(t *testing.T) {
	const blank = "\x00\x00\x00\x00"
	for data, want := range map[string]picture.Format{
		"\x00\x00\x00\x1cftypmif1" + blank + "avifmif1miaf":                                     picture.AVIF,
		"\x00\x00\x00\x18ftypmiaf" + blank + "mif1MA1B":                                         picture.AVIF,
		"\x00\x00\x00\x14ftypmif1" + blank + "mif1\x00\x00\x00\x20metainfe" + blank + "av01":    picture.AVIF,
		"\x00\x00\x00\x18ftypavis" + blank + "msf1miaf":                                         picture.AVIF,
		"\x00\x00\x00\x18ftypmif1" + blank + "heicmif1":                                         picture.HEIC,
		"\x00\x00\x00\x18ftypmsf1" + blank + "hevcmsf1":                                         picture.HEIC,
		"\x00\x00\x00\x18ftypheic" + blank + "mif1miaf":                                         picture.HEIC,
		"\x00\x00\x00\x0cJXL \r\n\x87\n" + blank:                                                picture.JXL,
		"\xff\x0a\xfa\x1f\x01\x90\x08\x06":                                                      picture.JXL,
		"II+\x00\x08\x00\x00\x00\x10\x00" + blank:                                               picture.TIFF,
		"MM\x00+\x00\x08\x00\x00" + blank:                                                       picture.TIFF,
		"<!-- made with Example 1.0 -->\n<svg xmlns='http://www.w3.org/2000/svg'/>":             picture.SVG,
		"<?xml version='1.0'?><!-- a --><!-- b --><svg:svg xmlns:svg='x'/>":                     picture.SVG,
		"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'x' [<!ENTITY a 'b'>]>\n<svg/>":         picture.SVG,
		"\xef\xbb\xbf \r\n<!DOCTYPE svg>":                                                       picture.SVG,
		"<!-- an svg picture, " + strings.Repeat("with a very long licence ", 40) + "--><svg/>": picture.SVG,
		"8BPS\x00\x01\x00\x00\x00\x00\x00\x00\x00\x03":                                          picture.PSD,
		"\x00\x00\x00\x18ftypmp42" + blank + "isommp42":                                         "",
		"\x00\x00\x00\x18moovmp42" + blank + "isommp42":                                         "",
	} {
		if got := picture.Sniff([]byte(data)); got != want {
			t.Errorf("%.40q is %q, want %q", data, got, want)
		}
		if picture.Is([]byte(data)) != (want != "") {
			t.Errorf("%.40q: a picture: %v", data, want == "")
		}
	}
}

func TestAnIconIsKnownByItsEntries(t *testing.T) {
	icon := []byte("\x00\x00\x01\x00\x02\x00" + "\x10\x10\x00\x00\x01\x00\x20\x00\x00\x04\x00\x00\x26\x00\x00\x00" + strings.Repeat("\x00", 16)) // 2 entries, data at 38
	with := func(at int, value byte) []byte {
		changed := bytes.Clone(icon)
		changed[at] = value
		return changed
	}
	for _, data := range [][]byte{icon, with(2, 2), with(18, 39), icon[:22]} { // 2: a cursor
		if f := picture.Sniff(data); f != picture.ICO {
			t.Errorf("%q is %q", data, f)
		}
	}
	for _, data := range [][]byte{
		with(0, 1), with(1, 1), with(2, 0), with(2, 3), with(3, 1), with(9, 1), with(4, 0), with(4, 3), with(18, 37), icon[:21], {},
	} {
		if f := picture.Sniff(data); f != "" {
			t.Errorf("%q is taken for %s", data, f)
		}
	}
}

func TestAFileOfAFormatEndsAsUsual(t *testing.T) {
	for format, want := range map[picture.Format]string{picture.JPEG: ".jpg", picture.PNG: ".png", picture.WebP: ".webp"} {
		if got := format.Ext(); got != want {
			t.Errorf("%s: %s", format, got)
		}
	}
}

// Two letters and zeros are no BMP: its header has a known size, and one plane.
func TestABMPIsKnownByItsHeader(t *testing.T) {
	good := hosttest.Picture(t, picture.BMP, 1).Data
	for at, v := range map[int]byte{14: 65, 15: 1, 17: 1, 26: 2, 27: 1, 28: 7} {
		data := bytes.Clone(good)
		data[at] = v
		if f := picture.Sniff(data); f != "" {
			t.Errorf("with %d at %d it is taken for %s", v, at, f)
		}
	}
	if f := picture.Sniff(good); f != picture.BMP {
		t.Error(f)
	}
}

// What only other programs show is refused with a word for what it is.
func TestARareKindIsSaid(t *testing.T) {
	png := hosttest.Picture(t, picture.PNG, 1).Data
	for name, data := range map[string]string{
		"BigTIFF": "II+\x00\x08\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00",
		"CgBI":    string(png[:8]) + "\x00\x00\x00\x04CgBI\x50\x00\x20\x02\x2b\xd5\xb3\x7f" + string(png[8:]),
	} {
		_, err := picture.New("x", []byte(data))
		if what, _ := lang.New(lang.English).Error(err); why(err) != "not_taken.variant" || !strings.Contains(what, name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
