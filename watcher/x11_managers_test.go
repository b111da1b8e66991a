//go:build linux

package watcher

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"bilipaste/internal/desktoptest"
)

// startManager starts a clipboard manager that people use, with a home of its own.
func startManager(t *testing.T, command ...string) {
	t.Helper()
	desktoptest.Need(t, command[0], "dbus-run-session")
	cmd := exec.Command("dbus-run-session", append([]string{"--"}, command...)...)
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home, "XDG_RUNTIME_DIR="+home, "QT_QPA_PLATFORM=xcb")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Getenv("WATCH_DEBUG") != "" {
		cmd.Stderr, cmd.Stdout = os.Stderr, os.Stderr
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
}

// painted returns a picture that can be decoded.
func painted(t *testing.T, shade byte) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 40, 30))
	for i := range m.Pix {
		m.Pix[i] = byte(i)*shade | 1
	}
	m.Set(1, 1, color.White)
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// owned reports whether any program owns the clipboard.
func (d *desk) owned() bool {
	l := d.backend.(*x11).link
	r, err := xproto.GetSelectionOwner(l.conn, l.atoms["CLIPBOARD"]).Reply()
	return err == nil && r.Owner != 0
}

// copyAndEnd is a program that copies and ends, after whose end the manager that
// runs is to fill its place.
func (d *desk) copyAndEnd(content map[string][]byte) {
	d.t.Helper()
	p := newProgram(d.t)
	p.copy(content)
	time.Sleep(twice) // the manager's to take it
	p.quit()
	d.until("the manager fills the place", d.owned)
}

// twice is how long Parcellite takes to look twice.
const twice = 1100 * time.Millisecond

// They know no pictures: when a program ends that has copied one, they bring back
// the text before, which is our link of another picture.
func TestAManagerThatBringsAnOlderLinkBack(t *testing.T) {
	for _, command := range []string{"parcellite", "diodon"} {
		t.Run(command, func(t *testing.T) {
			d := newDesk(t)
			startManager(t, command)
			d.until("it fills the place of a text", func() bool {
				p := newProgram(t)
				p.copy(map[string][]byte{"UTF8_STRING": []byte("a text")})
				d.expect(TextBeside)
				time.Sleep(twice) // it has to look
				p.quit()
				time.Sleep(twice / 2)
				return d.owned()
			})
			first := newProgram(t)
			first.copy(map[string][]byte{"image/png": painted(t, 1)})
			if err := d.Replace(t.Context(), d.expect(IsPicture), "the first link"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(twice)
			d.copyAndEnd(map[string][]byte{"image/png": painted(t, 2)})
			d.pastes("UTF8_STRING", "the first link")
			c := d.expect(IsPicture)
			if err := d.Replace(t.Context(), c, "the second link"); err != nil {
				t.Errorf("Replace: %v", err)
			}
			d.pastes("UTF8_STRING", "the second link")
			d.none()
		})
	}
}
