// Package markup writes a picture's link as the text that is pasted.
package markup

import (
	"html"
	"slices"
	"strconv"
	"strings"

	"bilipaste/internal/lang"
	"bilipaste/internal/regex"
)

// Markup is how a link is written: one of the names below, or a template that
// holds {url} and, if it likes, {name}, {width} and {height}.
type Markup struct{ text string }

// The markups that have a name.
var (
	Markdown = Markup{"markdown"}
	HTML     = Markup{"html"} // with no-referrer: Bilibili's image servers refuse other sites' referrers
	URL      = Markup{"url"}
	BBCode   = Markup{"bbcode"}
)

var named = []Markup{Markdown, HTML, URL, BBCode}

// Names returns the names of the markups that have one.
func Names() []string {
	names := make([]string, len(named))
	for i, m := range named {
		names[i] = m.text
	}
	return names
}

// Parse reads a markup's name, or a template. A text that is neither is an error.
func Parse(s string) (Markup, error) {
	if m := (Markup{s}); slices.Contains(named, m) || strings.Contains(s, "{url}") {
		return m, nil
	}
	return Markup{}, lang.Errorf("markup.unknown", lang.Data{"Markup": s}, nil)
}

// String returns what Parse reads.
func (m Markup) String() string { return m.text }

// Picture is what is written of a picture.
type Picture struct {
	URL           string
	Name          string // "" where it has none
	Width, Height int    // pixels
}

// Write writes one picture's link. What a file's name or an address holds can
// end neither the link nor a quoted text around it.
func (m Markup) Write(p Picture) string {
	url := address(p.URL)
	switch m {
	case Markdown:
		return "![](" + url + ")"
	case HTML:
		return `<img src="` + html.EscapeString(url) + `" referrerpolicy="no-referrer">`
	case URL:
		return url
	case BBCode:
		return "[img]" + url + "[/img]"
	}
	values := map[string]func(before string) string{
		"{url}":    func(string) string { return url },
		"{name}":   func(before string) string { return m.name(p.Name, before) },
		"{width}":  func(string) string { return strconv.Itoa(p.Width) },
		"{height}": func(string) string { return strconv.Itoa(p.Height) },
	}
	var text strings.Builder
	last := 0
	for _, at := range placeholder().FindAllStringIndex(m.text, -1) {
		text.WriteString(m.text[last:at[0]])
		text.WriteString(values[m.text[at[0]:at[1]]](m.text[:at[0]]))
		last = at[1]
	}
	return text.String() + m.text[last:]
}

var placeholder = regex.Lazy(`{(?:url|name|width|height)}`)

// name writes a name into the template, of which before is what stands before
// it: in quotes with HTML's entities, which Markdown's titles know as well, in a
// code span without its mark, in BBCode without brackets, else as Markdown has it.
func (m Markup) name(name, before string) string {
	name = strings.TrimSpace(lang.OneLine(name))
	switch {
	case strings.HasSuffix(before, `"`), strings.HasSuffix(before, "'"), strings.HasSuffix(before, "="):
		return inQuotes.Replace(name)
	case strings.HasSuffix(before, "`"):
		return strings.ReplaceAll(name, "`", "'")
	case strings.Contains(m.text, "[/"):
		return inBBCode.Replace(name)
	}
	return inMarkdown.Replace(name)
}

var (
	inQuotes   = strings.NewReplacer(`&`, "&amp;", `"`, "&#34;", `'`, "&#39;", `<`, "&lt;", `>`, "&gt;", `\`, "&#92;", `[`, "&#91;", `]`, "&#93;", "`", "&#96;", "=", "&#61;")
	inBBCode   = strings.NewReplacer(`[`, "(", `]`, ")")
	inMarkdown = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, "`", "\\`", `*`, `\*`, `_`, `\_`, `<`, `\<`, `>`, `\>`, `!`, `\!`, `&`, `\&`, `|`, `\|`, `$`, `\$`, `~`, `\~`)
)

// address encodes what would end an address in Markdown, HTML or BBCode. It
// leads to the same place.
func address(url string) string { return inAddress.Replace(strings.TrimSpace(lang.OneLine(url))) }

var inAddress = strings.NewReplacer(` `, "%20", `(`, "%28", `)`, "%29", `<`, "%3C", `>`, "%3E", `"`, "%22", `'`, "%27", "`", "%60", `\`, "%5C", `[`, "%5B", `]`, "%5D", `|`, "%7C", `{`, "%7B", `}`, "%7D", `^`, "%5E")
