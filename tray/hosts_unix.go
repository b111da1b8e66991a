//go:build unix && !darwin

package tray

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"bilipaste/internal/lang"
)

// Icons are registered with the watcher, one name on the bus. Hosts learn of
// them there, and it knows whether there is a host.
const (
	watcher     = "org.kde.StatusNotifierWatcher"
	watcherPath = "/StatusNotifierWatcher"

	callLimit = 2 * time.Second // for a desktop's answer

	// From one attempt to register to the next, where the watcher refuses.
	firstPause = time.Second
	lastPause  = time.Minute
)

// watchHosts has each watcher that comes know the icon, and keeps account of
// whether a host shows it, until the bus ends: with ctx, or with the session.
func (a *adapter) watchHosts(ctx context.Context) {
	signals := make(chan *dbus.Signal, 16)
	a.bus.Signal(signals)
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, watcher)},
		{dbus.WithMatchInterface(watcher), dbus.WithMatchMember("StatusNotifierHostRegistered")},
		{dbus.WithMatchInterface(watcher), dbus.WithMatchMember("StatusNotifierHostUnregistered")},
	} {
		_ = a.bus.AddMatchSignalContext(ctx, match...) // fails if the bus ends
	}
	// Some hosts look for items by this name.
	_, _ = a.bus.RequestName(fmt.Sprintf("%s-%d-1", itemInterface, os.Getpid()), dbus.NameFlagDoNotQueue)

	patience := time.NewTimer(a.tray.patience)
	defer patience.Stop()
	again := time.NewTimer(0)
	defer again.Stop()
	var registered string // the watcher that knows the icon
	pause := firstPause
	for {
		select {
		case <-a.bus.Context().Done():
			if ctx.Err() == nil {
				slog.Info("the desktop's session has ended")
				a.end()
			}
			return
		case _, open := <-signals:
			if !open { // the bus is about to end
				signals = nil
				continue
			}
		case <-again.C:
		case <-patience.C:
			if !a.tray.Shown() {
				a.tray.without(noHost())
			}
			continue
		}
		there := a.watcher(ctx)
		switch {
		case there == "" || there == registered:
			registered = there
		case a.register(ctx, there):
			registered, pause = there, firstPause
		default: // it may not be ready
			registered = ""
			again.Reset(pause)
			pause = min(2*pause, lastPause)
		}
		a.tray.shown.Store(registered != "" && a.hosted(ctx, registered))
	}
}

// watcher returns the watcher's own name on the bus, "" if there is none.
func (a *adapter) watcher(ctx context.Context) (owner string) {
	_ = call(ctx, a.bus.BusObject(), "org.freedesktop.DBus.GetNameOwner", watcher).Store(&owner)
	return owner
}

func (a *adapter) register(ctx context.Context, owner string) bool {
	return call(ctx, a.bus.Object(owner, watcherPath), watcher+".RegisterStatusNotifierItem", itemPath).Err == nil
}

// hosted tells whether a watcher has a host. One that does not say has.
func (a *adapter) hosted(ctx context.Context, owner string) bool {
	var v dbus.Variant
	err := call(ctx, a.bus.Object(owner, watcherPath), propertiesInterface+".Get", watcher, "IsStatusNotifierHostRegistered").Store(&v)
	there, ok := v.Value().(bool)
	return err != nil || !ok || there
}

// call waits for an answer, but not long.
func call(ctx context.Context, to dbus.BusObject, method string, args ...any) *dbus.Call {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return to.CallWithContext(ctx, method, 0, args...)
}

// noHost is the error of a desktop that shows no icons.
func noHost() error {
	desktops := strings.Split(os.Getenv("XDG_CURRENT_DESKTOP"), ":")
	if slices.Contains(desktops, "GNOME") {
		return lang.Errorf("tray.no_host_gnome", nil, nil)
	}
	return lang.Errorf("tray.no_host", nil, nil)
}
