package main

import (
	"bytes"
	"errors"
	"image"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/desktoptest"
)

// Where the registry of the user has what the installer writes.
const (
	environmentKey = `HKCU\Environment`
	uninstallKey   = `HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\bilipaste`
	identityKey    = `HKCU\Software\Classes\AppUserModelId\bilipaste`
	reg            = `C:\windows\system32\reg.exe`
)

// The installer's whole life, as far as Wine is Windows: installed with the
// mouse, used, upgraded while it runs, started at login, and removed, once
// without and once with what belongs to the user.
func TestTheInstallerOnWindows(t *testing.T) {
	d := startWindows(t, `{"pace": "0s", "language": "en"}`)
	installed := filepath.Join(filepath.Dir(d.state), "Programs", "bilipaste")
	shortcut := filepath.Join(d.state, `../../Roaming/Microsoft/Windows/Start Menu/Programs/bilipaste.lnk`)
	for _, left := range []string{installed, shortcut} { // of another run
		if err := os.RemoveAll(left); err != nil {
			t.Fatal(err)
		}
	}
	_ = d.Command(reg, "delete", uninstallKey, "/f").Run()
	// A PATH that is longer than the strings of the installer's language.
	path := `%USERPROFILE%\bin;` + strings.Repeat(`C:\some folder;`, 200) + `C:\last`
	d.Run(reg, "add", environmentKey, "/v", "Path", "/t", "REG_EXPAND_SZ", "/d", path, "/f")
	t.Cleanup(func() { _ = d.Command(reg, "delete", environmentKey, "/v", "Path", "/f").Run() })

	t.Cleanup(func() { // if it fails: the next Windows must not start it
		_ = d.Command(reg, "delete", `HKCU\Software\Microsoft\Windows\CurrentVersion\Run`, "/v", "bilipaste", "/f").Run()
		_ = d.Command(reg, "delete", uninstallKey, "/f").Run()
	})

	// With the mouse; what it asks is answered with Enter, and it starts the program.
	setup := d.Command(d.installer)
	if err := setup.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = setup.Process.Kill() })
	// Its pages are told apart by how much of them is white.
	for _, page := range []struct {
		name        string
		least, most int
	}{{"choices", 60_000, 90_000}, {"folder", 30_000, 59_000}, {"done", 100_000, 300_000}} {
		desktoptest.Eventually(t, "the installer's page "+page.name, func() bool {
			white := d.pureWhite()
			return page.least <= white && white <= page.most
		})
		d.x.Save(t, "installer-"+page.name)
		d.x.Press(t, "Return")
	}
	if err := setup.Wait(); err != nil {
		t.Fatalf("the installer ended with %v", err)
	}
	release := d.folder
	d.folder = installed
	d.host.Phone(50*time.Millisecond, 100*time.Millisecond)
	if said := d.bilipaste("login"); !strings.Contains(said, "kept in the keyring") {
		t.Errorf("login: %q", said)
	}
	d.worksAsInstalled(1000)
	if said := d.Run(reg, "query", uninstallKey); !strings.Contains(said, windowsVersion) || !strings.Contains(said, "uninstall.exe") {
		t.Errorf("in Apps:\n%s", said)
	}
	if said := d.Run(reg, "query", identityKey); !regexp.MustCompile(`DisplayName\s+REG_SZ\s+bilipaste`).MatchString(said) {
		t.Errorf("the identity of its toasts:\n%s", said)
	}
	if link, err := os.ReadFile(shortcut); err != nil || !bytes.Contains(link, []byte("bilipastew.exe")) {
		t.Errorf("the Start menu's entry: %v", err)
	}
	if said := d.startsAtLogin(); strings.Contains(said, "bilipaste") {
		t.Errorf("it starts at login, unasked:\n%s", said)
	}
	if got, want := d.userPath(), path+`;C:\`+strings.ReplaceAll(strings.SplitN(installed, "drive_c/", 2)[1], "/", `\`); got != want {
		t.Errorf("PATH is %q, want %q", got, want)
	}

	// An upgrade while it runs, and a command does, too: the programs are the
	// release's again, and it runs again.
	first := d.instance()
	command := d.Command(filepath.Join(installed, "bilipaste.exe"), "sandbox")
	said, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill() })
	if _, err := said.Read(make([]byte, 1)); err != nil { // it runs
		t.Fatal(err)
	}
	for _, name := range []string{"bilipaste.exe", "bilipastew.exe"} {
		older(t, filepath.Join(installed, name))
	}
	d.silently(d.installer, "/LOGIN=1")
	desktoptest.Eventually(t, "another program that runs", func() bool { now := d.instance(); return now != "" && now != first })
	for _, name := range []string{"bilipaste.exe", "bilipastew.exe"} {
		sameFile(t, filepath.Join(installed, name), filepath.Join(release, name))
	}
	d.worksAsInstalled(2000)
	_ = command.Process.Kill()
	if _ = command.Wait(); command.ProcessState.Exited() {
		t.Errorf("the upgrade has ended a command: %v", command.ProcessState)
	}

	// The next login starts it. (Wine gives no program a PATH that long.)
	d.Restart()
	d.worksAsInstalled(3000)

	// Removed: what belongs to the user stays.
	d.uninstall(installed)
	for _, gone := range []string{installed, shortcut} {
		if _, err := os.Stat(gone); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", gone, err)
		}
	}
	for _, key := range []string{uninstallKey, identityKey} {
		if out, err := d.Command(reg, "query", key).Output(); err == nil {
			t.Errorf("%s is still there:\n%s", key, out)
		}
	}
	if said := d.startsAtLogin(); strings.Contains(said, "bilipaste") {
		t.Errorf("it still starts at login:\n%s", said)
	}
	if got := d.userPath(); got != path {
		t.Errorf("PATH is %q, want %q", got, path)
	}
	for _, kept := range []string{"config.json", "bilipaste.log"} {
		if _, err := os.Stat(filepath.Join(d.state, kept)); err != nil {
			t.Error(err)
		}
	}

	// And with what belongs to the user, where that is said.
	d.silently(d.installer, "/PATH=0")
	if got := d.userPath(); got != path {
		t.Errorf("PATH is %q, though it was not to be changed", got)
	}
	d.uninstall(installed, "/DATA=1")
	if _, err := os.Stat(d.state); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", d.state, err)
	}
}

// pureWhite counts the screen's pixels that are white, and not only almost.
func (d *windowsDesk) pureWhite() (pixels int) {
	d.t.Helper()
	m := d.x.Screen(d.t)
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			if r, g, b, _ := m.At(x, y).RGBA(); r&g&b == 0xffff {
				pixels++
			}
		}
	}
	return pixels
}

// worksAsInstalled turns writing mode on, and sees a picture become a link.
func (d *windowsDesk) worksAsInstalled(pixels int) {
	d.t.Helper()
	d.x.Click(d.t, 1, d.icon("off", grey, 20))
	d.icon("writing mode", blue, 60)
	d.x.Point(d.t, image.Pt(600, 400))
	picture := noise(d.t, pixels)
	d.copy("PNG", picture)
	if got := d.pasted(1)[0]; !bytes.Equal(got, picture) {
		d.t.Error("a PNG became another file")
	}
}

// instance tells the running programs of a user apart; "" is none.
func (d *windowsDesk) instance() string {
	var running strings.Builder
	files, _ := filepath.Glob(filepath.Join(d.state, "instance*.json"))
	for _, file := range files {
		data, _ := os.ReadFile(file)
		running.Write(data)
	}
	return running.String()
}

// older makes a program another file, as that of an earlier release is. It may run.
func older(t *testing.T, program string) {
	t.Helper()
	f, err := os.OpenFile(program, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("an earlier release")
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// sameFile checks that a file is another one's copy.
func sameFile(t *testing.T, file, other string) {
	t.Helper()
	a, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(other)
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("%s is not %s: %v", file, other, err)
	}
}

// silently runs the installer or the uninstaller without a window. What that
// starts outlives it, and would hold on to a pipe.
func (d *windowsDesk) silently(program string, args ...string) {
	d.t.Helper()
	if err := d.Command(program, append([]string{"/S"}, args...)...).Run(); err != nil {
		d.t.Fatalf("%s ended with %v", program, err)
	}
}

// uninstall runs the uninstaller as Windows's settings do. It goes on from a copy
// of itself, so its end is not the end.
func (d *windowsDesk) uninstall(folder string, args ...string) {
	d.t.Helper()
	d.silently(filepath.Join(folder, "uninstall.exe"), args...)
	desktoptest.Eventually(d.t, "the end of the uninstaller", func() bool {
		_, err := os.Stat(folder)
		return os.IsNotExist(err)
	})
}

// userPath is the user's PATH in the registry.
func (d *windowsDesk) userPath() string {
	d.t.Helper()
	said := d.Run(reg, "query", environmentKey, "/v", "Path")
	value := regexp.MustCompile(`Path\s+REG_EXPAND_SZ\s+([^\r\n]+)`).FindStringSubmatch(said)
	if value == nil {
		d.t.Fatalf("no PATH that is expanded: %s", said)
	}
	return value[1]
}
