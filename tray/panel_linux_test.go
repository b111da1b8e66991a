package tray

import (
	"image"
	"image/color"
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

// inked returns where the panel shows an ink, and how many pixels of it.
func inked(p *desktoptest.Panel, ink color.NRGBA) (where image.Rectangle, pixels int) {
	near := func(a uint32, b uint8) bool { return max(int(a>>8)-int(b), int(b)-int(a>>8)) < 16 }
	screen := p.Screen()
	for y := range p.Height {
		for x := range screen.Bounds().Dx() {
			r, g, b, _ := screen.At(x, y).RGBA()
			if near(r, ink.R) && near(g, ink.G) && near(b, ink.B) {
				where = where.Union(image.Rect(x, y, x+1, y+1))
				pixels++
			}
		}
	}
	return where, pixels
}

// appears waits until the panel shows an icon with this much of an ink, and
// returns its middle.
func appears(t *testing.T, p *desktoptest.Panel, what string, ink color.NRGBA, least int) image.Point {
	t.Helper()
	var where image.Rectangle
	desktoptest.Eventually(t, what, func() bool {
		var pixels int
		where, pixels = inked(p, ink)
		return pixels >= least && where.Dx() <= 26
	})
	return where.Min.Add(where.Max).Div(2)
}

// opens waits until something stands below the panel.
func opens(t *testing.T, p *desktoptest.Panel) {
	t.Helper()
	desktoptest.Eventually(t, "an open menu", func() bool { return menuArea(p) > 100*100 })
}

// menuArea returns how many pixels below the panel are not those of the empty screen.
func menuArea(p *desktoptest.Panel) int {
	screen := p.Screen()
	size := screen.Bounds()
	er, eg, eb, _ := screen.At(size.Max.X-1, size.Max.Y-1).RGBA()
	pixels := 0
	for y := p.Height; y < size.Dy(); y++ {
		for x := range size.Dx() {
			if r, g, b, _ := screen.At(x, y).RGBA(); r != er || g != eg || b != eb {
				pixels++
			}
		}
	}
	return pixels
}

func TestOnARealPanel(t *testing.T) {
	desktoptest.Bus(t)
	p := desktoptest.StartPanel(t)
	r := start(t, "1h")
	s := someState()
	s.Err, s.Writing, s.LogIn, s.Account = nil, false, false, "bilipaste"
	s.Buckets = []string{"album", "live", "new_dyn"}
	s.Hosts = []string{"bilibili", "scdn", "folder"}

	r.show(s)
	icon := appears(t, p, "the icon, off", grey, 20)
	p.Save("tray-off")
	p.Click(1, icon)
	r.wants(Action{Verb: ToggleWriting})

	s.Writing = true
	r.show(s)
	appears(t, p, "the icon, writing", blue, 60)
	p.Save("tray-writing")
	_, filled := inked(p, blue)
	s.Uploads = 1
	r.show(s)
	desktoptest.Eventually(t, "the icon, uploading", func() bool {
		_, pixels := inked(p, blue)
		return pixels > 20 && pixels < filled*9/10
	})
	p.Save("tray-uploading")
	s.Uploads = 0
	r.order(order{State: &s, Problem: "not logged in"})
	appears(t, p, "the icon, attention", red, 15)
	p.Save("tray-attention")
	r.show(s)
	icon = appears(t, p, "the icon, writing", blue, 60)

	for language, name := range map[string]string{lang.English: "en", lang.Chinese: "zh"} {
		r.order(order{State: &s, Language: language})
		p.Click(3, icon)
		opens(t, p)
		p.Save("menu-" + name)
		// Up from the first line is the last one: quit, help, settings, and
		// so on. The bucket's submenu is the seventh line that can be chosen.
		p.Press("Down", "Down", "Down", "Down", "Down", "Down", "Right", "Down", "Down")
		p.Save("menu-bucket-" + name)
		p.Press("Return")
		r.wants(Action{ChooseBucket, "new_dyn"})
	}

	p.Restart()
	icon = appears(t, p, "the icon, on the new panel", blue, 60)
	p.Click(1, icon)
	r.wants(Action{Verb: ToggleWriting})
	r.terminate()
	r.ended(cancelled)
}
