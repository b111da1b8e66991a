package state_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/state"
)

type notes struct {
	state.Pause
	Begun []time.Time `json:"begun,omitempty"`
	Count int         `json:"count,omitzero"`
}

func newFile(dir string) (*state.File[notes], *bytes.Buffer) {
	log := &bytes.Buffer{}
	return &state.File[notes]{Dir: dir, Name: "x", Host: "host", Log: slog.New(slog.NewTextHandler(log, nil))}, log
}

// look returns what the notes are.
func look(t testing.TB, f *state.File[notes]) (got notes) {
	t.Helper()
	if err := f.Update(t.Context(), func(n *notes) error { got = *n; return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestChangesAreKeptAlsoOfAFailure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	f, log := newFile(dir)
	failed := errors.New("failed")
	err := f.Update(t.Context(), func(n *notes) error { n.Count = 7; return failed })
	if !errors.Is(err, failed) {
		t.Error(err)
	}
	again, _ := newFile(dir)
	if got := look(t, again); got.Count != 7 {
		t.Errorf("%+v", got)
	}
	info, err := os.Stat(filepath.Join(dir, "x.json"))
	if err != nil {
		t.Fatal(err)
	}
	before := info.ModTime()
	look(t, again)
	if info, err = os.Stat(filepath.Join(dir, "x.json")); err != nil || !info.ModTime().Equal(before) || log.Len() > 0 {
		t.Errorf("what did not change was written: %v, %s", err, log)
	}
}

func TestNotesGrowAndShrink(t *testing.T) {
	f, log := newFile(t.TempDir())
	for _, n := range []int{0, 3, 1, 40, 2, 0, 5} { // 40 do not fit into what is written at once
		begun := slices.Repeat([]time.Time{time.Unix(1e9, 123).UTC()}, n)
		if err := f.Update(t.Context(), func(n *notes) error { n.Begun = begun; return nil }); err != nil {
			t.Fatal(err)
		}
		again, _ := newFile(f.Dir)
		if got := look(t, again); !slices.Equal(got.Begun, begun) {
			t.Errorf("%d notes: %+v", n, got)
		}
	}
	if log.Len() > 0 {
		t.Error(log)
	}
	if entries, err := os.ReadDir(f.Dir); err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestOneChangeAtATime(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 8 {
		f, _ := newFile(dir)
		all.Go(func() {
			for range 5 {
				if err := f.Update(t.Context(), func(n *notes) error { n.Count++; return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	f, _ := newFile(dir)
	if got := look(t, f); got.Count != 40 {
		t.Errorf("%d", got.Count)
	}
}

func TestALockThatIsHeldIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := newFile(t.TempDir())
		other := flock.New(filepath.Join(f.Dir, "x.lock"))
		if err := other.Lock(); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		err := f.Update(t.Context(), func(*notes) error { t.Error("it was changed"); return nil })
		if e, _ := errors.AsType[*fault.Error](err); e == nil || e.Kind != fault.Passing || e.Why != "locked" || e.Host != "host" || time.Since(begun) != 10*time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		for _, tag := range []string{lang.English, lang.Chinese} {
			if what, hint := lang.New(tag).Error(err); !strings.Contains(what, "bilipaste") || hint == "" {
				t.Errorf("%q, %q", what, hint)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.Update(ctx, func(*notes) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := other.Unlock(); err != nil {
			t.Fatal(err)
		}
		look(t, f)
	})
}

func TestAFolderThatIsUnfit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, _ := newFile(filepath.Join(file, "below"))
	if err := f.Update(t.Context(), func(*notes) error { t.Error("it was changed"); return nil }); fault.KindOf(err) != fault.Local {
		t.Error(err)
	}
	f, _ = newFile(t.TempDir())
	if err := os.MkdirAll(filepath.Join(f.Dir, "x.json", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	changed := errors.New("changed")
	if err := f.Update(t.Context(), func(n *notes) error { n.Count = 1; return changed }); fault.KindOf(err) != fault.Local || !errors.Is(err, changed) {
		t.Error(err)
	}
}

// What is in the file never stops the program, is told of, and is lost only as
// far as it cannot be read.
func TestForeignBytes(t *testing.T) {
	const until = `"until":"2026-11-26T08:00:00Z"`
	for text, want := range map[string]string{
		``: "", `null`: "", `[]`: "", `0`: "", `"x"`: "", "\x00\xff{{{": "", `{`: "", `{"count"`: "", `{"count":`: "", `{1:2}`: "",
		`{` + until + `,"count":`:                                      "until",
		`{` + until + `,"count":"x"}`:                                  "until",
		`{"count":{},` + until + `}`:                                   "until",
		`{"begun":["x"],` + until + `}`:                                "until",
		`{"begun":null,"since":"99999-01-01T00:00:00Z",` + until + `}`: "until",
		`{"count":3}{"count":4}`:                                       "count",
		`{"since":5,"count":3,` + until + `}trailing`:                  "until count",
		`{"count":3,"x":` + strings.Repeat("[", 9000):                  "count",
		`{"count":3,` + until + `,"x":"` + strings.Repeat("y", 1<<17):  "until count",
	} {
		f, log := newFile(t.TempDir())
		file := filepath.Join(f.Dir, "x.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := look(t, f)
		read := []string{}
		if !got.Until.IsZero() {
			read = append(read, "until")
		}
		if got.Count != 0 {
			read = append(read, "count")
		}
		if strings.Join(read, " ") != want || len(got.Begun) > 0 || !got.Since.IsZero() {
			t.Errorf("%.60q: %+v", text, got)
		}
		if !strings.Contains(log.String(), "level=WARN") {
			t.Errorf("%.60q: the log says nothing", text)
		}
		log.Reset()
		if again := look(t, f); fmt.Sprint(again) != fmt.Sprint(got) || log.Len() > 0 {
			t.Errorf("%.60q: it is not mended: %s", text, log)
		}
	}
	// As large as may be, and a byte larger.
	for size, broken := range map[int]bool{64 << 10: false, 64<<10 + 1: true} {
		f, log := newFile(t.TempDir())
		text := `{"count":3,"x":"`
		text += strings.Repeat("y", size-len(text)-2) + `"}`
		if err := os.WriteFile(filepath.Join(f.Dir, "x.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := look(t, f); got.Count != 3 || strings.Contains(log.String(), "level=WARN") != broken {
			t.Errorf("%d bytes: %+v, %s", size, got, log)
		}
	}
	f, log := newFile(t.TempDir())
	secret := filepath.Join(t.TempDir(), "elsewhere")
	if err := errors.Join(os.WriteFile(secret, []byte(`{"count":1}`), 0o600), os.Symlink(secret, filepath.Join(f.Dir, "x.json"))); err != nil {
		t.Skip(err) // Windows lets not everybody make links
	}
	if got := look(t, f); got.Count != 0 || !strings.Contains(log.String(), "level=WARN") {
		t.Errorf("a link was followed: %+v, %s", got, log)
	}
}

func TestAPauseIsNeverLongerThanItWasToBe(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	const longest = 6 * time.Hour
	at := func(d time.Duration) time.Time { return now.Add(d) }
	for name, test := range map[string]struct {
		since, until time.Time
		want         time.Duration // from now
	}{
		"none":                             {time.Time{}, time.Time{}, 0},
		"running":                          {at(-time.Minute), at(9 * time.Minute), 9 * time.Minute},
		"noted 8 hours ahead":              {at(8 * time.Hour), at(8*time.Hour + 10*time.Minute), 10 * time.Minute},
		"too long":                         {at(-time.Hour), at(100 * time.Hour), 5 * time.Hour},
		"noted ahead, too long":            {at(time.Hour), at(100 * time.Hour), longest},
		"noted ahead, with its end before": {at(8 * time.Hour), at(7 * time.Hour), 0},
		"start unknown":                    {time.Time{}, at(time.Hour), time.Hour},
		"start unknown, too long":          {time.Time{}, at(time.Hour * 9999), longest},
		"over":                             {at(-2 * time.Hour), at(-time.Hour), -time.Hour},
	} {
		p := state.Pause{Since: test.since, Until: test.until}
		p.Bound(now, longest)
		if got := p.Until.Sub(now); !test.until.IsZero() && got != test.want || test.until.IsZero() != p.Until.IsZero() {
			t.Errorf("%s: it lasts for %v, want %v", name, got, test.want)
		}
		first := p
		p.Bound(now.Add(time.Minute), longest) // it does not move on with the clock
		if p.Until.After(first.Until) {
			t.Errorf("%s: it moved from %v to %v", name, first.Until, p.Until)
		}
	}
	var p state.Pause
	p.Begin(now, time.Hour)
	if p.Since != now || p.Until != at(time.Hour) {
		t.Errorf("%+v", p)
	}
}

func TestSyncIsAsked(t *testing.T) {
	f, _ := newFile(t.TempDir())
	var asked []string
	f.Sync = func(before, after *notes) bool {
		asked = append(asked, fmt.Sprint(before.Count, after.Count))
		return after.Count == 1
	}
	for range 2 {
		if err := f.Update(t.Context(), func(n *notes) error { n.Count++; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(asked, ","); got != "0 1,1 2" {
		t.Error(got)
	}
	if got := look(t, f); got.Count != 2 {
		t.Errorf("%+v", got)
	}
}

func FuzzNotes(f *testing.F) {
	f.Add([]byte(`{"since":"2026-11-26T08:00:00Z","until":"2026-11-26T09:00:00Z","begun":["2026-11-26T08:00:00Z"],"count":1}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"count":{"count":1},"until":`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		notes, _ := newFile(dir)
		file := filepath.Join(dir, "x.json")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		first := look(t, notes)
		written, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) || !json.Valid(written) {
			t.Fatalf("%q, %v", written, err)
		}
		if again := look(t, notes); fmt.Sprint(again) != fmt.Sprint(first) {
			t.Errorf("%q: %+v became %+v", data, first, again)
		}
	})
}
