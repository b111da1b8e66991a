//go:build unix

package desktoptest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// XServer is a virtual X server, as programs started by the test see it.
type XServer struct {
	Display string // such as ":5"
	cmd     *exec.Cmd
}

// StartX starts a virtual X server on a free display, makes it the test's
// $DISPLAY, and stops it when the test ends.
func StartX(t testing.TB) *XServer {
	t.Helper()
	Need(t, "Xvfb", "xclip")
	x := &XServer{}
	x.start(t)
	t.Setenv("DISPLAY", x.Display)
	t.Setenv("WAYLAND_DISPLAY", "")
	t.Cleanup(x.Stop)
	return x
}

// start runs the server, on x.Display if that is set.
func (x *XServer) start(t testing.TB) {
	t.Helper()
	ready, report, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ready.Close() }()
	// -noreset: else the server starts anew whenever its last client leaves.
	args := []string{"-displayfd", "3", "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset"}
	if x.Display != "" {
		args = append([]string{x.Display}, args...)
	}
	x.cmd = exec.Command("Xvfb", args...)
	x.cmd.ExtraFiles = []*os.File{report}
	err = x.cmd.Start()
	_ = report.Close()
	if err != nil {
		t.Fatal(err)
	}
	_ = ready.SetReadDeadline(time.Now().Add(20 * time.Second))
	number, err := bufio.NewReader(ready).ReadString('\n')
	if err != nil {
		x.Stop()
		t.Fatalf("Xvfb says no display: %v", err)
	}
	x.Display = ":" + strings.TrimSpace(number)
}

// Stop kills the server.
func (x *XServer) Stop() {
	_ = x.cmd.Process.Kill()
	_ = x.cmd.Wait()
}

// Restart starts the server again, on the same display, after Stop.
func (x *XServer) Restart(t testing.TB) {
	t.Helper()
	x.start(t)
}

// Freeze makes the server one that takes calls and never answers.
func (x *XServer) Freeze(t testing.TB) { x.signal(t, syscall.SIGSTOP) }

// Thaw ends Freeze.
func (x *XServer) Thaw(t testing.TB) { x.signal(t, syscall.SIGCONT) }

func (x *XServer) signal(t testing.TB, s os.Signal) {
	t.Helper()
	if err := x.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// Copy puts data on the clipboard in one format, with xclip, which owns it
// until something else is copied. It returns at once.
func (x *XServer) Copy(t testing.TB, format string, data []byte) *os.Process {
	t.Helper()
	cmd := exec.Command("xclip", "-quiet", "-display", x.Display, "-selection", "clipboard", "-t", format, "-i")
	cmd.Stdin = bytes.NewReader(data)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd.Process
}

// Paste returns what the clipboard holds in one format, read with xclip.
func (x *XServer) Paste(t testing.TB, format string) ([]byte, error) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second) // it hangs on a dead owner
	defer stop()
	cmd := exec.CommandContext(ctx, "xclip", "-display", x.Display, "-selection", "clipboard", "-t", format, "-o")
	cmd.WaitDelay = time.Second
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("xclip: %w: %s", err, said.String())
	}
	return out.Bytes(), nil
}

// Screen returns what is on the screen.
func (x *XServer) Screen(t testing.TB) image.Image {
	t.Helper()
	Need(t, "import")
	out, err := exec.Command("import", "-display", x.Display, "-window", "root", "png:-").Output()
	if err != nil {
		t.Fatalf("import: %v", err)
	}
	screen, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	return screen
}

// Click clicks a mouse button (1 is the left, 3 the right) at a point of the screen.
func (x *XServer) Click(t testing.TB, button int, at image.Point) {
	t.Helper()
	x.Point(t, at)
	x.xdotool(t, "click", strconv.Itoa(button))
}

// Point moves the pointer.
func (x *XServer) Point(t testing.TB, at image.Point) {
	t.Helper()
	x.xdotool(t, "mousemove", strconv.Itoa(at.X), strconv.Itoa(at.Y))
}

// Press presses keys, named as X names them, one after the other.
func (x *XServer) Press(t testing.TB, keys ...string) {
	t.Helper()
	x.xdotool(t, append([]string{"key", "--delay", "60"}, keys...)...)
}

func (x *XServer) xdotool(t testing.TB, args ...string) {
	t.Helper()
	Need(t, "xdotool")
	cmd := exec.Command("xdotool", args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+x.Display)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("xdotool: %v: %s", err, out)
	}
}

// Save keeps the screen as NAME.png in the folder $BILIPASTE_SHOTS, if that
// is set, for a person to look at.
func (x *XServer) Save(t testing.TB, name string) {
	t.Helper()
	dir := os.Getenv("BILIPASTE_SHOTS")
	if dir == "" {
		return
	}
	var file bytes.Buffer
	if err := png.Encode(&file, x.Screen(t)); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Inked returns where the screen's uppermost rows show an ink, and how many
// pixels of it.
func (x *XServer) Inked(t testing.TB, rows int, ink color.NRGBA) (where image.Rectangle, pixels int) {
	t.Helper()
	near := func(a uint32, b uint8) bool { return max(int(a>>8)-int(b), int(b)-int(a>>8)) < 16 }
	m := x.Screen(t)
	for row := range rows {
		for column := range m.Bounds().Dx() {
			r, g, b, _ := m.At(column, row).RGBA()
			if near(r, ink.R) && near(g, ink.G) && near(b, ink.B) {
				where = where.Union(image.Rect(column, row, column+1, row+1))
				pixels++
			}
		}
	}
	return where, pixels
}
