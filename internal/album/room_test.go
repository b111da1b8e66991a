package album_test

import (
	"sync"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/picture"
)

func TestTheOldestOriginalsWithALivingLinkMakeRoom(t *testing.T) {
	size := int64(len(drawn(t, 0).Data)) // all have the same
	dir := t.TempDir()
	a, err := album.Open(t.Context(), dir, album.Options{MaxSize: 4 * size})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	has := func(n int) bool {
		_, err := a.Original(t.Context(), picture.SumOf(drawn(t, n).Data))
		return err == nil
	}
	want := func(when string, numbers ...int) {
		t.Helper()
		holdsFiles(t, a, len(numbers))
		for _, n := range numbers {
			if !has(n) {
				t.Errorf("%s: %d is not there", when, n)
			}
		}
	}
	record := func(n int) {
		t.Helper()
		if err := a.Record(t.Context(), upload(drawn(t, n))); err != nil {
			t.Fatal(err)
		}
	}
	dropped := keep(t, a, 1)
	if err := a.Drop(t.Context(), dropped.ID); err != nil {
		t.Fatal(err)
	}
	waits := keep(t, a, 2)
	record(3)
	record(4)
	want("at the bound", 1, 2, 3, 4)
	record(5)
	want("the oldest with a link", 1, 2, 4, 5)
	if err := a.Dead(t.Context(), upload(drawn(t, 4)).Link.URL, time.Now()); err != nil {
		t.Fatal(err)
	}
	record(6)
	want("only this one can be seen still", 1, 2, 4, 6)
	record(7)
	record(8)
	want("nothing else has a link", 1, 2, 4, 8)
	keep(t, a, 9)
	want("8 can be seen", 1, 2, 4, 9)
	keep(t, a, 10)
	want("nothing can be seen: the oldest", 2, 4, 9, 10)
	keep(t, a, 11)
	want("what is pending stays", 2, 9, 10, 11)
	keep(t, a, 12)
	want("also past the bound", 2, 9, 10, 11, 12)

	record(8) // it is uploaded anew: the newest stays
	want("the newest", 2, 8, 9, 10, 11, 12)
	if entries, err := a.History(t.Context(), album.Query{}); err != nil || len(entries) != 6 || !entries[0].Kept || entries[1].Kept {
		t.Errorf("%+v, %v", entries, err)
	}
	if _, err := a.Take(t.Context(), waits.ID); err == nil {
		t.Error("an upload that this album is at was taken")
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := album.Verify(t.Context(), dir, album.Options{})
	if err != nil || r.Whole != 6 || r.Bytes != 6*size || len(r.Missing)+len(r.Changed)+r.Adopted > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWithoutABoundAllStay(t *testing.T) {
	a := open(t, t.TempDir())
	for n := range 20 {
		if err := a.Record(t.Context(), upload(drawn(t, n))); err != nil {
			t.Fatal(err)
		}
	}
	holdsFiles(t, a, 20)
}

// Originals that go and come back at the same moment, in two processes' way.
func TestWhatComesBackWhileItGoesStays(t *testing.T) {
	dir := t.TempDir()
	size := int64(len(drawn(t, 0).Data))
	var work sync.WaitGroup
	for range 2 {
		a, err := album.Open(t.Context(), dir, album.Options{MaxSize: 2 * size})
		if err != nil {
			t.Fatal(err)
		}
		work.Go(func() {
			defer func() { _ = a.Close() }()
			for n := range 60 {
				u := upload(drawn(t, n%5))
				if err := a.Record(t.Context(), u); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	if r := verify(t, dir); r.Whole != 2 || len(r.Missing)+r.Adopted > 0 {
		t.Errorf("%+v", r)
	}
}
