package config_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"bilipaste/internal/config"
)

// watched starts to watch a file until the test ends; each change sends.
func watched(t *testing.T, file string) <-chan struct{} {
	t.Helper()
	changes, ended := make(chan struct{}, 100), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- config.Watch(ctx, file, func() { changes <- struct{}{} }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch: %v", err)
		}
	})
	// It watches once it tells of something.
	for touched := false; !touched; {
		if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		select {
		case <-changes:
			touched = true
		case <-time.After(200 * time.Millisecond):
		}
	}
	return changes
}

func told(t *testing.T, changes <-chan struct{}, of string) {
	t.Helper()
	select {
	case <-changes:
	case <-time.After(10 * time.Second):
		t.Fatalf("not told of %s", of)
	}
}

func TestEveryWayToChangeTheFileIsNoticed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new folder", "config.json")
	changes := watched(t, file)
	if err := config.Save(file, "sound", "false"); err != nil {
		t.Fatal(err)
	}
	told(t, changes, "a save")
	if err := os.WriteFile(file, []byte(`{"sound": true}`), 0o600); err != nil {
		t.Fatal(err)
	}
	told(t, changes, "a write in place")
	if err := os.WriteFile(file+"~", []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+"~", file); err != nil {
		t.Fatal(err)
	}
	told(t, changes, "a file put in its place")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	told(t, changes, "its end")
}

func TestAChangeBehindALinkIsNoticed(t *testing.T) {
	target := filepath.Join(t.TempDir(), "dotfile.json")
	link := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(target, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no symbolic links for everyone")
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	changes := watched(t, link)
	if err := config.Save(link, "sound", "false"); err != nil {
		t.Fatal(err)
	}
	told(t, changes, "a save")
}
