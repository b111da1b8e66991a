package posts

import (
	"bytes"
	"html"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	xhtml "golang.org/x/net/html"

	"bilipaste/internal/regex"
)

// html finds the pictures of HTML, which stands in segments of the source.
func (f *finder) html(segments []text.Segment) {
	p := newPieces(f, segments)
	z := xhtml.NewTokenizer(bytes.NewReader(p.text))
	at, code, media := 0, 0, 0
	link := attribute{} // the picture that the link around leads to
	for {
		kind := z.Next()
		if kind == xhtml.ErrorToken {
			return
		}
		raw := z.Raw()
		start := at
		at += len(raw)
		if kind != xhtml.StartTagToken && kind != xhtml.SelfClosingTagToken && kind != xhtml.EndTagToken {
			continue
		}
		raw = bytes.Clone(raw) // z uses it anew
		token := z.Token()
		step := map[xhtml.TokenType]int{xhtml.StartTagToken: 1, xhtml.EndTagToken: -1}[kind]
		switch token.Data {
		case "noscript":
			z.NextIsNotRawText()
		case "pre", "code":
			code = max(0, code+step)
		case "video", "audio":
			media = max(0, media+step)
		case "a":
			link = attribute{}
		}
		if code > 0 || step < 0 {
			continue
		}
		attributes := scanAttributes(raw, start, false)
		attributes = slices.DeleteFunc(attributes, func(a attribute) bool { // where the tokenizer has read another value
			return !slices.ContainsFunc(token.Attr, func(b xhtml.Attribute) bool { return b.Key == a.name && b.Val == unescape(a.value) })
		})
		if token.Data == "a" {
			for _, a := range attributes {
				if a.name == "href" && isPicture(unescape(a.value)) {
					link = a
				}
			}
			continue
		}
		if f.tag(p, token.Data, attributes, media > 0) && link.name != "" {
			f.address(p, link, nil)
			link = attribute{}
		}
	}
}

// jsx finds the pictures of the JSX in a block of an MDX document.
func (f *finder) jsx(n ast.Node) {
	p := newPieces(f, n.Lines().Sliced(0, n.Lines().Len()))
	_ = ast.Walk(n, func(c ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering && c.Kind() == ast.KindCodeSpan {
			for t := c.FirstChild(); t != nil; t = t.NextSibling() {
				if t, ok := t.(*ast.Text); ok {
					p.blank(f.offset+t.Segment.Start, f.offset+t.Segment.Stop)
				}
			}
		}
		return ast.WalkContinue, nil
	})
	for _, at := range comment().FindAllIndex(p.text, -1) {
		copy(p.text[at[0]:at[1]], bytes.Repeat([]byte(" "), at[1]-at[0]))
	}
	for _, at := range element().FindAllSubmatchIndex(p.text, -1) {
		name := string(p.text[at[2]:at[3]])
		if strings.EqualFold(name, "video") || strings.EqualFold(name, "audio") {
			continue
		}
		f.tag(p, strings.ToLower(name), scanAttributes(p.text[at[0]:], at[0], true), false)
	}
}

var (
	comment = regex.Lazy(`(?s)\{\s*/\*.*?\*/\s*\}|<!--.*?-->`)
	element = regex.Lazy(`<([A-Za-z][\w.]*)[\s/>]`)
)

// tag finds the pictures that a tag with these attributes shows.
func (f *finder) tag(p *pieces, name string, attributes []attribute, media bool) (shows bool) {
	image := name == "img" || name == "image"
	switch {
	case image, name == "source" && !media:
	case f.d.MDX: // a component
	default:
		return false
	}
	policy := slices.ContainsFunc(attributes, func(a attribute) bool { return a.name == "referrerpolicy" })
	for _, a := range attributes {
		value := unescape(a.value)
		switch a.name {
		case "src", "data-src", "data-original":
			if !image && !isPicture(value) && (name != "source" || !IsRemote(value)) {
				continue
			}
			var w *wider
			if start, end, ok := p.span(a.outer, a.end+a.quote); ok && name == "img" && !policy {
				policy = true
				between := p.text[a.outer:a.start]
				after := p.text[a.end : a.end+a.quote]
				if a.quote == 0 {
					between, after = []byte(`"`), []byte(`"`)
				}
				w = &wider{start, end, func(address string) string {
					return string(between) + html.EscapeString(address) + string(after) + noReferrer
				}}
			}
			f.address(p, a, w)
			shows = true
		case "srcset", "data-srcset":
			for _, at := range candidates(a.value) {
				part := a
				part.start, part.end, part.value = a.start+at[0], a.start+at[1], a.value[at[0]:at[1]]
				part.set = true
				f.address(p, part, nil)
				shows = true
			}
		}
	}
	return shows
}

// address adds the picture that an attribute names.
func (f *finder) address(p *pieces, a attribute, w *wider) {
	if start, end, ok := p.span(a.start, a.end); ok {
		f.add(start, end, unescape(a.value), func(address string) string {
			if a.set || a.quote == 0 {
				address = strings.ReplaceAll(address, ",", "%2C")
			}
			if a.quote == 0 && strings.Contains(address, "=") {
				return `"` + html.EscapeString(address) + `"`
			}
			return html.EscapeString(address)
		}, w)
	}
}

// unescape is an attribute's value as the tokenizer reads it.
func unescape(value string) string {
	return html.UnescapeString(strings.ReplaceAll(strings.ReplaceAll(value, "\r\n", "\n"), "\r", "\n"))
}

// set is a srcset's candidate: an address, and what stands behind it.
var set = regex.Lazy(`([^\s,]\S*[^\s,]|[^\s,])([^,]*)(?:,|$)`)

// candidates are the spans of the addresses of a srcset.
func candidates(value string) (spans [][2]int) {
	for _, at := range set().FindAllStringSubmatchIndex(value, -1) {
		if !strings.HasPrefix(value[at[2]:], "data:") {
			spans = append(spans, [2]int{at[2], at[3]})
		}
	}
	return spans
}

// attribute is one of a tag, with offsets in its text.
type attribute struct {
	name       string // lower case
	outer      int    // where the value begins with its quote, if it has one
	start, end int    // the value
	quote      int    // the length of what ends it: 0 without a quote, 2 for "}
	value      string // as it stands there
	set        bool   // it is a part of a srcset
}

// scanAttributes reads the attributes of the tag at the start of a text, which
// itself starts at a byte of another. In JSX a value may be {"…"}.
func scanAttributes(text []byte, offset int, jsx bool) (all []attribute) {
	i := 1
	for i < len(text) && !isBlank(text[i]) && text[i] != '/' && text[i] != '>' {
		i++
	}
	for i < len(text) {
		for i < len(text) && (isBlank(text[i]) || text[i] == '/') {
			i++
		}
		if i == len(text) || text[i] == '>' {
			return all
		}
		start := i
		for i++; i < len(text) && !isBlank(text[i]) && text[i] != '/' && text[i] != '>' && text[i] != '='; i++ {
		}
		a := attribute{name: strings.ToLower(string(text[start:i]))}
		after := i
		for after < len(text) && isBlank(text[after]) {
			after++
		}
		if after == len(text) || text[after] != '=' {
			continue
		}
		for i = after + 1; i < len(text) && isBlank(text[i]); i++ {
		}
		if i == len(text) || text[i] == '>' {
			return all
		}
		a.outer = offset + i
		switch c := text[i]; {
		case c == '"' || c == '\'':
			length := bytes.IndexByte(text[i+1:], c)
			if length < 0 {
				return all
			}
			a.start, a.end, a.quote = i+1, i+1+length, 1
			i = a.end + 1
		case jsx && c == '{':
			length := braces(text[i:])
			if length == 0 {
				return all
			}
			inner := literal().FindSubmatchIndex(text[i : i+length])
			if inner == nil {
				i += length
				continue
			}
			a.start, a.end = i+inner[2], i+inner[3]
			i += length
			a.quote = i - a.end
		default:
			a.start = i
			for i < len(text) && !isBlank(text[i]) && text[i] != '>' {
				i++
			}
			a.end = i
		}
		a.value = string(text[a.start:a.end])
		a.start, a.end = offset+a.start, offset+a.end
		all = append(all, a)
	}
	return all
}

// literal is an expression that is a string.
var literal = regex.Lazy("^\\{\\s*[\"'`]([^\"'`\\\\${}\n]*)[\"'`]\\s*\\}$")

// braces returns the length of an expression in braces, 0 if it has no end.
func braces(text []byte) int {
	depth, quote := 0, byte(0)
	for i, c := range text {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }

// pieces is a text that stands in several pieces of a document: between them is
// what begins the lines of a quote or of a list.
type pieces struct {
	text  []byte
	start []int // of each piece, in text
	in    []int // where it stands in the document
}

func newPieces(f *finder, segments []text.Segment) *pieces {
	p := &pieces{}
	for _, s := range segments {
		p.start = append(p.start, len(p.text))
		p.in = append(p.in, f.offset+s.Start)
		p.text = append(p.text, f.d.Text[f.offset+s.Start:f.offset+s.Stop]...)
	}
	return p
}

// span returns where a part of the text stands in the document; ok is false
// where that is not one piece.
func (p *pieces) span(start, end int) (from, to int, ok bool) {
	i, _ := slices.BinarySearch(p.start, start+1)
	j, _ := slices.BinarySearch(p.start, end)
	i, j = i-1, max(j-1, i-1)
	if i < 0 || i != j {
		return 0, 0, false
	}
	from = p.in[i] + start - p.start[i]
	return from, from + end - start, true
}

// blank takes out what stands between two bytes of the document.
func (p *pieces) blank(start, end int) {
	for i, in := range p.in {
		piece := p.text[p.start[i]:]
		if i+1 < len(p.start) {
			piece = p.text[p.start[i]:p.start[i+1]]
		}
		for at := max(start, in); at < min(end, in+len(piece)); at++ {
			piece[at-in] = ' '
		}
	}
}
