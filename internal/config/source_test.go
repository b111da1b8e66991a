package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bilipaste/internal/config"
	"bilipaste/internal/lang"
)

func TestWhatStandsAboveTheFileHolds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.json")
	s := config.Source{File: file, Over: []config.Value{{Key: "host", Text: "folder"}, {Key: "format", Text: "html"}}}
	for _, text := range []string{`{}`, `{"host": "scdn", "bucket": "album"}`, `{"host": `} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := s.Load()
		if c.Host != "folder" || c.Markup.String() != "html" {
			t.Errorf("%s: host %s, format %s", text, c.Host, c.Markup)
		}
		if broken := text == `{"host": `; (err != nil) != broken {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := os.WriteFile(file, []byte(`{"host": "scdn"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Without("host").Load(); err != nil || c.Host != "scdn" || c.Markup.String() != "html" {
		t.Errorf("chosen anew: host %s, format %s, %v", c.Host, c.Markup, err)
	}
	if c, _ := s.Load(); c.Host != "folder" {
		t.Errorf("the source itself has changed: %s", c.Host)
	}
}

// A flag that says nothing is told of; what the file has is the first to be.
func TestAFlagThatIsNone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.json")
	s := config.Source{File: file, Over: []config.Value{{Key: "gif", Text: "png"}, {Key: "host", Text: "folder"}}}
	for text, want := range map[string]string{`{}`: "first-frame", `{"pace": "soon"}`: "1s"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := s.Load()
		if what, _ := lang.New(lang.English).Error(err); err == nil || !strings.Contains(what, want) || c.Host != "folder" {
			t.Errorf("%s: host %s, %s", text, c.Host, what)
		}
	}
}
