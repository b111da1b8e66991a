package desktop_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bilipaste/internal/desktop"
	"bilipaste/internal/desktoptest"
)

func TestAutostartIsWhatIsReallyThere(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config")
	t.Setenv("XDG_CONFIG_HOME", config)
	file := filepath.Join(config, "autostart", "bilipaste.desktop")
	program := filepath.Join(t.TempDir(), "bilipaste")
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	is := func(want bool, when string) {
		t.Helper()
		if got, err := desktop.AutostartEnabled(); got != want || err != nil {
			t.Errorf("%s: %t, %v", when, got, err)
		}
	}
	enable := func() {
		t.Helper()
		if err := desktop.EnableAutostart(program, "tray"); err != nil {
			t.Fatal(err)
		}
	}
	is(false, "at first")
	enable()
	is(true, "enabled")
	for _, off := range []string{"Hidden=true\n", "X-GNOME-Autostart-enabled=false\n"} {
		entry, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(entry, off...), 0o600); err != nil {
			t.Fatal(err)
		}
		is(false, off)
		enable()
		is(true, "enabled again after "+off)
	}
	if err := os.WriteFile(file, []byte("[Desktop Entry]\nExec=\n[Other]\nExec="+program+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	is(false, "no program")
	enable()
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	is(false, "the program is gone")
	for range 2 {
		if err := desktop.DisableAutostart(); err != nil {
			t.Errorf("disabled: %v", err)
		}
		is(false, "disabled")
	}
	left, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	if err := os.WriteFile(config+"2", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CONFIG_HOME", config+"2")
	if err := desktop.EnableAutostart(program); err == nil {
		t.Error("no error where no file can be")
	}
}

// An entry is started by a program of the desktop's own, and reaches the
// program as it was meant, whatever is in its path and arguments.
func TestAutostartEntryStartsTheProgram(t *testing.T) {
	desktoptest.Need(t, "desktop-file-validate", "gio")
	config := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	for _, name := range []string{"plain", "with blank", `q"uo'te`, `back\slash`, "dol$lar `tick`", "per%cent %f", "图 床;&|<>()#~*?"} {
		// GLib looks for a program with % in its path under another name.
		dir := filepath.Join(t.TempDir(), strings.ReplaceAll(name, "%", ""))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		program, said := filepath.Join(dir, "p"), filepath.Join(config, "said")
		script := fmt.Sprintf("#!/bin/sh\nfor a; do echo \"$a\"; done > '%s'.new\nmv '%s'.new '%s'\n", said, said, said)
		if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := desktop.EnableAutostart(program, "tray", name); err != nil {
			t.Fatal(err)
		}
		if on, err := desktop.AutostartEnabled(); !on || err != nil {
			t.Errorf("%s: enabled: %t, %v", name, on, err)
		}
		entry := filepath.Join(config, "autostart", "bilipaste.desktop")
		if out, err := exec.Command("desktop-file-validate", entry).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v: %s", name, err, out)
		}
		if out, err := exec.Command("gio", "launch", entry).CombinedOutput(); err != nil {
			t.Errorf("%s: gio launch: %v: %s", name, err, out)
			continue
		}
		desktoptest.Eventually(t, "the program started: "+name, func() bool { _, err := os.Stat(said); return err == nil })
		f, err := os.Open(said)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for s := bufio.NewScanner(f); s.Scan(); {
			got = append(got, s.Text())
		}
		_ = f.Close()
		if err := os.Remove(said); err != nil {
			t.Fatal(err)
		}
		if want := []string{"tray", name}; !slices.Equal(got, want) {
			t.Errorf("it got %s, want %s", strings.Join(got, "|"), strings.Join(want, "|"))
		}
	}
}
