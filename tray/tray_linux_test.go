package tray

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"bilipaste/assets"
	"bilipaste/internal/desktoptest"
	"bilipaste/internal/lang"
)

func TestMenuIsReadOverTheBusInBothLanguages(t *testing.T) {
	desktoptest.Bus(t)
	h := startHost(t)
	r := start(t, "1h")
	s := someState()
	r.order(order{State: &s, Language: lang.English})
	h.icon()
	h.shows(
		"[x] Writing mode", "Upload what is on the clipboard", "Put the picture back", "---",
		"Recent links", "> 07-21 12:05  picture", "> 07-21 12:05  cat__1.png",
		"Bucket: live", "> [x] live", "> [ ] new__dyn",
		"Format: Markdown", "> [x] Markdown", "> [ ] HTML", "---",
		"[x] Sound", "[ ] Notifications", "[x] Start at login", "---",
		"Log in…", "Open bilipaste…", "Open the settings file", "Help", "Quit")
	if id, title, category := h.text("Id"), h.text("Title"), h.text("Category"); id != "bilipaste" || title != id || category != "ApplicationStatus" {
		t.Errorf("the icon is %s, %s, %s", id, title, category)
	}
	if isMenu := h.get("ItemIsMenu").Value(); isMenu != false {
		t.Errorf("ItemIsMenu is %v: a left click would open the menu", isMenu)
	}

	s.Bucket, s.Writing, s.PutBack, s.Links, s.LogIn, s.Account = "new_dyn", false, false, s.Links[:1], false, "某人"
	r.order(order{State: &s, Language: lang.Chinese, Problem: "未登录"})
	h.shows(
		"未登录", "[ ] 写作模式", "上传剪贴板中的图片", "(把图片放回剪贴板)", "---",
		"最近的链接", "> 07-21 12:05  图片",
		"Bucket：new__dyn", "> [ ] live", "> [x] new__dyn",
		"格式：Markdown", "> [x] Markdown", "> [ ] HTML", "---",
		"[x] 提示音", "[ ] 通知", "[x] 登录时启动", "---",
		"(账号：某人)", "打开 bilipaste…", "打开设置文件", "帮助", "退出")
	if tip := h.tooltip(); tip != "bilipaste：写作模式已关闭\n未登录\n哔哩哔哩，bucket new_dyn" {
		t.Errorf("the tooltip is %q", tip)
	}
	r.terminate()
	r.ended(cancelled)
}

// asShown returns an icon as a host must get it.
func asShown(t *testing.T, state string) pixmap {
	t.Helper()
	data, err := assets.Icons.ReadFile("icons/" + state + ".png")
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	p := pixmap{W: int32(m.Bounds().Dx()), H: int32(m.Bounds().Dy())}
	for y := range int(p.H) {
		for x := range int(p.W) {
			c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			p.Pix = append(p.Pix, c.A, c.R, c.G, c.B)
		}
	}
	return p
}

func TestEachStateHasItsIconAndTooltip(t *testing.T) {
	desktoptest.Bus(t)
	h := startHost(t)
	r := start(t, "1h")
	h.icon()
	for _, c := range []struct {
		icon, problem, tooltip string
		state                  State
	}{
		{"writing", "", "bilipaste: writing mode is on\nBilibili, bucket live", State{Writing: true, Host: "bilibili", Bucket: "live", Buckets: []string{"live"}}},
		{"uploading", "", "bilipaste: writing mode is on\n2 uploads under way\nfolder", State{Writing: true, Host: "folder", Uploads: 2}},
		{"attention", "not logged in", "bilipaste: writing mode is on\nnot logged in", State{Writing: true}},
		{"off", "", "bilipaste: writing mode is off", State{}},
	} {
		r.order(order{State: &c.state, Problem: c.problem})
		desktoptest.Eventually(t, "the icon "+c.icon, func() bool {
			got, want := h.pixmap(), asShown(t, c.icon)
			return got.W == want.W && got.H == want.H && bytes.Equal(got.Pix, want.Pix)
		})
		desktoptest.Eventually(t, "the tooltip "+c.tooltip, func() bool { return h.tooltip() == c.tooltip })
	}
}

func TestOnlyWhatChangedIsSent(t *testing.T) {
	desktoptest.Bus(t)
	h := startHost(t)
	r := start(t, "1h")
	s := someState()
	r.show(s)
	h.icon()
	desktoptest.Eventually(t, "the whole menu", func() bool { return len(lines(h.menu())) == 23 })
	// The library asks hosts once to read the menu again.
	desktoptest.Eventually(t, "the library's own signal", func() bool {
		return strings.Contains(fmt.Sprint(h.heard()), "LayoutUpdated")
	})

	r.show(s)
	s.Sound = false
	r.show(s)
	desktoptest.Eventually(t, "the mark gone", func() bool {
		return strings.Contains(strings.Join(lines(h.menu()), "\n"), "[ ] Sound")
	})
	changes := strings.Count(fmt.Sprint(h.heard()), "ItemsPropertiesUpdated")
	if changes != 1 {
		t.Errorf("one mark was taken away with %d changes", changes)
	}
}

func TestClicksBecomeActions(t *testing.T) {
	desktoptest.Bus(t)
	h := startHost(t)
	r := start(t, "1h")
	s := someState()
	s.Hosts = []string{"bilibili", "scdn"}
	r.order(order{State: &s, Problem: "it failed"})
	h.icon()
	desktoptest.Eventually(t, "the whole menu", func() bool { return len(lines(h.menu())) == 27 })

	h.activate()
	r.wants(Action{Verb: ToggleWriting})
	for _, c := range []struct {
		labels []string
		want   Action
	}{
		{[]string{"it failed"}, Action{Verb: Dismiss}},
		{[]string{"Writing mode"}, Action{Verb: ToggleWriting}},
		{[]string{"Upload what is on the clipboard"}, Action{Verb: UploadNow}},
		{[]string{"Put the picture back"}, Action{Verb: PutBack}},
		{[]string{"Recent links", "07-21 12:05  cat__1.png"}, Action{CopyLink, "https://i0.hdslb.com/2.png"}},
		{[]string{"Host: Bilibili", "scdn"}, Action{ChooseHost, "scdn"}},
		{[]string{"Bucket: live", "new__dyn"}, Action{ChooseBucket, "new_dyn"}},
		{[]string{"Format: Markdown", "HTML"}, Action{ChooseMarkup, "html"}},
		{[]string{"Sound"}, Action{Verb: ToggleSound}},
		{[]string{"Notifications"}, Action{Verb: ToggleNotify}},
		{[]string{"Start at login"}, Action{Verb: ToggleAutostart}},
		{[]string{"Log in…"}, Action{Verb: LogIn}},
		{[]string{"Open bilipaste…"}, Action{Verb: OpenPage}},
		{[]string{"Open the settings file"}, Action{Verb: OpenSettings}},
		{[]string{"Help"}, Action{Verb: Help}},
	} {
		h.click(c.labels...)
		r.wants(c.want)
	}
	h.click("Sound")
	h.quit() // what was asked for before it is done first
	r.wants(Action{Verb: ToggleSound})
	r.ended(quitChosen)
}

func TestNoClickIsLostWhileTheProgramIsBusy(t *testing.T) {
	desktoptest.Bus(t)
	h := startHost(t)
	r := start(t, "1h")
	s := State{Markup: "url", Markups: []string{"url", "bbcode"}}
	r.show(s)
	h.icon()
	h.shows("[ ] Writing mode", "Upload what is on the clipboard", "(Put the picture back)", "---", "(Recent links)",
		"Format: URL", "> [x] URL", "> [ ] BBCode", "---", "[ ] Sound", "[ ] Notifications", "[ ] Start at login", "---",
		"Open bilipaste…", "Open the settings file", "Help", "Quit")

	r.order(order{Hold: true})
	h.click("Help")
	r.wants(Action{Verb: Help}) // and its callback does not return
	for range 40 {
		h.click("Writing mode")
		h.click("Format: URL", "BBCode")
		h.activate()
	}
	// Meanwhile the tray goes on.
	s.Markup = "bbcode"
	r.show(s)
	desktoptest.Eventually(t, "the new state", func() bool {
		return strings.Contains(strings.Join(lines(h.menu()), "\n"), "Format: BBCode")
	})
	select {
	case e := <-r.events:
		t.Fatalf("two callbacks at once: %+v", e)
	default:
	}
	r.order(order{Release: true})
	toggled, chosen := 0, 0
	for range 120 {
		switch e := r.next(); e.Action {
		case Action{Verb: ToggleWriting}:
			toggled++
		case Action{ChooseMarkup, "bbcode"}:
			chosen++
		default:
			t.Fatalf("%+v", e)
		}
	}
	if toggled != 80 || chosen != 40 {
		t.Errorf("%d and %d clicks, want 80 and 40", toggled, chosen)
	}
	r.terminate()
	r.ended(cancelled)
}

func TestListsGrowAndShrink(t *testing.T) {
	desktoptest.Bus(t)
	h := startHost(t)
	r := start(t, "1h")
	s := State{Buckets: []string{"a"}, Bucket: "a"}
	r.show(s)
	h.icon()
	for i := range 12 {
		s.Links = append([]Link{{noon, fmt.Sprintf("%d.png", i), fmt.Sprintf("https://x/%d", i)}}, s.Links...)
		s.Buckets = append(s.Buckets, fmt.Sprintf("b%d", i))
	}
	r.show(s)
	desktoptest.Eventually(t, "ten links and thirteen buckets", func() bool {
		all := strings.Join(lines(h.menu()), "\n")
		return strings.Count(all, ".png") == 10 && strings.Count(all, "> [") == 13
	})
	h.click("Recent links", "07-21 12:05  11.png")
	r.wants(Action{CopyLink, "https://x/11"})
	h.click("Bucket: a", "b11")
	r.wants(Action{ChooseBucket, "b11"})

	s.Links, s.Buckets = s.Links[:1], s.Buckets[:1]
	r.show(s)
	h.shows("[ ] Writing mode", "Upload what is on the clipboard", "(Put the picture back)", "---",
		"Recent links", "> 07-21 12:05  11.png", "Bucket: a", "> [x] a", "---",
		"[ ] Sound", "[ ] Notifications", "[ ] Start at login", "---", "Open bilipaste…", "Open the settings file", "Help", "Quit")
}

func TestAHostThatComesLateAndAgain(t *testing.T) {
	desktoptest.Bus(t)
	t.Setenv("XDG_CURRENT_DESKTOP", "XFCE")
	r := start(t, "1ms")
	if e := r.next(); !strings.Contains(e.Notice, "no tray") || e.Hint == "" {
		t.Errorf("without a host: %+v", e)
	}
	r.show(State{Writing: true})
	for range 3 {
		h := startHost(t)
		h.icon()
		desktoptest.Eventually(t, "the icon", func() bool { return bytes.Equal(h.pixmap().Pix, asShown(t, "writing").Pix) })
		desktoptest.Eventually(t, "the icon is sent again", func() bool {
			return strings.Contains(fmt.Sprint(h.heard()), "NewIcon")
		})
		h.click("Help")
		r.wants(Action{Verb: Help}) // and no second notice
		h.stop()
	}
	r.terminate()
	r.ended(cancelled)
}

func TestAHostThatRefusesAtFirstIsAskedAgain(t *testing.T) {
	desktoptest.Bus(t)
	h := startRefusingHost(t, 1)
	r := start(t, "1h")
	h.icon()
	h.click("Help")
	r.wants(Action{Verb: Help})
	r.terminate()
	r.ended(cancelled)
	if len(h.icons) > 0 {
		t.Error("it is registered twice")
	}
}

func TestNothingIsSaidOfAHostThatCouldStillCome(t *testing.T) {
	desktoptest.Bus(t)
	r := start(t, "1h")
	h := startHost(t)
	h.icon()
	h.quit()
	r.ended(quitChosen)
}

func TestOnGNOMETheExtensionIsNamed(t *testing.T) {
	desktoptest.Bus(t)
	t.Setenv("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")
	r := start(t, "1ms")
	if e := r.next(); !strings.Contains(e.Hint, "AppIndicator and KStatusNotifierItem Support") {
		t.Errorf("%+v", e)
	}
	r.terminate()
	r.ended(cancelled)
}

func TestWithoutABusItSaysSoAndWaits(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	for _, address := range []string{"", "unix:path=" + t.TempDir() + "/none"} {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
		r := start(t, "1ms")
		if e := r.next(); !strings.Contains(e.Notice, "session bus") || e.Hint == "" {
			t.Errorf("address %q: %+v", address, e)
		}
		r.show(State{Writing: true})
		r.terminate()
		r.ended(cancelled)
	}
}

// Its user has logged out. The next session starts a program of its own, which
// must not find this one.
func TestItEndsWithTheBus(t *testing.T) {
	bus := desktoptest.Bus(t)
	h := startHost(t)
	r := start(t, "1h")
	h.icon()
	if err := bus.Kill(); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		_ = r.orders.Encode(order{State: &State{Writing: i%2 == 0}}) // it may have ended
	}
	r.ended(quitChosen)
}

func TestItEndsCleanlyAtAnyMoment(t *testing.T) {
	desktoptest.Bus(t)
	startHost(t)
	for i := range 10 {
		r := start(t, "1h")
		// While the library starts, and after.
		for range i * 20 {
			r.show(State{Writing: i%2 == 0})
		}
		r.terminate()
		r.ended(cancelled)
	}
}
