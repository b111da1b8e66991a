package album_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bilipaste/internal/album"
	"bilipaste/internal/picture"
)

// verify is what Verify finds in an album that nothing else is wrong with
// afterwards.
func verify(t *testing.T, dir string) album.Report {
	t.Helper()
	r, err := album.Verify(t.Context(), dir, album.Options{})
	if err != nil {
		what, hint := say(err)
		t.Fatalf("%s / %s", what, hint)
	}
	again, err := album.Verify(t.Context(), dir, album.Options{})
	if err != nil || len(again.Missing)+len(again.Changed)+again.Adopted > 0 || again.Rescue.File != "" {
		t.Errorf("it was not mended: %+v, %v", again, err)
	}
	shell(t, dir)
	return r
}

func TestVerifyFindsAndMendsOriginals(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	var files []string
	for n := range 5 {
		u := upload(drawn(t, n))
		if n != 4 {
			if err := a.Record(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		} else {
			keep(t, a, n)
		}
		file, err := a.Original(t.Context(), u.Sent)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	stranger := filepath.Join(dir, "originals", "notes.txt")
	lone := drawn(t, 77)
	sum := picture.SumOf(lone.Data)
	loneFile := filepath.Join(dir, "originals", sum.String()[:2], sum.String()+".png")
	for file, data := range map[string][]byte{files[1]: []byte("other bytes"), stranger: []byte("mine"), loneFile: lone.Data} {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []int{0, 4} {
		if err := os.Remove(files[n]); err != nil {
			t.Fatal(err)
		}
	}
	r := verify(t, dir) // while a is open
	if r.Whole != 3 || r.Adopted != 1 || !slices.Equal(r.Strange, []string{stranger}) || r.Rescue.File != "" {
		t.Errorf("%+v", r)
	}
	slices.SortFunc(r.Missing, func(a, b album.Flaw) int { return strings.Compare(b.URL, a.URL) }) // by map's order
	if len(r.Missing) != 2 || r.Missing[0].File != files[0] || r.Missing[0].URL != upload(drawn(t, 0)).Link.URL || r.Missing[0].Pending ||
		r.Missing[1].File != files[4] || r.Missing[1].URL != "" || !r.Missing[1].Pending {
		t.Errorf("missing: %+v", r.Missing)
	}
	if len(r.Changed) != 1 || r.Changed[0].File != files[1] {
		t.Errorf("changed: %+v", r.Changed)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "damaged", filepath.Base(files[1]))); err != nil || string(got) != "other bytes" {
		t.Errorf("what was changed is lost: %q, %v", got, err)
	}
	if entries := pending(t, a); len(entries) != 1 || !entries[0].Failed {
		t.Errorf("%+v", entries)
	}
	if what, _ := say(func() error { _, err := a.Original(t.Context(), picture.SumOf(drawn(t, 1).Data)); return err }()); !strings.Contains(what, "not in the album") {
		t.Error(what)
	}
	if file, err := a.Original(t.Context(), sum); err != nil || file != loneFile {
		t.Errorf("%s, %v", file, err)
	}
}

// withLinks makes an album of some links and one pending upload, and returns its folder.
func withLinks(t *testing.T, links int) string {
	t.Helper()
	dir := t.TempDir()
	a, err := album.Open(t.Context(), dir, album.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range links {
		u := upload(drawn(t, n))
		u.Picture.Name = strings.Repeat("a long name ", 20)
		if err := a.Record(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	keep(t, a, links)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestADamagedDatabaseIsSaidAndRescued(t *testing.T) {
	const links = 120
	sound := withLinks(t, links)
	for name, c := range map[string]struct {
		spoil func(data []byte) []byte
		some  bool // something can be read
	}{
		"no database at all": {func([]byte) []byte { return bytes.Repeat([]byte("hello "), 1000) }, false},
		"a page of a table": {func(data []byte) []byte {
			at := bytes.LastIndex(data[:len(data)/2], []byte("a long name")) &^ 4095
			copy(data[at:at+4096], bytes.Repeat([]byte{0xa5}, 4096))
			return data
		}, true},
		"cut off": {func(data []byte) []byte { return data[:len(data)*2/3&^4095] }, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(sound)); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "album.db")
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, c.spoil(data), 0o600); err != nil {
				t.Fatal(err)
			}
			a, err := album.Open(t.Context(), dir, album.Options{})
			if !c.some {
				if what, hint := say(err); !strings.Contains(what, "is damaged") || !strings.Contains(hint, "album verify") {
					t.Errorf("%s / %s", what, hint)
				}
			}
			if err == nil {
				_, err := album.Verify(t.Context(), dir, album.Options{})
				if what, hint := say(err); !strings.Contains(what, "open") || hint == "" {
					t.Errorf("mended under another's feet: %s / %s", what, hint)
				}
				if err := a.Close(); err != nil {
					t.Log(err) // it is damaged, after all
				}
			}
			r := verify(t, dir)
			t.Logf("%+v", r.Rescue)
			if _, err := os.Stat(r.Rescue.File); err != nil {
				t.Errorf("the damaged database is gone: %v", err)
			}
			if r.Whole != links+1 {
				t.Errorf("%d originals, %d of them adopted, not %d", r.Whole, r.Adopted, links+1)
			}
			if saved := r.Rescue.Links; saved >= links || c.some != (saved > 0) {
				t.Errorf("%d of %d links were read", saved, links)
			}
			holdsFiles(t, open(t, dir), links+1)
		})
	}
}
