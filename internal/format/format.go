// Package format writes a picture's link as the text that is pasted.
package format

import (
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bilipaste/internal/lang"
)

// Format is how a link is written: one of the names below, or a template that
// holds {url} and, if it likes, {name}, {width} and {height}.
type Format struct{ text string }

// The formats that have a name.
var (
	Markdown = Format{"markdown"}
	HTML     = Format{"html"} // with no-referrer: Bilibili's image servers refuse other sites' referrers
	URL      = Format{"url"}
	BBCode   = Format{"bbcode"}
)

var named = []Format{Markdown, HTML, URL, BBCode}

// Names returns the names of the formats that have one.
func Names() []string {
	names := make([]string, len(named))
	for i, f := range named {
		names[i] = f.text
	}
	return names
}

// Parse reads a format's name, or a template. A text that is neither is an error.
func Parse(s string) (Format, error) {
	if f := (Format{s}); slices.Contains(named, f) || strings.Contains(s, "{url}") {
		return f, nil
	}
	return Format{}, lang.Errorf("format.unknown", lang.Data{"Format": s}, nil)
}

// String returns what Parse reads.
func (f Format) String() string { return f.text }

// Picture is what is written of a picture.
type Picture struct {
	URL           string
	Name          string // "" where it has none
	Width, Height int    // pixels
}

// Write writes one picture's link. What a file's name or an address holds can
// end neither the link nor a quoted text around it.
func (f Format) Write(p Picture) string {
	url := address(p.URL)
	switch f {
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
		"{name}":   func(before string) string { return f.name(p.Name, before) },
		"{width}":  func(string) string { return strconv.Itoa(p.Width) },
		"{height}": func(string) string { return strconv.Itoa(p.Height) },
	}
	var text strings.Builder
	last := 0
	for _, at := range placeholder.FindAllStringIndex(f.text, -1) {
		text.WriteString(f.text[last:at[0]])
		text.WriteString(values[f.text[at[0]:at[1]]](f.text[:at[0]]))
		last = at[1]
	}
	return text.String() + f.text[last:]
}

var placeholder = regexp.MustCompile(`{(?:url|name|width|height)}`)

// name writes a name into the template, of which before is what stands before
// it: in quotes with HTML's entities, which Markdown's titles know as well, in a
// code span without its mark, in BBCode without brackets, else as Markdown has it.
func (f Format) name(name, before string) string {
	name = strings.TrimSpace(lang.OneLine(name))
	switch {
	case strings.HasSuffix(before, `"`), strings.HasSuffix(before, "'"), strings.HasSuffix(before, "="):
		return inQuotes.Replace(name)
	case strings.HasSuffix(before, "`"):
		return strings.ReplaceAll(name, "`", "'")
	case strings.Contains(f.text, "[/"):
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
