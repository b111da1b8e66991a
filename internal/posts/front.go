package posts

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"
	"go.yaml.in/yaml/v3"

	"bilipaste/internal/lang"
	"bilipaste/internal/regex"
)

// pictureKeys are the keys under which front matter names pictures, in lower
// case without "-" and "_".
var pictureKeys = []string{
	"image", "images", "img", "cover", "coverimage", "covers", "thumbnail", "thumb", "heroimage", "hero", "banner", "bannerimg", "indeximg",
	"featured", "featuredimage", "featureimage", "ogimage", "socialimage", "photos", "photo", "topimg", "toppic", "headerimg", "headerimage", "teaser",
}

// inner are keys that say nothing by themselves: what they are of does.
var inner = []string{"src", "url", "path", "file", "relative", "light", "dark", "og", "twitter"}

// isPictureKey tells whether the value under these keys, from the outermost on,
// may be a picture's address.
func isPictureKey(keys []string) bool {
	for i, key := range slices.Backward(keys) {
		key = strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(key))
		switch {
		case slices.Contains(pictureKeys, key), key == "src" && i > 0 && keys[i-1] == "resources":
			return true
		case !slices.Contains(inner, key):
			return false
		}
	}
	return false
}

// fences tell where front matter ends.
var fences = []struct {
	open, close func() *regexp.Regexp
	read        func(f *finder, from, to int) (isFrontMatter bool, err error)
}{
	{regex.Lazy(`^---[ \t]*\r?\n`), regex.Lazy(`(?m)^(?:---|\.\.\.)[ \t]*\r?$`), (*finder).yaml},
	{regex.Lazy(`^\+\+\+[ \t]*\r?\n`), regex.Lazy(`(?m)^\+\+\+[ \t]*\r?$`), (*finder).toml},
	{regex.Lazy(`^;;;[ \t]*\r?\n`), regex.Lazy(`(?m)^;;;[ \t]*\r?$`), (*finder).jsonMembers},
}

// frontMatter finds the pictures that the front matter names, and returns where
// it ends.
func (f *finder) frontMatter() (end int, err error) {
	text := f.d.Text
	if len(text) > 1 && text[0] == '{' && (text[1] == '\n' || text[1] == '\r' || text[1] == ' ' || text[1] == '"') {
		return f.json(0)
	}
	for _, fence := range fences {
		open := fence.open().FindIndex(text)
		if open == nil {
			continue
		}
		closed := fence.close().FindIndex(text[open[1]:])
		if closed == nil {
			return 0, nil
		}
		to, after := open[1]+closed[0], open[1]+closed[1]
		is, err := fence.read(f, open[1], to)
		switch {
		case err != nil:
			f.mentions, f.base = nil, ""
			return after, lang.Errorf("posts.front_matter", lang.Data{"Cause": err}, err)
		case !is: // a line above a text
			return 0, nil
		}
		return after, nil
	}
	return 0, nil
}

// value adds a picture that front matter names, if it does.
func (f *finder) value(keys []string, value string, start, end int, write func(string) string) {
	switch {
	case len(keys) == 1 && keys[0] == "typora-root-url":
		f.base = value
		for i := range f.mentions {
			f.mentions[i].Base = value
		}
	case !isPictureKey(keys), !isPicture(value) && !IsRemote(value), strings.Contains(value, "*"):
	default:
		f.add(start, end, value, write, nil)
	}
}

// yaml reads front matter that is YAML.
func (f *finder) yaml(from, to int) (bool, error) {
	part := f.d.Text[from:to]
	var doc yaml.Node
	if err := yaml.Unmarshal(part, &doc); err != nil {
		return false, err
	}
	if doc.Kind == 0 { // nothing but comments
		return true, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return false, nil
	}
	y := yamlReader{f: f, from: from, text: part, lines: yamlLines(part), seen: map[*yaml.Node]bool{}}
	y.node(root, nil)
	return true, nil
}

// yamlReader goes through the nodes of a YAML document.
type yamlReader struct {
	f     *finder
	from  int // where text begins in the document
	text  []byte
	lines []int
	seen  map[*yaml.Node]bool
}

// yamlLines are the starts of lines as YAML counts them.
func yamlLines(text []byte) []int {
	starts := []int{0}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		i += n
		switch r {
		case '\r':
			if i < len(text) && text[i] == '\n' {
				i++
			}
			starts = append(starts, i)
		case '\n', '\u0085', '\u2028', '\u2029':
			starts = append(starts, i)
		}
	}
	return starts
}

func (y *yamlReader) node(n *yaml.Node, keys []string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode && y.seen[n] {
		return // it holds itself
	}
	y.seen[n] = true
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			y.node(n.Content[i+1], append(slices.Clone(keys), n.Content[i].Value))
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			y.node(c, keys)
		}
	case yaml.ScalarNode:
		y.scalar(n, keys)
	}
	delete(y.seen, n)
}

// property is what stands before a node: its anchor, its tag.
var property = regex.Lazy(`^(?:[&!]\S*[ \t]+)+`)

func (y *yamlReader) scalar(n *yaml.Node, keys []string) {
	if n.Line < 1 || n.Line > len(y.lines) || n.Tag != "!!str" {
		return
	}
	start := y.lines[n.Line-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(y.text[start:])
		start += size
	}
	if n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		start += len(property().Find(y.text[start:]))
	}
	rest, value := y.text[start:], n.Value
	write, length := as, 0
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		length = quoted(rest, '"', `\`)
	case n.Style&yaml.SingleQuotedStyle != 0:
		length = quoted(rest, '\'', "")
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		value = strings.TrimSpace(value)
		head := bytes.IndexByte(rest, '\n') + 1
		first := head + len(rest[head:]) - len(bytes.TrimLeft(rest[head:], " \t\r\n"))
		if head == 0 || !bytes.HasPrefix(rest[first:], []byte(value)) {
			return
		}
		start, length = start+first, len(value)
	case bytes.HasPrefix(rest, []byte(value)):
		length, write = len(value), plainYAML
	default: // over several lines
		return
	}
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		if length == 0 {
			return
		}
		start, length = start+1, length-2
	}
	start += y.from
	y.f.value(keys, value, start, start+length, write)
}

// plainYAML is an address as YAML has it without quotes, if it can.
func plainYAML(address string) string {
	if strings.ContainsAny(address, ",") || address != "" && strings.ContainsAny(address[:1], "%@&*!#-?:~") {
		return `"` + address + `"`
	}
	return address
}

// quoted returns the length of a string with its quotes, 0 if it has no end.
func quoted(text []byte, quote byte, escape string) int {
	if len(text) == 0 || text[0] != quote {
		return 0
	}
	for i := 1; i < len(text); i++ {
		switch {
		case escape != "" && text[i] == escape[0]:
			i++
		case text[i] == quote && escape == "" && i+1 < len(text) && text[i+1] == quote: // YAML's ''
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return 0
}

// toml reads front matter that is TOML.
func (f *finder) toml(from, to int) (bool, error) {
	part := f.d.Text[from:to]
	p := unstable.Parser{}
	p.Reset(part)
	var table []string
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = tomlKeys(e)
		case unstable.KeyValue:
			f.tomlValue(&p, e.Value(), append(slices.Clone(table), tomlKeys(e)...), from)
		}
	}
	return true, p.Error()
}

func tomlKeys(e *unstable.Node) (keys []string) {
	for i := e.Key(); i.Next(); {
		keys = append(keys, string(i.Node().Data))
	}
	return keys
}

func (f *finder) tomlValue(p *unstable.Parser, v *unstable.Node, keys []string, from int) {
	switch v.Kind {
	case unstable.Array:
		for i := v.Children(); i.Next(); {
			f.tomlValue(p, i.Node(), keys, from)
		}
	case unstable.InlineTable:
		for i := v.Children(); i.Next(); {
			f.tomlValue(p, i.Node().Value(), append(slices.Clone(keys), tomlKeys(i.Node())...), from)
		}
	case unstable.String:
		raw := p.Raw(v.Raw)
		quotes := 1
		if len(raw) >= 6 && (bytes.HasPrefix(raw, []byte(`"""`)) || bytes.HasPrefix(raw, []byte(`'''`))) {
			quotes = 3
		}
		if inside := raw[quotes : len(raw)-quotes]; !bytes.ContainsAny(inside, "\r\n") {
			start := from + int(v.Raw.Offset) + quotes
			f.value(keys, string(v.Data), start, start+len(inside), as)
		}
	}
}

// json reads front matter that is a JSON object, and returns where it ends.
func (f *finder) json(from int) (end int, err error) {
	d := json.NewDecoder(bytes.NewReader(f.d.Text[from:]))
	if err := f.jsonValue(d, nil, from); err != nil {
		f.mentions = nil
		return 0, nil //nolint:nilerr // a post that begins with a brace
	}
	return from + int(d.InputOffset()), nil
}

// jsonMembers reads front matter that is the members of a JSON object.
func (f *finder) jsonMembers(from, to int) (bool, error) {
	body := append([]byte{'{'}, f.d.Text[from:to]...)
	d := json.NewDecoder(bytes.NewReader(append(body, '}')))
	err := f.jsonValue(d, nil, from-1)
	return err == nil, err
}

// jsonValue reads one value of a decoder that has begun at a byte of the text.
func (f *finder) jsonValue(d *json.Decoder, keys []string, from int) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch v := token.(type) {
	case json.Delim:
		for d.More() {
			inside := keys
			if v == '{' {
				key, err := d.Token()
				if err != nil {
					return err
				}
				name, _ := key.(string)
				inside = append(slices.Clone(keys), name)
			}
			if err := f.jsonValue(d, inside, from); err != nil {
				return err
			}
		}
		_, err = d.Token()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	case string:
		end := from + int(d.InputOffset()) - 1 // before the quote
		start := bytes.LastIndexByte(f.d.Text[:end], '"') + 1
		for start > 1 && f.d.Text[start-2] == '\\' { // an escaped quote: the value is none of ours
			return nil
		}
		f.value(keys, v, start, end, as)
	}
	return nil
}
