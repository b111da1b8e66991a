package queue_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"bilipaste/internal/album"
)

// spoilOriginals makes that no original can be written.
func spoilOriginals(t *testing.T, a *album.Album) {
	t.Helper()
	dir := filepath.Join(a.Dir(), "originals")
	if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// breakLinks makes that no link can be recorded, until mendLinks.
func breakLinks(t *testing.T, a *album.Album) {
	t.Helper()
	execute(t, a, "CREATE TRIGGER broken BEFORE INSERT ON links BEGIN SELECT RAISE(ABORT, 'broken'); END")
}

func mendLinks(t *testing.T, a *album.Album) {
	t.Helper()
	execute(t, a, "DROP TRIGGER broken")
}

// execute runs SQL on the album's database.
func execute(t *testing.T, a *album.Album, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(a.Dir(), "album.db"))
	if err == nil {
		_, err = db.ExecContext(t.Context(), text)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}
