//go:build darwin && !cgo

package tray

import (
	"context"

	"bilipaste/internal/lang"
)

// show does without the library, which on macOS is not there unless it is
// built with cgo.
func (t *Tray) show(ctx context.Context, _ context.CancelFunc) {
	t.without(lang.Errorf("tray.no_icon", nil, nil))
	<-ctx.Done()
}
