//go:build linux

package desktoptest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Sway is a Wayland compositor without a screen and without Xwayland.
type Sway struct {
	Display string // the path of its socket
	dir     string
	cmd     *exec.Cmd
}

// StartSway starts sway, makes it the test's $WAYLAND_DISPLAY, without a
// $DISPLAY beside it, and kills it when the test ends. For root it runs as
// another user, since it refuses root, who may talk to it all the same.
func StartSway(t testing.TB) *Sway {
	t.Helper()
	Need(t, "sway", "wl-copy", "wl-paste")
	s := &Sway{dir: shortDir(t)}
	if err := os.WriteFile(s.config(), []byte("xwayland disable\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(s.dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	s.start(t)
	t.Setenv("WAYLAND_DISPLAY", s.Display)
	t.Setenv("DISPLAY", "")
	t.Cleanup(s.Stop)
	return s
}

const nobody = 65534 // the user and the group

func (s *Sway) config() string { return filepath.Join(s.dir, "config") }

// start runs it and waits until it lets clients in.
func (s *Sway) start(t testing.TB) {
	t.Helper()
	s.cmd = exec.Command("sway", "-c", s.config())
	s.cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "XDG_RUNTIME_DIR=" + s.dir,
		"WLR_BACKENDS=headless", "WLR_LIBINPUT_NO_DEVICES=1", "WLR_RENDERER=pixman",
	}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		s.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	var log bytes.Buffer
	s.cmd.Stdout, s.cmd.Stderr = &log, &log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		sockets, _ := filepath.Glob(filepath.Join(s.dir, "wayland-?"))
		for _, socket := range sockets {
			if conn, err := net.Dial("unix", socket); err == nil {
				_ = conn.Close()
				s.Display = socket
				return
			}
		}
	}
	s.Stop()
	t.Fatalf("sway lets nobody in:\n%s", &log)
}

// Stop kills it, as a crash does.
func (s *Sway) Stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// Freeze makes it one that takes calls and never answers.
func (s *Sway) Freeze() { _ = s.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (s *Sway) Thaw() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }

// Restart starts it again, on the same display, after Stop.
func (s *Sway) Restart(t testing.TB) {
	t.Helper()
	before := s.Display
	if s.start(t); s.Display != before {
		t.Fatalf("sway was at %s and is at %s", before, s.Display)
	}
}

// Copy puts data on the clipboard in one format, with wl-copy, which owns it
// until something else is copied. It returns at once.
func (s *Sway) Copy(t testing.TB, format string, data []byte) *os.Process {
	t.Helper()
	cmd := exec.Command("wl-copy", "--foreground", "--type", format)
	cmd.Env = append(os.Environ(), "WAYLAND_DISPLAY="+s.Display)
	cmd.Stdin = bytes.NewReader(data)
	run(t, cmd)
	return cmd.Process
}

// Formats lists the formats that the clipboard is offered in, with wl-paste, a line each.
func (s *Sway) Formats(t testing.TB) (string, error) { return s.paste(t, "--list-types") }

// Paste returns what the clipboard holds in one format, read with wl-paste; it
// chooses where format is "".
func (s *Sway) Paste(t testing.TB, format string) (string, error) {
	if format == "" {
		return s.paste(t, "--no-newline")
	}
	return s.paste(t, "--no-newline", "--type", format)
}

func (s *Sway) paste(t testing.TB, args ...string) (string, error) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second) // it hangs on a frozen owner
	defer stop()
	cmd := exec.CommandContext(ctx, "wl-paste", args...)
	cmd.Env = append(os.Environ(), "WAYLAND_DISPLAY="+s.Display)
	cmd.WaitDelay = time.Second
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("wl-paste: %w: %s", err, said.String())
	}
	return out.String(), nil
}
