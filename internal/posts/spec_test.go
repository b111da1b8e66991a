package posts_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"rsc.io/markdown"

	"bilipaste/internal/posts"
)

// examples returns those of CommonMark's specification, from the sources of the
// parser that is used here; none where there is no go, as under Wine.
func examples(t testing.TB) (all []string) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil && runtime.GOOS == "windows" {
		return nil
	}
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/yuin/goldmark").Output()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "_test", "spec.json"))
	if err != nil {
		t.Fatal(err)
	}
	var read []struct{ Markdown string }
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	for _, e := range read {
		all = append(all, e.Markdown)
	}
	if len(all) < 600 {
		t.Fatalf("%d examples", len(all))
	}
	return all
}

// In each example every picture that another implementation of CommonMark shows
// gets a new address, and nothing else changes in what that shows.
func TestSpecification(t *testing.T) {
	pictures := 0
	for _, example := range examples(t) {
		for _, text := range []string{example, strings.ReplaceAll(example, "\n", "\r\n"), strings.TrimSuffix(example, "\n")} {
			pictures += rewritten(t, "a.md", text)
		}
	}
	if runtime.GOOS != "windows" && pictures < 60 {
		t.Errorf("%d pictures", pictures)
	}
}

// rewritten gives each picture of a document an address of its own, and looks
// at the document as others show it.
func rewritten(t *testing.T, name, text string) (pictures int) {
	t.Helper()
	d, err := posts.Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	mentions, err := posts.Find(d)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	var changes []posts.Change
	for i, p := range mentions {
		changes = append(changes, p.Change(address(i), false))
	}
	after := applied(t, d, []byte(text), changes)
	was, is := shown(text), shown(after)
	if len(was) != len(is) {
		t.Errorf("%q became\n%q", text, after)
		return 0
	}
	used := map[string]bool{}
	for i := range was {
		for j, a := range was[i].Attr {
			b := is[i].Attr[j]
			isNew := strings.HasPrefix(b.Val, "https://new.example/")
			switch {
			case was[i].Data == "img" && a.Key == "src" && a.Val != "" && a.Val[0] != '#' && !isNew:
				t.Errorf("%q: %s was not found: %q", text, a.Val, after)
			case was[i].Data == "img" && a.Key == "src" && isNew, was[i].Data == "a" && a.Key == "href" && isNew:
				used[b.Val] = true
				was[i].Attr[j].Val, is[i].Attr[j].Val = "", ""
			}
		}
		if fmt.Sprint(was[i]) != fmt.Sprint(is[i]) {
			t.Errorf("%q became\n%q: %v, not %v", text, after, is[i], was[i])
		}
	}
	for i := range mentions {
		if !used[address(i)] {
			t.Errorf("%q: %v is shown nowhere", text, mentions[i].Address)
		}
	}
	return len(mentions)
}

func address(i int) string { return fmt.Sprintf("https://new.example/%d.png?a=1&copy;=2", i) }

// shown is what another implementation shows.
func shown(text string) (tokens []html.Token) {
	p := markdown.Parser{Table: true}
	z := html.NewTokenizer(strings.NewReader(markdown.ToHTML(p.Parse(text))))
	for z.Next() != html.ErrorToken {
		token := z.Token()
		token.Attr = slices.Clone(token.Attr)
		tokens = append(tokens, token)
	}
	return tokens
}
