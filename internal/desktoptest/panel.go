//go:build unix

package desktoptest

import (
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Panel is xfce4-panel, along the screen's upper edge and with nothing but a
// system tray, whose icons begin at its left end.
type Panel struct {
	Height  int // pixels
	t       testing.TB
	x       *XServer
	env     []string
	process *exec.Cmd
}

// panelSettings is the panel's file: dark, 26 pixels high.
const panelSettings = `<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="true"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="26"/>
      <property name="icon-size" type="uint" value="16"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
    </property>
  </property>
</channel>
`

// StartPanel starts a panel on the session bus of the test (see Bus), which
// shows on x. The user's settings are not read.
func StartPanel(t testing.TB, x *XServer) *Panel {
	t.Helper()
	Need(t, "xfce4-panel", "xfconf-query", "xdotool")
	daemons, err := filepath.Glob("/usr/lib/*/xfce4/xfconf/xfconfd") // comes with xfconf-query
	if err != nil || len(daemons) == 0 {
		t.Fatalf("no xfconfd: %v", err)
	}
	home := shortDir(t)
	settings := filepath.Join(home, "xfce4/xfconf/xfce-perchannel-xml")
	if err := os.MkdirAll(settings, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(settings, "xfce4-panel.xml"), []byte(panelSettings), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &Panel{Height: 26, t: t, x: x, env: append(os.Environ(),
		"DISPLAY="+x.Display, "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home,
		"XDG_DATA_HOME="+home, "NO_AT_BRIDGE=1", "GDK_BACKEND=x11", "LC_ALL=C.UTF-8")}
	run(t, p.command(daemons[0]))
	p.start()
	t.Cleanup(p.stop)
	return p
}

func (p *Panel) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = p.env
	return cmd
}

func (p *Panel) start() {
	p.t.Helper()
	p.process = p.command("xfce4-panel", "--disable-wm-check")
	if err := p.process.Start(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *Panel) stop() {
	_ = p.process.Process.Kill()
	_ = p.process.Wait()
}

// Restart ends the panel at once and starts it anew.
func (p *Panel) Restart() {
	p.t.Helper()
	p.stop()
	p.start()
}

// Click clicks a mouse button (1 is the left, 3 the right) at a point of the screen.
func (p *Panel) Click(button int, at image.Point) {
	p.t.Helper()
	p.x.Click(p.t, button, at)
}

// Point moves the pointer.
func (p *Panel) Point(at image.Point) {
	p.t.Helper()
	p.x.Point(p.t, at)
}

// Press presses keys, named as X names them, one after the other.
func (p *Panel) Press(keys ...string) {
	p.t.Helper()
	p.x.Press(p.t, keys...)
}

// Save keeps the screen as XServer.Save does.
func (p *Panel) Save(name string) {
	p.t.Helper()
	p.x.Save(p.t, name)
}

// Shows waits until the panel shows an icon with at least and at most as many
// pixels of an ink, and returns its middle and their number.
func (p *Panel) Shows(what string, ink color.NRGBA, least, most int) (image.Point, int) {
	p.t.Helper()
	var where image.Rectangle
	var pixels int
	Eventually(p.t, "the panel shows "+what, func() bool {
		where, pixels = p.x.Inked(p.t, p.Height, ink)
		return pixels >= least && pixels <= most && where.Dx() <= p.Height
	})
	return where.Min.Add(where.Max).Div(2), pixels
}

// Open opens the menu of the icon at a point, once there is no other.
func (p *Panel) Open(icon image.Point) {
	p.t.Helper()
	const tooltip = 150 * 200 // pixels: it is smaller, a menu is larger
	Eventually(p.t, "no menu", func() bool { return p.covered() < tooltip })
	p.Click(3, icon)
	Eventually(p.t, "an open menu", func() bool { return p.covered() > tooltip })
}

// covered returns how many pixels below the panel are not those of the empty screen.
func (p *Panel) covered() int {
	m := p.x.Screen(p.t)
	size := m.Bounds()
	empty := m.At(size.Max.X-1, size.Max.Y-1)
	pixels := 0
	for y := p.Height; y < size.Dy(); y++ {
		for x := range size.Dx() {
			if m.At(x, y) != empty {
				pixels++
			}
		}
	}
	return pixels
}
