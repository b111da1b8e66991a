// Package picture is what a picture is: its format, its size in pixels, and
// whether it is whole.
package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	_ "image/gif" // the formats whose width and height are read
	"image/jpeg"
	_ "image/png" //
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/image/tiff"
	_ "golang.org/x/image/webp" //

	"bilipaste/internal/fault"
	"bilipaste/internal/picture/bmp"
	"bilipaste/internal/picture/convert"
	"bilipaste/internal/picture/metadata"
)

// MaxSize is the largest picture, in bytes, that is taken up at all.
// A host's own limit is lower.
const MaxSize = 64 << 20

// Format is a picture's file format, as its first bytes tell; "" if unknown.
type Format string

// The formats that are recognised. A host takes some of them.
const (
	PNG  Format = "png"
	JPEG Format = "jpeg"
	WebP Format = "webp"
	GIF  Format = "gif"
	BMP  Format = "bmp"
	TIFF Format = "tiff"
	HEIC Format = "heic"
	AVIF Format = "avif"
	SVG  Format = "svg"
	ICO  Format = "ico"
	PSD  Format = "psd"
	PDF  Format = "pdf"

	// APNG is a PNG that moves. A picture's format is PNG then; a host that
	// keeps the movement has APNG among its Limits too.
	APNG Format = "apng"
)

// Name returns the format's name in messages, such as "WebP".
func (f Format) Name() string {
	if f == WebP {
		return "WebP"
	}
	return strings.ToUpper(string(f))
}

// Type returns the media type, such as "image/png".
func (f Format) Type() string {
	if f == SVG {
		return "image/svg+xml"
	}
	return "image/" + string(f)
}

// Ext returns the usual end of a file name, such as ".jpg".
func (f Format) Ext() string {
	if f == JPEG {
		return ".jpg"
	}
	return "." + string(f)
}

// Picture is one encoded image to upload.
type Picture struct {
	Name          string // to show, never sent; may be ""
	Data          []byte // the encoded image
	Format        Format
	Width, Height int // pixels
}

// Read reads a picture to its end. size is the number of bytes that r
// is said to hold, or -1 where nobody knows. It returns a *fault.Error of kind
// Unusable where r fails, is shorter than size, or holds no whole picture, and
// of kind TooLarge past MaxSize.
func Read(name string, r io.Reader, size int64) (Picture, error) {
	if size > MaxSize {
		return Picture{Name: name}, &fault.Error{Kind: fault.TooLarge, Name: name, Size: size, Limit: MaxSize}
	}
	var data bytes.Buffer
	if size >= 0 {
		data.Grow(int(size) + bytes.MinRead) // read in one piece, with nothing copied
	}
	_, err := data.ReadFrom(io.LimitReader(r, MaxSize+1))
	switch {
	case err != nil:
		return Picture{Name: name}, unreadable(name, err)
	case int64(data.Len()) < size:
		return Picture{Name: name}, &fault.Error{Kind: fault.Unusable, Why: "cut", Name: name, Err: io.ErrUnexpectedEOF}
	}
	return New(name, data.Bytes())
}

// Open reads a picture file. Its errors are those of Read.
func Open(path string) (Picture, error) {
	name := filepath.Base(path)
	f, err := os.Open(path)
	if err != nil {
		return Picture{Name: name}, unreadable(name, err)
	}
	defer f.Close()
	size := int64(-1) // a pipe's, a device's
	switch info, err := f.Stat(); {
	case err != nil:
	case info.IsDir(): // of which Windows says that the function is invalid
		return Picture{Name: name}, unreadable(name, syscall.EISDIR)
	case info.Mode().IsRegular():
		size = info.Size()
	}
	return Read(name, f, size)
}

func unreadable(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &fault.Error{Kind: fault.Unusable, Why: "missing", Name: name, Err: err}
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err // the message names the picture
	}
	return &fault.Error{Kind: fault.Unusable, Why: "unreadable", Name: name, Err: err}
}

// New finds out what the bytes of a picture are. It returns a *fault.Error
// of kind Unusable if they are not a whole picture, of kind NotTaken if only
// other programs can decode it, and of kind TooLarge past MaxSize.
func New(name string, data []byte) (Picture, error) {
	p := Picture{Name: name, Data: data, Format: Sniff(data)}
	switch {
	case len(data) > MaxSize:
		return p, &fault.Error{Kind: fault.TooLarge, Name: name, Size: int64(len(data)), Limit: MaxSize}
	case len(data) == 0:
		return p, &fault.Error{Kind: fault.Unusable, Why: "empty", Name: name}
	case p.Format == "":
		return p, &fault.Error{Kind: fault.Unusable, Why: "unknown", Name: name}
	}
	if err := whole(p.Format, data); err != nil {
		return p, &fault.Error{Kind: fault.Unusable, Why: "cut", Name: name, Err: err}
	}
	switch p.Format {
	case HEIC, AVIF, SVG, ICO, PSD, PDF: // recognised, to be refused by name
		return p, nil
	}
	config, _, err := convert.Config(data)
	if _, rare := errors.AsType[jpeg.UnsupportedError](err); rare { // browsers decode more than Go does
		if config.Width, config.Height = jpegSize(data); config.Width > 0 {
			err = nil
		}
	}
	if err == nil && (config.Width <= 0 || config.Height <= 0) {
		err = errors.New("no pixels")
	}
	if _, odd := errors.AsType[tiff.UnsupportedError](err); odd || errors.Is(err, bmp.ErrUnsupported) {
		return p, &fault.Error{Kind: fault.NotTaken, Why: "variant", Name: name, Format: p.Format.Name(), Err: err}
	}
	if err != nil {
		return p, &fault.Error{Kind: fault.Unusable, Why: "broken", Name: name, Err: err}
	}
	p.Width, p.Height = config.Width, config.Height
	return p, nil
}

// Sniff tells a picture's format from its first bytes, "" if it is none that
// is known. 512 bytes are enough.
func Sniff(data []byte) Format {
	is := func(at int, magic string) bool {
		return len(data) >= at+len(magic) && string(data[at:at+len(magic)]) == magic
	}
	switch {
	case is(0, "\x89PNG\r\n\x1a\n"):
		return PNG
	case is(0, "\xff\xd8\xff"):
		return JPEG
	case is(0, "RIFF") && is(8, "WEBP"):
		return WebP
	case is(0, "GIF87a"), is(0, "GIF89a"):
		return GIF
	case is(0, "BM") && len(data) >= 26 && binary.LittleEndian.Uint32(data[10:]) >= 26:
		return BMP
	case is(0, "II*\x00"), is(0, "MM\x00*"):
		return TIFF
	case is(0, "8BPS\x00\x01"), is(0, "8BPS\x00\x02"):
		return PSD
	case is(0, "%PDF-"):
		return PDF
	case is(0, "\x00\x00\x01\x00"), is(0, "\x00\x00\x02\x00"):
		if len(data) >= 22 && data[4] != 0 && data[5] == 0 && data[9] == 0 { // a count, and a reserved byte
			return ICO
		}
	case is(4, "ftyp"):
		switch string(data[8:min(12, len(data))]) {
		case "avif", "avis":
			return AVIF
		case "heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1":
			return HEIC
		}
	}
	head := bytes.TrimLeft(data[:min(len(data), 512)], "\xef\xbb\xbf \t\r\n")
	if bytes.HasPrefix(head, []byte("<svg")) || bytes.HasPrefix(head, []byte("<?xml")) && bytes.Contains(head, []byte("<svg")) {
		return SVG
	}
	return ""
}

// Is tells from a file's first 512 bytes whether it is a picture, also
// one that no host takes. A document is none.
func Is(head []byte) bool {
	f := Sniff(head)
	return f != "" && f != PDF
}

// whole checks, without decoding, that a picture reaches its own end. What
// comes after that end does not matter, as it does not to browsers.
func whole(f Format, data []byte) error {
	switch f {
	case PNG:
		for at := 8; len(data)-at >= 8; {
			size := binary.BigEndian.Uint32(data[at:])
			if string(data[at+4:at+8]) == "IEND" {
				return nil
			}
			if uint64(size)+12 > uint64(len(data)-at) {
				break
			}
			at += 12 + int(size)
		}
		return errors.New("png ends before its IEND chunk")
	case JPEG:
		if bytes.HasSuffix(data, []byte{0xff, jpegEOI}) {
			return nil
		}
		for marker := range jpegMarkers(data) {
			if marker == jpegEOI {
				return nil
			}
		}
		return errors.New("jpeg ends before its end marker")
	case WebP:
		// A last padding byte may be missing.
		if len(data) < 16 || uint64(binary.LittleEndian.Uint32(data[4:]))+8 > uint64(len(data))+1 {
			return errors.New("webp is shorter than it says")
		}
	case GIF:
		_, err := metadata.GIF(data)
		return err
	case BMP:
		if size := binary.LittleEndian.Uint32(data[2:]); uint64(size) > uint64(len(data)) {
			return errors.New("bmp is shorter than it says")
		}
	}
	return nil
}

const jpegEOI = 0xd9

// jpegMarkers yields a JPEG's markers up to its end, each with what its
// segment holds. Segments are stepped over: one may hold a whole JPEG, the thumbnail.
func jpegMarkers(data []byte) iter.Seq2[byte, []byte] {
	return func(yield func(byte, []byte) bool) {
		for rest := data[2:]; ; {
			at := bytes.IndexByte(rest, 0xff)
			for at >= 0 && at < len(rest) && rest[at] == 0xff { // fill bytes
				at++
			}
			if at < 0 || at == len(rest) {
				return
			}
			marker := rest[at]
			rest = rest[at+1:]
			if marker < 0xc0 || marker >= 0xd0 && marker <= 0xd8 {
				continue // a stuffed byte or a marker without a segment
			}
			var segment []byte
			if marker != jpegEOI {
				if len(rest) < 2 {
					return
				}
				size := max(2, int(binary.BigEndian.Uint16(rest)))
				if size > len(rest) {
					return
				}
				segment, rest = rest[2:size], rest[size:]
			}
			if !yield(marker, segment) || marker == jpegEOI {
				return
			}
		}
	}
}

// jpegSize returns the size that a JPEG's frame header says, 0 if it has none.
func jpegSize(data []byte) (width, height int) {
	for marker, segment := range jpegMarkers(data) {
		isFrame := marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc
		if isFrame && len(segment) >= 5 {
			return int(binary.BigEndian.Uint16(segment[3:])), int(binary.BigEndian.Uint16(segment[1:]))
		}
	}
	return 0, 0
}

// Animated tells whether a picture is a PNG, GIF or WebP that moves.
func (p Picture) Animated() bool {
	switch p.Format {
	case PNG:
		return metadata.AnimatedPNG(p.Data)
	case GIF:
		return metadata.Frames(p.Data) > 1
	case WebP:
		const animation = 0x02
		return len(p.Data) > 20 && string(p.Data[12:16]) == "VP8X" && p.Data[20]&animation != 0
	}
	return false
}
