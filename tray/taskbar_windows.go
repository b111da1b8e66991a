package tray

import (
	"context"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"bilipaste/internal/lang"
)

// identity is the AppUserModelID that the installer gives the program's entry in
// the Start menu: under it Windows files the program's toasts, with that entry's
// name and icon, and keeps them in its notification centre.
const identity = "bilipaste"

// identify gives this process its identity. Windows asks for it before the first
// window; without one toasts bear the program's file name.
func identify() {
	if id, err := windows.UTF16PtrFromString(identity); err == nil {
		_, _, _ = windows.NewLazySystemDLL("shell32.dll").NewProc("SetCurrentProcessExplicitAppUserModelID").Call(uintptr(unsafe.Pointer(id)))
	}
}

var findWindow = windows.NewLazySystemDLL("user32.dll").NewProc("FindWindowExW")

// awaitTaskbar waits until the taskbar is there, which may be some time after
// the programs that are started at login: without it the library is never
// ready. It returns false once ctx is done.
func (t *Tray) awaitTaskbar(ctx context.Context) bool {
	identify()
	return awaitWindow(ctx, "Shell_TrayWnd", t.patience, func() {
		t.without(lang.Errorf("tray.no_taskbar", nil, nil))
	})
}

// awaitWindow waits until a window of a class is there, and returns false if
// ctx is done first. Where that takes longer than patience, late is called once.
func awaitWindow(ctx context.Context, class string, patience time.Duration, late func()) bool {
	name := windows.StringToUTF16Ptr(class)
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	end := time.NewTimer(patience)
	defer end.Stop()
	for {
		if window, _, _ := findWindow.Call(uintptr(windows.GetDesktopWindow()), 0, uintptr(unsafe.Pointer(name)), 0); window != 0 {
			return true
		}
		select {
		case <-again.C:
		case <-end.C:
			late()
		case <-ctx.Done():
			return false
		}
	}
}
