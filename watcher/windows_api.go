//go:build windows

package watcher

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// What golang.org/x/sys/windows has not of Windows's clipboard. Windows ties an
// open clipboard to the thread that opened it.
var (
	user32   = windows.NewLazySystemDLL("user32.dll")
	kernel32 = windows.NewLazySystemDLL("kernel32.dll")

	addClipboardFormatListener    = user32.NewProc("AddClipboardFormatListener")
	removeClipboardFormatListener = user32.NewProc("RemoveClipboardFormatListener")
	openClipboard                 = user32.NewProc("OpenClipboard")
	closeClipboard                = user32.NewProc("CloseClipboard")
	emptyClipboard                = user32.NewProc("EmptyClipboard")
	getClipboardData              = user32.NewProc("GetClipboardData")
	setClipboardData              = user32.NewProc("SetClipboardData")
	getClipboardOwner             = user32.NewProc("GetClipboardOwner")
	getOpenClipboardWindow        = user32.NewProc("GetOpenClipboardWindow")
	getClipboardSequenceNumber    = user32.NewProc("GetClipboardSequenceNumber")
	getUpdatedClipboardFormats    = user32.NewProc("GetUpdatedClipboardFormats")
	getClipboardFormatName        = user32.NewProc("GetClipboardFormatNameW")
	registerClipboardFormat       = user32.NewProc("RegisterClipboardFormatW")

	createWindowEx     = user32.NewProc("CreateWindowExW")
	destroyWindow      = user32.NewProc("DestroyWindow")
	getMessage         = user32.NewProc("GetMessageW")
	dispatchMessage    = user32.NewProc("DispatchMessageW")
	postMessage        = user32.NewProc("PostMessageW")
	sendMessageTimeout = user32.NewProc("SendMessageTimeoutW")

	globalAlloc   = kernel32.NewProc("GlobalAlloc")
	globalFree    = kernel32.NewProc("GlobalFree")
	globalLock    = kernel32.NewProc("GlobalLock")
	globalUnlock  = kernel32.NewProc("GlobalUnlock")
	globalSize    = kernel32.NewProc("GlobalSize")
	rtlMoveMemory = kernel32.NewProc("RtlMoveMemory")
)

// The messages that are used.
const (
	wmNull            = 0x0000
	wmQuit            = 0x0012
	wmClipboardUpdate = 0x031d
)

// message is Windows's MSG.
type message struct {
	window         windows.HWND
	kind           uint32
	wParam, lParam uintptr
	time           uint32
	x, y           int32
	_              uint32
}

// nextMessage waits for a message to a window of this thread. It reports false
// when it is told to quit.
func nextMessage(m *message) bool {
	r, _, _ := getMessage.Call(uintptr(unsafe.Pointer(m)), 0, 0, 0)
	return int32(r) > 0
}

// dispatch hands a message to its window.
func dispatch(m *message) { _, _, _ = dispatchMessage.Call(uintptr(unsafe.Pointer(m))) }

// newMessageWindow makes a window that is never shown. It belongs to this thread.
func newMessageWindow() (windows.HWND, error) {
	const onlyMessages = ^uintptr(2) // HWND_MESSAGE, -3
	class, err := windows.UTF16PtrFromString("STATIC")
	if err != nil {
		return 0, err
	}
	r, _, err := createWindowEx.Call(0, uintptr(unsafe.Pointer(class)), 0, 0, 0, 0, 0, 0, onlyMessages, 0, 0, 0)
	if r == 0 {
		return 0, err
	}
	return windows.HWND(r), nil
}

// sequenceNumber returns a number that grows with every change of the clipboard.
func sequenceNumber() uint32 {
	r, _, _ := getClipboardSequenceNumber.Call()
	return uint32(r)
}

// clipboardOwner returns the window of the program that filled the clipboard; 0
// if it has none, or is gone.
func clipboardOwner() windows.HWND {
	r, _, _ := getClipboardOwner.Call()
	return windows.HWND(r)
}

// clipboardFormats lists the formats on the clipboard, which need not be open.
func clipboardFormats() ([]uint32, error) {
	for ids := make([]uint32, 64); ; ids = make([]uint32, 2*len(ids)) {
		var n uint32
		r, _, err := getUpdatedClipboardFormats.Call(uintptr(unsafe.Pointer(&ids[0])), uintptr(len(ids)), uintptr(unsafe.Pointer(&n)))
		switch {
		case r != 0:
			return ids[:n], nil
		case !errors.Is(err, windows.ERROR_INSUFFICIENT_BUFFER) || len(ids) > 1<<16:
			return nil, err
		}
	}
}

// standardFormats are Windows's own formats. All others have been registered by name.
var standardFormats = []string{
	1: "CF_TEXT", 2: "CF_BITMAP", 3: "CF_METAFILEPICT", 4: "CF_SYLK", 5: "CF_DIF", 6: "CF_TIFF", 7: "CF_OEMTEXT",
	8: "CF_DIB", 9: "CF_PALETTE", 10: "CF_PENDATA", 11: "CF_RIFF", 12: "CF_WAVE", 13: "CF_UNICODETEXT",
	14: "CF_ENHMETAFILE", 15: "CF_HDROP", 16: "CF_LOCALE", 17: "CF_DIBV5",
}

// formatName returns the name of a format; its number where it has none.
func formatName(id uint32) string {
	if int(id) < len(standardFormats) && standardFormats[id] != "" {
		return standardFormats[id]
	}
	var name [256]uint16
	n, _, _ := getClipboardFormatName.Call(uintptr(id), uintptr(unsafe.Pointer(&name[0])), uintptr(len(name)))
	if n == 0 {
		return fmt.Sprintf("0x%04x", id)
	}
	return windows.UTF16ToString(name[:n])
}

func formatNames(ids []uint32) (names []string) {
	for _, id := range ids {
		names = append(names, formatName(id))
	}
	return names
}

// formatID returns the format of a name, and registers one if it is new.
func formatID(name string) (uint32, error) {
	for id, standard := range standardFormats {
		if name == standard && id > 0 {
			return uint32(id), nil
		}
	}
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	r, _, err := registerClipboardFormat.Call(uintptr(unsafe.Pointer(p)))
	if r == 0 {
		return 0, err
	}
	return uint32(r), nil
}

// answers reports whether the program of a window handles its messages, or
// begins to in this time.
func answers(window windows.HWND, limit time.Duration) bool {
	const block, abortIfHung = 1, 2
	r, _, err := sendMessageTimeout.Call(uintptr(window), wmNull, 0, 0, block|abortIfHung, uintptr(limit.Milliseconds()), 0)
	// It also fails where the window is gone, or of a program with more rights.
	return r != 0 || !errors.Is(err, windows.ERROR_SUCCESS) && !errors.Is(err, windows.ERROR_TIMEOUT)
}

// copyOf returns what a block of global memory holds, at most limit bytes.
func copyOf(block uintptr, limit int) ([]byte, error) {
	size, _, err := globalSize.Call(block)
	switch {
	case size == 0:
		return nil, err
	case size > uintptr(limit):
		return nil, errTooLarge
	}
	from, _, err := globalLock.Call(block)
	if from == 0 {
		return nil, err
	}
	data := make([]byte, size)
	_, _, _ = rtlMoveMemory.Call(uintptr(unsafe.Pointer(&data[0])), from, size)
	_, _, _ = globalUnlock.Call(block)
	return data, nil
}

// newBlock returns a block of global memory that holds data.
func newBlock(data []byte) (uintptr, error) {
	const moveable = 2
	block, _, err := globalAlloc.Call(moveable, uintptr(max(len(data), 1)))
	if block == 0 {
		return 0, err
	}
	to, _, err := globalLock.Call(block)
	if to == 0 {
		_, _, _ = globalFree.Call(block)
		return 0, err
	}
	if len(data) > 0 {
		_, _, _ = rtlMoveMemory.Call(to, uintptr(unsafe.Pointer(&data[0])), uintptr(len(data)))
	}
	_, _, _ = globalUnlock.Call(block)
	runtime.KeepAlive(data)
	return block, nil
}

// clipboardHolder returns the name of the program that has the clipboard open, "" if
// that is not known.
func clipboardHolder() string {
	window, _, _ := getOpenClipboardWindow.Call()
	var pid uint32
	if _, err := windows.GetWindowThreadProcessId(windows.HWND(window), &pid); err != nil {
		return ""
	}
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return ""
	}
	defer func() { _ = windows.CloseHandle(process) }()
	path := make([]uint16, windows.MAX_LONG_PATH)
	n := uint32(len(path))
	if err := windows.QueryFullProcessImageName(process, 0, &path[0], &n); err != nil {
		return ""
	}
	return filepath.Base(windows.UTF16ToString(path[:n]))
}
