package tray

import (
	"context"
	"errors"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"bilipaste/internal/lang"
)

// As at login, or where Wine has no display.
func TestWithoutATaskbarTheTrayWaits(t *testing.T) {
	if window, _, _ := findWindow.Call(uintptr(unsafe.Pointer(windows.StringToUTF16Ptr("Shell_TrayWnd"))), 0); window != 0 {
		t.Skip("there is a taskbar")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told := make(chan error, 2)
	tray := New(func(Action) {}, func(err error) { told <- err })
	tray.patience = time.Millisecond
	ended := make(chan error)
	go func() { ended <- tray.Run(ctx) }()
	why := <-told
	for _, tag := range []string{lang.English, lang.Chinese} {
		if what, hint := lang.New(tag).Error(why); what == "" || hint == "" {
			t.Errorf("%q, %q", what, hint)
		}
	}
	tray.without(noHost()) // not told again
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if len(told) > 0 {
		t.Error("told twice: ", <-told)
	}
}
