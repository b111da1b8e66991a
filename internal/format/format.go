// Package format writes a picture's link as the text that is pasted.
package format

import (
	"html"
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

// Write writes one picture's link.
func (f Format) Write(p Picture) string {
	switch f {
	case Markdown:
		return "![](" + p.URL + ")"
	case HTML:
		return `<img src="` + html.EscapeString(p.URL) + `" referrerpolicy="no-referrer">`
	case URL:
		return p.URL
	case BBCode:
		return "[img]" + p.URL + "[/img]"
	}
	oneLine := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, p.Name)
	return strings.NewReplacer(
		"{url}", p.URL, "{name}", oneLine,
		"{width}", strconv.Itoa(p.Width), "{height}", strconv.Itoa(p.Height),
	).Replace(f.text)
}
