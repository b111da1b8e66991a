package notify

import (
	"cmp"
	"strings"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"
)

// The tray's library makes its window and its icon under these names.
const (
	trayClass  = "SystrayClass"
	trayIconID = 100
)

var (
	findWindowEx    = windows.NewLazySystemDLL("user32.dll").NewProc("FindWindowExW")
	shellNotifyIcon = windows.NewLazySystemDLL("shell32.dll").NewProc("Shell_NotifyIconW")
)

// notifyIconData is Windows' NOTIFYICONDATAW.
type notifyIconData struct {
	Size            uint32
	Window          windows.HWND
	ID              uint32
	Flags           uint32
	CallbackMessage uint32
	Icon            windows.Handle
	Tip             [128]uint16
	State           uint32
	StateMask       uint32
	Info            [256]uint16
	TimeoutVersion  uint32
	InfoTitle       [64]uint16
	InfoFlags       uint32
	GUID            windows.GUID
	BalloonIcon     windows.Handle
}

// balloon shows the balloon of the program's icon in the tray, with that icon
// in it, and tells whether it could: where the program has no icon, or the
// taskbar is not there yet, it cannot.
func balloon(title, body string) bool {
	const (
		modify  = 1        // NIM_MODIFY
		hasInfo = 0x10     // NIF_INFO
		style   = 4 | 0x10 // NIIF_USER: our icon; NIIF_NOSOUND: the ding is ours
	)
	window := trayWindow()
	if window == 0 {
		return false
	}
	if body == "" { // a balloon without a text is none
		title, body = "", cmp.Or(title, " ")
	}
	data := notifyIconData{Window: window, ID: trayIconID, Flags: hasInfo, InfoFlags: style}
	data.Size = uint32(unsafe.Sizeof(data))
	fill(data.Info[:], body)
	fill(data.InfoTitle[:], title)
	taken, _, _ := shellNotifyIcon.Call(modify, uintptr(unsafe.Pointer(&data)))
	return taken != 0
}

// trayWindow returns the window that owns the program's icon, 0 if there is none.
func trayWindow() windows.HWND {
	class, err := windows.UTF16PtrFromString(trayClass)
	if err != nil {
		return 0
	}
	for window := uintptr(0); ; {
		window, _, _ = findWindowEx.Call(0, window, uintptr(unsafe.Pointer(class)), 0)
		if window == 0 {
			return 0
		}
		var process uint32
		if _, err := windows.GetWindowThreadProcessId(windows.HWND(window), &process); err == nil && process == windows.GetCurrentProcessId() {
			return windows.HWND(window)
		}
	}
}

// fill writes text into a field of Windows' as UTF-16 with a zero at its end;
// of one that is too long whole characters and an ellipsis.
func fill(field []uint16, text string) {
	units := utf16.Encode([]rune(strings.ReplaceAll(text, "\x00", "")))
	if most := len(field) - 1; len(units) > most {
		units = units[:most-1]
		if last := len(units) - 1; utf16.IsSurrogate(rune(units[last])) && units[last] < 0xdc00 {
			units = units[:last] // half a character
		}
		units = append(units, '…')
	}
	clear(field[copy(field, units):])
}
