//go:build unix && !darwin

package tray

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"bilipaste/internal/desktop"
	"bilipaste/internal/lang"
)

// A desktop's tray is a host that is known to the watcher, one name on the bus.
const (
	watcher     = "org.kde.StatusNotifierWatcher"
	watcherPath = "/StatusNotifierWatcher"

	callLimit = 2 * time.Second // for a desktop's answer
	settling  = time.Second     // after which the library has done what it does
)

// reach finds out whether there can be an icon at all. The library takes the
// connection that is made here: it panics at its end if it has none.
func reach() error {
	if !desktop.Bus() {
		return noBus(nil)
	}
	if _, err := dbus.SessionBus(); err != nil {
		return noBus(err)
	}
	return nil
}

// watchHosts says whether there is a tray to show the icon, again with each
// change, and again when the change has settled, until ctx is done or the bus
// ends. It needs a connection of its own: the library stops looking
// for hosts when it meets a signal that it did not ask for.
func watchHosts(ctx context.Context, hosts chan<- bool) {
	defer close(hosts)
	conn, err := dbus.ConnectSessionBus()
	if err != nil {
		return
	}
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	defer func() {
		_ = conn.Close()
		for range signals { // it is closed once nothing more is sent
		}
	}()
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, watcher)},
		{dbus.WithMatchInterface(watcher), dbus.WithMatchMember("StatusNotifierHostRegistered")},
		{dbus.WithMatchInterface(watcher), dbus.WithMatchMember("StatusNotifierHostUnregistered")},
	} {
		if err := conn.AddMatchSignalContext(ctx, match...); err != nil {
			return
		}
	}
	settled := time.NewTimer(settling)
	defer settled.Stop()
	for {
		there := hosted(ctx, conn)
		select {
		case hosts <- there:
		case <-ctx.Done():
			return
		}
		select {
		case _, open := <-signals:
			if !open {
				return
			}
			settled.Reset(settling)
		case <-settled.C:
			if there {
				register(ctx, conn)
			}
		case <-ctx.Done():
			return
		}
	}
}

// register has the watcher know the icon, if it does not. The library does so
// itself, but not if the watcher comes in the moment when the library begins,
// or refuses in the moment when it begins itself.
func register(ctx context.Context, conn *dbus.Conn) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	var known []string
	err := conn.Object(watcher, watcherPath).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get",
		dbus.FlagNoAutoStart, watcher, "RegisteredStatusNotifierItems").Store(&known)
	if err != nil {
		return
	}
	library, err := dbus.SessionBus()
	if err != nil {
		return
	}
	for _, name := range library.Names() {
		if slices.ContainsFunc(known, func(item string) bool { return strings.HasPrefix(item, name) }) {
			return
		}
	}
	library.Object(watcher, watcherPath).CallWithContext(ctx, watcher+".RegisterStatusNotifierItem",
		dbus.FlagNoAutoStart, "/StatusNotifierItem")
}

// hosted tells whether there is a host. A watcher that does not say is one.
func hosted(ctx context.Context, conn *dbus.Conn) bool {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	var there bool
	err := conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, watcher).Store(&there)
	if err != nil || !there {
		return false
	}
	var v dbus.Variant
	err = conn.Object(watcher, watcherPath).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get",
		dbus.FlagNoAutoStart, watcher, "IsStatusNotifierHostRegistered").Store(&v)
	registered, ok := v.Value().(bool)
	return err != nil || !ok || registered
}

// noHost is the error of a desktop that shows no icons.
func noHost() error {
	desktops := strings.Split(os.Getenv("XDG_CURRENT_DESKTOP"), ":")
	if slices.Contains(desktops, "GNOME") {
		return lang.Errorf("tray.no_host_gnome", nil, nil)
	}
	return lang.Errorf("tray.no_host", nil, nil)
}
