package desktop_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"bilipaste/internal/desktop"
)

const (
	runKey      = `Software\Microsoft\Windows\CurrentVersion\Run`
	approvedKey = `Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`
)

func TestAutostartIsWhatIsReallyThere(t *testing.T) {
	if on, err := desktop.AutostartEnabled(); on || err != nil {
		t.Skipf("this user has an entry: %t, %v", on, err)
	}
	is := func(want bool, when string) {
		t.Helper()
		if got, err := desktop.AutostartEnabled(); got != want || err != nil {
			t.Errorf("%s: %t, %v", when, got, err)
		}
	}
	program := filepath.Join(t.TempDir(), "with blank", "bili paste.exe")
	if err := os.Mkdir(filepath.Dir(program), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	enable := func() {
		t.Helper()
		if err := desktop.EnableAutostart(program, "tray", "--config", `C:\my files\c.json`); err != nil {
			t.Fatal(err)
		}
		is(true, "enabled")
	}
	t.Cleanup(func() { _ = desktop.DisableAutostart() })
	enable()

	key, err := registry.OpenKey(registry.CURRENT_USER, runKey, registry.QUERY_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	line, _, err := key.GetStringValue("bilipaste")
	_ = key.Close()
	if want := `"` + program + `" tray --config "C:\my files\c.json"`; line != want || err != nil {
		t.Errorf("the entry is %s, %v, want %s", line, err, want)
	}
	if words, err := windows.DecomposeCommandLine(line); err != nil || len(words) != 4 || words[0] != program {
		t.Errorf("Windows reads %q, %v", words, err)
	}

	// As the task manager switches an entry off.
	approved, _, err := registry.CreateKey(registry.CURRENT_USER, approvedKey, registry.SET_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = approved.Close() }()
	if err := approved.SetBinaryValue("bilipaste", append([]byte{3}, make([]byte, 11)...)); err != nil {
		t.Fatal(err)
	}
	is(false, "switched off")
	enable()
	for range 2 {
		if err := desktop.DisableAutostart(); err != nil {
			t.Errorf("disabled: %v", err)
		}
		is(false, "disabled")
	}
	enable()
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	is(false, "the program is gone")
}
