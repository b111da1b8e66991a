//go:build unix

package desktoptest

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Bus starts a session bus of the test's own, on which nothing is started by
// being asked for, names it in DBUS_SESSION_BUS_ADDRESS, and returns its process.
func Bus(t testing.TB) *os.Process {
	t.Helper()
	Need(t, "dbus-daemon")
	dir := shortDir(t)
	config := filepath.Join(dir, "bus.conf")
	err := os.WriteFile(config, []byte(`<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=`+dir+`/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("dbus-daemon", "--config-file="+config, "--nofork", "--nopidfile", "--print-address=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	run(t, cmd)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", firstLine(t, out))
	return cmd.Process
}

// Dunst is a notification daemon.
type Dunst struct {
	process *os.Process
}

// Shown is a notification as it was sent to the daemon: a Body that is read as
// markup is still escaped.
type Shown struct {
	App, Summary, Body, Icon string
}

// StartDunst starts a notification daemon on the session bus of the test (see
// Bus), which shows on x, and returns when it is ready. The settings are lines of the section
// "global" of dunstrc; what is shown is read as markup unless they say otherwise.
func StartDunst(t testing.TB, x *XServer, settings ...string) *Dunst {
	t.Helper()
	Need(t, "dunst", "dunstctl", "gdbus")
	config := filepath.Join(shortDir(t), "dunstrc")
	lines := append([]string{"[global]", "markup = full"}, settings...)
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("dunst", "-conf", config)
	cmd.Env = append(os.Environ(), "DISPLAY="+x.Display, "XDG_SESSION_TYPE=x11", "WAYLAND_DISPLAY=")
	run(t, cmd)
	Eventually(t, "dunst on the bus", func() bool {
		return exec.Command("gdbus", "call", "--session", "--dest", "org.freedesktop.Notifications",
			"--object-path", "/org/freedesktop/Notifications",
			"--method", "org.freedesktop.Notifications.GetServerInformation").Run() == nil
	})
	return &Dunst{cmd.Process}
}

// History closes what is shown, and returns all that was ever shown, newest first.
func (d *Dunst) History(t testing.TB) []Shown {
	t.Helper()
	if out, err := exec.Command("dunstctl", "close-all").CombinedOutput(); err != nil {
		t.Fatalf("dunstctl close-all: %v %s", err, out)
	}
	out, err := exec.Command("dunstctl", "history").Output()
	if err != nil {
		t.Fatalf("dunstctl history: %v", err)
	}
	type text struct{ Data string }
	var answer struct {
		Data [][]struct {
			AppName  text
			Summary  text
			Body     text
			IconPath text `json:"icon_path"`
		}
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("dunstctl history: %v in %s", err, out)
	}
	var all []Shown
	for _, page := range answer.Data {
		for _, n := range page {
			all = append(all, Shown{n.AppName.Data, n.Summary.Data, n.Body.Data, n.IconPath.Data})
		}
	}
	return all
}

// Freeze makes the daemon one that takes calls and never answers.
func (d *Dunst) Freeze(t testing.TB) { d.signal(t, syscall.SIGSTOP) }

// Thaw ends Freeze.
func (d *Dunst) Thaw(t testing.TB) { d.signal(t, syscall.SIGCONT) }

func (d *Dunst) signal(t testing.TB, s os.Signal) {
	t.Helper()
	if err := d.process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// run starts a program, which is killed at the test's end.
func run(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// firstLine returns the first line that a program prints.
func firstLine(t testing.TB, out io.Reader) string {
	t.Helper()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("it printed %q: %v", line, err)
	}
	return strings.TrimSpace(line)
}

// shortDir returns a folder of the test's own whose path is short enough for sockets.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Eventually waits until the condition holds, and fails the test if it does not within 10 s.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatalf("not within 10 s: %s", what)
}
