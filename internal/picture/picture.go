// Package picture is what a picture is: its format, its size in pixels, and
// whether it is whole.
package picture

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"bilipaste/internal/fault"
	"bilipaste/internal/picture/container"
	"bilipaste/internal/picture/convert"
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
	JXL  Format = "jxl"

	// APNG is a PNG that moves. A picture's format is PNG then; a host that
	// keeps the movement has APNG among its Limits too.
	APNG Format = "apng"
)

// Name returns the format's name in messages, such as "WebP".
func (f Format) Name() string {
	switch f {
	case WebP:
		return "WebP"
	case JXL:
		return "JPEG XL"
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
	Name          string   // to show, never sent; may be ""
	Data          []byte   // the encoded image
	Pieces        [][]byte // the encoded image where Data is nil: most are parts of the picture that it was made from
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

// New finds out what the bytes of a picture are. Data is theirs, unless only
// their outer structure is damaged (an end mark, a length, an extra): then it is
// a copy that is put right. It returns a *fault.Error
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
	if err := variant(p.Format, data); err != nil {
		return p, &fault.Error{Kind: fault.NotTaken, Why: "variant", Name: name, Format: p.Format.Name(), Err: err}
	}
	var err error
	if p.Data, err = whole(p.Format, data); err != nil {
		return p, &fault.Error{Kind: fault.Unusable, Why: "cut", Name: name, Err: err}
	}
	switch p.Format {
	case HEIC, AVIF, SVG, ICO, PSD, PDF, JXL: // recognised, to be refused by name
		return p, nil
	}
	p.Width, p.Height, err = convert.Size(p.Data)
	if errors.Is(err, container.ErrBMPVariant) {
		return p, &fault.Error{Kind: fault.NotTaken, Why: "variant", Name: name, Format: p.Format.Name(), Err: err}
	}
	if err != nil {
		return p, &fault.Error{Kind: fault.Unusable, Why: "broken", Name: name, Err: err}
	}
	return p, nil
}

// Animated tells whether a picture is a PNG, GIF or WebP that moves.
func (p Picture) Animated() bool {
	switch data := p.Whole().Data; p.Format {
	case PNG:
		return container.AnimatedPNG(data)
	case GIF:
		return container.GIFFrames(data) > 1
	case WebP:
		const animation = 0x02
		return len(data) > 20 && string(data[12:16]) == "VP8X" && data[20]&animation != 0
	}
	return false
}
