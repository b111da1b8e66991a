package app_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bilipaste/internal/app"
	"bilipaste/internal/config"
	"bilipaste/internal/fault"
)

// program is a program with a home of its own.
func program(t *testing.T, settings string) *app.App {
	t.Helper()
	home := t.TempDir()
	t.Setenv("BILIPASTE_HOME", home)
	for _, name := range []string{"BILIPASTE_GATEWAY", "BILIPASTE_SESSDATA", "BILIPASTE_BILI_JCT"} {
		t.Setenv(name, "")
	}
	dirs, err := config.FindDirs()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dirs.File(), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app.App{Dirs: dirs, Source: config.Source{File: dirs.File()}, Log: slog.New(slog.DiscardHandler)}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// A program that starts at login has the flags of the one that was told to.
func TestArgumentsAreThoseOfThisRun(t *testing.T) {
	a := program(t, `{}`)
	a.Source.Over = []config.Value{{Key: "host", Text: "folder"}, {Key: "format", Text: "html"}}
	if got, err := a.Arguments("tray"); err != nil || !slices.Equal(got, []string{"tray", "--host", "folder", "--format", "html"}) {
		t.Errorf("%q, %v", got, err)
	}
	a.Choose("host") // the user has chosen one in the menu, which stands in the file
	a.Source.File = "other.json"
	other, err := filepath.Abs("other.json")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.Arguments("tray"); err != nil || !slices.Equal(got, []string{"tray", "--config", other, "--format", "html"}) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWhatOnlyTheHostsCanCheckIsChecked(t *testing.T) {
	for settings, want := range map[string]string{
		`{"host": "imgur"}`:            "imgur",
		`{"bucket": "nosuch"}`:         "nosuch",
		`{"draw_category": "cats"}`:    "cats",
		`{"fallback": ["scdn", "no"]}`: "no",
	} {
		if _, err := program(t, settings).Settings(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "config.json") {
			t.Errorf("%s: %v", settings, err)
		}
	}
	if _, err := program(t, `{"bucket": "nosuch", "bucket_unlisted": true}`).Settings(); err != nil {
		t.Error(err)
	}
}

// What a stand-in remembers must not reach what is kept of the hosts themselves.
func TestAStandInHasFoldersOfItsOwn(t *testing.T) {
	a := program(t, `{}`)
	t.Setenv("BILIPASTE_GATEWAY", "http://127.0.0.1:9")
	n, err := a.Network()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := a.AlbumFolder()
	if err != nil {
		t.Fatal(err)
	}
	if n.State == a.Dirs.State || dir != filepath.Join(a.Dirs.Data, "gateway", "album") {
		t.Errorf("state in %s, album in %s", n.State, dir)
	}

	b := program(t, `{}`)
	b.Sandboxed = true
	n, err = b.Network()
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(n.State, b.Dirs.State) {
		t.Errorf("the sandbox's state is in %s", n.State)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(n.State); !os.IsNotExist(err) {
		t.Errorf("the sandbox has left %s: %v", n.State, err)
	}

	t.Setenv("BILIPASTE_GATEWAY", "http://example.com")
	if _, err := program(t, `{}`).Network(); err != nil {
		t.Errorf("without a gateway: %v", err)
	}
	c := program(t, `{}`)
	t.Setenv("BILIPASTE_GATEWAY", "http://example.com")
	if _, err := c.Network(); err == nil {
		t.Error("a gateway elsewhere is taken")
	}
}

func TestHalfASessionIsNone(t *testing.T) {
	a := program(t, `{}`)
	t.Setenv("BILIPASTE_SESSDATA", "abc")
	settings, err := a.Settings()
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Uploader(settings, nil)
	if fault.KindOf(err) != fault.NotLoggedIn || !strings.Contains(err.Error(), "BILIPASTE_BILI_JCT") || strings.Contains(err.Error(), "abc") {
		t.Errorf("%v", err)
	}
	settings.Host = "folder"
	settings.Folder = t.TempDir()
	if _, err := a.Uploader(settings, nil); err != nil {
		t.Errorf("a folder needs no session: %v", err)
	}
}
