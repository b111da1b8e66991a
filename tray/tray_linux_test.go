package tray

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

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
	p := pixmap{Width: int32(m.Bounds().Dx()), Height: int32(m.Bounds().Dy())}
	for y := range int(p.Height) {
		for x := range int(p.Width) {
			c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			p.Pixels = append(p.Pixels, c.A, c.R, c.G, c.B)
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
			return got.Width == want.Width && got.Height == want.Height && bytes.Equal(got.Pixels, want.Pixels)
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
	h.heard()

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

	last := h.line("Bucket: a", "b11")
	s.Links, s.Buckets = s.Links[:1], s.Buckets[:1]
	r.show(s)
	h.shows("[ ] Writing mode", "Upload what is on the clipboard", "(Put the picture back)", "---",
		"Recent links", "> 07-21 12:05  11.png", "Bucket: a", "> [x] a", "---",
		"[ ] Sound", "[ ] Notifications", "[ ] Start at login", "---", "Open bilipaste…", "Open the settings file", "Help", "Quit")
	h.event(last) // clicked just before
	r.wants(Action{ChooseBucket, "b11"})
}

// Libdbusmenu shows empty submenus where answers come in another order.
func TestHostsAreAnsweredInTheirOrder(t *testing.T) {
	desktoptest.Bus(t)
	h := startHost(t)
	r := start(t, "1h")
	h.icon()
	sound, help := h.line("Sound"), h.line("Help")
	menu := h.conn.Object(h.owner, h.menuPath)
	answers := make(chan *dbus.Call, 80)
	var asked []*dbus.Call
	for range 20 {
		for _, line := range []int32{sound, help} {
			asked = append(asked,
				menu.Go(menuInterface+".GetLayout", 0, answers, int32(0), int32(-1), []string{}),
				menu.Go(menuInterface+".Event", 0, answers, line, "clicked", dbus.MakeVariant(int32(0)), uint32(0)))
		}
	}
	for i, want := range asked {
		if got := <-answers; got != want || got.Err != nil {
			t.Fatalf("answer %d is of another question, or %v", i, got.Err)
		}
	}
	for range 20 {
		r.wants(Action{Verb: ToggleSound}, Action{Verb: Help})
	}
}

func TestAHostThatIsWrongChangesNothing(t *testing.T) {
	desktoptest.Bus(t)
	h := startHost(t)
	r := start(t, "1h")
	// What is no text on the bus is not sent there.
	r.show(State{Links: []Link{{noon, "a\x00b\xff\n.png", "https://x/1"}}, Bucket: "\x00", Buckets: []string{"\x00"}})
	h.icon()
	desktoptest.Eventually(t, "the link", func() bool {
		return strings.Contains(strings.Join(lines(h.menu()), "\n"), "> 07-21 12:05  a b\ufffd .png")
	})
	was := lines(h.menu())

	item, menu := h.conn.Object(h.owner, itemPath), h.conn.Object(h.owner, h.menuPath)
	odd := []any{
		int32(-1), int32(math.MinInt32), int32(math.MaxInt32), uint64(math.MaxUint64), "", "clicked", []int32{}, []int32{-1, 7, 7, 1 << 30},
		[]string{"", "label"}, map[string]dbus.Variant{"a": dbus.MakeVariant(1)}, dbus.MakeVariant(dbus.MakeVariant([]any{})),
		[]struct{ A int32 }{{1}}, struct{ A, B string }{}, []menuEvent{{ID: -3, Kind: "clicked", Data: dbus.MakeVariant("")}}, []byte{0}, 1.5, true,
	}
	const properties = "org.freedesktop.DBus.Properties"
	calls := 0
	for method, takes := range map[string]int{
		menuInterface + ".GetLayout": 3, menuInterface + ".GetGroupProperties": 2, menuInterface + ".GetProperty": 2,
		menuInterface + ".Event": 4, menuInterface + ".EventGroup": 1, menuInterface + ".AboutToShow": 1, menuInterface + ".AboutToShowGroup": 1,
		menuInterface + ".Nothing": 1, "no.such.Interface.Get": 1, "Event": 4, "AboutToShow": 0,
		itemInterface + ".Scroll": 2, itemInterface + ".ContextMenu": 2, itemInterface + ".SecondaryActivate": 2,
		properties + ".Get": 2, properties + ".GetAll": 1, properties + ".Set": 3,
		"org.freedesktop.DBus.Introspectable.Introspect": 0, "org.freedesktop.DBus.Peer.Ping": 0,
	} {
		for i := range odd {
			args := []any{}
			for n := range takes {
				args = append(args, odd[(i+n*5)%len(odd)])
			}
			for _, with := range [][]any{args, append(slices.Clone(args), "more"), args[:takes/2], {int32(0), odd[i]}, {int32(1), odd[i], odd[i], odd[i]}} {
				for _, to := range []dbus.BusObject{item, menu, h.conn.Object(h.owner, "/"), h.conn.Object(h.owner, itemPath+"/other")} {
					answer := make(chan *dbus.Call, 1)
					to.Go(method, 0, answer, with...)
					select {
					case <-answer:
						calls++
					case <-time.After(10 * time.Second):
						t.Fatalf("%s(%v) is not answered", method, with)
					}
				}
			}
		}
	}
	if got := lines(h.menu()); !slices.Equal(got, was) {
		t.Errorf("after %d calls the menu is\n%s", calls, strings.Join(got, "\n"))
	}
	for _, property := range []string{itemInterface + ".Nothing", menuInterface + ".Status"} {
		if v, err := item.GetProperty(property); err == nil {
			t.Errorf("%s is %v", property, v)
		}
	}
	if err := item.SetProperty(itemInterface+".Title", dbus.MakeVariant("other")); err == nil || h.text("Title") != "bilipaste" {
		t.Errorf("the title was set: %v", err)
	}
	h.click("Help")
	r.wants(Action{Verb: Help}) // and nothing before
}

func TestAHostReadsWhatItAsksFor(t *testing.T) {
	desktoptest.Bus(t)
	h := startHost(t)
	start(t, "1h")
	h.icon()
	menu := h.conn.Object(h.owner, h.menuPath)
	writing := h.line("Writing mode")

	var revision uint32
	var root struct {
		ID         int32
		Properties map[string]dbus.Variant
		Children   []dbus.Variant
	}
	for depth, children := range map[int32]int{0: 0, 1: 23, -1: 23, math.MinInt32: 23, math.MaxInt32: 23} {
		if err := menu.Call(menuInterface+".GetLayout", 0, int32(0), depth, []string{"label"}).Store(&revision, &root); err != nil || len(root.Children) != children {
			t.Errorf("depth %d: %d lines, %v", depth, len(root.Children), err)
		}
	}
	// A host that has not read the submenus is told of them before they are opened.
	var heard []string
	desktoptest.Eventually(t, "the four submenus", func() bool {
		heard = append(heard, h.heard()...)
		return strings.Count(fmt.Sprint(heard), "LayoutUpdated") == 4
	})
	var group []struct {
		ID         int32
		Properties map[string]dbus.Variant
	}
	if err := menu.Call(menuInterface+".GetGroupProperties", 0, []int32{writing, 9999, writing}, []string{"label", "toggle-state"}).Store(&group); err != nil ||
		len(group) != 1 || group[0].ID != writing || len(group[0].Properties) != 2 || group[0].Properties["label"].Value() != "Writing mode" {
		t.Errorf("%v, %v", group, err)
	}
	var state int32
	if err := menu.Call(menuInterface+".GetProperty", 0, writing, "toggle-state").Store(&state); err != nil || state != 0 {
		t.Errorf("%d, %v", state, err)
	}
	var unknown []int32
	events := []menuEvent{{ID: writing, Kind: "opened", Data: dbus.MakeVariant("")}, {ID: 9999, Kind: "clicked", Data: dbus.MakeVariant("")}}
	if err := menu.Call(menuInterface+".EventGroup", 0, events).Store(&unknown); err != nil || !slices.Equal(unknown, []int32{9999}) {
		t.Errorf("%v, %v", unknown, err)
	}
	// Some look for icons from the top down.
	for path, names := range map[dbus.ObjectPath]string{"/": "StatusNotifierItem", itemPath: itemInterface, itemPath + "/menu": menuInterface} {
		var xml string
		if err := h.conn.Object(h.owner, path).Call("org.freedesktop.DBus.Introspectable.Introspect", 0).Store(&xml); err != nil || !strings.Contains(xml, `name="`+names+`"`) {
			t.Errorf("%s: %q, %v", path, xml, err)
		}
	}
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
		desktoptest.Eventually(t, "the icon", func() bool { return bytes.Equal(h.pixmap().Pixels, asShown(t, "writing").Pixels) })
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
		// While it starts, and after.
		for range i * 20 {
			r.show(State{Writing: i%2 == 0})
		}
		r.terminate()
		r.ended(cancelled)
	}
}
