package convert_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"html"
	"image"
	"image/color"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/desktoptest"
	"bilipaste/internal/picture/container"
	"bilipaste/internal/picture/convert"
)

// wideProfile is an ICC profile with the colours of Adobe RGB and a gamma that
// changes a picture beyond doubt.
func wideProfile(gamma float64) []byte {
	be := binary.BigEndian
	fixed := func(v float64) []byte { return be.AppendUint32(nil, uint32(int32(math.Round(v*65536)))) }
	xyz := func(x, y, z float64) []byte {
		return slices.Concat([]byte("XYZ \x00\x00\x00\x00"), fixed(x), fixed(y), fixed(z))
	}
	curve := append(be.AppendUint16([]byte("curv\x00\x00\x00\x00\x00\x00\x00\x01"), uint16(math.Round(gamma*256))), 0, 0)
	name := "wide"
	desc := slices.Concat([]byte("desc\x00\x00\x00\x00"), be.AppendUint32(nil, uint32(len(name)+1)), []byte(name+"\x00"), make([]byte, 4+4+2+1+67))
	desc = append(desc, make([]byte, (4-len(desc)%4)%4)...)
	tags := []struct {
		name string
		data []byte
	}{
		{"desc", desc}, {"cprt", []byte("text\x00\x00\x00\x00none\x00\x00\x00\x00")}, {"wtpt", xyz(0.9642, 1, 0.8249)},
		{"rXYZ", xyz(0.60974, 0.31111, 0.01947)}, {"gXYZ", xyz(0.20528, 0.62567, 0.06087)}, {"bXYZ", xyz(0.14919, 0.06322, 0.74457)},
		{"rTRC", curve}, {"gTRC", curve}, {"bTRC", curve},
	}
	table, body := be.AppendUint32(nil, uint32(len(tags))), []byte(nil)
	for _, tag := range tags {
		at := 128 + 4 + 12*len(tags) + len(body)
		table = append(table, tag.name...)
		table = be.AppendUint32(be.AppendUint32(table, uint32(at)), uint32(len(tag.data)))
		body = append(body, tag.data...)
	}
	head := make([]byte, 128)
	be.PutUint32(head, uint32(128+len(table)+len(body)))
	copy(head[8:], "\x02\x40\x00\x00mntrRGB XYZ ")
	copy(head[36:], "acsp")
	copy(head[68:], slices.Concat(fixed(0.9642), fixed(1), fixed(0.8249)))
	return slices.Concat(head, table, body)
}

// What Chromium shows of a converted picture is what it shows of the original.
func TestChromiumShowsTheSame(t *testing.T) {
	desktoptest.Need(t, "chromium")
	file := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	toPNG := func(data []byte) ([]byte, error) { return convert.ToPNG(t.Context(), data) }
	toJPEG := func(data []byte) ([]byte, error) {
		s, err := convert.ToJPEG(t.Context(), data, 1e6)
		return s.Data, err
	}
	smaller := func(data []byte) ([]byte, error) { return convert.Recompress(t.Context(), data, 1e6) }
	palette := func(data []byte) ([]byte, error) { return convert.Palette(t.Context(), data, 1e6) }

	slope, deep, gray := image.NewNRGBA(image.Rect(0, 0, 64, 48)), image.NewNRGBA64(image.Rect(0, 0, 64, 48)), image.NewGray(image.Rect(0, 0, 64, 48))
	for y := range 48 {
		for x := range 64 {
			slope.SetNRGBA(x, y, color.NRGBA{byte(30 + 3*x), byte(220 - 4*y), byte(60 + x + y), 255})
			deep.SetNRGBA64(x, y, color.NRGBA64{uint16(x * 1040), uint16(y * 1390), uint16((x + y) * 590), 65535})
			gray.SetGray(x, y, color.Gray{byte(4*x + 1)})
		}
	}
	plain := pngOf(t, slope)
	gama := func(g uint32) []byte { return soundChunk("gAMA", string(binary.BigEndian.AppendUint32(nil, g))) }
	chromaticities := func(p ...uint32) []byte {
		var b []byte
		for _, v := range p {
			b = binary.BigEndian.AppendUint32(b, v)
		}
		return soundChunk("cHRM", string(b))
	}
	sRGB, p3 := chromaticities(31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000), chromaticities(31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
	profile := wideProfile(1.2)
	profiled := withChunks(plain, soundChunk("iCCP", packed(string(profile))))

	webpWith := func(name string, w, h int, icc, exif []byte) []byte {
		flags := byte(0)
		var before, after []byte
		if icc != nil {
			flags |= 0x20
			before = container.AppendWebPChunk(nil, "ICCP", icc)
		}
		if exif != nil {
			flags |= 0x08
			after = container.AppendWebPChunk(nil, "EXIF", exif)
		}
		chunks := slices.Concat(container.AppendWebPChunk(nil, "VP8X", []byte{flags, 0, 0, 0, byte(w - 1), 0, 0, byte(h - 1), 0, 0}), before, file(name)[12:], after)
		return append(container.WebPHeader(len(chunks)), chunks...)
	}
	turned := container.OrientedExif(6)

	tests := []struct {
		name    string
		from    []byte
		change  func([]byte) ([]byte, error)
		differs []byte // what it must not look like: the same without what is carried over
	}{
		{"webp, lossy", file("lossy.webp"), toPNG, nil},
		{"webp, even", file("lossy-even.webp"), toPNG, nil},
		{"webp, alpha", file("lossy-alpha.webp"), toPNG, nil},
		{"webp, lossless", file("lossless.webp"), toPNG, nil},
		{"webp, profile", webpWith("lossy-even.webp", 36, 22, profile, nil), toPNG, file("lossy-even.webp")},
		{"webp, profile, jpeg", webpWith("lossy-even.webp", 36, 22, profile, nil), toJPEG, nil},
		{"webp, turned", webpWith("lossy-even.webp", 36, 22, nil, turned), toPNG, file("lossy-even.webp")},
		{"webp, turned, profile", webpWith("lossy-even.webp", 36, 22, profile, turned), toPNG, nil},
		{"png, profile", profiled, smaller, plain},
		{"png, profile, jpeg", profiled, toJPEG, plain},
		{"png, gamma", withChunks(plain, gama(100000), sRGB), smaller, plain},
		{"png, linear, jpeg", withChunks(plain, gama(100000), sRGB), toJPEG, plain},
		{"png, linear, 16 bits, jpeg", withChunks(pngOf(t, deep), gama(100000), sRGB), toJPEG, pngOf(t, deep)},
		{"png, gamma 1.8, jpeg", withChunks(plain, gama(55556), sRGB), toJPEG, plain},
		{"png, gamma alone, jpeg", withChunks(plain, gama(100000)), toJPEG, nil},
		{"png, P3, jpeg", withChunks(plain, gama(45455), p3), toJPEG, plain},
		{"png, P3, gamma 1.8, jpeg", withChunks(plain, gama(55556), p3), toJPEG, plain},
		{"png, sRGB by cICP, jpeg", withChunks(plain, soundChunk("cICP", "\x01\x0d\x00\x01"), gama(100000), sRGB), toJPEG, nil},
		{"png, gray, gamma, jpeg", withChunks(pngOf(t, gray), gama(100000), sRGB), toJPEG, pngOf(t, gray)},
		{"png, palette", withChunks(pngOf(t, flat(color.NRGBA{90, 160, 30, 255})), gama(100000), sRGB), palette, nil},
	}
	var page strings.Builder
	page.WriteString("<!doctype html><meta charset=utf-8>")
	add := func(data []byte) {
		fmt.Fprintf(&page, "<img src='data:%s;base64,%s'>\n", http.DetectContentType(data), base64.StdEncoding.EncodeToString(data))
	}
	for _, test := range tests {
		changed, err := test.change(test.from)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		add(test.from)
		add(changed)
		if test.differs != nil {
			add(test.differs)
		} else {
			add(changed)
		}
	}
	page.WriteString(`<pre></pre><script>
onload = () => {
  const out = []
  for (const img of document.images) {
    const c = Object.assign(document.createElement('canvas'), {width: img.naturalWidth, height: img.naturalHeight})
    const g = c.getContext('2d', {willReadFrequently: true})
    g.drawImage(img, 0, 0)
    const d = c.width ? g.getImageData(0, 0, c.width, c.height).data : []
    out.push(c.width + ' ' + c.height + ' ' + Array.from(d, v => v.toString(16).padStart(2, '0')).join(''))
  }
  document.querySelector('pre').textContent = out.join('\n') + '\nend'
}</script>`)
	shown := rendered(t, page.String())
	if len(shown) != 3*len(tests) {
		t.Fatalf("%d pictures are shown of %d", len(shown), 3*len(tests))
	}
	for i, test := range tests {
		before, after, other := shown[3*i], shown[3*i+1], shown[3*i+2]
		if strings.Contains(test.name, "turned") { // Chromium does not turn a WebP, others do
			before = rotated(before)
		}
		most, mean := difference(before, after)
		t.Logf("%s: %.0f of 255 at most, %.2f on average", test.name, most, mean)
		if isJPEG := strings.Contains(test.name, "jpeg"); !isJPEG && most > 2 || mean > 3.5 {
			t.Errorf("%s: differs by %.0f of 255, on average by %.2f", test.name, most, mean)
		}
		if _, mean := difference(before, other); test.differs != nil && mean < 4 {
			t.Errorf("%s: nothing would be seen of a loss: %.2f", test.name, mean)
		}
	}
}

// rendered returns what Chromium shows of the pictures of a page.
func rendered(t *testing.T, page string) (shown []*image.NRGBA) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "page.html")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	browser := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--force-color-profile=srgb",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--virtual-time-budget=20000", "--dump-dom", "file://"+file)
	browser.Env = append(os.Environ(), "HOME="+dir)
	var stderr bytes.Buffer
	browser.Stderr = &stderr
	out, err := browser.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.Bytes())
	}
	found := regexp.MustCompile(`(?s)<pre>(.*)\nend</pre>`).FindSubmatch(out)
	if found == nil {
		t.Fatalf("the page has no result: %.300s", out)
	}
	for line := range strings.Lines(html.UnescapeString(string(found[1]))) {
		var w, h int
		var digits string
		if _, err := fmt.Sscan(line, &w, &h, &digits); err != nil || w == 0 {
			t.Fatalf("picture %d is not shown: %v", len(shown), err)
		}
		m := image.NewNRGBA(image.Rect(0, 0, w, h))
		if _, err := hex.Decode(m.Pix, []byte(digits)); err != nil {
			t.Fatal(err)
		}
		shown = append(shown, m)
	}
	return shown
}

// difference returns by how much the samples of two pictures differ, at most and
// on average. What is transparent counts as much as it is seen.
func difference(a, b *image.NRGBA) (most, mean float64) {
	if a.Rect != b.Rect {
		return 256, 256
	}
	for i := range a.Pix {
		x, y := float64(a.Pix[i]), float64(b.Pix[i])
		if i%4 != 3 {
			x, y = x*float64(a.Pix[i|3])/255, y*float64(b.Pix[i|3])/255
		}
		most = max(most, math.Abs(x-y))
		mean += math.Abs(x-y) / float64(len(a.Pix))
	}
	return most, mean
}

// rotated returns a picture turned by a quarter to the right, as orientation 6 asks for.
func rotated(m *image.NRGBA) *image.NRGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	to := image.NewNRGBA(image.Rect(0, 0, h, w))
	for y := range h {
		for x := range w {
			to.SetNRGBA(h-1-y, x, m.NRGBAAt(x, y))
		}
	}
	return to
}
