package notify

import "testing"

// A file's name is chosen by whoever made the file.
func TestATextIsNotRunByPowerShell(t *testing.T) {
	for text, want := range map[string]string{
		"a cat.png":            "a cat.png",
		"“猫” & <b>.png":        "“猫” & <b>.png",
		"$(calc).png":          "＄(calc).png",
		"`$x.png":              "‵＄x.png",
		"a\n\"@\ncalc\n@\"":    "a\n\"＠\ncalc\n@\"",
		"a\n”@":                "a\n”＠",
		"]]></text><text>oops": "]]›</text><text>oops",
	} {
		if got := inert.Replace(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
