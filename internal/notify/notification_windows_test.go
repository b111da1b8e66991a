package notify

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"fyne.io/systray"
	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"bilipaste/assets"
	"bilipaste/internal/lang"
)

// A file's name is chosen by whoever made the file.
func TestATextIsNotRunByPowerShell(t *testing.T) {
	for text, want := range map[string]string{
		"a cat.png":            "a cat.png",
		"“猫” & <b>.png":        "“猫” & <b>.png",
		"$(calc).png":          "＄(calc).png",
		"`$x.png":              "‵＄x.png",
		"a\n\"@\ncalc\n@\"":    "a\n\"＠\ncalc\n@\"",
		"a\n”@":                "a\n”＠",
		"]]></text><text>oops": "]]›</text><text>oops",
	} {
		if got := inert.Replace(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestATextFillsItsFieldWithWholeCharacters(t *testing.T) {
	for text, want := range map[string]string{
		"":          "",
		"1234567":   "1234567",
		"12345678":  "123456…",
		"123456😀":   "123456…",
		"12345😀":    "12345😀",
		"12345😀x":   "12345…",
		"1234😀xx":   "1234😀…",
		"猫猫猫猫猫猫猫猫":  "猫猫猫猫猫猫…",
		"a\x00b":    "ab",
		"bad \xff.": "bad �.",
	} {
		field := []uint16{9, 9, 9, 9, 9, 9, 9, 9}
		fill(field, text)
		if got := windows.UTF16ToString(field); got != want || field[7] != 0 {
			t.Errorf("%q becomes %q, %v, want %q", text, got, field, want)
		}
	}
	if size := unsafe.Sizeof(notifyIconData{}); runtime.GOARCH != "386" && size != 976 {
		t.Errorf("Windows' struct has 976 bytes, ours %d", size)
	}
}

func TestABalloonIsSeen(t *testing.T) {
	if balloon("title", "body") {
		t.Error("a balloon without an icon")
	}
	if os.Getenv("DISPLAY") == "" && os.Getenv("WINEPREFIX") != "" {
		t.Skip("Wine's Windows has no tray without a display")
	}
	icon, err := assets.Icons.ReadFile("icons/writing.ico")
	if err != nil {
		t.Fatal(err)
	}
	ready, ended := make(chan struct{}), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(ended)
		systray.Run(func() { systray.SetIcon(icon); close(ready) }, nil)
	}()
	select {
	case <-ready:
	case <-time.After(20 * time.Second):
		t.Fatal("no tray")
	}
	defer func() {
		systray.Quit()
		<-ended
	}()
	if err := show(t.Context(), "a title alone", "", ""); err != nil {
		t.Fatal(err)
	}
	if err := show(t.Context(), "链接已复制", strings.Repeat("long ", 60), ""); err != nil {
		t.Fatal(err)
	}
	// Wine's taskbar shows it as a window of its own, after 2 s.
	for end := time.Now().Add(20 * time.Second); !balloonSeen(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no balloon is seen")
		}
	}
}

// balloonSeen tells whether another program's tooltip is on the screen.
func balloonSeen() (seen bool) {
	class, err := windows.UTF16PtrFromString("tooltips_class32")
	if err != nil {
		return false
	}
	for window := uintptr(0); ; {
		window, _, _ = findWindowEx.Call(0, window, uintptr(unsafe.Pointer(class)), 0)
		if window == 0 {
			return false
		}
		if windows.IsWindowVisible(windows.HWND(window)) {
			return true
		}
	}
}

func TestNotificationsThatAreSwitchedOff(t *testing.T) {
	const path = `Software\Microsoft\Windows\CurrentVersion\PushNotifications`
	key, there, err := registry.CreateKey(registry.CURRENT_USER, path, registry.SET_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = key.Close() }()
	if there && os.Getenv("WINEPREFIX") == "" {
		t.Skip("these are a user's own settings")
	}
	for value, want := range map[uint32]bool{0: false, 1: true} {
		if err := key.SetDWordValue("ToastEnabled", value); err != nil {
			t.Fatal(err)
		}
		server, err := CheckNotification(t.Context())
		if (err == nil) != want || (server == "Windows") != want {
			t.Errorf("%d: %q, %v", value, server, err)
		}
		if err != nil {
			if what, hint := lang.New(lang.Chinese).Error(err); what == "" || hint == "" {
				t.Errorf("%q, %q", what, hint)
			}
		}
	}
	if err := key.DeleteValue("ToastEnabled"); err != nil {
		t.Fatal(err)
	}
}
