package picture

import (
	"bytes"
	"encoding/binary"
	"slices"

	"bilipaste/internal/picture/container"
)

// headSize is how many of a file's first bytes tell its format.
const headSize = 512

// Sniff tells a picture's format from its first bytes, "" if it is none that
// is known. 512 bytes are enough. A text that starts as a picture does is none.
func Sniff(data []byte) Format {
	head := data[:min(len(data), headSize)]
	is := func(at int, magic string) bool {
		return len(head) >= at+len(magic) && string(head[at:at+len(magic)]) == magic
	}
	switch {
	case is(0, "%PDF-"):
		return PDF
	case isSVG(head):
		return SVG
	case is(0, "\xff\xd8\xff") && (len(head) < 6 || !isText(head[4:])): // a segment's length is behind it
		return JPEG
	case isText(head):
		return ""
	case is(0, container.PNGSignature):
		return PNG
	case is(0, "RIFF") && is(8, "WEBP"):
		return WebP
	case is(0, "GIF87a"), is(0, "GIF89a"):
		return GIF
	case container.IsBMP(head):
		return BMP
	case is(0, "II*\x00"), is(0, "MM\x00*"), is(0, bigTIFFLittle), is(0, bigTIFFBig):
		return TIFF
	case is(0, "8BPS\x00\x01\x00\x00\x00\x00\x00\x00"), is(0, "8BPS\x00\x02\x00\x00\x00\x00\x00\x00"):
		return PSD
	case is(0, "\x00\x00\x00\x0cJXL \r\n\x87\n"), is(0, "\xff\x0a"):
		return JXL
	case isICO(head):
		return ICO
	}
	return sniffBrands(container.Brands(head), head)
}

// The starts of a TIFF of more than 4 GB, of which the offsets have 64 bits.
const (
	bigTIFFLittle = "II+\x00\x08\x00\x00\x00"
	bigTIFFBig    = "MM\x00+\x00\x08\x00\x00"
)

// Is tells from a file's first 512 bytes whether it is a picture, also
// one that no host takes. A document is none.
func Is(head []byte) bool {
	f := Sniff(head)
	return f != "" && f != PDF
}

// isText tells whether bytes have no control characters but those of texts, as
// no picture's header is without: its numbers have zero bytes.
func isText(head []byte) bool {
	return !slices.ContainsFunc(head, func(c byte) bool {
		return c < ' ' && (c < '\t' || c > '\r') && c != 0x1b || c == 0x7f
	})
}

// isICO tells whether bytes start as an icon or a cursor does: with a count,
// and with entries whose reserved byte is 0 and whose data lies behind them.
func isICO(head []byte) bool {
	const first, entry = 6, 16
	if len(head) < first+entry || head[0] != 0 || head[1] != 0 || head[2] != 1 && head[2] != 2 || head[3] != 0 || head[9] != 0 {
		return false
	}
	count := int(binary.LittleEndian.Uint16(head[4:]))
	return count > 0 && int64(binary.LittleEndian.Uint32(head[18:])) >= int64(first+entry*count)
}

// sniffBrands tells a format from a file's brands, the major one first. Of the
// general ones (mif1, miaf) the others say more, and then the kind of its items.
func sniffBrands(brands []string, head []byte) Format {
	has := func(names ...string) bool {
		return slices.ContainsFunc(brands, func(b string) bool { return slices.Contains(names, b) })
	}
	av1 := []string{"avif", "avis", "MA1A", "MA1B"}
	hevc := []string{"heic", "heix", "hevc", "hevx", "heim", "heis", "hevm", "hevs"}
	switch {
	case len(brands) == 0:
		return ""
	case slices.Contains(av1, brands[0]):
		return AVIF
	case slices.Contains(hevc, brands[0]):
		return HEIC
	case !has("mif1", "msf1", "miaf"):
		return ""
	case has(av1...), !has(hevc...) && bytes.Contains(head, []byte("av01")):
		return AVIF
	}
	return HEIC
}

// isSVG tells whether a text starts with the element svg, after what may stand
// before it: a byte order mark, an XML declaration, comments, a document type.
func isSVG(head []byte) bool {
	rest := bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	for {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		end := ""
		switch {
		case bytes.HasPrefix(rest, []byte("<?")):
			end = "?>"
		case bytes.HasPrefix(rest, []byte("<!--")):
			end = "-->"
		case bytes.HasPrefix(rest, []byte("<!DOCTYPE")):
			name := bytes.TrimLeft(rest[len("<!DOCTYPE"):], " \t\r\n")
			return isName(name, "svg")
		case bytes.HasPrefix(rest, []byte("<")):
			return isName(rest[1:], "svg") || isName(rest[1:], "svg:svg")
		default:
			return false
		}
		_, after, ok := bytes.Cut(rest, []byte(end))
		if !ok { // it is longer than the head: its name may be in it
			return bytes.HasPrefix(rest, []byte("<!--")) && bytes.Contains(bytes.ToLower(rest), []byte("svg"))
		}
		rest = after
	}
}

// isName tells whether an XML name is name.
func isName(text []byte, name string) bool {
	rest, ok := bytes.CutPrefix(text, []byte(name))
	return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n>/["), rest[0]) >= 0)
}
