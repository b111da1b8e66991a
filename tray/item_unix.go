//go:build unix && !darwin

package tray

import (
	"bytes"
	"context"
	_ "embed"
	"image/color"
	"image/png"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"bilipaste/assets"
)

// The icon is an object on the session's bus, from which hosts, the desktop's
// trays, read what they show. Its menu is another.
const (
	itemInterface = "org.kde.StatusNotifierItem"
	itemPath      = "/StatusNotifierItem"

	itemID = "bilipaste" // by which desktops remember what the user did with the icon
)

//go:embed item.xml
var itemXML string

// adapter shows a tray on one connection to the bus. One goroutine, follow,
// shows the states and answers hosts, in their order.
type adapter struct {
	tray    *Tray
	bus     *dbus.Conn
	end     context.CancelFunc
	objects map[dbus.ObjectPath]object
	calls   chan *dbus.Message
	shown   view
	menu    *menu
	steady  steady
}

// show shows the icon until ctx is done, which end brings about. Where there is
// no bus it waits for that.
func (t *Tray) show(ctx context.Context, end context.CancelFunc) {
	v := viewOf(t.current())
	a := &adapter{tray: t, end: end, calls: make(chan *dbus.Message), shown: v, menu: newMenu(v.menu)}
	a.steady.want(v.icon, time.Now()) // the first is shown at once
	a.objects = map[dbus.ObjectPath]object{
		itemPath: a.item(),
		menuPath: a.menuObject(),
		"/": { // where some hosts look for icons
			properties: func() map[string]any { return nil },
			xml:        `<node><node name="StatusNotifierItem"/></node>`,
		},
	}
	var err error
	if a.bus, err = connect(ctx, a.objects, a.calls); err != nil {
		t.without(err)
		<-ctx.Done()
		return
	}
	var watching sync.WaitGroup
	watching.Go(func() { a.watchHosts(ctx) })
	a.follow(ctx)
	_ = a.bus.Close()
	watching.Wait()
}

// follow shows each state, and answers hosts, until ctx is done.
func (a *adapter) follow(ctx context.Context) {
	again := time.NewTimer(0) // for an icon that is not shown yet
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case call := <-a.calls:
			a.answer(call)
			a.offerSubmenus()
			continue
		case <-a.tray.changed:
		case <-again.C:
		}
		if wait := a.apply(viewOf(a.tray.current())); wait > 0 {
			again.Reset(wait)
		}
	}
}

// apply shows v, and tells hosts what has changed. It returns after what time
// to be called again; 0 for not before something changes.
func (a *adapter) apply(v view) (again time.Duration) {
	was := a.shown
	v.icon, again = a.steady.want(v.icon, time.Now())
	a.shown = v
	if v.icon != was.icon {
		a.changed("IconPixmap", "NewIcon")
	}
	if v.tooltip != was.tooltip {
		a.changed("ToolTip", "NewToolTip")
	}
	if changes := a.menu.change(v.menu); len(changes) > 0 {
		var gone []struct { // a line always has the same properties
			ID    int32
			Names []string
		}
		a.emit(menuPath, menuInterface+".ItemsPropertiesUpdated", changes, gone)
		// Some hosts heed this alone.
		a.emit(menuPath, menuInterface+".LayoutUpdated", a.menu.revision, int32(0))
	}
	return again
}

// changed tells hosts of a property in both ways of which each host heeds one.
func (a *adapter) changed(property, signal string) {
	value := map[string]any{property: a.properties()[property]}
	a.emit(itemPath, propertiesInterface+".PropertiesChanged", itemInterface, variants(value), []string{})
	a.emit(itemPath, itemInterface+"."+signal)
}

// emit sends a signal. That the bus has ended is heard of another way.
func (a *adapter) emit(path dbus.ObjectPath, name string, values ...any) {
	_ = a.bus.Emit(path, name, values...)
}

// item is the icon.
func (a *adapter) item() object {
	return object{name: itemInterface, xml: itemXML, properties: a.properties, methods: map[string]method{
		"Activate": func([]any) ([]any, error) {
			a.tray.act(Action{Verb: ToggleWriting}, a.end)
			return nil, nil
		},
	}}
}

// properties returns those of the icon.
func (a *adapter) properties() map[string]any {
	return map[string]any{
		"Category":      "ApplicationStatus",
		"Id":            itemID,
		"Title":         itemID,
		"Status":        "Active",
		"WindowId":      int32(0),
		"IconName":      "",
		"IconThemePath": "",
		"IconPixmap":    []pixmap{iconPixmap(a.shown.icon)},
		"ToolTip":       toolTip{Title: a.shown.tooltip},
		"ItemIsMenu":    false, // a left click is for us
		"Menu":          dbus.ObjectPath(menuPath),
	}
}

// pixmap is a picture as hosts take it: ARGB, alpha left out of the colours.
type pixmap struct {
	Width, Height int32
	Pixels        []byte
}

type toolTip struct {
	Icon        string
	Pixmaps     []pixmap
	Title, Text string
}

// iconPixmap returns the icon of a state.
func iconPixmap(state string) pixmap {
	data, err := assets.Icons.ReadFile("icons/" + state + ".png")
	if err != nil {
		panic(err) // they are part of the program, and its tests have shown each
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		panic(err)
	}
	b := m.Bounds()
	p := pixmap{Width: int32(b.Dx()), Height: int32(b.Dy())}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			p.Pixels = append(p.Pixels, c.A, c.R, c.G, c.B)
		}
	}
	return p
}
