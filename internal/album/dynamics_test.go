package album_test

import (
	"reflect"
	"testing"
	"time"

	"bilipaste/internal/album"
)

func TestTheJournalOfDynamics(t *testing.T) {
	dir := t.TempDir()
	open := func() *album.Album {
		a, err := album.Open(t.Context(), dir, album.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := open()
	first := album.Dynamic{Document: "d", Author: 1, Text: "文", Count: 2}
	second := album.Dynamic{Document: "e", Author: 1, Due: time.UnixMilli(1795652936000)}
	for _, d := range []*album.Dynamic{&first, &second, {Document: "d", Author: 2}} {
		if err := a.SaveDynamic(t.Context(), d); err != nil || d.ID == 0 || time.Since(d.Since) > time.Minute {
			t.Fatal(d, err)
		}
	}
	first.Pictures, first.Vote, first.Title, first.Number = `{"a":1}`, "4000001", "标题", "900000000000000001"
	first.Asked = time.UnixMilli(1795642136123)
	if err := a.SaveDynamic(t.Context(), &first); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = open()
	defer func() { _ = a.Close() }()
	got, err := a.Dynamics(t.Context(), 1)
	for _, d := range []*album.Dynamic{&first, &second} {
		d.Since = d.Since.Truncate(time.Millisecond)
	}
	if want := []album.Dynamic{second, first}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v (%v)", got, want, err)
	}
	// What is older than three months is forgotten when something new begins.
	run(t, dir, "UPDATE dynamics SET since = since - 91 * 86400000 WHERE document = 'd'")
	if err := a.SaveDynamic(t.Context(), &album.Dynamic{Document: "f", Author: 1}); err != nil {
		t.Fatal(err)
	}
	if got, err := a.Dynamics(t.Context(), 1); err != nil || len(got) != 2 || got[0].Document != "f" || got[1].Document != "e" {
		t.Errorf("%+v, %v", got, err)
	}
}
