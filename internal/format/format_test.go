package format_test

import (
	"testing"

	"bilipaste/internal/format"
)

func TestFormats(t *testing.T) {
	p := format.Picture{URL: "https://i0.hdslb.com/a.png?x=1&y=2", Name: "my\n cat.png", Width: 640, Height: 480}
	for spec, want := range map[string]string{
		"markdown": "![](https://i0.hdslb.com/a.png?x=1&y=2)",
		"html":     `<img src="https://i0.hdslb.com/a.png?x=1&amp;y=2" referrerpolicy="no-referrer">`,
		"url":      "https://i0.hdslb.com/a.png?x=1&y=2",
		"bbcode":   "[img]https://i0.hdslb.com/a.png?x=1&y=2[/img]",
		`{{< figure src="{url}" title="{name}" >}} {width}x{height} {other}`: `{{< figure src="https://i0.hdslb.com/a.png?x=1&y=2" title="my cat.png" >}} 640x480 {other}`,
	} {
		f, err := format.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Write(p); got != want {
			t.Errorf("%s: %s", spec, got)
		}
		if f.String() != spec {
			t.Errorf("%s is shown as %s", spec, f)
		}
	}
	for _, spec := range []string{"", "Markdown", "jpeg", "{name}"} {
		if _, err := format.Parse(spec); err == nil {
			t.Errorf("%q is a format", spec)
		}
	}
}

// A name that looks like a placeholder is not replaced again.
func TestANameIsNotATemplate(t *testing.T) {
	f, _ := format.Parse("{name} {url}")
	if got := f.Write(format.Picture{URL: "u", Name: "{url}"}); got != "{url} u" {
		t.Error(got)
	}
}
