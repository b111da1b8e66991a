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

func TestOnARealPanel(t *testing.T) {
	desktoptest.Bus(t)
	x := desktoptest.StartX(t)
	on := desktoptest.StartPanel(t, x)
	r := start(t, "1h")
	s := someState()
	s.Writing, s.LogIn, s.Account = false, false, "bilipaste"
	s.Buckets = []string{"album", "live", "new_dyn"}
	s.Hosts = []string{"bilibili", "scdn", "folder"}

	r.show(s)
	icon, _ := on.Shows("off", grey, 20, 1000)
	on.Save("tray-off")
	on.Click(1, icon)
	r.wants(Action{Verb: ToggleWriting})

	s.Writing = true
	r.show(s)
	_, filled := on.Shows("writing", blue, 60, 1000)
	on.Save("tray-writing")
	s.Uploads = 1
	r.show(s)
	on.Shows("uploading", blue, 20, filled*9/10)
	on.Save("tray-uploading")
	s.Uploads = 0
	r.order(order{State: &s, Problem: "not logged in"})
	on.Shows("attention", red, 15, 1000)
	on.Save("tray-attention")

	// The menu, as it is on the bus when it is opened on the screen.
	menu := look(t, r)
	for _, c := range []struct{ language, name, has string }{
		{lang.English, "en", "Bucket: live"}, {lang.Chinese, "zh", "Bucket：live"},
	} {
		r.order(order{State: &s, Language: c.language})
		desktoptest.Eventually(t, "the menu in "+c.language, func() bool { return slices.Contains(lines(menu.menu()), c.has) })
		on.Open(icon)
		on.Save("menu-" + c.name)
		// The keys pass over separators and what is disabled or hidden.
		on.Press("Down", "Down", "Down", "Down", "Down", "Down", "Right", "Down", "Down")
		on.Save("menu-bucket-" + c.name)
		on.Press("Return")
		r.wants(Action{ChooseBucket, "new_dyn"})
	}
	on.Open(icon)
	on.Click(1, image.Pt(icon.X+30, on.Height+15))
	r.wants(Action{Verb: ToggleWriting}) // the menu's first line

	on.Restart()
	icon, _ = on.Shows("writing, anew", blue, 60, 1000)
	on.Click(1, icon)
	r.wants(Action{Verb: ToggleWriting})
	on.Open(icon)
	on.Press("Up", "Return")
	r.ended(quitChosen)
}
