package notify

import (
	"context"

	"github.com/gen2brain/beeep"

	"bilipaste/internal/lang"
)

func init() { beeep.AppName = "bilipaste" }

// CheckNotification returns the name of what shows notifications, and shows
// none. Its error is a lang.Teller that says why none would be seen, and what
// to do.
func CheckNotification(ctx context.Context) (server string, err error) {
	ctx, cancel := context.WithTimeout(ctx, notificationLimit)
	defer cancel()
	t := make(turn, 1)
	t.tryTake()
	var found string
	err = t.run(ctx, func() (err error) {
		found, err = check(ctx)
		return err
	})
	switch {
	case err == nil:
		return found, nil
	case ctx.Err() != nil:
		return "", lang.Errorf("notify.no_answer", nil, err)
	default:
		return "", err
	}
}
