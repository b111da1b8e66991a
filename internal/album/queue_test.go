package album_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/album"
)

// keep keeps a picture.
func keep(t *testing.T, a *album.Album, n int) album.Debt {
	t.Helper()
	d, err := a.Keep(t.Context(), drawn(t, n))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAPostponedDebtWaitsWithItsReason(t *testing.T) {
	dir := t.TempDir()
	a, other := open(t, dir), open(t, dir)
	first, second := keep(t, a, 1), keep(t, a, 2)
	again := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	for range 2 {
		if err := a.Postpone(t.Context(), first.ID, album.Failure{Why: "no network", Again: again}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Postpone(t.Context(), second.ID, album.Failure{Why: "no picture", ForGood: true}); err != nil {
		t.Fatal(err)
	}
	debts := owed(t, other)
	if len(debts) != 2 || debts[0].ID != first.ID || debts[0].Taken || debts[0].Tries != 2 || debts[0].Why != "no network" || !debts[0].Again.Equal(again) {
		t.Fatalf("%+v", debts)
	}
	if d := debts[1]; d.ID != second.ID || !d.ForGood || !d.Again.IsZero() {
		t.Errorf("%+v", d)
	}
	if _, err := other.Take(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Take(t.Context(), first.ID); !errors.Is(err, album.ErrTaken) {
		t.Errorf("taken twice: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Take(t.Context(), first.ID); err != nil {
		t.Errorf("what was let go of: %v", err)
	}
}

func TestAPictureIsOwedOnceHoweverOftenItIsCopied(t *testing.T) {
	dir := t.TempDir()
	a, other := open(t, dir), open(t, dir)
	first := keep(t, a, 1)
	if err := a.Postpone(t.Context(), first.ID, album.Failure{Why: "no network", ForGood: true}); err != nil {
		t.Fatal(err)
	}
	if d := keep(t, a, 1); d.ID != first.ID {
		t.Errorf("a second debt: %+v", d)
	}
	if debts := owed(t, a); len(debts) != 1 || debts[0].ForGood || debts[0].Why != "" || debts[0].Tries != 0 {
		t.Errorf("what is copied again is not new: %+v", debts)
	}
	// Another process that copies it meanwhile has a debt of its own until it
	// knows what came of it.
	second := keep(t, other, 1)
	if debts := owed(t, a); second.ID == first.ID || len(debts) != 2 {
		t.Errorf("%+v", debts)
	}
	if err := other.Postpone(t.Context(), second.ID, album.Failure{Why: "no network"}); err != nil {
		t.Fatal(err)
	}
	if debts := owed(t, a); len(debts) != 1 || debts[0].ID != first.ID || !debts[0].Taken {
		t.Errorf("%+v", debts)
	}
	keep(t, other, 1)
	if err := a.Record(t.Context(), upload(drawn(t, 1))); err != nil {
		t.Fatal(err)
	}
	if debts := owed(t, a); len(debts) != 0 {
		t.Errorf("%+v", debts)
	}
	if err := other.Postpone(t.Context(), second.ID, album.Failure{}); err != nil {
		t.Errorf("a debt that was settled: %v", err)
	}
}

func TestAKnownLinkSettlesWhatIsOwed(t *testing.T) {
	a := open(t, t.TempDir())
	if err := a.Record(t.Context(), upload(drawn(t, 1))); err != nil {
		t.Fatal(err)
	}
	d := keep(t, a, 1)
	if _, ok, err := a.Known(t.Context(), place, d.Sum, "keep"); ok || err != nil {
		t.Fatal(ok, err)
	}
	if debts := owed(t, a); len(debts) != 1 {
		t.Errorf("%+v", debts)
	}
	if _, ok, err := a.Known(t.Context(), place, d.Sum, "strip"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if debts := owed(t, a); len(debts) != 0 {
		t.Errorf("%+v", debts)
	}
}

func TestDroppedIsNotOwed(t *testing.T) {
	a := open(t, t.TempDir())
	first, second := keep(t, a, 1), keep(t, a, 2)
	if what, hint := say(a.Drop(t.Context(), first.ID, 99)); !strings.Contains(what, "number 99") || hint == "" {
		t.Errorf("%s / %s", what, hint)
	}
	if debts := owed(t, a); len(debts) != 2 {
		t.Errorf("%+v", debts)
	}
	if err := a.Drop(t.Context(), first.ID, second.ID); err != nil {
		t.Fatal(err)
	}
	if debts := owed(t, a); len(debts) != 0 {
		t.Errorf("%+v", debts)
	}
	if _, err := a.Original(t.Context(), first.Sum); err != nil {
		t.Errorf("the original went, too: %v", err)
	}
}

func TestAnOriginalThatIsNotWhatItWasIsNotUploaded(t *testing.T) {
	a := open(t, t.TempDir())
	for n, spoil := range map[int]func(file string) error{
		1: os.Remove,
		2: func(file string) error { return os.WriteFile(file, []byte("something else"), 0o600) },
	} {
		d := keep(t, a, n)
		if err := a.Postpone(t.Context(), d.ID, album.Failure{}); err != nil {
			t.Fatal(err)
		}
		file, err := a.Original(t.Context(), d.Sum)
		if err != nil {
			t.Fatal(err)
		}
		if err := spoil(file); err != nil {
			t.Fatal(err)
		}
		for range 2 { // nobody is at it
			if what, _ := say(func() error { _, err := a.Take(t.Context(), d.ID); return err }()); !strings.Contains(what, file) {
				t.Errorf("%d: %s", n, what)
			}
		}
		// Copied again, it is there again.
		if again := keep(t, a, n); again.ID != d.ID {
			t.Errorf("a second debt: %+v", again)
		}
		if err := a.Postpone(t.Context(), d.ID, album.Failure{}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Take(t.Context(), d.ID); err != nil {
			t.Error(err)
		}
	}
	holdsFiles(t, a, 2)
}
