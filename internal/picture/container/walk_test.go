package container_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"

	"bilipaste/internal/picture/container"
)

// told says in one line what a walker yields: each part, and how it ends.
func told[Part any](parts iter.Seq2[Part, error], tell func(Part) string) string {
	var line []string
	for p, err := range parts {
		switch {
		case err == nil:
			line = append(line, tell(p))
		case errors.Is(err, container.ErrCut):
			line = append(line, "cut")
		case errors.Is(err, container.ErrNoEnd):
			line = append(line, "no end")
		default:
			line = append(line, "malformed")
		}
	}
	return strings.Join(line, ", ")
}

func TestJPEG(t *testing.T) {
	const start, end = "\xff\xd8", "\xff\xd9"
	const scan = "\xff\xda\x00\x03x12\xff\x00\xff\xd034" // a stuffed byte and a restart are of the samples
	for data, want := range map[string]string{
		"": "malformed", "\xff": "malformed", start: "malformed", start + "\x00": "malformed", "\x00\xd8\xff\xd9": "malformed", "\xff\x00\xff\xd9": "malformed",
		start + end:                        "d8, d9",
		start + "\xff\xe0\x00\x04ab" + end: `d8, e0 "ab", d9`,
		start + "\xff\xe0\x00\x02" + end + "\xff\xe1\x00\x02":       `d8, e0 "", d9`, // what follows the end is none of it
		start + "\xff\xff\xff\xe0\x00\x02xyz\xff\xe1\x00\x02" + end: `d8, e0 "", e1 "", d9`,
		start + "\xff\x01\xff\x00\xff\xd0\xff\xd7" + start + end:    "d8, d9", // markers that stand alone
		start + "\xff\xe0\x00\x06" + start + end + end:              `d8, e0 "\xff\xd8\xff\xd9", d9`,
		start + "\xff\xe0\x00\x02xyz":                               `d8, e0 "", cut`,
		start + "\xff":                                              "d8, cut",
		start + "\xff\xe0":                                          "d8, cut",
		start + "\xff\xe0\x00":                                      "d8, cut",
		start + "\xff\xe0\x00\x01" + end:                            "d8, cut",
		start + "\xff\xe0\x00\x05ab":                                "d8, cut",
		start + "\xff\xe0\x00\x04ab":                                `d8, e0 "ab", cut`,
		start + scan + end:                                          `d8, da "x" "12\xff\x00\xff\xd034", d9`,
		start + scan + "\xff\xd7" + end:                             `d8, da "x" "12\xff\x00\xff\xd034\xff\xd7", d9`,
		start + scan + "\xff" + end:                                 `d8, da "x" "12\xff\x00\xff\xd034\xff", d9`,
		start + scan + "\xff\xc4\x00\x02" + scan + end:              `d8, da "x" "12\xff\x00\xff\xd034", c4 "", da "x" "12\xff\x00\xff\xd034", d9`,
		start + scan:                      `d8, da "x" "12\xff\x00\xff\xd034", no end`,
		start + scan + "\xff":             `d8, da "x" "12\xff\x00\xff\xd034\xff", no end`,
		start + scan + "\xff\xc4\x00\x09": `d8, da "x" "12\xff\x00\xff\xd034", cut`,
		start + "\xff\xda\x00\x02":        `d8, da "" "", no end`,
	} {
		got := told(container.JPEG([]byte(data)), func(s container.Segment) string {
			text := fmt.Sprintf("%x", s.Marker)
			if s.Marker != container.SOI && s.Marker != container.EOI {
				text += fmt.Sprintf(" %q", s.Body)
			}
			if s.Marker == container.SOS {
				text += fmt.Sprintf(" %q", s.Scan)
			}
			return text
		})
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", data, got, want)
		}
	}
}

func TestFrameOfAJPEG(t *testing.T) {
	const body = "\x08\x00\x11\x00\x21\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01" // 33 × 17, colours at half the size
	for marker := range 256 {
		f, ok := container.Segment{Marker: byte(marker), Body: []byte(body)}.Frame()
		want := marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc
		if ok != want || ok && (f.Width != 33 || f.Height != 17 || f.Precision != 8 || f.Progressive() != (marker == 0xc2)) {
			t.Errorf("%x: %+v, %v", marker, f, ok)
		}
		if ok && !slices.Equal(f.Blocks(), []int64{24, 6, 6}) {
			t.Errorf("%x: %d blocks", marker, f.Blocks())
		}
	}
	if _, ok := (container.Segment{Marker: 0xc0, Body: []byte(body[:5])}).Frame(); ok {
		t.Error("one that is cut is a frame header")
	}
}

func TestPNG(t *testing.T) {
	piece := func(name, body string) string { return string(container.AppendPNGChunk(nil, name, []byte(body))) }
	const start, bare = container.PNGSignature, "\x00\x00\x00\x00IEND"
	for data, want := range map[string]string{
		"": "malformed", start[:7]: "malformed", "\x88" + start[1:]: "malformed",
		start:                                 "no end",
		start + "\x00\x00\x00":                "cut",
		start + "\x00\x00\x00\x00abc":         "cut",
		start + piece("IDAT", "xy"):           `IDAT "xy" true, no end`,
		start + piece("IDAT", "xy") + bare:    `IDAT "xy" true, IEND "" false`,
		start + piece("IEND", "") + "more":    `IEND "" true`,
		start + "\x00\x00\x00\x09IDATxy":      "cut",
		start + "\xff\xff\xff\xffIDATxy":      "cut",
		start + "\x00\x00\x00\x02IDATxyCRC":   "cut",
		start + "\x00\x00\x00\x02IDATxyCRC-":  `IDAT "xy" false, no end`,
		start + "\x00\x00\x00\x00IENDCRC":     `IEND "" false`,
		start + "\x00\x00\x00\x09IENDx":       `IEND "" false`,
		start + piece("tEXt", "") + bare[:7]:  `tEXt "" true, cut`,
		start + piece("tEXt", "a") + bare[:8]: `tEXt "a" true, IEND "" false`,
	} {
		got := told(container.PNG([]byte(data)), func(c container.Chunk) string { return fmt.Sprintf("%s %q %v", c.Name, c.Body, c.Sound()) })
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", data, got, want)
		}
	}
}

func TestPNGHeader(t *testing.T) {
	header := func(w, h uint32, rest string) []byte {
		return append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h), rest...)
	}
	good := map[string]bool{}
	for colour, depths := range map[byte][]byte{0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}} {
		for _, depth := range depths {
			good[string([]byte{depth, colour})] = true
		}
	}
	for depth := range 33 {
		for colour := range 9 {
			kind := string([]byte{byte(depth), byte(colour)})
			h, err := container.ParsePNGHeader(header(5, 4, kind+"\x00\x00\x00"))
			if (err == nil) != good[kind] || err == nil && (h.Width != 5 || h.Height != 4 || h.Depth != depth || h.Colour != colour || h.Interlaced) {
				t.Errorf("%d bits of colour type %d: %+v, %v", depth, colour, h, err)
			}
		}
	}
	for name, test := range map[string]struct {
		body []byte
		ok   bool
	}{
		"interlaced":         {header(1, 1, "\x08\x02\x00\x00\x01"), true},
		"the largest":        {header(1<<31-1, 1<<31-1, "\x08\x02\x00\x00\x00"), true},
		"no width":           {header(0, 1, "\x08\x02\x00\x00\x00"), false},
		"no height":          {header(1, 0, "\x08\x02\x00\x00\x00"), false},
		"too wide":           {header(1<<31, 1, "\x08\x02\x00\x00\x00"), false},
		"too high":           {header(1, 1<<31, "\x08\x02\x00\x00\x00"), false},
		"another method":     {header(1, 1, "\x08\x02\x01\x00\x00"), false},
		"another filter":     {header(1, 1, "\x08\x02\x00\x01\x00"), false},
		"another interlacer": {header(1, 1, "\x08\x02\x00\x00\x02"), false},
		"cut":                {header(1, 1, "\x08\x02\x00\x00"), false},
		"long":               {header(1, 1, "\x08\x02\x00\x00\x00\x00"), false},
	} {
		if h, err := container.ParsePNGHeader(test.body); (err == nil) != test.ok || test.ok && h.Interlaced != (name == "interlaced") {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
	if n := (container.PNGHeader{Width: 9, Height: 4, Depth: 1, Colour: container.PNGGray}).Bytes(); n != 12 {
		t.Errorf("9 × 4 bits have %d bytes", n)
	}
	if n := (container.PNGHeader{Width: 1<<31 - 1, Height: 1<<31 - 1, Depth: 16, Colour: container.PNGAlpha}).Bytes(); n != math.MaxInt64 {
		t.Errorf("the largest has %d bytes", n)
	}
	if n := (container.PNGHeader{}).Bytes(); n != 0 {
		t.Errorf("nothing has %d bytes", n)
	}
}

func TestGIF(t *testing.T) {
	const header, table = "GIF89a\x05\x00\x04\x00\x00\x00\x00", "GIF87a\x05\x00\x04\x00\x81\x00\x00"                 // the latter with four colours
	const frame, own = ",\x00\x00\x00\x00\x05\x00\x04\x00\x00\x02\x01a\x00", ",\x00\x00\x00\x00\x05\x00\x04\x00\x80" // the latter with two
	const note = "!\xfe\x02ab\x00"
	for data, want := range map[string]string{
		"": "malformed", "GIF89": "malformed", "GIF88a\x05\x00\x04\x00\x00\x00\x00": "malformed",
		header[:12]:                           "cut",
		table + "12345678901":                 "cut",
		table + "123456789012;":               "0 25 0, 3b 1 0",
		header:                                "0 13 0, no end",
		header + ";more":                      "0 13 0, 3b 1 0",
		header + frame + ";":                  "0 13 0, 2c 14 0, 3b 1 0",
		header + "\x00\x00" + frame + "\x00;": "0 13 0, 2c 14 2, 3b 1 1",
		header + frame:                        "0 13 0, 2c 14 0, no end",
		header + frame + "\x00\x00":           "0 13 0, 2c 14 0, no end",
		header + frame[:13]:                   "0 13 0, cut",
		header + frame[:9]:                    "0 13 0, cut",
		header + own + "123456\x02\x01a\x00;": "0 13 0, 2c 20 0, 3b 1 0",
		header + own + "12345":                "0 13 0, cut",
		header + note + note + ";":            "0 13 0, 21 6 0, 21 6 0, 3b 1 0",
		header + note[:5]:                     "0 13 0, cut",
		header + "!":                          "0 13 0, cut",
		header + "?;":                         "0 13 0, malformed",
	} {
		got := told(container.GIF([]byte(data)), func(b container.Block) string { return fmt.Sprintf("%x %d %d", b.Kind, len(b.Raw), b.Gap) })
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", data, got, want)
		}
	}
	if n := container.GIFFrames([]byte(header + frame + note + frame + "?" + frame)); n != 2 {
		t.Errorf("%d frames", n)
	}
}

func TestWebP(t *testing.T) {
	file := func(size int, chunks string) string {
		return string(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(size))) + "WEBP" + chunks
	}
	const even, odd = "VP8L\x02\x00\x00\x00ab", "EXIF\x01\x00\x00\x00a\x00"
	for data, want := range map[string]string{
		"": "malformed", "RIFF\x04\x00\x00\x00WEB": "malformed", "RIFX\x04\x00\x00\x00WEBP": "malformed", "RIFF\x04\x00\x00\x00WAVE": "malformed",
		file(4, ""):                                    "",
		file(24, even+odd):                             "VP8L 2 10, EXIF 1 10",
		file(23, even+odd):                             "VP8L 2 10, EXIF 1 10", // the padding does not count
		file(23, even+odd[:9]):                         "VP8L 2 10, EXIF 1 9",  // or is missing
		file(24, even+odd[:9]):                         "VP8L 2 10, EXIF 1 9",
		file(25, even+odd):                             "VP8L 2 10, EXIF 1 10",
		file(26, even+odd):                             "VP8L 2 10, EXIF 1 10, malformed",
		file(22, even+odd):                             "VP8L 2 10, EXIF 1 10, malformed",
		file(14, even+odd):                             "VP8L 2 10", // what follows is none of it
		file(24, even+"EXIF\x01\x00\x00"):              "VP8L 2 10, cut",
		file(24, even+"EXIF\x03\x00\x00\x00ab"):        "VP8L 2 10, cut",
		file(24, "\xff\xff\xff\xff\xff\xff\xff\xffab"): "cut",
	} {
		got := told(container.WebP([]byte(data)), func(c container.Chunk) string { return fmt.Sprintf("%s %d %d", c.Name, len(c.Body), len(c.Raw)) })
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", data, got, want)
		}
	}
}

// directoryOf returns a TIFF of one page with these entries of 12 bytes, and
// more behind it.
func directoryOf(entries []string, more string) []byte {
	data := []byte("II*\x00\x08\x00\x00\x00")
	data = binary.LittleEndian.AppendUint16(data, uint16(len(entries)))
	return append(append(append(data, strings.Join(entries, "")...), 0, 0, 0, 0), more...)
}

func entry(tag, kind uint16, count uint32, value string) string {
	e := binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, tag), kind)
	return string(binary.LittleEndian.AppendUint32(e, count)) + (value + "\x00\x00\x00\x00")[:4]
}

func TestFieldsOfATIFF(t *testing.T) {
	const tag = container.TIFFStrips
	at := func(n byte) string { return string([]byte{n, 0, 0, 0}) }
	const one = 8 + 2 + 12 + 4 // where what follows one entry stands
	for name, test := range map[string]struct {
		entries []string
		more    string
		want    []uint32
		lacks   bool
	}{
		"bytes":              {[]string{entry(tag, 1, 3, "\x01\x02\x03")}, "", []uint32{1, 2, 3}, false},
		"short numbers":      {[]string{entry(tag, 3, 2, "\x01\x02\x03\x04")}, "", []uint32{0x201, 0x403}, false},
		"a long number":      {[]string{entry(tag, 4, 1, "\x01\x02\x03\x04")}, "", []uint32{0x4030201}, false},
		"a directory":        {[]string{entry(tag, 13, 1, at(9))}, "", []uint32{9}, false},
		"elsewhere":          {[]string{entry(tag, 3, 3, at(one))}, "\x01\x00\x02\x00\x03\x00", []uint32{1, 2, 3}, false},
		"five bytes":         {[]string{entry(tag, 1, 5, at(one))}, "\x01\x02\x03\x04\x05", []uint32{1, 2, 3, 4, 5}, false},
		"outside":            {[]string{entry(tag, 3, 3, at(one))}, "\x01\x00\x02\x00\x03", nil, true},
		"far outside":        {[]string{entry(tag, 4, 2, "\xff\xff\xff\xff")}, "", nil, true},
		"more than there is": {[]string{entry(tag, 12, 1<<32-1, at(one))}, "", nil, true},
		"none":               {[]string{entry(tag, 3, 0, "\x01")}, "", nil, false},
		"of no kind":         {[]string{entry(tag, 0, 1, "\x01")}, "", nil, false},
		"of another kind":    {[]string{entry(tag, 14, 1, "\x01")}, "", nil, false},
		"a fraction":         {[]string{entry(tag, 5, 1, at(one))}, "12345678", nil, false},
		"twice":              {[]string{entry(tag, 3, 1, "\x01"), entry(tag, 3, 1, "\x02")}, "", []uint32{1}, false},
		"another":            {[]string{entry(tag+1, 3, 1, "\x01")}, "", nil, false},
	} {
		d, err := container.First(container.TIFF(directoryOf(test.entries, test.more)))
		if got := d.Uints(tag); err != nil || !slices.Equal(got, test.want) || d.Lacks(tag) != test.lacks {
			t.Errorf("%s: %v, lacks %v, %v", name, got, d.Lacks(tag), err)
		}
		want := uint32(77)
		if len(test.want) > 0 {
			want = test.want[0]
		}
		if got := d.Uint(tag, 77); got != want {
			t.Errorf("%s: the first is %d", name, got)
		}
	}
	for data, want := range map[string]string{
		"": "malformed", "II*\x00\x08\x00\x00": "malformed", "MM*\x00\x08\x00\x00\x00": "malformed", "II\x00*\x08\x00\x00\x00": "malformed",
		"II*\x00\x00\x00\x00\x00":                                         "",
		"II*\x00\x08\x00\x00\x00":                                         "cut",
		"II*\x00\xff\xff\xff\xff":                                         "cut",
		"II*\x00\x08\x00\x00\x00\x00":                                     "cut",
		"II*\x00\x08\x00\x00\x00\x00\x00":                                 "0", // where the next one is may be left out
		"II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00":                     "0",
		"MM\x00*\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00":                 "0",
		"II*\x00\x08\x00\x00\x00\x01\x00" + entry(274, 3, 1, "\x06")[:11]: "cut",
		"II*\x00\x08\x00\x00\x00\x01\x00" + entry(274, 3, 1, "\x06"):      "6",
	} {
		got := told(container.TIFF([]byte(data)), func(d container.Directory) string { return fmt.Sprint(d.Orientation()) })
		if got != want {
			t.Errorf("%q: %s, want %s", data, got, want)
		}
	}
}

func TestOrientation(t *testing.T) {
	for o := range uint16(12) {
		want := o
		if o < 2 || o > 8 {
			want = 0
		}
		if got := container.Orientation(directoryOf([]string{entry(274, 3, 1, string([]byte{byte(o), 0}))}, "")); got != want {
			t.Errorf("%d is read as %d", o, got)
		}
		if got := container.Orientation(container.OrientedExif(o)); got != want {
			t.Errorf("%d, written here, is read as %d", o, got)
		}
		if got := container.Orientation(directoryOf([]string{entry(274, 4, 1, string([]byte{byte(o)}))}, "")); got != 0 {
			t.Errorf("%d of another kind is read as %d", o, got)
		}
	}
}

// A chunk is sound with its own checksum alone.
func TestSound(t *testing.T) {
	whole := container.AppendPNGChunk(nil, "tEXt", []byte("a"))
	for i := 4; i < len(whole); i++ {
		broken := slices.Clone(whole)
		broken[i] ^= 1
		c, _ := container.First(container.PNG(slices.Concat([]byte(container.PNGSignature), broken)))
		if c.Sound() {
			t.Errorf("it is sound with byte %d changed", i)
		}
	}
	if binary.BigEndian.Uint32(whole[len(whole)-4:]) != crc32.ChecksumIEEE([]byte("tEXta")) {
		t.Error("the checksum is another one")
	}
}
