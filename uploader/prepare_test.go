package uploader_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/image/bmp"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
	"bilipaste/uploader/hosttest"
)

// shelf is a host that takes what its limits say, and keeps it.
type shelf struct {
	name   string
	limits uploader.Limits
	fails  error
	got    []picture.Picture

	fleeting bool // its links do not last
}

func (s *shelf) Name() string            { return s.name }
func (s *shelf) Limits() uploader.Limits { return s.limits }
func (s *shelf) Destination() (uploader.Destination, bool) {
	return uploader.Destination{Host: s.name}, !s.fleeting
}

func (s *shelf) Upload(_ context.Context, p picture.Picture) (uploader.Link, error) {
	if s.fails != nil {
		return uploader.Link{}, s.fails
	}
	s.got = append(s.got, p)
	return uploader.Link{URL: "https://" + s.name + "/", Host: s.name}, nil
}

func like(formats ...picture.Format) *shelf {
	return &shelf{name: "shelf", limits: uploader.Limits{Formats: formats, Bytes: 15e6}}
}

var web = []picture.Format{picture.PNG, picture.JPEG, picture.WebP}

func drawn(t testing.TB, name string, encode func(*bytes.Buffer) error) picture.Picture {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	p, err := picture.New(name, b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func animatedGIF(t testing.TB) picture.Picture {
	frame := func(n int) *image.Paletted {
		m := image.NewPaletted(image.Rect(0, 0, 5, 4), color.Palette{color.Black, color.White})
		m.Pix[n] = 1
		return m
	}
	return drawn(t, "moves.gif", func(b *bytes.Buffer) error {
		return gif.EncodeAll(b, &gif.GIF{Image: []*image.Paletted{frame(0), frame(9)}, Delay: []int{9, 9}})
	})
}

func chunk(name, body string) []byte {
	c := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	c = append(c, name+body...)
	return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
}

func noisy(opaque bool) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, 300, 200))
	random := rand.New(rand.NewPCG(3, 4))
	for i := 0; i+8 <= len(m.Pix); i += 8 {
		binary.LittleEndian.PutUint64(m.Pix[i:], random.Uint64())
	}
	for i := 3; i < len(m.Pix) && opaque; i += 4 {
		m.Pix[i] = 255
	}
	return m
}

// said says notes in English.
func said(notes []lang.Message) string {
	var texts []string
	for _, n := range notes {
		texts = append(texts, lang.New(lang.English).Say(n))
	}
	return strings.Join(texts, "; ")
}

func TestWhatAHostTakesGoesUpAsItIs(t *testing.T) {
	for _, format := range web {
		host := like(web...)
		p := hosttest.Picture(t, format, 1)
		if format == picture.WebP { // it has a comment
			p.Data = hosttest.Picture(t, format, 1).Data
		}
		u := uploader.Uploader{Host: host, Prepare: uploader.Prepare{KeepMetadata: true}}
		link, err := u.Upload(t.Context(), p)
		if err != nil || !bytes.Equal(host.got[0].Whole().Data, p.Data) || len(link.Notes) > 0 {
			t.Errorf("%s: %v, %s", format, err, said(link.Notes))
		}
		if link.Width != p.Width || link.Height != p.Height || link.Format != format || link.Bytes != int64(len(p.Data)) {
			t.Errorf("%s: %+v", format, link)
		}
	}
}

func TestMetadataStaysAtHome(t *testing.T) {
	host := like(web...)
	p := hosttest.Picture(t, picture.PNG, 1)
	clean := p.Data
	p.Data = slices.Concat(clean[:33], chunk("tEXt", "Comment\x00at home"), clean[33:])
	u := uploader.Uploader{Host: host}
	link, err := u.Upload(t.Context(), p)
	if err != nil || !bytes.Equal(host.got[0].Whole().Data, clean) || len(link.Notes) > 0 {
		t.Errorf("%v, %s", err, said(link.Notes))
	}
	p.Data = slices.Concat(clean[:40], []byte{1}, clean[41:])
	if _, err := u.Upload(t.Context(), p); fault.KindOf(err) != fault.Unusable {
		t.Errorf("a damaged picture: %v", err)
	}
}

func TestWhatAHostDoesNotTakeIsConverted(t *testing.T) {
	for format, want := range map[picture.Format]picture.Format{
		picture.BMP: picture.PNG, picture.TIFF: picture.PNG, picture.GIF: picture.PNG, picture.WebP: picture.PNG,
	} {
		host := like(picture.PNG, picture.JPEG)
		link, err := (&uploader.Uploader{Host: host}).Upload(t.Context(), hosttest.Picture(t, format, 1))
		if err != nil || host.got[0].Format != want || link.Format != want || !strings.Contains(said(link.Notes), "the pixels are the same") {
			t.Errorf("%s: %v, %s", format, err, said(link.Notes))
		}
	}
	// BMP and TIFF have no metadata that could be cut out, so they go nowhere as they are.
	host := like(picture.PNG, picture.BMP)
	for keep, want := range map[bool]picture.Format{false: picture.PNG, true: picture.BMP} {
		u := uploader.Uploader{Host: host, Prepare: uploader.Prepare{KeepMetadata: keep}}
		if link, err := u.Upload(t.Context(), hosttest.Picture(t, picture.BMP, 1)); err != nil || link.Format != want {
			t.Errorf("metadata kept: %v: %s, %v", keep, link.Format, err)
		}
	}
	u := uploader.Uploader{Host: like(picture.PNG), Prepare: uploader.Prepare{KeepMetadata: true}}
	if link, err := u.Upload(t.Context(), hosttest.Picture(t, picture.BMP, 1)); err != nil || link.Format != picture.PNG {
		t.Errorf("metadata kept, and no BMP is taken: %s, %v", link.Format, err)
	}
}

func TestAnAnimationIsNeverFlattenedInSilence(t *testing.T) {
	for _, p := range []picture.Picture{animatedGIF(t), hosttest.Picture(t, picture.APNG, 1)} {
		host := like(web...)
		_, err := (&uploader.Uploader{Host: host}).Upload(t.Context(), p)
		what, hint := lang.New(lang.English).Error(err)
		if fault.KindOf(err) != fault.NotTaken || !strings.Contains(what, "animated") || !strings.Contains(hint, `"scdn"`) || !strings.Contains(hint, `"first-frame"`) {
			t.Errorf("%s: %s; %s", p.Name, what, hint)
		}
		u := uploader.Uploader{Host: host, Prepare: uploader.Prepare{FirstFrame: true}}
		link, err := u.Upload(t.Context(), p)
		if err != nil || !strings.Contains(said(link.Notes), "first frame") || host.got[0].Animated() || host.got[0].Format != picture.PNG {
			t.Errorf("%s: %v, %s", p.Name, err, said(link.Notes))
		}
		moving := like(picture.PNG, picture.APNG, picture.GIF)
		if link, err := (&uploader.Uploader{Host: moving}).Upload(t.Context(), p); err != nil || !moving.got[0].Animated() || len(link.Notes) > 0 {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

func TestAPictureThatIsTooLargeIsChangedAsLittleAsCanBe(t *testing.T) {
	loose := png.Encoder{CompressionLevel: png.NoCompression}
	flat := image.NewNRGBA(image.Rect(0, 0, 300, 200))
	few := noisy(true)
	for i := 0; i < len(few.Pix); i += 4 {
		few.Pix[i+1], few.Pix[i+2] = few.Pix[i]^0x55, few.Pix[i]/2
	}
	pngOf := func(m image.Image) picture.Picture {
		return drawn(t, "large.png", func(b *bytes.Buffer) error { return loose.Encode(b, m) })
	}
	for _, test := range []struct {
		name  string
		p     picture.Picture
		limit int64
		want  picture.Format
		note  string
		kind  fault.Kind // with RefuseLarge
	}{
		{"recompressed", pngOf(flat), 20e3, picture.PNG, "compressed harder to fit, 0.2 MB to 0.0 MB", 0},
		{"palette", pngOf(few), 70e3, picture.PNG, "palette", 0},
		{"jpeg", pngOf(noisy(true)), 60e3, picture.JPEG, "sent as JPEG of quality 8", fault.TooLarge},
		{"a bitmap", drawn(t, "large.bmp", func(b *bytes.Buffer) error { return bmp.Encode(b, noisy(true)) }), 60e3, picture.JPEG, "sent as JPEG", fault.TooLarge},
		{"scaled", pngOf(noisy(true)), 20e3, picture.JPEG, "scaled down to ", fault.TooLarge},
		{"jpeg again", drawn(t, "large.jpg", func(b *bytes.Buffer) error { return jpeg.Encode(b, noisy(true), &jpeg.Options{Quality: 100}) }),
			60e3, picture.JPEG, "sent as JPEG of quality 8", fault.TooLarge},
	} {
		host := like(web...)
		host.limits.Bytes = test.limit
		link, err := (&uploader.Uploader{Host: host}).Upload(t.Context(), test.p)
		if err != nil || link.Format != test.want || !strings.Contains(said(link.Notes), test.note) || link.Bytes > test.limit {
			t.Errorf("%s: %v, %d bytes of %s, %s", test.name, err, link.Bytes, link.Format, said(link.Notes))
		}
		if len(link.Notes) != 1 {
			t.Errorf("%s: more is said than what was lost: %s", test.name, said(link.Notes))
		}
		u := uploader.Uploader{Host: host, Prepare: uploader.Prepare{RefuseLarge: true}}
		if _, err := u.Upload(t.Context(), test.p); fault.KindOf(err) != test.kind {
			t.Errorf("%s, refused: %v", test.name, err)
		}
	}
	host := like(web...)
	fits := hosttest.Picture(t, picture.PNG, 1)
	host.limits.Bytes = int64(len(fits.Data))
	if link, err := (&uploader.Uploader{Host: host}).Upload(t.Context(), fits); err != nil || len(link.Notes) > 0 || !bytes.Equal(host.got[0].Whole().Data, fits.Data) {
		t.Errorf("as large as the host takes: %v, %s", err, said(link.Notes))
	}
	for name, test := range map[string]struct {
		p    picture.Picture
		host *shelf
		want fault.Kind
	}{
		"a GIF that stands still": {hosttest.Picture(t, picture.GIF, 1), like(picture.GIF, picture.PNG, picture.JPEG), fault.TooLarge},
		"no JPEG is taken":        {pngOf(noisy(true)), like(picture.PNG), fault.TooLarge},
		"it is not taken at all":  {animatedGIF(t), like(web...), fault.NotTaken},
	} {
		test.host.limits.Bytes = 20
		if _, err := (&uploader.Uploader{Host: test.host}).Upload(t.Context(), test.p); fault.KindOf(err) != test.want || len(test.host.got) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	host.limits.Bytes = 60e3
	if _, err := (&uploader.Uploader{Host: host}).Upload(t.Context(), pngOf(noisy(false))); fault.KindOf(err) != fault.TooLarge || !strings.Contains(err.Error(), "transparency") {
		t.Errorf("transparent: %v", err)
	}
}

func TestWhatIsNoPictureOfTheWebIsRefusedByName(t *testing.T) {
	for name, data := range map[string]string{
		"HEIC": "\x00\x00\x00\x18ftypheic", "AVIF": "\x00\x00\x00\x18ftypavif", "SVG": "<svg xmlns='x'/>", "PDF": "%PDF-1.7\n",
		"ICO": "\x00\x00\x01\x00\x01\x00\x10\x10\x00\x00\x01\x00\x20\x00\x00\x00\x00\x00\x16\x00\x00\x00", "PSD": "8BPS\x00\x01\x00\x00\x00\x00\x00\x00\x00\x03",
	} {
		p, err := picture.New("x", []byte(data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_, err = (&uploader.Uploader{Host: like(web...)}).Upload(t.Context(), p)
		if fault.KindOf(err) != fault.NotTaken || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if picture.Is([]byte(data)) != (name != "PDF") {
			t.Errorf("%s: a picture: %v", name, name == "PDF")
		}
	}
}

func TestAnotherHostIsAskedWhereOneCannot(t *testing.T) {
	fails := func(kind fault.Kind, why string, code int) error {
		return &fault.Error{Kind: kind, Why: why, Code: code, Host: "shelf"}
	}
	for name, test := range map[string]struct {
		err error
		on  bool
	}{
		"not taken": {fails(fault.NotTaken, "", 0), true}, "too large": {fails(fault.TooLarge, "host", 413), true},
		"refused": {fails(fault.Refused, "", 412), false}, "logged out": {fails(fault.NotLoggedIn, "", -101), false},
		"rejected": {fails(fault.Rejected, "", -400), false}, "broken": {fails(fault.BrokenAnswer, "", 0), false},
		"local": {fails(fault.Local, "", 0), false}, "frequent": {fails(fault.Passing, "", -799), false},
		"429": {fails(fault.Passing, "frequent", 429), false}, "busy": {fails(fault.Passing, "busy", 0), false},
		"network": {fails(fault.Passing, "network", 0), true}, "silent": {fails(fault.Passing, "silent", 0), true},
		"499": {fails(fault.Passing, "", 499), false}, "500": {fails(fault.Passing, "", 500), true},
		"599": {fails(fault.Passing, "", 599), true}, "600": {fails(fault.Passing, "", 600), false},
	} {
		synctest.Test(t, func(t *testing.T) {
			first, second, third := like(web...), like(picture.GIF), like(web...)
			first.fails, second.name, third.name = test.err, "second", "third"
			u := uploader.Uploader{Host: first, Fallback: []uploader.Host{second, third}}
			link, err := u.Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1))
			switch {
			case test.on && (err != nil || link.Host != "third" || !strings.HasPrefix(said(link.Notes), "sent to third instead: ")):
				t.Errorf("%s: %+v, %v", name, link, err)
			case !test.on && (!errors.Is(err, test.err) && fault.KindOf(err) != fault.KindOf(test.err) || len(third.got) > 0):
				t.Errorf("%s: %+v, %v", name, link, err)
			}
		})
	}
}

// Where none can, each says why; whoever gives up is told only that.
func TestWhereNoHostCan(t *testing.T) {
	offline := func(host string) error { return &fault.Error{Kind: fault.Passing, Why: "network", Host: host} }
	for _, given := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			first, second := like(web...), like(web...)
			first.fails, second.fails = offline("shelf"), offline("second")
			u := uploader.Uploader{Host: first, Fallback: []uploader.Host{second}}
			if given {
				u.Fallback = []uploader.Host{leaving{second, cancel}}
			}
			_, err := u.Upload(ctx, hosttest.Picture(t, picture.PNG, 1))
			if given {
				if !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "shelf") {
					t.Errorf("given up: %v", err)
				}
				return
			}
			for _, host := range []string{"shelf", "second"} {
				if !strings.Contains(err.Error(), host) {
					t.Errorf("of %s nothing is said: %v", host, err)
				}
			}
		})
	}
}

func TestWhatMovesGoesToTheHostForThat(t *testing.T) {
	still, moving := like(web...), like(picture.GIF)
	moving.name = "moving"
	u := uploader.Uploader{Host: still, Moving: moving}
	if link, err := u.Upload(t.Context(), animatedGIF(t)); err != nil || link.Host != "moving" || !strings.Contains(said(link.Notes), "sent to moving") {
		t.Errorf("%+v, %v", link, err)
	}
	if link, err := u.Upload(t.Context(), hosttest.Picture(t, picture.GIF, 1)); err != nil || link.Host != "shelf" {
		t.Errorf("%+v, %v", link, err)
	}
	moving.limits.Formats = append(moving.limits.Formats, picture.AVIF)
	avif, err := picture.New("a.avif", []byte("\x00\x00\x00\x18ftypavif"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Upload(t.Context(), avif); fault.KindOf(err) != fault.NotTaken || len(moving.got) != 1 {
		t.Errorf("what stands still: %v", err)
	}
}
