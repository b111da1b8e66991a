//go:build darwin && !cgo

package tray

import "context"

// show does without the library, which on macOS is not there unless it is
// built with cgo.
func (t *Tray) show(ctx context.Context, _ context.CancelFunc, _ <-chan bool) {
	t.without(noHost())
	<-ctx.Done()
}
