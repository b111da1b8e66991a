package notify

import (
	"context"

	"github.com/gen2brain/beeep"
)

// show shows a notification.
func show(_ context.Context, title, body, icon string) error {
	return beeep.Notify(title, body, icon)
}

// check returns what shows notifications.
func check(context.Context) (string, error) { return "macOS", nil }
