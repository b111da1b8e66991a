//go:build !race

package uploader_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// zeros returns n zero bytes, compressed.
func zeros(n int) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	empty := make([]byte, 1<<20)
	for ; n > 0; n -= len(empty) {
		_, _ = z.Write(empty[:min(n, len(empty))]) // a buffer takes everything
	}
	_ = z.Close()
	return b.Bytes()
}

// blackTIFF is a TIFF of one strip.
func blackTIFF(w, h, samples, compression int, strip []byte) []byte {
	le := binary.LittleEndian
	fields := [][4]int{{256, 4, 1, w}, {257, 4, 1, h}, {258, 3, 1, 8}, {259, 3, 1, compression}, {262, 3, 1, samples/3 + 1},
		{273, 4, 1, 8}, {277, 3, 1, samples}, {278, 4, 1, h}, {279, 4, 1, len(strip)}}
	b := slices.Concat([]byte("II*\x00"), le.AppendUint32(nil, uint32(8+len(strip))), strip)
	b = le.AppendUint16(b, uint16(len(fields)))
	for _, f := range fields {
		b = le.AppendUint16(le.AppendUint16(b, uint16(f[0])), uint16(f[1]))
		b = le.AppendUint32(le.AppendUint32(b, uint32(f[2])), uint32(f[3]))
	}
	return append(b, 0, 0, 0, 0)
}

func blackPNG(w, h, depth, colour int, more ...[]byte) []byte {
	samples := map[int]int{0: 1, 2: 3, 3: 1, 6: 4}[colour]
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(w)), uint32(h))
	header = append(header, byte(depth), byte(colour), 0, 0, 0)
	return slices.Concat([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", string(header)), bytes.Join(more, nil),
		chunk("IDAT", string(zeros(h*(1+(w*samples*depth+7)/8)))), chunk("IEND", ""))
}

// progressive is a JPEG of shades of gray with a number of scans, each of
// which says of all blocks at once that nothing changes.
func progressive(w, h, scans int, before string) []byte {
	frame := []byte{0xff, 0xc2, 0, 11, 8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), 1, 1, 0x11, 0}
	b := slices.Concat([]byte("\xff\xd8\xff\xdb\x00\x43\x00"), bytes.Repeat([]byte{1}, 64), []byte(before), frame)
	for _, table := range []string{"\x00", "\x10"} { // two codes: 0 is "nothing", 10 is "none up to the end of 16384 blocks"
		b = append(b, "\xff\xc4\x00\x15"+table+"\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xe0"...)
	}
	blocks := ((w + 7) / 8) * ((h + 7) / 8)
	b = append(b, "\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00"...)
	b = append(b, make([]byte, blocks/8+1)...)
	for i := range scans {
		b = append(b, 0xff, 0xda, 0, 8, 1, 1, 0, byte(1+i%63), byte(1+i%63), 0)
		for range blocks/16384 + 1 { // the code, and 14 bits of how many more
			b = append(b, 0xbf, 0xfe, 0)
		}
	}
	return append(b, 0xff, 0xd9)
}

// bombs are small files of many pixels, or of much work.
func bombs() map[string]func() []byte {
	encoded := func(encode func(*bytes.Buffer) error) []byte {
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			panic(err)
		}
		return b.Bytes()
	}
	riff := func(chunks ...string) []byte {
		body := "WEBP" + strings.Join(chunks, "")
		return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
	}
	black := func(w, h int) string { // a lossless WebP's pixels, which take no bits
		head := binary.LittleEndian.AppendUint32([]byte{0x2f}, uint32(w-1)|uint32(h-1)<<14)
		body := string(head[:4]) + string([]byte{head[4] | 0x10}) + "\x07\x10\x11\x11\x88\x88\xfe\x07\x00"
		return "VP8L" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + body
	}
	bmpOf := func(w, h, bits, compression int, pixels string) []byte {
		le := binary.LittleEndian
		b := le.AppendUint32(append([]byte("BM"), make([]byte, 8)...), 54+1024)
		for _, v := range []int{40, w, h, 1 | bits<<16, compression, 0, 0, 0, 0, 0} {
			b = le.AppendUint32(b, uint32(v))
		}
		b = append(append(b, make([]byte, 1024)...), pixels...)
		le.PutUint32(b[2:], uint32(len(b)))
		return b
	}
	gray := func(w, h int) *image.Paletted {
		return image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.Black, color.White})
	}
	return map[string]func() []byte{
		"tiff, one strip":       func() []byte { return blackTIFF(10000, 8600, 3, 8, zeros(10000*8600*3)) },
		"tiff, over-long strip": func() []byte { return blackTIFF(3000, 3000, 3, 8, zeros(700<<20)) },
		"tiff, too large":       func() []byte { return blackTIFF(40000, 40000, 3, 8, zeros(1<<20)) },
		"tiff, runs":            func() []byte { return blackTIFF(3000, 3000, 1, 32773, bytes.Repeat([]byte{129, 0}, 3000*3000/128+1)) },
		"png, 16 bits":          func() []byte { return blackPNG(4000, 4000, 16, 6) },
		"png, 1 bit, too large": func() []byte { return blackPNG(20000, 20000, 1, 0) },
		"png, one row":          func() []byte { return blackPNG(1<<20, 20, 16, 6) },
		"png, animated":         func() []byte { return blackPNG(4000, 4000, 8, 6, chunk("acTL", "\x00\x00\x00\x01\x00\x00\x00\x00")) },
		"png, of nothing": func() []byte {
			return slices.Concat(blackPNG(60000, 1, 8, 6)[:8], chunk("IHDR", "\x00\x00\xea\x60\x00\x00\xea\x60\x08\x06\x00\x00\x00"), chunk("IDAT", ""), chunk("IEND", ""))
		},
		"jpeg, too large, fill before SOF2": func() []byte { return progressive(14000, 14000, 1, "\xff\xff") },
		"jpeg, many scans":                  func() []byte { return progressive(8000, 8000, 1000, "") },
		"jpeg, some scans":                  func() []byte { return progressive(8000, 8000, 4, "") },
		"jpeg, of nothing": func() []byte {
			small := encoded(func(b *bytes.Buffer) error { return jpeg.Encode(b, image.NewGray(image.Rect(0, 0, 8, 8)), nil) })
			copy(small[bytes.Index(small, []byte("\xff\xc0"))+5:], "\xff\xff\xff\xff")
			return small
		},
		"gif": func() []byte {
			return encoded(func(b *bytes.Buffer) error { return gif.Encode(b, gray(3000, 3000), nil) })
		},
		"gif, too large a screen": func() []byte {
			small := encoded(func(b *bytes.Buffer) error { return gif.Encode(b, gray(8, 8), nil) })
			copy(small[6:], "\xff\xff\xff\xff")
			return small
		},
		"webp":            func() []byte { return riff(black(6000, 6000)) },
		"webp, too large": func() []byte { return riff(black(16383, 16383)) },
		"bmp, runs":       func() []byte { return bmpOf(4000, 4000, 8, 1, "\x00\x01") },
		"bmp, too large":  func() []byte { return bmpOf(1<<20, 1<<20, 8, 1, "\x00\x01") },
		// These take their time. They run with BILIPASTE_BOMBS=all.
		"all: tiff, one strip":       func() []byte { return blackTIFF(10000, 8600, 3, 8, zeros(10000*8600*3)) },
		"all: tiff, over-long strip": func() []byte { return blackTIFF(8000, 8000, 3, 8, zeros(700<<20)) },
		"all: tiff, runs": func() []byte {
			return blackTIFF(18000, 18000, 1, 32773, bytes.Repeat([]byte{129, 0}, 18000*18000/128+1))
		},
		"all: png, 16 bits": func() []byte { return blackPNG(9000, 9000, 16, 6) },
		"all: png, opaque":  func() []byte { return blackPNG(9000, 9000, 8, 2) },
		"all: png, 1 bit":   func() []byte { return blackPNG(15000, 15000, 1, 0) },
		"all: png, one row": func() []byte { return blackPNG(1<<20, 200, 16, 6) },
		"all: jpeg, 100 MP": func() []byte {
			return encoded(func(b *bytes.Buffer) error {
				return jpeg.Encode(b, image.NewYCbCr(image.Rect(0, 0, 12000, 9000), image.YCbCrSubsampleRatio420), nil)
			})
		},
		"all: jpeg, some scans": func() []byte { return progressive(8000, 8000, 60, "") },
		"all: gif": func() []byte {
			return encoded(func(b *bytes.Buffer) error { return gif.Encode(b, gray(8000, 8000), nil) })
		},
		"all: bmp, runs": func() []byte { return bmpOf(15000, 15000, 8, 1, "\x00\x01") },
	}
}

const bombVariable = "BILIPASTE_TEST_BOMB"

// A bomb is prepared in a process of its own, for a host that takes PNG and
// JPEG, and for one that takes next to nothing.
func TestABombTakesLittleMemoryAndTime(t *testing.T) {
	if name := os.Getenv(bombVariable); name != "" {
		prepareBomb(t, name)
		return
	}
	for name := range bombs() {
		if strings.HasPrefix(name, "all: ") && os.Getenv("BILIPASTE_BOMBS") != "all" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestABombTakesLittleMemoryAndTime$", "-test.v")
			child.Env = append(os.Environ(), bombVariable+"="+name)
			out, err := child.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			_, after, _ := strings.Cut(string(out), "peak kB: ")
			number, _, _ := strings.Cut(after, "\n")
			peak, err := strconv.Atoi(number)
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			took := child.ProcessState.UserTime() + child.ProcessState.SystemTime()
			for line := range strings.Lines(string(out)) {
				if strings.Contains(line, "bomb:") {
					t.Log(strings.TrimSpace(line))
				}
			}
			t.Logf("%d MB, %s", peak/1000, took.Round(10*time.Millisecond))
			if const400 := 400_000; peak > const400 || took > time.Minute {
				t.Errorf("it took %d MB and %s", peak/1000, took)
			}
		})
	}
}

// prepareBomb prepares a bomb and prints the most memory that was in use.
func prepareBomb(t *testing.T, name string) {
	debug.SetMemoryLimit(320 << 20) // as the program has it
	data := bombs()[name]()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // what making it took does not count
		t.Fatal(err)
	}
	limits := []int64{15e6, 1000}
	if !strings.HasPrefix(name, "all: ") && !strings.HasPrefix(name, "png") && !strings.HasPrefix(name, "jpeg") {
		limits = limits[:1]
	}
	never := strings.Contains(name, "too large") || strings.Contains(name, "of nothing") || strings.Contains(name, "many")
	for i, limit := range limits {
		host := like(picture.PNG, picture.JPEG)
		host.limits.Bytes = limit
		p, err := picture.New(name, data)
		if err == nil {
			_, _, err = (uploader.Prepare{FirstFrame: true}).Do(t.Context(), p, host)
		}
		e, ok := errors.AsType[*fault.Error](err)
		if err != nil && (!ok || e.Why == "broken") {
			t.Errorf("%v", err)
		}
		if never && err == nil && i == len(limits)-1 {
			t.Error("it is not refused")
		}
		fmt.Printf("bomb: %d bytes, %dx%d: %v\n", len(data), p.Width, p.Height, err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	fmt.Printf("peak kB: %s\n", strings.Fields(peak)[0])
}
