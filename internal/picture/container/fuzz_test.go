package container_test

import (
	"iter"
	"os"
	"path/filepath"
	"runtime/metrics"
	"testing"
	"unsafe"

	"bilipaste/internal/picture/container"
)

// seeds adds the pictures of convert's corpus, cut in several places, too.
func seeds(f *testing.F, more ...string) {
	files, err := filepath.Glob("../convert/testdata/*")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	for _, s := range more {
		f.Add([]byte(s))
	}
}

// walk goes through the parts of data, and checks that each lies in it behind
// the one before, that an error is the last, and that little memory was taken.
func walk[Part any](t *testing.T, data []byte, parts iter.Seq2[Part, error], raw func(Part) []byte) {
	t.Helper()
	before := allocated()
	at, failed := 0, false
	for p, err := range parts {
		if failed {
			t.Fatal("an error is not the last")
		}
		failed = err != nil
		r := raw(p)
		if len(r) == 0 {
			if err == nil {
				t.Fatal("a part has no bytes")
			}
			continue
		}
		start := int(uintptr(unsafe.Pointer(unsafe.SliceData(r))) - uintptr(unsafe.Pointer(unsafe.SliceData(data))))
		if start < at || start+len(r) > len(data) {
			t.Fatalf("a part is from %d to %d, the one before it ends at %d of %d", start, start+len(r), at, len(data))
		}
		at = start + len(r)
	}
	const most = 16 << 20
	if took := allocated() - before; took > most+uint64(100*len(data)) {
		t.Fatalf("%d bytes were taken for %d", took, len(data))
	}
}

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func FuzzPNG(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		walk(t, data, container.PNG(data), func(c container.Chunk) []byte { return c.Raw })
		for c, err := range container.PNG(data) {
			if err == nil && c.Sound() && c.Name == "IHDR" {
				if h, err := container.ParsePNGHeader(c.Body); err == nil && h.Bytes() <= 0 {
					t.Fatalf("%+v has %d bytes", h, h.Bytes())
				}
			}
		}
		container.AnimatedPNG(data)
	})
}

func FuzzJPEG(f *testing.F) {
	seeds(f, "\xff\xd8\xff\xff\xff\xe0\x00\x00", "\xff\xd8\xff\xc2\x00\x0b\x08\x00\x10\x00\x18\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00\x12\xff\x00\xff\xd0\x34\xff\xff\xd9")
	f.Fuzz(func(t *testing.T, data []byte) {
		walk(t, data, container.JPEG(data), func(s container.Segment) []byte { return s.Raw })
		for s, err := range container.JPEG(data) {
			_ = err // what comes with it counts, too
			if frame, ok := s.Frame(); ok {
				for _, n := range frame.Blocks() {
					if n < 0 {
						t.Fatalf("%+v has %d blocks", frame, n)
					}
				}
			}
		}
	})
}

func FuzzWebP(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		walk(t, data, container.WebP(data), func(c container.Chunk) []byte { return c.Raw })
		walk(t, data, container.WebPChunks(data), func(c container.Chunk) []byte { return c.Raw })
		for c, err := range container.WebP(data) {
			_ = err // what comes with it counts, too
			if w, h, ok := c.WebPSize(); ok && (w < 0 || h < 0) {
				t.Fatal(w, h)
			}
		}
	})
}

func FuzzGIF(f *testing.F) {
	seeds(f, "GIF89a\x05\x00\x04\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x05\x00\x04\x00\x00\x02\x03\x84\x8f\x05\x00\x00;",
		"GIF87a\x01\x00\x01\x00\x00\x00\x00!\xfe\x03abc\x00;")
	f.Fuzz(func(t *testing.T, data []byte) {
		walk(t, data, container.GIF(data), func(b container.Block) []byte { return b.Raw })
		for b, err := range container.GIF(data) {
			_ = err // what comes with it counts, too
			if b.Kind == container.GIFHeader && len(b.Raw) > 0 {
				b.Screen()
			}
			b.Frame()
		}
		container.GIFFrames(data)
	})
}

func FuzzTIFF(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		before, pages := allocated(), 0
		for d, err := range container.TIFF(data) {
			_ = err // what comes with it counts, too
			if pages++; pages > 1+len(data) {
				t.Fatal("the pages do not end")
			}
			d.Uint(container.TIFFWidth, 0)
			d.Orientation()
			if len(d.Bytes(container.TIFFProfile)) > len(data) {
				t.Fatal("a profile is longer than the file")
			}
		}
		const most = 32 << 20
		if took := allocated() - before; took > most+uint64(100*len(data)) {
			t.Fatalf("%d bytes were taken for %d", took, len(data))
		}
		container.Orientation(data)
	})
}

func FuzzBoxes(f *testing.F) {
	seeds(f, "\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00avifmif1\x00\x00\x00\x00free", "\x00\x00\x00\x01ftyp\x00\x00\x00\x00\x00\x00\x00\x18mif1\x00\x00\x00\x00")
	f.Fuzz(func(t *testing.T, data []byte) {
		count := 0
		for b, err := range container.Boxes(data) {
			_ = err // what comes with it counts, too
			if count += len(b.Type) + len(b.Body); count > len(data) {
				t.Fatalf("the boxes have %d bytes of %d", count, len(data))
			}
		}
		container.Brands(data)
	})
}

func FuzzBMP(f *testing.F) {
	seeds(f, "BM\x3a\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x18\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x00")
	f.Fuzz(func(t *testing.T, data []byte) {
		before := allocated()
		h, at, _ := container.BMP(data)
		if h != nil && (at < 0 || at > len(data) || h.Width < 1 || h.Height < 1 || h.Pixels() < 1 || len(h.Profile(data)) > len(data)) {
			t.Fatalf("%+v, pixels at %d of %d", h, at, len(data))
		}
		container.IsBMP(data)
		const most = 1 << 20
		if took := allocated() - before; took > most {
			t.Fatalf("%d bytes were taken for %d", took, len(data))
		}
	})
}
