//go:build unix

package desktoptest

import (
	"archive/zip"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Wine is Windows, as far as Wine is one: scripts/wine, with what is shown on
// an X server.
type Wine struct {
	t      testing.TB
	script string
}

// StartWine starts it with the test's environment, and stops it when the test
// ends. There is one in a checkout: what is left of an earlier one is ended.
func StartWine(t testing.TB) *Wine {
	t.Helper()
	Need(t, "/usr/lib/wine/wine64", "zip", "makensis")
	w := &Wine{t, filepath.Join(checkout(t), "scripts", "wine")}
	w.Restart()
	t.Cleanup(func() { _ = exec.Command(w.script, "stop").Run() })
	return w
}

// Restart ends all that runs, and starts Windows anew, with what starts at login.
func (w *Wine) Restart() {
	w.t.Helper()
	for _, verb := range []string{"stop", "start"} {
		// It makes the prefix the first time.
		if out, err := w.command(3*time.Minute, verb).CombinedOutput(); err != nil {
			w.t.Fatalf("scripts/wine %s: %v: %s", verb, err, out)
		}
	}
}

// Command is a Windows program to start.
func (w *Wine) Command(program string, args ...string) *exec.Cmd {
	return exec.Command(w.script, append([]string{program}, args...)...)
}

// Run runs a Windows program and returns what it prints. It fails the test
// unless the program ends well, within 30 s.
func (w *Wine) Run(program string, args ...string) string {
	w.t.Helper()
	// A file: the desktop, which the first window brings up, keeps stderr open.
	errors, err := os.Create(filepath.Join(w.t.TempDir(), "stderr"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = errors.Close() }()
	cmd := w.command(30*time.Second, append([]string{program}, args...)...)
	cmd.Stderr = errors
	out, err := cmd.Output()
	if err != nil {
		said, _ := os.ReadFile(errors.Name())
		w.t.Fatalf("%s %q: %v: %s%s", program, args, err, out, said)
	}
	return string(out)
}

func (w *Wine) command(limit time.Duration, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(w.t.Context(), limit)
	w.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, w.script, args...)
	cmd.WaitDelay = time.Second
	return cmd
}

// Build builds a Windows program of this module, and returns its file.
func (w *Wine) Build(pkg string) string {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), filepath.Base(pkg)+".exe")
	cmd := exec.Command("go", "build", "-o", file, pkg)
	cmd.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("go build %s: %v: %s", pkg, err, out)
	}
	return file
}

// Release returns a release for Windows: the folder that its archive holds, and
// its installer. It is the one in the folder BILIPASTE_RELEASE, where there is
// one of this version; otherwise it is built.
func (w *Wine) Release(version string) (folder, installer string) {
	w.t.Helper()
	name := "bilipaste-" + version + "-windows-amd64"
	dir := os.Getenv("BILIPASTE_RELEASE")
	if _, err := os.Stat(filepath.Join(dir, name+".zip")); dir == "" || err != nil {
		dir = w.t.TempDir()
		cmd := exec.Command(filepath.Join(filepath.Dir(w.script), "release"), version, "windows/amd64")
		cmd.Env = append(os.Environ(), "DIST="+dir, "SOURCE_DATE_EPOCH=1700000000", "INSTALLER_COMPRESSOR=zlib")
		if out, err := cmd.CombinedOutput(); err != nil {
			w.t.Fatalf("scripts/release: %v: %s", err, out)
		}
	}
	archive, err := zip.OpenReader(filepath.Join(dir, name+".zip"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = archive.Close() }()
	unpacked := w.t.TempDir()
	if err := os.CopyFS(unpacked, archive); err != nil {
		w.t.Fatal(err)
	}
	return filepath.Join(unpacked, name), filepath.Join(dir, name+"-setup.exe")
}

// Path is how Windows names a file of this machine.
func (w *Wine) Path(file string) string { return `Z:` + strings.ReplaceAll(file, "/", `\`) }

// Unix is how this machine names a file of Windows's drive C.
func (w *Wine) Unix(path string) string {
	w.t.Helper()
	rest, ok := strings.CutPrefix(path, `C:\`)
	if !ok {
		w.t.Fatalf("%s is not on drive C", path)
	}
	drive := filepath.Join(filepath.Dir(w.script), "..", ".cache", "wine", "prefix", "drive_c")
	return filepath.Join(drive, filepath.FromSlash(strings.ReplaceAll(rest, `\`, "/")))
}

// checkout is the folder of go.mod.
func checkout(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(strings.TrimSpace(string(out)))
}
