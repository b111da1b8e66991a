package posts

import (
	"bytes"
	"html"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"bilipaste/internal/regex"
)

// parserOf returns the parser of a dialect: CommonMark with tables, footnotes,
// mathematics, Obsidian's embeds, and the tags of Hugo and Hexo.
func parserOf(mdx bool) parser.Parser {
	if mdx {
		return ofMDX()
	}
	return ofMarkdown()
}

var (
	ofMarkdown = sync.OnceValue(func() parser.Parser { return newParser(false) })
	ofMDX      = sync.OnceValue(func() parser.Parser { return newParser(true) })
)

func newParser(mdx bool) parser.Parser {
	blocks := []util.PrioritizedValue{
		util.Prioritized(parser.NewSetextHeadingParser(), 100),
		util.Prioritized(parser.NewThematicBreakParser(), 200),
		util.Prioritized(parser.NewListParser(), 300),
		util.Prioritized(parser.NewListItemParser(), 400),
		util.Prioritized(parser.NewATXHeadingParser(), 600),
		util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
		util.Prioritized(mathBlock{}, 750),
		util.Prioritized(parser.NewBlockquoteParser(), 800),
		util.Prioritized(parser.NewParagraphParser(), 1000),
	}
	if !mdx {
		blocks = append(blocks,
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewHTMLBlockParser(), 900))
	}
	p := parser.NewParser(
		parser.WithBlockParsers(blocks...),
		parser.WithInlineParsers(
			util.Prioritized(inlineTag{'$', mathematics}, 50),
			util.Prioritized(inlineTag{'{', tags}, 50),
			util.Prioritized(inlineTag{'!', embed}, 50),
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(links{parser.NewLinkParser()}, 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300),
			util.Prioritized(parser.NewRawHTMLParser(), 400),
			util.Prioritized(parser.NewEmphasisParser(), 500),
		),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
	)
	goldmark.New(goldmark.WithParser(p), goldmark.WithExtensions(extension.Table, extension.Footnote))
	return p
}

var endsKey = parser.NewContextKey()

func newContext() parser.Context {
	c := parser.NewContext()
	c.Set(endsKey, map[ast.Node]int{})
	return c
}

func withContext(c parser.Context) parser.ParseOption { return parser.WithContext(c) }

// endsOf are the bytes where inline images end.
func endsOf(c parser.Context) map[ast.Node]int { return c.Get(endsKey).(map[ast.Node]int) }

// links notes where each image ends, beside what the parser does.
type links struct{ parser.InlineParser }

func (l links) Parse(parent ast.Node, block text.Reader, c parser.Context) ast.Node {
	n := l.InlineParser.Parse(parent, block, c)
	if n != nil && n.Kind() == ast.KindImage {
		_, at := block.Position()
		endsOf(c)[n] = at.Start
	}
	return n
}

func (l links) CloseBlock(parent ast.Node, block text.Reader, c parser.Context) {
	l.InlineParser.(parser.CloseBlocker).CloseBlock(parent, block, c)
}

// mathBlock is what stands between lines that begin and end with $$.
type mathBlock struct{}

func (mathBlock) Trigger() []byte { return []byte{'$'} }

func (mathBlock) Open(_ ast.Node, reader text.Reader, c parser.Context) (ast.Node, parser.State) {
	line, segment := reader.PeekLine()
	at := c.BlockOffset()
	if at < 0 || !bytes.HasPrefix(line[at:], []byte("$$")) || bytes.Contains(line[at+2:], []byte("$$")) ||
		!bytes.Contains(reader.Source()[segment.Stop:], []byte("$$")) {
		return nil, parser.NoChildren
	}
	reader.AdvanceToEOL()
	return ast.NewFencedCodeBlock(nil), parser.NoChildren
}

func (mathBlock) Continue(_ ast.Node, reader text.Reader, _ parser.Context) parser.State {
	line, _ := reader.PeekLine()
	reader.AdvanceToEOL()
	if bytes.Contains(line, []byte("$$")) {
		return parser.Close
	}
	return parser.Continue | parser.NoChildren
}

func (mathBlock) Close(ast.Node, text.Reader, parser.Context) {}
func (mathBlock) CanInterruptParagraph() bool                 { return true }
func (mathBlock) CanAcceptIndentedLine() bool                 { return false }

// tag is an inline part that is not CommonMark's, from start to end of the
// source.
type tag struct {
	ast.BaseInline
	start, end int
	look       func(f *finder, start, end int) // at the text; nil: no picture is in it
}

var kindTag = ast.NewNodeKind("Tag")

func (t *tag) Kind() ast.NodeKind            { return kindTag }
func (t *tag) Dump(source []byte, level int) { ast.DumpHelper(t, source, level, nil, nil) }

func (t *tag) found(f *finder) {
	if t.look != nil {
		t.look(f, f.offset+t.start, f.offset+t.end)
	}
}

// inlineTag parses tags that begin with a character. match returns the length of
// one at the start of a text, 0 if there is none.
type inlineTag struct {
	first byte
	match func(rest []byte) (length int, look func(f *finder, start, end int))
}

// longestTag is how far the end of a tag is looked for, in bytes.
const longestTag = 4096

func (i inlineTag) Trigger() []byte { return []byte{i.first} }

func (i inlineTag) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	rest, segment := block.PeekLine()
	if len(rest) > 1 && bytes.ContainsAny(rest[:2], "${%") { // it may go over several lines of the paragraph
		line, pos := block.Position()
		stop := segment.Stop
		for block.AdvanceLine(); stop-segment.Start < longestTag; block.AdvanceLine() {
			next, at := block.PeekLine()
			if next == nil || len(bytes.Trim(block.Source()[stop:at.Start], " \t")) > 0 {
				break // the mark of a quote stands between
			}
			stop = at.Stop
		}
		block.SetPosition(line, pos)
		rest = block.Source()[segment.Start:stop]
	}
	length, look := i.match(rest)
	if length == 0 || segment.Padding != 0 {
		return nil
	}
	block.Advance(length)
	return &tag{start: segment.Start, end: segment.Start + length, look: look}
}

// math is $$…$$, or $…$ on one line as Pandoc has it: no blank inside next to
// the marks, and no digit after.
var math = regex.Lazy(`^(?:\$\$[^$]+\$\$|\$[^\s$](?:[^$\n]*[^\s$\\])?\$(?:[^0-9$]|$))`)

func mathematics(rest []byte) (int, func(*finder, int, int)) {
	at := math().FindIndex(rest)
	if at == nil {
		return 0, nil
	}
	return bytes.LastIndexByte(rest[:at[1]], '$') + 1, nil
}

// embedded is Obsidian's ![[name|text|300x200]]; in a table the bars are escaped.
var embedded = regex.Lazy(`^!\[\[([^\[\]\n|]+?)((?:\\?\|[^\[\]\n|]*)*)\]\]`)

func embed(rest []byte) (int, func(*finder, int, int)) {
	m := embedded().FindSubmatch(rest)
	if m == nil || !isPicture(strings.TrimSuffix(string(m[1]), `\`)) {
		return 0, nil
	}
	return len(m[0]), func(f *finder, start, end int) {
		m := embedded().FindSubmatch(f.d.Text[start:end])
		note, extra := strings.TrimSuffix(string(m[1]), `\`), string(m[2])
		attributes, words := "", []string{}
		for _, word := range strings.FieldsFunc(extra, func(r rune) bool { return r == '|' || r == '\\' }) {
			if n := size().FindStringSubmatch(word); n == nil {
				words = append(words, word)
			} else if attributes = ` width="` + n[1] + `"`; n[2] != "" {
				attributes += ` height="` + n[2] + `"`
			}
		}
		// "|300" alone is a size, and keeps its bar.
		if len(words) > 0 || attributes == "" {
			extra = strings.TrimLeft(extra, `\|`)
		}
		attributes += ` alt="` + html.EscapeString(strings.Join(words, "|")) + `"`
		f.add(start, end, note, func(address string) string {
			return "![" + extra + "](" + inMarkdown(address) + ")"
		}, &wider{start, end, func(address string) string {
			return `<img src="` + html.EscapeString(address) + `"` + attributes + noReferrer + `>`
		}})
		if n := len(f.mentions); n > 0 && f.mentions[n-1].Start == start {
			f.mentions[n-1].Name = true
		}
	}
}

var size = regex.Lazy(`^(\d+)(?:x(\d+))?$`)
