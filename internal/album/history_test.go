package album_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/picture"
)

// filled is an album with a link of each name, the first one the oldest.
func filled(t *testing.T, names ...string) *album.Album {
	t.Helper()
	a := open(t, t.TempDir())
	for i, name := range names {
		u := upload(drawn(t, i))
		u.Picture.Name = name
		if err := a.Record(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// found are the names of what a query finds.
func found(t *testing.T, a *album.Album, q album.Query) []string {
	t.Helper()
	entries, err := a.History(t.Context(), q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Picture.Name)
	}
	return names
}

func TestSearchFindsWhatTheNameOrTheLinkHolds(t *testing.T) {
	names := []string{"报告.png", "Quarterly report.png", "2026年报.jpg", "100%_sure.gif", "a", "É.png", `back\slash "quoted".png`, ""}
	a := filled(t, names...)
	for _, words := range []string{
		"报告", "报", "report", "REPORT", "rep", "re", "r", "a", "2026年报", "年报", "年", "报.", ".png", "png", "g", "%", "_", "0%_s", `k\s`, `"`, `"quo`,
		"hdslb.com/bfs", "nothing", "zz", "報", "report png", "png report", "报 告", "q re", "É", "HTTPS", "/", "  ", "png  ", "'", "*", "a*", "AND", "NOT (",
	} {
		var want []string
		for _, name := range slices.Backward(names) {
			text := strings.ToLower(name + "\n" + upload(drawn(t, slices.Index(names, name))).Link.URL)
			if !slices.ContainsFunc(strings.Fields(words), func(w string) bool { return !strings.Contains(text, strings.ToLower(w)) }) {
				want = append(want, name)
			}
		}
		if got := found(t, a, album.Query{Words: strings.Fields(words)}); !slices.Equal(got, want) {
			t.Errorf("%q finds %q, not %q", words, got, want)
		}
	}
	if got := found(t, a, album.Query{Words: []string{"", "report"}}); !slices.Equal(got, names[1:2]) {
		t.Errorf("with an empty word: %q", got)
	}
}

// Letters of either case, and composed in either way, are the same.
func TestSearchFolds(t *testing.T) {
	names := []string{"École.png", "привет МИР.png", "Übersicht.PNG", "e\u0301te\u0301.png", "Straße.png", "ｶﾀｶﾅ.png", "Ελλάς.png"}
	a := filled(t, names...)
	for word, want := range map[string]string{
		"école": names[0], "ÉCOLE": names[0], "e\u0301cole": names[0], "ПРИВЕТ": names[1], "мир": names[1], "übersicht": names[2], "ÜB": names[2],
		"u\u0308bers": names[2], "été": names[3], "ÉTÉ": names[3], "strasse": names[4], "STRASSE": names[4], "ελλάσ": names[6], "é": "",
	} {
		got := found(t, a, album.Query{Words: []string{word}})
		if word == "é" { // of one letter: whichever way
			if !slices.Equal(got, []string{names[3], names[0]}) {
				t.Errorf("%q finds %q", word, got)
			}
		} else if !slices.Equal(got, []string{want}) {
			t.Errorf("%q finds %q, not %q", word, got, want)
		}
	}
	if got := found(t, a, album.Query{Words: []string{"ecole"}}); len(got) > 0 {
		t.Errorf("another letter: %q", got)
	}
}

func TestANameThatIsNoTextIsFoundAllTheSame(t *testing.T) {
	a := filled(t, "bad\xff\xfe name\x00.png")
	for _, word := range []string{"bad", "name.png", "\ufffd"} {
		if got := found(t, a, album.Query{Words: []string{word}}); !slices.Equal(got, []string{"bad\ufffd name.png"}) {
			t.Errorf("%q finds %q", word, got)
		}
	}
	if err := a.Forget(t.Context(), 1); err != nil {
		t.Error(err)
	}
	shell(t, a.Dir())
}

func TestHistoryIsOrderedByUse(t *testing.T) {
	a := filled(t, "first", "second", "third")
	before := time.Now()
	again := upload(drawn(t, 0)) // its link is handed out once more
	again.Sent, again.Link.Known = picture.Sum{}, true
	if err := a.Record(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	for want, q := range map[string]album.Query{
		"first third second": {},
		"first third":        {Limit: 2},
		"third second":       {IDs: []int64{2, 3, 99}},
		"second":             {Words: []string{"eco"}},
		"":                   {Host: "scdn"},
		"first":              {Words: []string{"hdslb"}, Limit: 1, Host: "bilibili"},
	} {
		if got := strings.Join(found(t, a, q), " "); got != want {
			t.Errorf("%+v: %s, not %s", q, got, want)
		}
	}
	if got := found(t, a, album.Query{Since: before.Add(time.Hour)}); len(got) > 0 {
		t.Errorf("used in the future: %q", got)
	}
	if got := found(t, a, album.Query{Since: before.Truncate(time.Millisecond)}); !slices.Contains(got, "first") {
		t.Errorf("since then: %q", got)
	}
}

func TestForgottenIsForgotten(t *testing.T) {
	a := filled(t, "first", "second")
	u := upload(drawn(t, 0))
	u.At.Host, u.Link.Host, u.Link.URL = "scdn", "scdn", "https://img.scdn.io/x.png"
	if err := a.Record(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	if err := a.Forget(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Original(t.Context(), u.Sent); err != nil {
		t.Errorf("the original went with one link of two: %v", err)
	}
	if err := a.Forget(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	if file, err := a.Original(t.Context(), u.Sent); err == nil {
		t.Errorf("%s stayed", file)
	}
	holdsFiles(t, a, 1)
	if what, hint := say(a.Forget(t.Context(), 1)); !strings.Contains(what, "no number 1") || hint == "" {
		t.Errorf("%s / %s", what, hint)
	}
	if err := a.Record(t.Context(), upload(drawn(t, 5))); err != nil {
		t.Fatal(err)
	}
	entries, err := a.History(t.Context(), album.Query{Words: []string{"HDSLB"}})
	if err != nil || len(entries) != 2 || entries[0].ID != 4 || entries[1].ID != 2 {
		t.Errorf("numbers were given twice: %+v, %v", entries, err)
	}
	shell(t, a.Dir())
}

func TestADeadLinkIsNotHandedOut(t *testing.T) {
	a := filled(t, "first")
	u := upload(drawn(t, 0))
	if err := a.Dead(t.Context(), u.Link.URL, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"strip", ""} {
		if link, ok, err := a.Known(t.Context(), live, u.Sent, how); ok || err != nil {
			t.Errorf("%q: %+v, %v", how, link, err)
		}
	}
	if err := a.Record(t.Context(), u); err != nil { // it was uploaded anew
		t.Fatal(err)
	}
	if _, ok, err := a.Known(t.Context(), live, u.Sent, ""); !ok || err != nil {
		t.Error(ok, err)
	}
	if got := found(t, a, album.Query{}); len(got) != 1 {
		t.Errorf("one link is %d entries", len(got))
	}
}

func TestAPictureIsKnownByWhatWasSentOrByHowItIsPrepared(t *testing.T) {
	a := open(t, t.TempDir())
	u := upload(drawn(t, 1))
	u.How, u.Sent = "strip,jpeg", upload(drawn(t, 2)).Sent
	if err := a.Record(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	given := upload(drawn(t, 1)).Sent
	for i, c := range []struct {
		at    [2]string
		sent  bool
		how   string
		known bool
	}{
		{[2]string{"bilibili", "live"}, false, "strip,jpeg", true},
		{[2]string{"bilibili", "live"}, true, "", true},
		{[2]string{"bilibili", "live"}, false, "", false},
		{[2]string{"bilibili", "live"}, true, "strip,jpeg", false},
		{[2]string{"bilibili", "live"}, false, "keep", false},
		{[2]string{"bilibili", "album"}, false, "strip,jpeg", false},
		{[2]string{"scdn", ""}, true, "", false},
	} {
		at, sum := live, given
		at.Host, at.Bucket = c.at[0], c.at[1]
		if c.sent {
			sum = u.Sent
		}
		if link, ok, err := a.Known(t.Context(), at, sum, c.how); err != nil || ok != c.known || ok && link.URL != u.Link.URL {
			t.Errorf("%d: %v, %v, %v", i, link, ok, err)
		}
	}
}

func TestAnOriginalThatIsGoneComesBackWithTheNextUpload(t *testing.T) {
	a := open(t, t.TempDir())
	u := upload(drawn(t, 1))
	if err := a.Record(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	file, err := a.Original(t.Context(), u.Given)
	if err == nil {
		err = os.Remove(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := a.Known(t.Context(), live, u.Given, u.How); ok || err != nil {
		t.Error("it is known by an original that is gone", err)
	}
	link, ok, err := a.Known(t.Context(), live, u.Sent, "")
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	u.Link = link
	if err := a.Record(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Original(t.Context(), u.Given); err != nil {
		t.Error(err)
	}
	if got := found(t, a, album.Query{}); len(got) != 1 {
		t.Errorf("%d links", len(got))
	}
}
