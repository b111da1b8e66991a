package uploader_test

import (
	"bytes"
	"encoding/binary"
	"image/jpeg"
	"image/png"
	"slices"
	"strings"
	"testing"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
	"bilipaste/uploader/bilibili"
	"bilipaste/uploader/folder"
	"bilipaste/uploader/hosttest"
	"bilipaste/uploader/scdn"
)

// Every format with every host: what goes up, or why nothing does.
func TestEveryFormatWithEveryHost(t *testing.T) {
	hosts := []interface{ Limits() uploader.Limits }{&bilibili.Bucket{}, &bilibili.Draw{}, &scdn.Host{}, &folder.Host{}}
	for _, row := range strings.Split(strings.TrimSpace(`
		what            | bilibili           | draw               | scdn               | folder
		png             | png                | png                | png                | png
		png, cut end    | png                | png                | png                | png
		apng            | not_taken.animated | not_taken.animated | png moves          | png moves
		jpeg            | jpeg               | jpeg               | jpeg               | jpeg
		jpeg, cut end   | jpeg               | jpeg               | jpeg               | jpeg
		jpeg, 12 bits   | jpeg               | jpeg               | jpeg               | jpeg
		webp            | webp               | png                | webp               | webp
		webp, animated  | webp moves         | not_taken.         | webp moves         | webp moves
		gif             | png                | gif                | gif                | gif
		gif, animated   | not_taken.animated | gif moves          | gif moves          | gif moves
		gif, cut end    | png                | gif                | gif                | gif
		bmp             | png                | png                | png                | png
		tiff            | png                | png                | png                | png
		tiff, pages     | not_taken.pages    | not_taken.pages    | not_taken.pages    | not_taken.pages
		heic            | not_taken.         | not_taken.         | not_taken.         | not_taken.
		avif            | not_taken.         | not_taken.         | not_taken.         | not_taken.
		jxl             | not_taken.         | not_taken.         | not_taken.         | not_taken.
		svg             | not_taken.         | not_taken.         | not_taken.         | not_taken.
		ico             | not_taken.         | not_taken.         | not_taken.         | not_taken.
		psd             | not_taken.         | not_taken.         | not_taken.         | not_taken.
		pdf             | not_taken.         | not_taken.         | not_taken.         | not_taken.
	`), "\n")[1:] {
		cells := strings.Split(row, "|")
		what := strings.TrimSpace(cells[0])
		p, err := picture.New(what, sample(t, what))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		for i, h := range hosts {
			ready, notes, err := (uploader.Prepare{}).Do(t.Context(), p, &shelf{name: "shelf", limits: h.Limits()})
			got := string(ready.Format)
			if ready.Animated() {
				got += " moves"
			}
			if e, ok := err.(*fault.Error); ok { //nolint:errorlint // it is not wrapped
				got = e.Kind.String() + "." + e.Why
			} else if err != nil {
				t.Errorf("%s, %T: %v", what, h, err)
			}
			if want := strings.TrimSpace(cells[1+i]); got != want {
				t.Errorf("%s, %T: %s, want %s", what, h, got, want)
			}
			if err == nil && (ready.Format != p.Format) != (len(notes) > 0) {
				t.Errorf("%s, %T: %s", what, h, said(notes))
			}
		}
	}
}

// sample returns a picture of a kind in the table.
func sample(t *testing.T, what string) []byte {
	of := func(f picture.Format) []byte { return hosttest.Picture(t, f, 1).Data }
	less := func(data []byte, n int) []byte { return data[:len(data)-n] }
	switch kind, more, _ := strings.Cut(what, ", "); {
	case what == "jpeg, 12 bits":
		return twelveBits(of(picture.JPEG))
	case what == "webp, animated":
		return hosttest.AnimatedWebP(t).Data
	case what == "gif, animated":
		return animatedGIF(t).Data
	case what == "tiff, pages":
		return twoPages(of(picture.TIFF))
	case more == "cut end" && kind == "png":
		return less(of(picture.PNG), 12)
	case more == "cut end" && kind == "jpeg":
		return less(of(picture.JPEG), 2)
	case more == "cut end" && kind == "gif":
		return less(of(picture.GIF), 1)
	case kind == "heic", kind == "avif":
		return []byte("\x00\x00\x00\x14ftyp" + kind + "\x00\x00\x00\x00mif1")
	case kind == "jxl":
		return []byte("\x00\x00\x00\x0cJXL \r\n\x87\n\x00\x00\x00\x14")
	case kind == "svg":
		return []byte("<!-- a --><svg xmlns='x'/>")
	case kind == "ico":
		return []byte("\x00\x00\x01\x00\x01\x00\x10\x10\x00\x00\x01\x00\x20\x00\x00\x00\x00\x00\x16\x00\x00\x00")
	case kind == "psd":
		return []byte("8BPS\x00\x01\x00\x00\x00\x00\x00\x00\x00\x03")
	case kind == "pdf":
		return []byte("%PDF-1.7\n")
	default:
		return of(picture.Format(kind))
	}
}

// twelveBits says of a JPEG's samples that they have 12 bits, which browsers
// may or may not show, and nothing here decodes.
func twelveBits(data []byte) []byte {
	data = bytes.Clone(data)
	frame := bytes.Index(data, []byte("\xff\xc0"))
	data[frame+1], data[frame+4] = 0xc1, 12
	return data
}

// twoPages gives a TIFF a second page, which stands before the first.
func twoPages(data []byte) []byte {
	le := binary.LittleEndian
	first := le.Uint32(data[4:])
	count := le.Uint16(data[first:])
	page := data[first : first+2+12*uint32(count)]
	data = slices.Concat(data, page, le.AppendUint32(nil, first)) // the new one is read first
	le.PutUint32(data[4:], uint32(len(data)-len(page)-4))
	return data
}

func TestATIFFWhoseFirstPageStandsLastHasPages(t *testing.T) {
	host := like(picture.PNG)
	p, err := picture.New("pages.tiff", twoPages(hosttest.Picture(t, picture.TIFF, 1).Data))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = (uploader.Prepare{}).Do(t.Context(), p, host)
	if what, _ := lang.New(lang.English).Error(err); !strings.Contains(what, "several pages") {
		t.Error(what)
	}
}

// What browsers decode and this program does not is sent as it is, and is not
// called broken where it would have to be made smaller.
func TestARareJPEGThatIsTooLarge(t *testing.T) {
	plain := hosttest.Picture(t, picture.JPEG, 1).Data
	arithmetic := bytes.Clone(plain)
	arithmetic[bytes.Index(plain, []byte("\xff\xc0"))+1] = 0xc9
	for name, test := range map[string]struct {
		data []byte
		says string
	}{"12 bits": {twelveBits(plain), "12 bits"}, "arithmetic": {arithmetic, "arithmetic"}} {
		host := like(web...)
		p, err := picture.New(name, test.data)
		if err != nil {
			t.Fatal(err)
		}
		if ready, _, err := (uploader.Prepare{}).Do(t.Context(), p, host); err != nil || !bytes.Equal(ready.Whole().Data, p.Data) {
			t.Errorf("%s: %v", name, err)
		}
		host.limits.Bytes = int64(len(plain)) - 1
		_, _, err = (uploader.Prepare{}).Do(t.Context(), p, host)
		what, hint := lang.New(lang.English).Error(err)
		if fault.KindOf(err) != fault.TooLarge || !strings.Contains(what, test.says) || hint == "" {
			t.Errorf("%s: %s; %s", name, what, hint)
		}
	}
}

func TestAGainMapThatIsLeftOutIsSaid(t *testing.T) {
	plain := drawn(t, "bright.jpg", func(b *bytes.Buffer) error { return jpeg.Encode(b, noisy(true), &jpeg.Options{Quality: 98}) })
	p := plain
	p.Data = slices.Concat(plain.Data[:2], []byte("\xff\xe2\x00\x22urn:iso:std:iso:ts:21496:-1\x00\x00\x00\x00\x00"),
		[]byte("\xff\xe2\x00\x0aMPF\x00abcd"), plain.Data[2:], plain.Data)
	for name, test := range map[string]struct {
		prepare uploader.Prepare
		limit   int64
		want    []byte
		note    bool
	}{
		"metadata removed":      {uploader.Prepare{}, 15e6, plain.Data, true},
		"metadata kept":         {uploader.Prepare{KeepMetadata: true}, 15e6, p.Data, false},
		"made smaller":          {uploader.Prepare{}, 60e3, nil, true},
		"made smaller and kept": {uploader.Prepare{KeepMetadata: true}, 60e3, nil, true},
	} {
		host := like(web...)
		host.limits.Bytes = test.limit
		if _, notes, err := test.prepare.Do(t.Context(), plain, host); err != nil || strings.Contains(said(notes), "gain map") {
			t.Errorf("%s, without one: %v, %s", name, err, said(notes))
		}
		ready, notes, err := test.prepare.Do(t.Context(), p, host)
		if err != nil || test.want != nil && !bytes.Equal(ready.Whole().Data, test.want) || strings.Contains(said(notes), "gain map") != test.note {
			t.Errorf("%s: %v, %d bytes, %s", name, err, len(ready.Whole().Data), said(notes))
		}
		if test.note && (bytes.Contains(ready.Whole().Data, []byte("21496")) || bytes.Contains(ready.Whole().Data, []byte("MPF"))) {
			t.Errorf("%s: what is left still tells of it", name)
		}
	}
}

// A PNG of colours that are not sRGB's becomes no JPEG of other colours.
func TestColoursThatWouldChangeAreRefused(t *testing.T) {
	host := like(web...)
	host.limits.Bytes = 60e3
	p := drawn(t, "hdr.png", func(b *bytes.Buffer) error { return png.Encode(b, noisy(true)) })
	for name, with := range map[string][]byte{"PQ": chunk("cICP", "\x09\x10\x00\x01"), "P3": chunk("cICP", "\x0c\x0d\x00\x01"),
		"no colours": chunk("cHRM", strings.Repeat("\x00", 32))} {
		hdr := p
		hdr.Data = slices.Concat(p.Data[:33], with, p.Data[33:])
		_, _, err := (uploader.Prepare{}).Do(t.Context(), hdr, host)
		if what, hint := lang.New(lang.English).Error(err); fault.KindOf(err) != fault.TooLarge || !strings.Contains(what, "HDR") || hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	same := p
	same.Data = slices.Concat(p.Data[:33], chunk("cICP", "\x01\x0d\x00\x01"), p.Data[33:])
	if ready, _, err := (uploader.Prepare{}).Do(t.Context(), same, host); err != nil || ready.Format != picture.JPEG {
		t.Errorf("sRGB: %v", err)
	}
}

// A large animated PNG of which the first picture is wanted is made smaller as
// any other.
func TestTheFirstPictureOfALargeAnimationIsMadeSmaller(t *testing.T) {
	host := like(web...)
	host.limits.Bytes = 60e3
	p := drawn(t, "large.png", func(b *bytes.Buffer) error { return png.Encode(b, noisy(true)) })
	p.Data = slices.Concat(p.Data[:33], chunk("acTL", "\x00\x00\x00\x01\x00\x00\x00\x00"), p.Data[33:])
	if ready, notes, err := (uploader.Prepare{FirstFrame: true}).Do(t.Context(), p, host); err != nil || ready.Format != picture.JPEG {
		t.Errorf("%v, %s", err, said(notes))
	}
	host.limits.Formats = append(host.limits.Formats, picture.APNG)
	if _, _, err := (uploader.Prepare{FirstFrame: true}).Do(t.Context(), p, host); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("as it is: %v", err)
	}
}
