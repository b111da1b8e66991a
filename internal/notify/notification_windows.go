package notify

import (
	"context"
	"strings"

	"github.com/gen2brain/beeep"
)

// show shows a toast.
func show(_ context.Context, title, body, icon string) error {
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

// check returns what shows toasts.
func check(context.Context) (string, error) { return "Windows", nil }
