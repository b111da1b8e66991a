package posts

import (
	"bytes"
	"html"
	"path"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"bilipaste/internal/regex"
)

// Mention is where a document names a picture.
type Mention struct {
	Start, End int    // bytes of Document.Text that are replaced for another address
	Address    string // as it is meant: without escapes and entities; never ""
	Line       int    // from 1

	Base string // a folder that the address is relative to, as a post's typora-root-url says; "": the usual ones
	Name bool   // the address is a note's of Obsidian: any file of the vault with that name

	write func(address string) string // what stands between Start and End for another address
	wider *wider                      // how a referrer policy is added, nil: it cannot be
}

// wider is a longer range of the text, and what stands there for an address.
type wider struct {
	start, end int
	write      func(address string) string
}

// Change returns the change that gives the picture another address. With
// noReferrer a browser that shows it tells no host where: an <img> gets that
// policy, and a Markdown image becomes such an <img>.
func (m Mention) Change(address string, noReferrer bool) Change {
	address = clean(address)
	if noReferrer && m.wider != nil {
		return Change{m.wider.start, m.wider.end, m.wider.write(address)}
	}
	return Change{m.Start, m.End, m.write(address)}
}

// clean returns an address without the characters that have a meaning in one
// of the languages that addresses stand in.
func clean(address string) string {
	var b strings.Builder
	for _, c := range []byte(address) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"'<>()[]{}|\\^`", c) >= 0 {
			const digits = "0123456789ABCDEF"
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// Find returns the mentions of the pictures of a document, in their order, none
// overlapping another. What is code, a comment or mathematics has none. The
// error is a lang.Teller: the front matter cannot be read, and so is left alone.
func Find(d *Document) ([]Mention, error) {
	f := &finder{d: d}
	body, err := f.frontMatter()
	f.markdown(body)
	slices.SortStableFunc(f.mentions, func(a, b Mention) int { return a.Start - b.Start })
	end := 0
	f.mentions = slices.DeleteFunc(f.mentions, func(p Mention) bool {
		if p.Start < end { // found twice: two images have one definition
			return true
		}
		end = p.End
		return false
	})
	return f.mentions, err
}

// finder looks for the pictures of one document.
type finder struct {
	d        *Document
	mentions []Mention
	base     string // what the front matter says of Mention.Base

	source []byte // of the parser: the text from offset on, as long as that
	offset int
}

func (f *finder) add(start, end int, address string, write func(string) string, w *wider) {
	address = strings.TrimSpace(address)
	if address == "" || strings.HasPrefix(address, "#") {
		return
	}
	f.mentions = append(f.mentions, Mention{
		Start: start, End: end, Address: address, Line: f.d.Line(start), Base: f.base, write: write, wider: w,
	})
}

// as is how an address is written where it needs no escapes.
func as(address string) string { return address }

// expression is a template's, as Jekyll has them in addresses.
var expression = regex.Lazy(`\{\{-?[^{}<%\n]*\}\}`)

// markdown finds what stands in Markdown from a byte on.
func (f *finder) markdown(from int) {
	f.offset, f.source = from, bytes.Clone(f.d.Text[from:])
	// The parser sees a text of the same length without what it does not know.
	for i, c := range f.source {
		if c == '\r' { // a line end of its own, or the blank before one
			f.source[i] = '\n'
			if i+1 < len(f.source) && f.source[i+1] == '\n' {
				f.source[i] = ' '
			}
		}
	}
	for _, at := range expression().FindAllIndex(f.source, -1) {
		for i := at[0]; i < at[1]; i++ {
			if c := f.source[i]; c == ' ' || c == '\t' || c == '"' || c == '\'' || c == '|' {
				f.source[i] = '_'
			}
		}
	}
	context := newContext()
	doc := parserOf(f.d.MDX).Parse(text.NewReader(f.source), withContext(context))
	ends := endsOf(context)
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Image:
			f.image(n, ends[n])
			return ast.WalkSkipChildren, nil // its alternative text shows no picture
		case *ast.Link:
			if isPicture(plain(n.Destination)) && holdsImage(n) {
				f.destination(n.Destination, nil)
			}
		case *ast.HTMLBlock:
			if !f.d.MDX {
				lines := slices.Clone(n.Lines().Sliced(0, n.Lines().Len()))
				if n.HasClosure() {
					lines = append(lines, n.ClosureLine)
				}
				f.html(lines)
			}
		case *tag:
			n.found(f)
		}
		if n.Type() == ast.TypeBlock && !n.IsRaw() && n.FirstChild() != nil && n.FirstChild().Type() == ast.TypeInline {
			f.tagsIn(n)
		}
		return ast.WalkContinue, nil
	})
}

// tagsIn finds the pictures of the HTML or JSX in the text of a block.
func (f *finder) tagsIn(n ast.Node) {
	if f.d.MDX {
		f.jsx(n)
		return
	}
	var segments []text.Segment
	_ = ast.Walk(n, func(c ast.Node, entering bool) (ast.WalkStatus, error) {
		if raw, ok := c.(*ast.RawHTML); ok && entering {
			segments = append(segments, raw.Segments.Sliced(0, raw.Segments.Len())...)
		}
		return ast.WalkContinue, nil
	})
	if len(segments) > 0 {
		f.html(segments)
	}
}

// holdsImage tells whether a link shows a picture.
func holdsImage(n ast.Node) bool {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if c.Kind() == ast.KindImage || holdsImage(c) {
			return true
		}
	}
	return false
}

// image finds the address of an image of Markdown, which ends at a byte of the
// source.
func (f *finder) image(n *ast.Image, end int) {
	var w *wider
	if n.Reference == nil && end > 0 {
		attributes := ` alt="` + html.EscapeString(plainText(n, f.source)) + `"`
		if len(n.Title) > 0 {
			attributes += ` title="` + html.EscapeString(plain(n.Title)) + `"`
		}
		w = &wider{f.offset + n.Pos(), f.offset + end, func(address string) string {
			return `<img src="` + html.EscapeString(address) + `"` + attributes + noReferrer + `>`
		}}
	}
	f.destination(n.Destination, w)
}

const noReferrer = ` referrerpolicy="no-referrer"`

// destination finds a link's or image's address, which the parser returns as a
// part of its source.
func (f *finder) destination(part []byte, w *wider) {
	at := cap(f.source) - cap(part)
	if len(part) == 0 || at < 0 || at >= len(f.source) || &f.source[at] != &part[0] {
		return
	}
	start, end := f.offset+at, f.offset+at+len(part)
	f.add(start, end, plain(f.d.Text[start:end]), inMarkdown, w)
}

// entity is what Markdown and HTML read as another character.
var entity = regex.Lazy(`&(#?[0-9A-Za-z]+;)`)

func inMarkdown(address string) string { return entity().ReplaceAllString(address, "&amp;$1") }

// plain is a part of Markdown without escapes and entities.
func plain(part []byte) string {
	return string(util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(part))))
}

// plainText is what is read of a node.
func plainText(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.WriteString(plain(n.Value(source)))
				if n.SoftLineBreak() || n.HardLineBreak() {
					b.WriteByte(' ')
				}
			}
		case *ast.String:
			if entering {
				b.Write(n.Value)
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// extensions are the ends of the names of pictures.
var extensions = []string{
	".png", ".jpg", ".jpeg", ".jfif", ".gif", ".webp", ".avif", ".bmp", ".svg", ".tif", ".tiff", ".heic", ".ico", ".apng", ".jxl",
}

// isPicture tells whether an address has a picture's name.
func isPicture(address string) bool {
	address, _, _ = strings.Cut(address, "#")
	address, _, _ = strings.Cut(address, "?")
	address, _, _ = strings.Cut(address, "@") // Bilibili's processing
	return slices.Contains(extensions, strings.ToLower(path.Ext(strings.ReplaceAll(address, `\`, "/"))))
}

// IsRemote tells whether an address is on another machine.
func IsRemote(address string) bool {
	lower := strings.ToLower(address)
	return strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "//")
}
