package main

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"bilipaste/internal/desktop"

	"golang.org/x/sys/windows"
)

// trayProgram returns a copy of this program that, as the tray program, is
// given no console.
func trayProgram(t *testing.T) string {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	const gui = 2 // IMAGE_SUBSYSTEM_WINDOWS_GUI
	header := binary.LittleEndian.Uint32(image[0x3c:])
	binary.LittleEndian.PutUint16(image[header+0x5c:], gui)
	program := filepath.Join(t.TempDir(), "bilipaste.exe")
	if err := os.WriteFile(program, image, 0o700); err != nil {
		t.Fatal(err)
	}
	return program
}

func TestWithoutAConsoleAFailureIsShownInABox(t *testing.T) {
	if os.Getenv("DISPLAY") == "" && os.Getenv("WINEPREFIX") != "" {
		t.Skip("Wine's Windows has no boxes without a display")
	}
	if console, err := os.OpenFile("CONOUT$", os.O_RDWR, 0); err == nil {
		_ = console.Close()
		t.Skip("Windows would say it in this console")
	}
	// As the shell starts it: without standard handles.
	cmd := exec.Command("cmd", "/c", "start", "", "/wait", trayProgram(t), "nosuch")
	cmd.Env = append(os.Environ(), "BILIPASTE_HOME="+t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text := ""
	for end := time.Now().Add(20 * time.Second); text == ""; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
			t.Fatal("no box")
		}
		text = closeBox("bilipaste")
	}
	if !strings.Contains(text, "nosuch") || !strings.Contains(text, "bilipaste help") {
		t.Errorf("the box says %q", text)
	}
	_ = cmd.Wait() // its status is the shell's
}

func TestARedirectedFailureIsNotShownInABox(t *testing.T) {
	cmd := exec.Command(trayProgram(t), "nosuch")
	cmd.Env = append(os.Environ(), "BILIPASTE_HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if e, ok := errors.AsType[*exec.ExitError](err); !ok || e.ExitCode() != exitUsage || !strings.Contains(string(out), "nosuch") {
		t.Errorf("%q, %v", out, err)
	}
}

func TestNoConsoleOpensAtLogin(t *testing.T) {
	dir := t.TempDir()
	program, tray := filepath.Join(dir, "bilipaste.exe"), filepath.Join(dir, "bilipastew.exe")
	if got := desktop.WithoutConsole(program); got != program {
		t.Error(got)
	}
	if err := os.WriteFile(tray, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, started := range []string{program, tray} {
		if got := desktop.WithoutConsole(started); got != tray {
			t.Errorf("%s: %s", started, got)
		}
	}
}

// closeBox closes the message box with this title and returns its text, "" if
// none is there.
func closeBox(title string) (text string) {
	const (
		getText     = 0x0d // WM_GETTEXT
		closeWindow = 0x10 // WM_CLOSE
	)
	user32 := windows.NewLazySystemDLL("user32.dll")
	find, send, post := user32.NewProc("FindWindowExW"), user32.NewProc("SendMessageW"), user32.NewProc("PostMessageW")
	dialog, caption, label := windows.StringToUTF16Ptr("#32770"), windows.StringToUTF16Ptr(title), windows.StringToUTF16Ptr("Static")
	box, _, _ := find.Call(0, 0, uintptr(unsafe.Pointer(dialog)), uintptr(unsafe.Pointer(caption)))
	if box == 0 {
		return ""
	}
	for part := uintptr(0); ; {
		part, _, _ = find.Call(box, part, uintptr(unsafe.Pointer(label)), 0)
		if part == 0 {
			break
		}
		var said [1000]uint16
		_, _, _ = send.Call(part, getText, uintptr(len(said)), uintptr(unsafe.Pointer(&said)))
		text += windows.UTF16ToString(said[:])
	}
	if text != "" {
		_, _, _ = post.Call(box, closeWindow, 0, 0)
	}
	return text
}

func TestPatternsAreExpanded(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"b.png", "A.PNG", "图[1].png", "c.jpg"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("d.png", 0o700); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string][]string{
		"*.png":         {"A.PNG", "b.png", "图[1].png"},
		"图[1].*":        {"图[1].png"},
		"图[1].png":      {"图[1].png"},
		`.\?.jpg`:       {`.\c.jpg`},
		here + `\b.*`:   {here + `\b.png`},
		"*.gif":         {"*.gif"},
		`gone\*.png`:    {`gone\*.png`},
		"d.png":         {"d.png"},
		"-":             {"-"},
		"nothing/*.png": {"nothing/*.png"},
	} {
		if got := desktop.Expand([]string{pattern}); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", pattern, got, want)
		}
	}
}
