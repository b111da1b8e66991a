package notify

import (
	"context"
	"strings"

	"github.com/gen2brain/beeep"
	"golang.org/x/sys/windows/registry"

	"bilipaste/internal/lang"
)

// show shows the balloon of the program's icon, which Windows 10 and 11 show as
// a toast: it needs no COM and no PowerShell, and takes a text for nothing but
// a text. Without that icon, as in a terminal, it shows a toast.
func show(_ context.Context, title, body, icon string) error {
	if balloon(title, body) {
		return nil
	}
	if inert.Replace(icon) != icon || strings.Contains(icon, "&") {
		icon = "" // a path cannot be said in another way
	}
	return beeep.Notify(inert.Replace(title), inert.Replace(body), icon)
}

// inert makes a text that is shown, and not run: beeep puts it into XML, and
// where toasts fail into a PowerShell script as "@" between double quotes, of
// any kind, in which "$(…)" and "`" are code.
var inert = strings.NewReplacer(
	"$", "＄", "`", "‵", "]]>", "]]›", "\x00", "",
	"\"@", "\"＠", "“@", "“＠", "”@", "”＠", "„@", "„＠",
)

// check returns what shows notifications, unless the user has switched them
// off in Windows' settings.
func check(context.Context) (string, error) {
	key, err := registry.OpenKey(registry.CURRENT_USER, `Software\Microsoft\Windows\CurrentVersion\PushNotifications`, registry.QUERY_VALUE)
	if err != nil {
		return "Windows", nil // nothing was ever switched
	}
	defer func() { _ = key.Close() }()
	if on, _, err := key.GetIntegerValue("ToastEnabled"); err == nil && on == 0 {
		return "", lang.Errorf("notify.switched_off", nil, nil)
	}
	return "Windows", nil
}
