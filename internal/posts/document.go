// Package posts works on the pictures of documents: it finds where they stand,
// moves them to a host, checks whether they are still there, mends what is dead,
// and takes all that back.
package posts

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"bilipaste/internal/album"
	"bilipaste/internal/lang"
)

// Document is the text of a post.
type Document struct {
	Text []byte // UTF-8, without a byte order mark
	MDX  bool   // it holds JSX instead of HTML, and no indented code

	mark  []byte // the byte order mark
	codec encoding.Encoding
	lines []int // where each line of Text begins
}

// encodings are tried in this order on what is not UTF-8. Only one that gives
// every byte back is taken, so that what is not changed stays as it is.
var encodings = []struct {
	mark  string
	codec encoding.Encoding
}{
	{"\xff\xfe", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
	{"\xfe\xff", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)},
	{"", simplifiedchinese.GBK},
	{"", simplifiedchinese.GB18030},
}

const utf8Mark = "\xef\xbb\xbf"

// Parse reads the bytes of a file: UTF-8, GBK or GB18030, or UTF-16 with a byte
// order mark. name tells by its end whether it is MDX. The error is a
// lang.Teller: the file is in no encoding that is known here.
func Parse(name string, data []byte) (*Document, error) {
	d := &Document{MDX: strings.EqualFold(filepath.Ext(name), ".mdx")}
	if utf8.Valid(data) && !bytes.ContainsRune(data, 0) {
		d.mark, d.Text = nil, data
		if bytes.HasPrefix(data, []byte(utf8Mark)) {
			d.mark, d.Text = data[:len(utf8Mark)], data[len(utf8Mark):]
		}
		d.lines = lineStarts(d.Text)
		return d, nil
	}
	for _, e := range encodings {
		if !bytes.HasPrefix(data, []byte(e.mark)) {
			continue
		}
		body := data[len(e.mark):]
		text, err := e.codec.NewDecoder().Bytes(body)
		if err != nil || bytes.ContainsRune(text, 0) {
			continue
		}
		if back, err := e.codec.NewEncoder().Bytes(text); err != nil || !bytes.Equal(back, body) {
			continue
		}
		d.mark, d.Text, d.codec = data[:len(e.mark)], text, e.codec
		d.lines = lineStarts(text)
		return d, nil
	}
	return nil, lang.Errorf("posts.encoding", lang.Data{"File": name}, nil)
}

func lineStarts(text []byte) []int {
	starts := []int{0}
	for i, c := range text {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// Line returns the number of the line, from 1, of a byte of Text.
func (d *Document) Line(at int) int {
	return sort.Search(len(d.lines), func(i int) bool { return d.lines[i] > at })
}

// Change is an edit of a Document's Text, in UTF-8.
type Change struct {
	Start, End int
	Text       string
}

// Edits returns changes of the text, which do not overlap, as edits of the
// file, in their order. The error tells of a text that the file's encoding lacks.
func (d *Document) Edits(changes []Change) ([]album.Edit, error) {
	changes = slices.SortedFunc(slices.Values(changes), func(a, b Change) int { return a.Start - b.Start })
	var edits []album.Edit
	at, offset := 0, len(d.mark) // the same point, in the text and in the file
	for _, c := range changes {
		if c.Start < at || c.End < c.Start || c.End > len(d.Text) {
			return nil, fmt.Errorf("changes that overlap at byte %d", c.Start)
		}
		between, err := d.encode(d.Text[at:c.Start])
		if err != nil {
			return nil, err
		}
		before, err := d.encode(d.Text[c.Start:c.End])
		if err != nil {
			return nil, err
		}
		after, err := d.encode([]byte(c.Text))
		if err != nil {
			return nil, err
		}
		offset += len(between)
		edits = append(edits, album.Edit{Offset: offset, Before: before, After: after})
		at, offset = c.End, offset+len(before)
	}
	return edits, nil
}

// encode returns a text in the file's encoding.
func (d *Document) encode(text []byte) ([]byte, error) {
	if d.codec == nil {
		return text, nil
	}
	return d.codec.NewEncoder().Bytes(text)
}

// Apply makes edits, which are in their order, in the bytes of a file. The
// error tells that the file is not the one that they were made for.
func Apply(data []byte, edits []album.Edit) ([]byte, error) {
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		if e.Offset < at || e.Offset > len(data) || !bytes.HasPrefix(data[e.Offset:], e.Before) {
			return nil, lang.Errorf("posts.changed", nil, nil)
		}
		out.Write(data[at:e.Offset])
		out.Write(e.After)
		at = e.Offset + len(e.Before)
	}
	out.Write(data[at:])
	return out.Bytes(), nil
}
