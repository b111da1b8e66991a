package tray

import (
	"context"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"bilipaste/internal/lang"
)

var findWindow = windows.NewLazySystemDLL("user32.dll").NewProc("FindWindowW")

// awaitTaskbar waits until the taskbar is there, which may be some time after
// the programs that are started at login: without it the library is never
// ready. It returns false once ctx is done.
func (t *Tray) awaitTaskbar(ctx context.Context) bool {
	class := windows.StringToUTF16Ptr("Shell_TrayWnd")
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	late := time.NewTimer(t.patience)
	defer late.Stop()
	for {
		if window, _, _ := findWindow.Call(uintptr(unsafe.Pointer(class)), 0); window != 0 {
			return true
		}
		select {
		case <-again.C:
		case <-late.C:
			t.without(lang.Errorf("tray.no_taskbar", nil, nil))
		case <-ctx.Done():
			return false
		}
	}
}
