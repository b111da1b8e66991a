package dynamic_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/dynamic"
	"bilipaste/internal/lang"
)

// The examples of the READMEs and of the help are documents.
func TestExamplesAreDocuments(t *testing.T) {
	examples := map[string]string{}
	for _, file := range []string{"README.md", "README.zh-CN.md"} {
		data, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(strings.ReplaceAll(string(data), "\r\n", "\n"), "````markdown\n")
		examples[file], _, _ = strings.Cut(rest, "````\n")
	}
	for _, tag := range []string{lang.English, lang.Chinese} {
		for _, id := range []string{"cli.dynamic.long", "cli.dynamic_post.long"} {
			_, rest, _ := strings.Cut(lang.New(tag).Text(id), "\n\n")
			text, _, _ := strings.Cut(rest, "\n\n")
			examples[tag+" "+id] = strings.TrimPrefix(strings.ReplaceAll(text, "\n  ", "\n"), "  ")
		}
	}
	for name, text := range examples {
		d, notices, err := dynamic.Parse([]byte(text))
		if err == nil {
			_, err = d.Check(d.At.Add(-time.Hour))
		}
		if err != nil || len(notices) > 0 || d.Title == "" || d.Topic.Name != "摄影" || d.Comments != dynamic.Curated ||
			len(d.Pictures) != 1 || d.Vote == nil || len(d.Vote.Options) != 2 || len(d.Parts) < 6 {
			t.Errorf("%s: %+v, %v, %v\n%s", name, d, notices, err, text)
		}
	}
}
