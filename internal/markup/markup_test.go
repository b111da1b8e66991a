package markup_test

import (
	"testing"

	"bilipaste/internal/markup"
)

func TestMarkups(t *testing.T) {
	p := markup.Picture{URL: "https://i0.hdslb.com/a.png?x=1&y=2", Name: "my\ncat.png", Width: 640, Height: 480}
	for spec, want := range map[string]string{
		"markdown": "![](https://i0.hdslb.com/a.png?x=1&y=2)",
		"html":     `<img src="https://i0.hdslb.com/a.png?x=1&amp;y=2" referrerpolicy="no-referrer">`,
		"url":      "https://i0.hdslb.com/a.png?x=1&y=2",
		"bbcode":   "[img]https://i0.hdslb.com/a.png?x=1&y=2[/img]",
		`{{< figure src="{url}" title="{name}" >}} {width}x{height} {other}`: `{{< figure src="https://i0.hdslb.com/a.png?x=1&y=2" title="my cat.png" >}} 640x480 {other}`,
	} {
		m, err := markup.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Write(p); got != want {
			t.Errorf("%s: %s", spec, got)
		}
		if m.String() != spec {
			t.Errorf("%s is shown as %s", spec, m)
		}
	}
	for _, spec := range []string{"", "Markdown", "jpeg", "{name}"} {
		if _, err := markup.Parse(spec); err == nil {
			t.Errorf("%q is a markup", spec)
		}
	}
}

// A name that looks like a placeholder is not replaced again.
func TestANameIsNotATemplate(t *testing.T) {
	m, _ := markup.Parse("{name} {url}")
	if got := m.Write(markup.Picture{URL: "u", Name: "{url}"}); got != "{url} u" {
		t.Error(got)
	}
}

// What stands in a name or an address stays in its place.
func TestNothingGetsOutOfItsPlace(t *testing.T) {
	for _, test := range []struct{ spec, name, url, want string }{
		{"![{name}]({url})", "x](javascript:alert(1)).jpg", "https://h/a.jpg", `![x\](javascript:alert(1)).jpg](https://h/a.jpg)`},
		{"![{name}]({url})", `x\`, "u", `![x\\](u)`},
		{"![{name}]({url})", "a\x1b[31m\u202egnp.exe", "u", `![a \[31m gnp.exe](u)`},
		{"![{name}]({url})", "![y](z)", "u", `![\!\[y\](z)](u)`},
		{`![]({url} "{name}")`, `" onerror="x`, "u", `![](u "&#34; onerror&#61;&#34;x")`},
		{`![]({url} "{name}")`, `x\`, "u", `![](u "x&#92;")`},
		{`<img src="{url}" alt='{name}'>`, `'><script>`, `h/"><script>`, `<img src="h/%22%3E%3Cscript%3E" alt='&#39;&gt;&lt;script&gt;'>`},
		{"`{name}` {url}", "a`b", "u", "`a'b` u"},
		{"[b]{name}[/b] {url}", "x[/b][url=evil]", "u", "[b]x(/b)(url=evil)[/b] u"},
		{"markdown", "n", "https://h/a b(1).png", "![](https://h/a%20b%281%29.png)"},
		{"markdown", "n", "pic.png)\n[x](y", "![](pic.png%29%20%5Bx%5D%28y)"},
		{"bbcode", "n", "h/[/img].png", "[img]h/%5B/img%5D.png[/img]"},
		{"url", "n", "h/\x1b]0;x\x07", "h/%20%5D0;x"},
	} {
		m, err := markup.Parse(test.spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Write(markup.Picture{URL: test.url, Name: test.name}); got != test.want {
			t.Errorf("%s of %q, %q:\n got %s\nwant %s", test.spec, test.name, test.url, got, test.want)
		}
	}
}
