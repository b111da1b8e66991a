//go:build darwin && !cgo

package tray

import "context"

// show does without the library, which on macOS is not there unless it is
// built with cgo.
func (t *Tray) show(ctx context.Context, _ context.CancelFunc, _ <-chan bool) {
	err := noHost()
	t.tell(func() { t.notice(err) })
	<-ctx.Done()
}
