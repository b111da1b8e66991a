//go:build windows

// Command winprogram is another program of a Windows desktop, for tests.
//
//	winprogram copy [FORMAT FILE]…   copies the files' bytes, each in a format that is named, or a number
//	winprogram paste                 prints the text that is on the clipboard
//	winprogram describe PROGRAM      prints what a program's resources say, as JSON
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	user32   = windows.NewLazySystemDLL("user32.dll")
	kernel32 = windows.NewLazySystemDLL("kernel32.dll")
	shell32  = windows.NewLazySystemDLL("shell32.dll")
)

func main() {
	var err error
	switch os.Args[1] {
	case "copy":
		err = copyFiles(os.Args[2:])
	case "paste":
		err = paste()
	case "describe":
		err = describe(os.Args[2])
	default:
		err = errors.New("winprogram copy|paste|describe")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "winprogram:", err)
		os.Exit(1)
	}
}

// call calls a function that returns 0 where it fails.
func call(library *windows.LazyDLL, name string, args ...uintptr) (uintptr, error) {
	r, _, err := library.NewProc(name).Call(args...)
	if r == 0 {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// openClipboard waits while another program has it open. It is this thread's then.
func openClipboard() error {
	runtime.LockOSThread()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := call(user32, "OpenClipboard", 0); err == nil || time.Now().After(end) {
			return err
		}
	}
}

func closeClipboard() { _, _ = call(user32, "CloseClipboard") }

func copyFiles(args []string) error {
	if err := openClipboard(); err != nil {
		return err
	}
	defer closeClipboard()
	if _, err := call(user32, "EmptyClipboard"); err != nil {
		return err
	}
	for ; len(args) > 1; args = args[2:] {
		data, err := os.ReadFile(args[1])
		if err != nil {
			return err
		}
		format, err := strconv.ParseUint(args[0], 10, 16)
		if err != nil {
			name, err := windows.UTF16PtrFromString(args[0])
			if err != nil {
				return err
			}
			id, err := call(user32, "RegisterClipboardFormatW", uintptr(unsafe.Pointer(name)))
			if err != nil {
				return err
			}
			format = uint64(id)
		}
		const movable = 2
		block, err := call(kernel32, "GlobalAlloc", movable, uintptr(len(data)))
		if err != nil {
			return err
		}
		to, err := call(kernel32, "GlobalLock", block)
		if err != nil {
			return err
		}
		_, _, _ = kernel32.NewProc("RtlMoveMemory").Call(to, uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(len(data)))
		_, _ = call(kernel32, "GlobalUnlock", block)
		if _, err := call(user32, "SetClipboardData", uintptr(format), block); err != nil {
			return err
		}
	}
	return nil
}

func paste() error {
	if err := openClipboard(); err != nil {
		return err
	}
	defer closeClipboard()
	const unicodeText = 13
	block, err := call(user32, "GetClipboardData", unicodeText)
	if err != nil {
		return err
	}
	size, err := call(kernel32, "GlobalSize", block)
	if err != nil {
		return err
	}
	from, err := call(kernel32, "GlobalLock", block)
	if err != nil {
		return err
	}
	text := make([]uint16, (size+1)/2)
	_, _, _ = kernel32.NewProc("RtlMoveMemory").Call(uintptr(unsafe.Pointer(unsafe.SliceData(text))), from, size)
	_, _ = call(kernel32, "GlobalUnlock", block)
	fmt.Print(windows.UTF16ToString(text))
	return nil
}

// describe asks Windows what the resources of a program say.
func describe(program string) error {
	var about struct {
		Product, Description string
		Version              [4]uint16 // of the file
		Icons                int
		Manifest             string
	}
	size, err := windows.GetFileVersionInfoSize(program, nil)
	if err != nil {
		return err
	}
	info := make([]byte, size)
	at := unsafe.Pointer(unsafe.SliceData(info))
	if err := windows.GetFileVersionInfo(program, 0, size, at); err != nil {
		return err
	}
	var fixed *windows.VS_FIXEDFILEINFO
	var length uint32
	if err := windows.VerQueryValue(at, `\`, unsafe.Pointer(&fixed), &length); err != nil {
		return err
	}
	about.Version = [4]uint16{uint16(fixed.FileVersionMS >> 16), uint16(fixed.FileVersionMS), uint16(fixed.FileVersionLS >> 16), uint16(fixed.FileVersionLS)}
	for name, to := range map[string]*string{"ProductVersion": &about.Product, "FileDescription": &about.Description} {
		var text *uint16
		if err := windows.VerQueryValue(at, `\StringFileInfo\040904b0\`+name, unsafe.Pointer(&text), &length); err != nil {
			return err
		}
		*to = windows.UTF16PtrToString(text)
	}
	path, err := windows.UTF16PtrFromString(program)
	if err != nil {
		return err
	}
	icons, err := call(shell32, "ExtractIconExW", uintptr(unsafe.Pointer(path)), ^uintptr(0), 0, 0, 0) // -1 asks how many
	if err != nil {
		return err
	}
	about.Icons = int(icons)
	module, err := windows.LoadLibraryEx(program, 0, windows.LOAD_LIBRARY_AS_DATAFILE)
	if err != nil {
		return err
	}
	found, err := windows.FindResource(module, windows.CREATEPROCESS_MANIFEST_RESOURCE_ID, windows.RT_MANIFEST)
	if err != nil {
		return err
	}
	manifest, err := windows.LoadResourceData(module, found)
	if err != nil {
		return err
	}
	about.Manifest = string(manifest)
	return json.NewEncoder(os.Stdout).Encode(about)
}
