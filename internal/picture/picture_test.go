package picture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image/jpeg"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/picture/container"
	"bilipaste/uploader/hosttest"
)

// why returns the finer reason of an upload error.
func why(err error) string {
	e, _ := errors.AsType[*fault.Error](err)
	if e == nil {
		return ""
	}
	return e.Kind.String() + "." + e.Why
}

// exif puts a segment that holds a whole JPEG, the thumbnail, into a JPEG.
func exif(jpeg, thumbnail []byte) []byte {
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(2+len(thumbnail)))
	return bytes.Join([][]byte{jpeg[:2], segment, thumbnail, jpeg[2:]}, nil)
}

func TestAPictureIsKnownByItsBytes(t *testing.T) {
	for _, format := range []picture.Format{
		picture.PNG, picture.JPEG, picture.WebP, picture.GIF, picture.BMP, picture.TIFF,
	} {
		data := hosttest.Picture(t, format, 1).Data
		p, err := picture.New("wrong.txt", data)
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		width, height := 24, 16
		if format == picture.WebP {
			width, height = 1, 1
		}
		if p.Format != format || p.Width != width || p.Height != height {
			t.Errorf("%s: taken for %s, %d x %d", format, p.Format, p.Width, p.Height)
		}
	}
	if p := hosttest.AnimatedWebP(t); p.Format != picture.WebP {
		t.Errorf("an animation: %s", p.Format)
	}
	for data, format := range map[string]picture.Format{
		"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00":                    picture.AVIF,
		"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00":                    picture.HEIC,
		"\xef\xbb\xbf<svg xmlns='http://www.w3.org/2000/svg'/>":       picture.SVG,
		"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000'>": picture.SVG,
	} {
		if p, err := picture.New("x", []byte(data)); err != nil || p.Format != format {
			t.Errorf("%s: %s, %v", format, p.Format, err)
		}
	}
}

// What browsers show is a whole picture, whatever follows its end.
func TestWhatBrowsersShowIsWhole(t *testing.T) {
	png, jpeg, webp := hosttest.Picture(t, picture.PNG, 1).Data, hosttest.Picture(t, picture.JPEG, 1).Data, hosttest.Picture(t, picture.WebP, 1).Data
	large := bytes.Repeat([]byte{0xa5}, 3<<20)
	restarts := append(bytes.Clone(jpeg[:len(jpeg)-2]), 0xff, 0xd0, 0x12, 0xff, 0x00, 0x34, 0xff, 0xff, 0xd9, 0)
	odd := bytes.Clone(webp[:len(webp)-16]) // a last chunk of odd size, without its padding
	odd = append(odd, "XMP \x03\x00\x00\x00abc"...)
	binary.LittleEndian.PutUint32(odd[4:], uint32(len(odd)-8+1))
	for name, data := range map[string][]byte{
		"jpeg":                          jpeg,
		"jpeg with a thumbnail":         exif(jpeg, jpeg),
		"jpeg and a film after it":      append(bytes.Clone(jpeg), large...),
		"jpeg and another after it":     append(bytes.Clone(jpeg), jpeg...),
		"jpeg and half another":         append(bytes.Clone(jpeg), jpeg[:len(jpeg)/2]...),
		"jpeg with restarts and fill":   restarts,
		"jpeg with bytes between":       bytes.Join([][]byte{exif(jpeg, nil)[:6], []byte("junk"), jpeg[2:], large}, nil),
		"png":                           png,
		"png and more after it":         append(bytes.Clone(png), large...),
		"png without the last checksum": png[:len(png)-4],
		"webp":                          webp,
		"webp and more after it":        append(bytes.Clone(webp), large...),
		"webp without the last padding": odd,
	} {
		if _, err := picture.New("x", data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Go's decoder does not know every sampling that a JPEG may have.
func TestAJPEGThatOnlyBrowsersDecodeIsTaken(t *testing.T) {
	data := bytes.Clone(hosttest.Picture(t, picture.JPEG, 1).Data)
	frame := bytes.Index(data, []byte{0xff, 0xc0})
	data[frame+11], data[frame+14] = 0x11, 0x21 // more blue than light
	if _, err := jpeg.DecodeConfig(bytes.NewReader(data)); err == nil {
		t.Fatal("Go knows it by now: another is needed")
	}
	if p, err := picture.New("x", data); err != nil || p.Width != 24 || p.Height != 16 {
		t.Errorf("%d x %d, %v", p.Width, p.Height, err)
	}
}

func TestWhatIsNoWholePictureIsRefused(t *testing.T) {
	bmp := hosttest.Picture(t, picture.BMP, 1).Data
	png, jpeg, webp := hosttest.Picture(t, picture.PNG, 1).Data, hosttest.Picture(t, picture.JPEG, 1).Data, hosttest.Picture(t, picture.WebP, 1).Data
	broken := bytes.Clone(png)
	copy(broken[16:], "\x00\x00\x00\x00\x00\x00\x00\x00") // no width, no height
	endless := bytes.Clone(png)
	binary.BigEndian.PutUint32(endless[8+25:], 0xffffffff)
	header := append(bytes.Repeat([]byte("\x7f\xff\xff\xff"), 2), 16, 6, 0, 0, 0)
	largest := slices.Concat(png[:8], container.AppendPNGChunk(nil, "IHDR", header), png[8+25:])
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":                       {nil, "unusable.empty"},
		"text":                        {[]byte("hello"), "unusable.unknown"},
		"one byte":                    {[]byte{0x89}, "unusable.unknown"},
		"png signature":               {png[:8], "unusable.cut"},
		"png half":                    {png[:len(png)/2], "unusable.cut"},
		"png with an endless chunk":   {endless, "unusable.cut"},
		"png of nothing":              {broken, "unusable.broken"},
		"png of the largest size":     {largest, "unusable.cut"},
		"jpeg signature":              {jpeg[:3], "unusable.cut"},
		"jpeg half":                   {jpeg[:len(jpeg)/2], "unusable.cut"},
		"jpeg half, with a thumbnail": {exif(jpeg, jpeg)[:len(jpeg)*3/2], "unusable.cut"},
		"jpeg that is an end":         {[]byte("\xff\xd8\xff\xd9"), "unusable.broken"},
		"webp half":                   {webp[:len(webp)/2], "unusable.cut"},
		"webp signature":              {webp[:12], "unusable.cut"},
		"webp of nothing":             {[]byte("RIFF\x0c\x00\x00\x00WEBPVP8 \x00\x00\x00\x00"), "unusable.broken"},
		"more than the largest":       {make([]byte, picture.MaxSize+1), "too_large."},
		"bmp half":                    {bmp[:len(bmp)/2], "unusable.cut"},
	} {
		_, err := picture.New("x", test.data)
		if got := why(err); got != test.want {
			t.Errorf("%s: %s, want %s: %v", name, got, test.want, err)
		}
	}
}

func TestReadPicture(t *testing.T) {
	png := hosttest.Picture(t, picture.PNG, 1).Data
	for _, size := range []int64{-1, 0, int64(len(png))} { // a file may have grown
		if p, err := picture.Read("x", iotest.OneByteReader(bytes.NewReader(png)), size); err != nil || !bytes.Equal(p.Data, png) {
			t.Errorf("size %d: %v", size, err)
		}
	}
	if _, err := picture.Read("x", bytes.NewReader(png), int64(len(png))+1); why(err) != "unusable.cut" {
		t.Errorf("short: %v", err)
	}
	endless := io.MultiReader(bytes.NewReader(png), zeros{})
	if _, err := picture.Read("x", endless, -1); why(err) != "too_large." {
		t.Errorf("endless: %v", err)
	}
	if _, err := picture.Read("x", iotest.ErrReader(errors.New("read")), 1<<40); why(err) != "too_large." {
		t.Errorf("a size that is too large is read: %v", err)
	}
	if _, err := picture.Read("x", bytes.NewReader(png), picture.MaxSize); why(err) != "unusable.cut" {
		t.Errorf("the largest size: %v", err)
	}
	if _, err := picture.Open(os.DevNull); why(err) != "unusable.empty" {
		t.Errorf("a device, of which nobody knows the size: %v", err)
	}
}

func TestAFolderIsNoPicture(t *testing.T) {
	if _, err := picture.Open(t.TempDir()); why(err) != "unusable.unreadable" || !errors.Is(err, syscall.EISDIR) {
		t.Errorf("a folder: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAPictureWithoutANameIsCalledThePicture(t *testing.T) {
	_, err := picture.New("", nil)
	if what, _ := lang.New(lang.English).Error(err); what != "the picture is empty" {
		t.Error(what)
	}
	if what, _ := lang.New(lang.Chinese).Error(err); !strings.HasPrefix(what, "图片") {
		t.Error(what)
	}
}

// FuzzNewPicture looks for a panic, and for an error that is none of ours.
func FuzzNewPicture(f *testing.F) {
	for _, format := range []picture.Format{
		picture.PNG, picture.JPEG, picture.WebP, picture.GIF, picture.BMP, picture.TIFF,
	} {
		f.Add(hosttest.Picture(f, format, 1).Data)
	}
	f.Add([]byte("\x00\x00\x00\x1cftypavif"))
	f.Add([]byte("\xff\xd8\xff\xff\xff\xe0\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := picture.New("x", data)
		if err != nil && fault.KindOf(err) != fault.Unusable && why(err) != "not_taken.variant" {
			t.Errorf("%v", err)
		}
		if err == nil && (p.Format != picture.Sniff(data[:min(len(data), 512)]) || p.Width < 0 || p.Height < 0) {
			t.Errorf("%s, %d x %d", p.Format, p.Width, p.Height)
		}
	})
}
