package tray

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/prop"

	"bilipaste/internal/desktoptest"
)

// host is a desktop's tray on the test's bus: the watcher to which icons are
// registered, and who shows them.
type host struct {
	t        *testing.T
	conn     *dbus.Conn
	icons    chan string // the registered, by their owner's name on the bus
	signals  chan *dbus.Signal
	owner    string // of the icon that is shown
	menuPath dbus.ObjectPath
	props    *prop.Properties
	refuse   atomic.Int32 // how many registrations are still refused
}

// startHost starts a tray.
func startHost(t *testing.T) *host { return startRefusingHost(t, 0) }

// startRefusingHost starts one that is not ready for the first icons.
func startRefusingHost(t *testing.T, refused int32) *host {
	t.Helper()
	conn, err := dbus.ConnectSessionBus()
	if err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, conn: conn, icons: make(chan string, 10), signals: make(chan *dbus.Signal, 10000)}
	t.Cleanup(h.stop)
	h.refuse.Store(refused)
	if err := conn.Export(registry{h}, watcherPath, watcher); err != nil {
		t.Fatal(err)
	}
	h.props, err = prop.Export(conn, watcherPath, prop.Map{watcher: {
		"RegisteredStatusNotifierItems":  {Value: []string{}},
		"IsStatusNotifierHostRegistered": {Value: true},
		"ProtocolVersion":                {Value: int32(0)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []string{itemInterface, menuInterface} {
		if err := conn.AddMatchSignal(dbus.WithMatchInterface(i)); err != nil {
			t.Fatal(err)
		}
	}
	conn.Signal(h.signals)
	if reply, err := conn.RequestName(watcher, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("the watcher's name: %v, %v", reply, err)
	}
	return h
}

// stop ends the tray, as when a panel ends.
func (h *host) stop() { _ = h.conn.Close() }

// look returns a way to read the menu of a program that another host shows.
func look(t *testing.T, r *running) *host {
	t.Helper()
	conn, err := dbus.ConnectSessionBus()
	if err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, conn: conn, owner: fmt.Sprintf("org.kde.StatusNotifierItem-%d-1", r.cmd.Process.Pid), menuPath: itemPath + "/menu"}
	t.Cleanup(h.stop)
	return h
}

// registry is the watcher's interface.
type registry struct{ h *host }

// RegisterStatusNotifierItem is called with an object's path, or a name on the bus.
func (r registry) RegisterStatusNotifierItem(sender dbus.Sender, service string) *dbus.Error {
	if service != itemPath {
		return dbus.MakeFailedError(errors.New("not the item's path: " + service))
	}
	if r.h.refuse.Add(-1) >= 0 {
		return dbus.MakeFailedError(errors.New("not ready"))
	}
	r.h.props.SetMust(watcher, "RegisteredStatusNotifierItems", []string{string(sender) + service})
	r.h.icons <- string(sender)
	return nil
}

// icon waits for an icon to be registered, and shows it.
func (h *host) icon() {
	h.t.Helper()
	desktoptest.Eventually(h.t, "an icon is registered", func() bool { return len(h.icons) > 0 })
	h.owner = <-h.icons
	path, ok := h.get("Menu").Value().(dbus.ObjectPath)
	if !ok {
		h.t.Fatal("the icon has no menu")
	}
	h.menuPath = path
}

// get returns a property of the icon.
func (h *host) get(property string) dbus.Variant {
	h.t.Helper()
	v, err := h.conn.Object(h.owner, itemPath).GetProperty(itemInterface + "." + property)
	if err != nil {
		h.t.Fatalf("%s: %v", property, err)
	}
	return v
}

// text returns a property that is a text.
func (h *host) text(property string) string {
	h.t.Helper()
	var s string
	if err := h.get(property).Store(&s); err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *host) pixmap() pixmap {
	h.t.Helper()
	var all []pixmap
	if err := h.get("IconPixmap").Store(&all); err != nil || len(all) != 1 {
		h.t.Fatalf("IconPixmap: %d pictures, %v", len(all), err)
	}
	return all[0]
}

func (h *host) tooltip() string {
	h.t.Helper()
	var tip struct {
		Icon        string
		Pixmaps     []pixmap
		Title, Text string
	}
	if err := h.get("ToolTip").Store(&tip); err != nil {
		h.t.Fatal(err)
	}
	return tip.Title
}

// menu returns the menu.
func (h *host) menu() []node {
	h.t.Helper()
	var revision uint32
	var root struct {
		ID         int32
		Properties map[string]dbus.Variant
		Children   []dbus.Variant
	}
	err := h.conn.Object(h.owner, h.menuPath).
		Call(menuInterface+".GetLayout", 0, int32(0), int32(-1), []string{}).Store(&revision, &root)
	if err != nil {
		h.t.Fatalf("GetLayout: %v", err)
	}
	return nodes(h.t, root.Children)
}

func nodes(t *testing.T, children []dbus.Variant) []node {
	t.Helper()
	var all []node
	for _, c := range children {
		var raw struct {
			ID         int32
			Properties map[string]dbus.Variant
			Children   []dbus.Variant
		}
		if err := c.Store(&raw); err != nil {
			t.Fatal(err)
		}
		n := node{id: raw.ID, visible: true, enabled: true, children: nodes(t, raw.Children)}
		for name, v := range raw.Properties {
			switch value := v.Value().(type) {
			case string:
				switch {
				case name == "label":
					n.label = value
				case name == "type" && value == "separator":
					n.label = "---"
				case name == "toggle-type":
					n.mark = value
				}
			case bool:
				switch name {
				case "visible":
					n.visible = value
				case "enabled":
					n.enabled = value
				}
			case int32:
				if name == "toggle-state" {
					n.marked = value == 1
				}
			}
		}
		all = append(all, n)
	}
	return all
}

// shows waits until the menu is these lines.
func (h *host) shows(want ...string) {
	h.t.Helper()
	var got []string
	defer func() {
		if h.t.Failed() {
			h.t.Logf("the menu is\n%s", strings.Join(got, "\n"))
		}
	}()
	desktoptest.Eventually(h.t, "the menu is\n"+strings.Join(want, "\n"), func() bool {
		got = lines(h.menu())
		return slices.Equal(got, want)
	})
}

// click clicks the visible line with this label, below these others. As on
// the screen, it can be clicked only if it is enabled.
func (h *host) click(labels ...string) {
	h.t.Helper()
	h.event(h.line(labels...))
}

// quit clicks the line that ends the program, which may go without an answer.
func (h *host) quit() {
	h.t.Helper()
	h.conn.Object(h.owner, h.menuPath).
		Call(menuInterface+".Event", dbus.FlagNoReplyExpected, h.line("Quit"), "clicked", dbus.MakeVariant(int32(0)), uint32(0))
}

// line returns the id of the line that click clicks.
func (h *host) line(labels ...string) int32 {
	h.t.Helper()
	under := h.menu()
	var n node
	for _, l := range labels {
		i := slices.IndexFunc(under, func(n node) bool { return n.visible && n.enabled && n.label == l })
		if i < 0 {
			h.t.Fatalf("no line %q in\n%s", l, strings.Join(lines(h.menu()), "\n"))
		}
		n = under[i]
		under = n.children
	}
	return n.id
}

func (h *host) event(id int32) {
	h.t.Helper()
	call := h.conn.Object(h.owner, h.menuPath).
		Call(menuInterface+".Event", 0, id, "clicked", dbus.MakeVariant(int32(0)), uint32(0))
	if call.Err != nil {
		h.t.Fatal(call.Err)
	}
}

// activate clicks the icon itself.
func (h *host) activate() {
	h.t.Helper()
	if call := h.conn.Object(h.owner, itemPath).Call(itemInterface+".Activate", 0, int32(0), int32(0)); call.Err != nil {
		h.t.Fatal(call.Err)
	}
}

// heard returns the names of the signals that came since it was last asked.
func (h *host) heard() []string {
	var names []string
	for {
		select {
		case s := <-h.signals:
			names = append(names, s.Name[strings.LastIndex(s.Name, ".")+1:])
		default:
			return names
		}
	}
}
