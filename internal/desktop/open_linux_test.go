package desktop_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bilipaste/internal/desktop"
)

func TestOpenPassesTheFileOn(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	opener := func(script string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	target := filepath.Join(dir, "a file; rm -rf $HOME")
	opener(`echo "$# $1" > "` + dir + `/got"`)
	if err := desktop.Open(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "got")); string(got) != "1 "+target+"\n" || err != nil {
		t.Errorf("it got %q, %v", got, err)
	}

	// It leaves a program running, which has its stderr.
	opener(`sleep 30 & echo $! > "` + dir + `/pid"`)
	if err := desktop.Open(t.Context(), target); err != nil {
		t.Errorf("with a program left running: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Errorf("the program was ended: %v", err)
	}

	opener("echo no program for it >&2; echo more >&2; exit 3")
	if err := desktop.Open(t.Context(), target); err == nil || !strings.HasSuffix(err.Error(), "cannot be opened: no program for it") {
		t.Errorf("refused: %v", err)
	}
	t.Setenv("PATH", filepath.Join(dir, "none"))
	if err := desktop.Open(t.Context(), target); err == nil {
		t.Error("no opener, and no error")
	}
}
