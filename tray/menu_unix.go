//go:build unix && !darwin

package tray

import (
	_ "embed"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"
)

const (
	menuInterface = "com.canonical.dbusmenu"
	menuPath      = "/StatusNotifierItem/menu"
)

//go:embed menu.xml
var menuXML string

// menu is the menu as hosts know it: its lines by their ids, which stay the
// same. 0 is the menu itself; the others follow in the order in which they stand.
type menu struct {
	revision uint32
	lines    []*line
	partly   bool // a host has read the lines without those under them
}

type line struct {
	item
	id    int32
	under []*line
}

// properties are a line's properties. They have this form on the bus, as have
// layout, which is a line with those under it, and menuEvent.
type properties struct {
	ID     int32
	Values map[string]dbus.Variant
}

type layout struct {
	ID       int32
	Values   map[string]dbus.Variant
	Children []dbus.Variant // of layouts
}

type menuEvent struct {
	ID   int32
	Kind string
	Data dbus.Variant
	Time uint32
}

func newMenu(items []item) *menu {
	m := &menu{revision: 1}
	m.add(item{items: items})
	return m
}

func (m *menu) add(i item) *line {
	l := &line{item: i, id: int32(len(m.lines))}
	m.lines = append(m.lines, l)
	for _, under := range i.items {
		l.under = append(l.under, m.add(under))
	}
	return l
}

// change makes the menu show items, and returns the properties that are others.
func (m *menu) change(items []item) []properties {
	changes := m.lines[0].change(item{items: items})
	if len(changes) > 0 {
		m.revision++
	}
	return changes
}

// change makes the line show want. One that is hidden stays otherwise as it
// was: a click on it that is under way still does what was shown.
func (l *line) change(want item) (changes []properties) {
	was := l.values()
	if want.hidden {
		l.hidden = true
	} else {
		l.item = want
		for i, under := range want.items {
			changes = append(changes, l.under[i].change(under)...)
		}
	}
	now := l.values()
	maps.DeleteFunc(now, func(name string, v dbus.Variant) bool { return v == was[name] })
	if len(now) > 0 {
		changes = append(changes, properties{l.id, now})
	}
	return changes
}

// values returns the line's properties: those of names, or all if there are none.
func (l *line) values(names ...string) map[string]dbus.Variant {
	values := map[string]any{}
	switch {
	case l.separator:
		values["type"] = "separator"
	case l.id != 0:
		// An underscore alone is the sign of an access key.
		values["label"] = strings.ReplaceAll(l.title, "_", "__")
		values["enabled"] = !l.disabled
		values["visible"] = !l.hidden
	}
	if l.check {
		values["toggle-type"] = "checkmark"
		values["toggle-state"] = int32(0)
		if l.checked {
			values["toggle-state"] = int32(1)
		}
	}
	if len(l.under) > 0 {
		values["children-display"] = "submenu"
	}
	if len(names) > 0 {
		maps.DeleteFunc(values, func(name string, _ any) bool { return !slices.Contains(names, name) })
	}
	return variants(values)
}

// layout returns the line with those under it to a depth; below 0 is all.
func (l *line) layout(depth int32, names []string) layout {
	out := layout{ID: l.id, Values: l.values(names...)}
	if depth == 0 {
		return out
	}
	for _, under := range l.under {
		out.Children = append(out.Children, dbus.MakeVariant(under.layout(max(depth, 0)-1, names)))
	}
	return out
}

// menuObject is the menu on the bus.
func (a *adapter) menuObject() object {
	fixed := map[string]any{"Version": uint32(3), "TextDirection": "ltr", "Status": "normal", "IconThemePath": []string{}}
	return object{name: menuInterface, xml: menuXML, properties: func() map[string]any { return fixed }, methods: map[string]method{
		"GetLayout":          a.menu.getLayout,
		"GetGroupProperties": a.menu.getGroupProperties,
		"GetProperty":        a.menu.getProperty,
		"Event": func(args []any) ([]any, error) {
			var e menuEvent
			if err := dbus.Store(args, &e.ID, &e.Kind, &e.Data, &e.Time); err != nil {
				return nil, err
			}
			return nil, a.happens(e)
		},
		"EventGroup": func(args []any) ([]any, error) {
			var events []menuEvent
			if err := dbus.Store(args, &events); err != nil {
				return nil, err
			}
			unknown := []int32{}
			for _, e := range events {
				if a.happens(e) != nil {
					unknown = append(unknown, e.ID)
				}
			}
			return []any{unknown}, nil
		},
		// Hosts have been told of everything already.
		"AboutToShow":      func([]any) ([]any, error) { return []any{false}, nil },
		"AboutToShowGroup": func([]any) ([]any, error) { return []any{[]int32{}, []int32{}}, nil },
	}}
}

// offerSubmenus has a host that has read the menu partly read the rest. Plasma
// would when a submenu is opened first, and so open it beyond the screen's edge.
func (a *adapter) offerSubmenus() {
	if !a.menu.partly {
		return
	}
	a.menu.partly = false
	for _, l := range a.menu.lines[0].under {
		if len(l.under) > 0 {
			a.emit(menuPath, menuInterface+".LayoutUpdated", a.menu.revision, l.id)
		}
	}
}

func (m *menu) getLayout(args []any) ([]any, error) {
	var parent, depth int32
	var names []string
	if err := dbus.Store(args, &parent, &depth, &names); err != nil {
		return nil, err
	}
	l, err := m.line(parent)
	if err != nil {
		return nil, err
	}
	m.partly = m.partly || parent == 0 && depth == 1
	return []any{m.revision, l.layout(depth, names)}, nil
}

func (m *menu) getGroupProperties(args []any) ([]any, error) {
	var ids []int32
	var names []string
	if err := dbus.Store(args, &ids, &names); err != nil {
		return nil, err
	}
	all := []properties{}
	for _, l := range m.lines {
		if len(ids) == 0 || slices.Contains(ids, l.id) {
			all = append(all, properties{l.id, l.values(names...)})
		}
	}
	return []any{all}, nil
}

func (m *menu) getProperty(args []any) ([]any, error) {
	var id int32
	var name string
	if err := dbus.Store(args, &id, &name); err != nil {
		return nil, err
	}
	l, err := m.line(id)
	if err != nil {
		return nil, err
	}
	v, ok := l.values()[name]
	if !ok {
		return nil, refusal("InvalidArgs", name)
	}
	return []any{v}, nil
}

// line returns the line with an id.
func (m *menu) line(id int32) (*line, error) {
	if id < 0 || int(id) >= len(m.lines) {
		return nil, refusal("InvalidArgs", "no line "+strconv.Itoa(int(id)))
	}
	return m.lines[id], nil
}

// happens does what an event asks for.
func (a *adapter) happens(e menuEvent) error {
	l, err := a.menu.line(e.ID)
	if err == nil && e.Kind == "clicked" {
		a.tray.act(l.action, a.end)
	}
	return err
}
