package posts_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/posts"
)

// Whatever a document holds: its mentions are in order and in it, what is around
// them stays as it is, and the pictures are found again at their new addresses.
func FuzzFind(f *testing.F) {
	for name, documents := range marked {
		for _, m := range documents {
			f.Add(strings.NewReplacer("⟦", "", "⟧", "").Replace(m), strings.HasSuffix(name, "x"))
		}
	}
	for _, example := range examples(f) {
		f.Add(example, false)
	}
	f.Fuzz(func(t *testing.T, text string, mdx bool) {
		name := "a.md"
		if mdx {
			name = "a.mdx"
		}
		d, err := posts.Parse(name, []byte(text))
		if err != nil {
			return
		}
		started := time.Now()
		mentions, bad := posts.Find(d)
		if took := time.Since(started); took > 5*time.Second && len(text) < 10000 {
			t.Fatalf("%v for %d bytes", took, len(text))
		}
		var changes []posts.Change
		at := 0
		for i, p := range mentions {
			if p.Start < at || p.End <= p.Start || p.End > len(d.Text) || p.Address == "" {
				t.Fatalf("mention %+v", p)
			}
			at = p.End
			changes = append(changes, p.Change(fmt.Sprintf("https://new.example/%d.png", i), false))
		}
		edits, err := d.Edits(changes)
		if err != nil {
			t.Fatal(err)
		}
		after, err := posts.Apply([]byte(text), edits)
		if err != nil {
			t.Fatal(err)
		}
		if len(mentions) == 0 && !bytes.Equal(after, []byte(text)) {
			t.Fatal("nothing was found, and something changed")
		}
		again, err := posts.Parse(name, after)
		if err != nil {
			t.Fatalf("%q became %q: %v", text, after, err)
		}
		found, badNow := posts.Find(again)
		if (bad == nil) != (badNow == nil) {
			t.Fatalf("%q became %q: %v", text, after, badNow)
		}
		if len(found) != len(mentions) {
			t.Fatalf("%q became %q: %d mentions, %d before", text, after, len(found), len(mentions))
		}
		for i, p := range found {
			if want := fmt.Sprintf("https://new.example/%d.png", i); p.Address != want {
				t.Errorf("%q became %q: %s, not %s", text, after, p.Address, want)
			}
		}
	})
}
