//go:build cgo

package tray

import "context"

// awaitTaskbar is for Windows.
func (t *Tray) awaitTaskbar(context.Context) bool { return true }
