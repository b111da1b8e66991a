//go:build windows || (darwin && cgo)

package tray

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"time"
	"unicode/utf16"

	"fyne.io/systray"

	"bilipaste/assets"
	"bilipaste/internal/lang"
)

// This file is the only one that knows the library, which shows the icon on
// Windows and macOS. One goroutine, own, makes all calls that change what it shows.

// slot is a line of the library's menu, and what it was last told to show.
type slot struct {
	line  *systray.MenuItem // nil: a separator
	shown item
	under []*slot
}

// adapter is one run of the library, and what it shows.
type adapter struct {
	tray    *Tray
	end     context.CancelFunc
	done    <-chan struct{}
	clicks  chan *slot
	waiting sync.WaitGroup // those who wait for clicks
	shown   view
	steady  steady
	menu    []*slot
}

// show runs the library until ctx is done, which end brings about.
func (t *Tray) show(ctx context.Context, end context.CancelFunc) {
	if !t.awaitTaskbar(ctx) {
		return
	}
	a := &adapter{tray: t, end: end, done: ctx.Done(), clicks: make(chan *slot)}
	systray.SetOnTapped(func() { t.act(Action{Verb: ToggleWriting}, end) })

	ready, built := make(chan struct{}), make(chan struct{})
	var owned sync.WaitGroup
	owned.Go(func() {
		a.own(ctx, ready, built)
		systray.Quit()
		a.waiting.Wait()
	})
	// The menu is answered for from the moment that onReady returns.
	onReady := func() {
		close(ready)
		select {
		case <-built:
		case <-ctx.Done():
		}
	}
	systray.Run(onReady, end)
	end()
	owned.Wait()
}

// own calls the library: it builds the menu once that is ready, and then shows
// each state. On Windows the library is never ready if there was no icon to be had.
func (a *adapter) own(ctx context.Context, ready <-chan struct{}, built chan<- struct{}) {
	patience := time.NewTimer(a.tray.patience)
	defer patience.Stop()
	var changed <-chan struct{} // nil while nothing can be shown
	again := time.NewTimer(0)   // for an icon that is not shown yet
	again.Stop()
	show := func() {
		v := viewOf(a.tray.current())
		var wait time.Duration
		if v.icon, wait = a.steady.want(v.icon, time.Now()); wait > 0 {
			again.Reset(wait)
		}
		a.apply(v)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ready:
			ready = nil
			v := viewOf(a.tray.current())
			v.icon, _ = a.steady.want(v.icon, time.Now()) // the first is shown at once
			a.build(v)
			close(built)
			changed = a.tray.changed
			a.tray.shown.Store(true)
		case s := <-a.clicks:
			a.tray.act(s.shown.action, a.end)
		case <-changed:
			show()
		case <-again.C:
			show()
		case <-patience.C:
			if changed == nil {
				a.tray.without(lang.Errorf("tray.no_icon", nil, nil))
			}
		}
	}
}

func (a *adapter) build(v view) {
	a.setIcon(v.icon)
	systray.SetTooltip(tip(v.tooltip))
	for _, want := range v.menu {
		a.menu = append(a.menu, a.add(nil, want))
	}
	a.shown = v
}

// apply shows v: what is shown already is not sent again.
func (a *adapter) apply(v view) {
	if v.icon != a.shown.icon {
		a.setIcon(v.icon)
	}
	if v.tooltip != a.shown.tooltip {
		systray.SetTooltip(tip(v.tooltip))
	}
	for i, want := range v.menu {
		a.change(a.menu[i], want)
	}
	a.shown = v
}

// add appends a line to the menu, or to a submenu.
func (a *adapter) add(parent *slot, want item) *slot {
	if want.separator {
		systray.AddSeparator()
		return &slot{shown: want}
	}
	s := &slot{shown: want}
	s.shown.hidden = false
	title := label(want.title)
	switch {
	case parent != nil && want.check:
		s.line = parent.line.AddSubMenuItemCheckbox(title, "", want.checked)
	case parent != nil:
		s.line = parent.line.AddSubMenuItem(title, "")
	case want.check:
		s.line = systray.AddMenuItemCheckbox(title, "", want.checked)
	default:
		s.line = systray.AddMenuItem(title, "")
	}
	// The library drops a click that nobody is waiting for at that moment.
	// Hosts know of no line yet.
	s.line.ClickedCh = make(chan struct{}, 16)
	a.waiting.Go(func() { a.wait(s, s.line.ClickedCh) })
	if want.disabled {
		s.line.Disable()
	}
	// Windows takes a submenu's lines only while the line above is there.
	for _, w := range want.items {
		s.under = append(s.under, a.add(s, w))
	}
	if want.hidden {
		s.line.Hide()
		s.shown.hidden = true
	}
	return s
}

// change makes a line show want. A hidden line is left as it is: on Windows
// to change one is to show it.
func (a *adapter) change(s *slot, want item) {
	was := s.shown
	switch {
	case want.separator:
		return
	case want.hidden && was.hidden:
		return
	case want.hidden:
		s.line.Hide()
		s.shown.hidden = true
		return
	}
	if want.title != was.title {
		s.line.SetTitle(label(want.title))
	}
	if want.checked != was.checked {
		if want.checked {
			s.line.Check()
		} else {
			s.line.Uncheck()
		}
	}
	if want.disabled != was.disabled {
		if want.disabled {
			s.line.Disable()
		} else {
			s.line.Enable()
		}
	}
	if was.hidden {
		s.line.Show()
	}
	s.shown = want
	for i, w := range want.items {
		a.change(s.under[i], w)
	}
}

// wait passes on the clicks on one line.
func (a *adapter) wait(s *slot, clicked <-chan struct{}) {
	for {
		select {
		case <-clicked:
		case <-a.done:
			return
		}
		select {
		case a.clicks <- s:
		case <-a.done:
			return
		}
	}
}

// setIcon shows the icon of a state.
func (a *adapter) setIcon(state string) {
	kind := ".png"
	if runtime.GOOS == "windows" {
		kind = ".ico"
	}
	data, err := assets.Icons.ReadFile("icons/" + state + kind)
	if err != nil {
		panic(err) // they are part of the program, and its tests have shown each
	}
	systray.SetIcon(data)
}

// label writes a title so that the desktop takes no character of it for the
// sign of an access key.
func label(title string) string {
	if runtime.GOOS == "windows" {
		return strings.ReplaceAll(title, "&", "&&")
	}
	return title
}

// tip cuts a tooltip to what the desktop takes.
func tip(text string) string {
	const most = 127 // UTF-16 units, on Windows
	if runtime.GOOS != "windows" {
		return text
	}
	units := utf16.Encode([]rune(text))
	if len(units) <= most {
		return text
	}
	units = units[:most-1]
	if utf16.IsSurrogate(rune(units[len(units)-1])) && units[len(units)-1] < 0xdc00 {
		units = units[:len(units)-1]
	}
	return string(utf16.Decode(units)) + "…"
}
