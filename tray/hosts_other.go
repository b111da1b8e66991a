//go:build !unix || darwin

package tray

import (
	"context"

	"bilipaste/internal/lang"
)

func reach() error { return nil }

// watchHosts says that there is a tray: it is part of the system.
func watchHosts(ctx context.Context, hosts chan<- bool) {
	select {
	case hosts <- true:
		<-ctx.Done()
	case <-ctx.Done():
	}
}

func noHost() error { return lang.Errorf("tray.no_icon", nil, nil) }
