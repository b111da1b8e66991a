package notify

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/gen2brain/beeep"
	"github.com/godbus/dbus/v5"

	"bilipaste/internal/desktop"
	"bilipaste/internal/lang"
)

// show shows a notification. The daemon is asked first whether it reads the
// body as markup: one that is missing or frozen shows then, before beeep, which
// would start other programs in its place, or wait for ever.
func show(ctx context.Context, title, body, icon string) error {
	var abilities []string
	if err := ask(ctx, "GetCapabilities", &abilities); err != nil {
		return err
	}
	if slices.Contains(abilities, "body-markup") {
		body = markup.Replace(body)
	}
	return beeep.Notify(title, body, icon)
}

// markup makes a plain text one that is shown as it is where markup is read.
var markup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// check returns the daemon's name and version.
func check(ctx context.Context) (server string, err error) {
	var name, vendor, version, spec string
	err = ask(ctx, "GetServerInformation", &name, &vendor, &version, &spec)
	return name + " " + version, err
}

// ask calls a method of the notification daemon that takes nothing.
func ask(ctx context.Context, method string, answer ...any) error {
	if !desktop.Bus() {
		return lang.Errorf("notify.no_bus", nil, nil)
	}
	bus, err := dbus.SessionBus()
	if err != nil {
		return lang.Errorf("notify.bus_dead", lang.Data{"Cause": err}, err)
	}
	const name = "org.freedesktop.Notifications"
	err = bus.Object(name, "/org/freedesktop/Notifications").CallWithContext(ctx, name+"."+method, 0).Store(answer...)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return lang.Errorf("notify.no_answer", nil, err)
	default:
		return lang.Errorf("notify.no_daemon", lang.Data{"Cause": err}, err)
	}
}
