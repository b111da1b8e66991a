package album_test

import (
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
)

// run runs SQL on an album's database.
func run(t *testing.T, dir, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "album.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

func TestAnAlbumOfVersion1IsBroughtUpToDate(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile("testdata/version1.sql")
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, string(text))
	for range 2 { // what is up to date stays as it is
		a, err := album.Open(t.Context(), dir, album.Options{})
		if err != nil {
			t.Fatal(err)
		}
		entries, err := a.History(t.Context(), album.Query{Words: []string{"报告"}})
		if err != nil || len(entries) != 2 || entries[0].ID != 1 || entries[1].ID != 2 {
			t.Fatalf("%+v, %v", entries, err)
		}
		one, two := entries[0], entries[1]
		if one.Kept || !one.Dead.IsZero() || one.Used.UnixMilli() != 1700000005000 || one.Sum.String() != strings.Repeat("a", 64) || one.Picture.Width != 4 {
			t.Errorf("%+v", one)
		}
		if two.Dead.UnixMilli() != 1700000003000 || !two.Link.Differs || two.Link.Format != picture.WebP || two.Link.Made.UnixMilli() != 1700000002000 {
			t.Errorf("%+v", two)
		}
		debts := owed(t, a)
		if len(debts) != 1 || debts[0].Taken || debts[0].Tries != 2 || !debts[0].Again.Equal(time.UnixMilli(1700000009000)) || debts[0].Bytes != 1000 {
			t.Errorf("%+v", debts)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	shell(t, dir)
}

func TestANewerAlbumIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, "PRAGMA user_version = 99")
	_, err := album.Open(t.Context(), dir, album.Options{})
	if what, hint := say(err); !strings.Contains(what, "newer bilipaste (version 99") || hint == "" {
		t.Errorf("%s / %s", what, hint)
	}
}

// say says an error as a user hears it.
func say(err error) (what, hint string) {
	if err == nil {
		return "no error", ""
	}
	return lang.New(lang.English).Error(err)
}

// shell checks an album's database with SQLite's own program.
func shell(t *testing.T, dir string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "sqlite3", filepath.Join(dir, "album.db"),
		"PRAGMA integrity_check; PRAGMA foreign_key_check; SELECT count(*) FROM words;").CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		if os.Getenv("BILIPASTE_DESKTOP") == "require" && runtime.GOOS != "windows" {
			t.Fatal("sqlite3 is not installed")
		}
		t.Log("sqlite3 is not installed")
		return
	}
	if err != nil || !strings.HasPrefix(string(out), "ok\n") || strings.Count(string(out), "\n") != 2 {
		t.Errorf("the sqlite3 shell says %s, %v", out, err)
	}
}
