package tray

import (
	"image"
	"image/color"
	"slices"
	"testing"

	"bilipaste/internal/desktoptest"
	"bilipaste/internal/lang"
)

// The inks of the icon's states, where no other is.
var (
	grey = color.NRGBA{0x88, 0x8c, 0x92, 0xff}
	blue = color.NRGBA{0x13, 0x90, 0xdc, 0xff}
	red  = color.NRGBA{0xe8, 0x3f, 0x3f, 0xff}
)

// screen is a real desktop: a panel on an X server.
type screen struct {
	*desktoptest.Panel
	x *desktoptest.XServer
	t *testing.T
}

// inked returns where the panel shows an ink, and how many pixels of it.
func (s screen) inked(ink color.NRGBA) (where image.Rectangle, pixels int) {
	near := func(a uint32, b uint8) bool { return max(int(a>>8)-int(b), int(b)-int(a>>8)) < 16 }
	m := s.x.Screen(s.t)
	for y := range s.Height {
		for x := range m.Bounds().Dx() {
			r, g, b, _ := m.At(x, y).RGBA()
			if near(r, ink.R) && near(g, ink.G) && near(b, ink.B) {
				where = where.Union(image.Rect(x, y, x+1, y+1))
				pixels++
			}
		}
	}
	return where, pixels
}

// shows waits until the panel shows an icon with at least and at most as many
// pixels of an ink, and returns its middle and their number.
func (s screen) shows(what string, ink color.NRGBA, least, most int) (image.Point, int) {
	s.t.Helper()
	var where image.Rectangle
	var pixels int
	desktoptest.Eventually(s.t, "the panel shows "+what, func() bool {
		where, pixels = s.inked(ink)
		return pixels >= least && pixels <= most && where.Dx() <= s.Height
	})
	return where.Min.Add(where.Max).Div(2), pixels
}

// open opens the menu of the icon at a place, once there is no other.
func (s screen) open(icon image.Point) {
	s.t.Helper()
	const tooltip = 150 * 200 // pixels: it is smaller, a menu is larger
	desktoptest.Eventually(s.t, "no menu", func() bool { return s.covered() < tooltip })
	s.Click(3, icon)
	desktoptest.Eventually(s.t, "an open menu", func() bool { return s.covered() > tooltip })
}

// covered returns how many pixels below the panel are not those of the empty screen.
func (s screen) covered() int {
	m := s.x.Screen(s.t)
	size := m.Bounds()
	empty := m.At(size.Max.X-1, size.Max.Y-1)
	pixels := 0
	for y := s.Height; y < size.Dy(); y++ {
		for x := range size.Dx() {
			if m.At(x, y) != empty {
				pixels++
			}
		}
	}
	return pixels
}

func TestOnARealPanel(t *testing.T) {
	desktoptest.Bus(t)
	x := desktoptest.StartX(t)
	on := screen{desktoptest.StartPanel(t, x), x, t}
	r := start(t, "1h")
	s := someState()
	s.Writing, s.LogIn, s.Account = false, false, "bilipaste"
	s.Buckets = []string{"album", "live", "new_dyn"}
	s.Hosts = []string{"bilibili", "scdn", "folder"}

	r.show(s)
	icon, _ := on.shows("off", grey, 20, 1000)
	on.Save("tray-off")
	on.Click(1, icon)
	r.wants(Action{Verb: ToggleWriting})

	s.Writing = true
	r.show(s)
	_, filled := on.shows("writing", blue, 60, 1000)
	on.Save("tray-writing")
	s.Uploads = 1
	r.show(s)
	on.shows("uploading", blue, 20, filled*9/10)
	on.Save("tray-uploading")
	s.Uploads = 0
	r.order(order{State: &s, Problem: "not logged in"})
	on.shows("attention", red, 15, 1000)
	on.Save("tray-attention")

	// The menu, as it is on the bus when it is opened on the screen.
	menu := look(t, r)
	for _, c := range []struct{ language, name, has string }{
		{lang.English, "en", "Bucket: live"}, {lang.Chinese, "zh", "Bucket：live"},
	} {
		r.order(order{State: &s, Language: c.language})
		desktoptest.Eventually(t, "the menu in "+c.language, func() bool { return slices.Contains(lines(menu.menu()), c.has) })
		on.open(icon)
		on.Save("menu-" + c.name)
		// The keys pass over separators and what is disabled or hidden.
		on.Press("Down", "Down", "Down", "Down", "Down", "Down", "Right", "Down", "Down")
		on.Save("menu-bucket-" + c.name)
		on.Press("Return")
		r.wants(Action{ChooseBucket, "new_dyn"})
	}
	on.open(icon)
	on.Click(1, image.Pt(icon.X+30, on.Height+15))
	r.wants(Action{Verb: ToggleWriting}) // the menu's first line

	on.Restart()
	icon, _ = on.shows("writing, anew", blue, 60, 1000)
	on.Click(1, icon)
	r.wants(Action{Verb: ToggleWriting})
	on.open(icon)
	on.Press("Up", "Return")
	r.ended(quitChosen)
}
