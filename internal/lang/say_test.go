package lang_test

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"bilipaste/internal/lang"
)

var (
	action = regexp.MustCompile(`{{(?:if \.|(?:else|end)}}|\.)?`)
	name   = regexp.MustCompile(`\.(\w+)}}`)
)

// The catalogue is written in a small part of text/template's language, without
// an if inside of another; the page knows placeholders only. Whatever has a value,
// each text is said as text/template says it.
func TestEveryMessageIsSaidAsItsTemplateSays(t *testing.T) {
	for _, tag := range []string{lang.English, lang.Chinese} {
		for id, entry := range texts(t, tag) {
			forms, ok := entry.(map[string]any)
			if !ok {
				forms = map[string]any{"other": entry}
			}
			for form, text := range forms {
				t.Run(tag+"/"+id+"/"+form, func(t *testing.T) { saidAsItsTemplate(t, tag, id, form, text.(string)) })
			}
		}
	}
}

func saidAsItsTemplate(t *testing.T, tag, id, form, text string) {
	inside := false
	for _, a := range action.FindAllString(text, -1) {
		switch {
		case a == "{{":
			t.Error("has what a text of the catalogue cannot have")
		case a == "{{.":
		case inside == (a == "{{if .") || strings.HasPrefix(id, "page."):
			t.Errorf("has a misplaced %s", a)
		case a != "{{else}}":
			inside = !inside
		}
	}
	if inside {
		t.Error("has an if without end")
	}
	reference := template.Must(template.New(id).Option("missingkey=error").Parse(text))
	full := lang.Data{}
	for _, n := range name.FindAllStringSubmatch(text, -1) {
		full[n[1]] = "the " + n[1]
	}
	if form == "one" {
		full["Count"] = 1
	}
	for _, without := range append(slices.Collect(maps.Keys(full)), "") {
		data := maps.Clone(full)
		if without != "Count" {
			data[without] = ""
		}
		var want strings.Builder
		if err := reference.Execute(&want, data); err != nil {
			t.Error(err)
		}
		if got := lang.New(tag).Text(id, data); got != want.String() {
			t.Errorf("without %q: %q, want %q", without, got, want.String())
		}
	}
}

func TestAMessageHasTheFormOfItsCount(t *testing.T) {
	for _, c := range []struct {
		tag, want string
		count     any
	}{
		{"en", "1 original is lost", 1}, {"en", "1 original is lost", int64(1)}, {"en", "0 originals are lost", 0}, {"en", "11 originals are lost", 11},
		{"en", "-1 originals are lost", -1}, {"en", " originals are lost", nil},
		{"zh", "1 张原图已丢失", 1}, {"zh", "2 张原图已丢失", 2},
	} {
		if got := lang.New(c.tag).Text("cli.album.lost", lang.Data{"Count": c.count}); got != c.want {
			t.Errorf("%v: %q, want %q", c.count, got, c.want)
		}
	}
	if got := lang.New("en").Text("writing.more", lang.Data{"Count": 1}); got == "writing.more" {
		t.Error("a text without forms is not said for one")
	}
}

func TestValuesAreSaidButNeverRead(t *testing.T) {
	p := lang.New("en")
	type name string
	for _, c := range []struct {
		host, code, said any
		want             string
	}{
		{"a", -4, "no", "a has trouble (-4): no"},
		{"a", 0, "", "a has trouble"},
		{"a", nil, nil, "a has trouble"},
		{name("a\nb"), uint64(1 << 63), 1.5, "a b has trouble (9223372036854775808): 1.5"},
		{true, false, []string{"x"}, "true has trouble: [x]"},
		{"{{.Code}}", "{{.Host}}", "{{if .Host}}{{else}}{{end}}", "{{.Code}} has trouble ({{.Host}}): {{if .Host}}{{else}}{{end}}"},
		{"{{", "}}", "{{end}}", "{{ has trouble (}}): {{end}}"},
		{lang.Message{ID: "lang.name"}, nil, lang.Message{}, "English has trouble"},
		{"a", lang.Errorf("lang.name", nil, nil), errors.New("b\r\u202ec"), "a has trouble (English): b  c"},
		{"a", fmt.Errorf("x: %w", lang.Errorf("lang.name", nil, nil)), lang.Message{ID: "{{.Host}}"}, "a has trouble (English): {{.Host}}"},
	} {
		if got := p.Text("fault.passing", lang.Data{"Host": c.host, "Code": c.code, "Said": c.said}); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if got := p.Text("fault.passing"); got != " has trouble" {
		t.Errorf("with no values: %q", got)
	}
}

func BenchmarkSay(b *testing.B) {
	p := lang.New(lang.English)
	m := lang.Message{ID: "fault.rejected", Data: lang.Data{"Host": "bilibili", "Name": "a.png", "Code": -400, "Said": "no"}}
	for b.Loop() {
		p.Say(m)
	}
}
