package album_test

import (
	"slices"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/uploader"
)

func TestImportedLinksAreTheOldestOfTheHistory(t *testing.T) {
	a := filled(t, "ours.png")
	link := func(name string, day int) album.Foreign {
		return album.Foreign{Name: name, Link: uploader.Link{
			URL: "https://i.example.org/" + name, Host: "i.example.org", Made: time.Date(2024, 1, day, 0, 0, 0, 0, time.UTC),
		}}
	}
	ours, err := a.History(t.Context(), album.Query{})
	if err != nil {
		t.Fatal(err)
	}
	known := album.Foreign{Name: "another name", Link: ours[0].Link}
	links := []album.Foreign{link("first", 1), link("third", 3), known, link("second", 2), link("first", 1)}
	if n, err := a.Import(t.Context(), links); n != 3 || err != nil {
		t.Fatalf("%d links, %v", n, err)
	}
	want := []string{"ours.png", "third", "second", "first"}
	if got := found(t, a, album.Query{}); !slices.Equal(got, want) {
		t.Errorf("the history is %q, not %q", got, want)
	}
	if got := found(t, a, album.Query{Words: []string{"EXAMPLE.org/sec"}}); !slices.Equal(got, []string{"second"}) {
		t.Errorf("a search finds %q", got)
	}
	// Once more, and one that is older than all.
	if n, err := a.Import(t.Context(), append(links, link("zeroth", 0))); n != 1 || err != nil {
		t.Fatalf("%d links, %v", n, err)
	}
	if got := found(t, a, album.Query{}); !slices.Equal(got, append(want, "zeroth")) {
		t.Errorf("the history is %q", got)
	}
	entries, err := a.History(t.Context(), album.Query{Words: []string{"third"}})
	if err != nil || len(entries) != 1 || entries[0].Kept || !entries[0].Link.Made.Equal(links[1].Link.Made) {
		t.Fatalf("%+v, %v", entries, err)
	}
	if err := a.Forget(t.Context(), entries[0].ID); err != nil {
		t.Error(err)
	}
	dir := a.Dir()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := album.Verify(t.Context(), dir, album.Options{}); err != nil || len(r.Missing)+len(r.Changed)+len(r.Strange) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
