package album_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/album"
)

// monthsOf says an album's months, such as "2026-11 2 before 7".
func monthsOf(t *testing.T, a *album.Album, q album.Query) string {
	t.Helper()
	months, err := a.Months(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range months {
		all = append(all, fmt.Sprintf("%s %d before %d", m.Month, m.Count, m.Key))
	}
	return strings.Join(all, ", ")
}

// at is when the links of an album were used, in turn.
func at(t *testing.T, dir string, times ...time.Time) {
	t.Helper()
	for i, used := range times {
		run(t, dir, fmt.Sprintf("UPDATE links SET used = %d WHERE turn = %d", used.UnixMilli(), i+1))
	}
}

func day(year, month, day int) time.Time {
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.Local)
}

func TestMonthsAreCountedInLocalTime(t *testing.T) {
	dir := t.TempDir()
	if err := album.Fill(t.Context(), dir, 6); err != nil {
		t.Fatal(err)
	}
	at(t, dir, day(2025, 12, 31), day(2026, 2, 1).Add(-time.Millisecond), day(2026, 2, 1), day(2026, 2, 3), day(2026, 2, 28), day(2026, 4, 1))
	run(t, dir, "UPDATE links SET dead = 1 WHERE turn IN (2, 4, 6)")
	a, err := album.Open(t.Context(), dir, album.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	for _, c := range []struct {
		q    album.Query
		want string
	}{
		{album.Query{}, "2026-04 1 before 7, 2026-02 3 before 6, 2026-01 1 before 3, 2025-12 1 before 2"},
		{album.Query{Life: album.Dead}, "2026-04 1 before 7, 2026-02 1 before 5, 2026-01 1 before 3"},
		{album.Query{Since: day(2026, 2, 2), Until: day(2026, 3, 1)}, "2026-02 2 before 6"},
		{album.Query{Words: []string{"SCREENSHOT"}}, "2025-12 1 before 2"},
		{album.Query{Words: []string{"hdslb"}, Before: new(int64(5)), After: new(int64(1))}, "2026-02 2 before 5, 2026-01 1 before 3"},
		{album.Query{Host: "scdn"}, ""},
		{album.Query{Words: []string{"nowhere"}}, ""},
	} {
		if got := monthsOf(t, a, c.q); got != c.want {
			t.Errorf("%+v: %s, want %s", c.q, got, c.want)
		}
	}
}

// What was used last comes first, also where the clock was set back meanwhile.
func TestMonthsOfAClockThatWasSetBack(t *testing.T) {
	dir := t.TempDir()
	if err := album.Fill(t.Context(), dir, 5); err != nil {
		t.Fatal(err)
	}
	at(t, dir, day(2026, 1, 1), day(2026, 2, 1), day(2026, 1, 9), day(2026, 2, 3), day(2026, 2, 2))
	run(t, dir, "UPDATE links SET dead = 1 WHERE turn <> 3")
	a, err := album.Open(t.Context(), dir, album.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	if got, want := monthsOf(t, a, album.Query{}), "2026-02 2 before 6, 2026-01 1 before 4, 2026-02 1 before 3, 2026-01 1 before 2"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := monthsOf(t, a, album.Query{Life: album.Dead}), "2026-02 3 before 6, 2026-01 1 before 2"; got != want {
		t.Errorf("the dead: %s, want %s", got, want)
	}
}

func TestAnAlbumOfTheFirstVersionIsLedOn(t *testing.T) {
	dir := t.TempDir()
	if err := album.Fill(t.Context(), dir, 3); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "DROP INDEX links_used; PRAGMA user_version = 1")
	a, err := album.Open(t.Context(), dir, album.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := monthsOf(t, a, album.Query{}); !strings.Contains(got, " 3 before 4") {
		t.Errorf("its months: %s", got)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "DROP INDEX links_used") // which fails if it is not there
	shell(t, dir)
}

// Links that were made by other programs come last; those before any of them are
// found as well.
func TestImportedLinksAreCountedAndPaged(t *testing.T) {
	a, err := album.Open(t.Context(), t.TempDir(), album.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	var links []album.Foreign
	for i := range 5 {
		l := upload(drawn(t, i)).Link
		l.URL, l.Made = fmt.Sprintf("https://i0.hdslb.com/bfs/live/%d.png", i), day(2026, 1+i/3, 1+i)
		links = append(links, album.Foreign{Link: l})
	}
	if _, err := a.Import(t.Context(), links); err != nil {
		t.Fatal(err)
	}
	if got, want := monthsOf(t, a, album.Query{Words: []string{"hdslb"}}), "2026-02 2 before 1, 2026-01 3 before -1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	entries, err := a.History(t.Context(), album.Query{Before: new(int64(-1))})
	if err != nil || len(entries) != 3 {
		t.Errorf("%d of the older month, %v", len(entries), err)
	}
}
