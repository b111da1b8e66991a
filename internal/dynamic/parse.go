package dynamic

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"bilipaste/internal/lang"
	"bilipaste/internal/regex"
)

// Parse reads a document as it is written in a file: options between two lines
// of "---", and then the text. A picture's line, such as "![](sea.jpg)", goes to
// the pictures; a block "```vote" is the vote; "@name(number)" and
// "[@name](https://space.bilibili.com/number)" are mentions; a word in brackets
// is an emoji. All else is text as it is written. notices says what the author
// may not expect. The error is a lang.Teller that names the line.
func Parse(data []byte) (d Document, notices []lang.Message, err error) {
	text, notices, err := clean(data)
	if err != nil {
		return d, nil, err
	}
	lines := strings.Split(text, "\n")
	first := 0
	if head := headEnd(lines); head > 0 {
		if err := d.readHead(lines[1:head]); err != nil {
			return d, nil, err
		}
		first = head + 1
	} else if lines[0] == "---" {
		return d, nil, at(1, lang.Errorf("dynamic.head_open", nil, nil))
	}
	p := parser{document: &d, notices: notices}
	if err := p.body(lines, first); err != nil {
		return d, nil, err
	}
	d.trim()
	return d, p.notices, nil
}

// at names the line of an error.
func at(line int, err error) error {
	return lang.Errorf("dynamic.line", lang.Data{"Line": line, "Cause": err}, err)
}

// invisible characters come with text that is copied from pages, and Bilibili
// refuses them.
const invisible = "\u200b\ufeff"

// clean returns a file's text, with line feeds alone and without invisible
// characters.
func clean(data []byte) (text string, notices []lang.Message, err error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		return "", nil, lang.Errorf("dynamic.encoding", nil, nil)
	}
	text = strings.ReplaceAll(string(data), "\r\n", "\n")
	if i := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }); i >= 0 {
		return "", nil, at(1+strings.Count(text[:i], "\n"), lang.Errorf("dynamic.control", nil, nil))
	}
	if strings.ContainsAny(text, invisible) {
		notices = append(notices, lang.Message{ID: "dynamic.notice.invisible"})
		text = strings.Map(func(r rune) rune {
			if strings.ContainsRune(invisible, r) {
				return -1
			}
			return r
		}, text)
	}
	return text, notices, nil
}

// headEnd returns the line at which a document's head ends, 0 if it has none.
func headEnd(lines []string) int {
	if strings.TrimRight(lines[0], " \t") != "---" {
		return 0
	}
	for i, line := range lines[1:] {
		if strings.TrimRight(line, " \t") == "---" {
			return i + 1
		}
	}
	return 0
}

var yamlLine = regex.Lazy(`line (\d+): `)

// readHead reads the options, which stand in the document's second line and the
// following ones.
func (d *Document) readHead(lines []string) error {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(strings.Join(lines, "\n")), &root); err != nil {
		what, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
		if found := yamlLine().FindStringSubmatch(what); found != nil {
			line, _ = strconv.Atoi(found[1])
			what = strings.Replace(what, found[0], "", 1)
		}
		return at(line+1, lang.Errorf("dynamic.head", lang.Data{"Cause": what}, err))
	}
	if len(root.Content) == 0 {
		return nil
	}
	options := root.Content[0]
	if options.Kind != yaml.MappingNode {
		return at(options.Line+1, lang.Errorf("dynamic.head", lang.Data{"Cause": options.Value}, nil))
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(options.Content); i += 2 {
		key, value := options.Content[i], options.Content[i+1]
		switch {
		case value.Kind != yaml.ScalarNode:
			return at(value.Line+1, lang.Errorf("dynamic.head_value", lang.Data{"Key": key.Value}, nil))
		case seen[key.Value]:
			return at(key.Line+1, lang.Errorf("dynamic.head_twice", lang.Data{"Key": key.Value}, nil))
		case value.Tag == "!!null" && isKey(key.Value):
			continue
		}
		seen[key.Value] = true
		if err := d.Set(key.Value, value.Value); err != nil {
			return at(key.Line+1, err)
		}
	}
	return nil
}

func isKey(key string) bool {
	for _, k := range keys {
		if k == key {
			return true
		}
	}
	return false
}

// parser reads the text of a document.
type parser struct {
	document *Document
	notices  []lang.Message
	blank    bool // the line before was blank
	dropped  bool // a picture's line followed it: the next blank line goes, too
}

// notice tells of something once, in the line where it is first.
func (p *parser) notice(id string, line int) {
	for _, n := range p.notices {
		if n.ID == id {
			return
		}
	}
	p.notices = append(p.notices, lang.Message{ID: id, Data: lang.Data{"Line": line}})
}

var fence = regex.Lazy("^ {0,3}(```+|~~~+)\\s*(.*)$")

// body reads lines from the first on.
func (p *parser) body(lines []string, first int) error {
	for i := first; i < len(lines); i++ {
		line := lines[i]
		open := fence().FindStringSubmatch(line)
		if open == nil {
			if err := p.line(line, i+1); err != nil {
				return err
			}
			continue
		}
		end := i + 1
		for end < len(lines) && !closes(lines[end], open[1]) {
			end++
		}
		title, isVote := strings.CutPrefix(open[2], "vote")
		switch isVote = isVote && (title == "" || title[0] == ' ' || title[0] == '\t'); {
		case isVote && end == len(lines):
			return at(i+1, lang.Errorf("dynamic.vote_open", nil, nil))
		case isVote && p.document.Vote != nil:
			return at(i+1, lang.Errorf("dynamic.votes", nil, nil))
		case isVote:
			vote, err := readVote(title, lines[i+1:end], i+1)
			if err != nil {
				return err
			}
			p.document.Vote = &vote
			p.add(Part{Kind: VotePart, Text: vote.Title})
			p.text("\n")
		default:
			p.notice("dynamic.notice.code", i+1)
			p.text(strings.Join(lines[i:min(end+1, len(lines))], "\n") + "\n")
		}
		i = end
		p.blank = false
	}
	return nil
}

// closes tells whether a line ends a block that began with open.
func closes(line, open string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, open) && strings.Trim(line, open[:1]) == ""
}

// markup is what Markdown would show in another way, and a dynamic does not.
var markup = []struct {
	notice string
	is     func() *regexp.Regexp
}{
	{"dynamic.notice.heading", regex.Lazy(`^ {0,3}#{1,6}[ \t]`)},
	{"dynamic.notice.table", regex.Lazy(`^\s*\|?\s*:?-{3,}:?\s*(\|\s*:?-{3,}:?\s*)+\|?\s*$`)},
	{"dynamic.notice.emphasis", regex.Lazy(`\*\*[^*\s][^*]*\*\*|__[^_\s][^_]*__|~~[^~\s][^~]*~~`)},
	{"dynamic.notice.quote", regex.Lazy(`^ {0,3}>`)},
	{"dynamic.notice.code", regex.Lazy("`[^`]+`")},
}

// line reads a line of text. One of pictures alone vanishes.
func (p *parser) line(line string, number int) error {
	for _, m := range markup {
		if m.is().MatchString(line) {
			p.notice(m.notice, number)
		}
	}
	pictures := len(p.document.Pictures)
	parts, err := p.inline(line, number)
	if err != nil {
		return err
	}
	empty := true
	for _, part := range parts {
		empty = empty && part.Kind == Text && strings.TrimSpace(part.Text) == ""
	}
	switch {
	case empty && len(p.document.Pictures) > pictures:
		p.dropped = true
		return nil
	case empty && p.dropped && p.blank: // else two blank lines would stay where the picture was
		p.dropped = false
		return nil
	}
	p.blank, p.dropped = empty, false
	for _, part := range parts {
		p.add(part)
	}
	p.text("\n")
	return nil
}

func (p *parser) text(s string) { p.add(Part{Kind: Text, Text: s}) }

// add adds a part; texts that follow each other are one.
func (p *parser) add(part Part) { p.document.Parts = join(p.document.Parts, part) }

func join(parts []Part, part Part) []Part {
	last := len(parts) - 1
	switch {
	case part.Kind == Text && part.Text == "":
	case part.Kind == Text && last >= 0 && parts[last].Kind == Text:
		parts[last].Text += part.Text
	default:
		parts = append(parts, part)
	}
	return parts
}

// trim cuts blanks and blank lines at both ends of the text.
func (d *Document) trim() {
	const blanks = " \t\n"
	if len(d.Parts) > 0 && d.Parts[0].Kind == Text {
		if d.Parts[0].Text = strings.TrimLeft(d.Parts[0].Text, blanks); d.Parts[0].Text == "" {
			d.Parts = d.Parts[1:]
		}
	}
	if last := len(d.Parts) - 1; last >= 0 && d.Parts[last].Kind == Text {
		if d.Parts[last].Text = strings.TrimRight(d.Parts[last].Text, blanks); d.Parts[last].Text == "" {
			d.Parts = d.Parts[:last]
		}
	}
}

// errNoPicture is that of a picture whose file cannot be named.
var errNoPicture = errors.New("a picture without a file")
