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

	"bilipaste/internal/album"
	"bilipaste/internal/lang"
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
