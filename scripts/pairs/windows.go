//go:build windows

package main

import (
	"fmt"
	"runtime"
	"time"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	user32   = windows.NewLazySystemDLL("user32.dll")
	kernel32 = windows.NewLazySystemDLL("kernel32.dll")

	addClipboardFormatListener = user32.NewProc("AddClipboardFormatListener")
	closeClipboard             = user32.NewProc("CloseClipboard")
	createWindowEx             = user32.NewProc("CreateWindowExW")
	destroyWindow              = user32.NewProc("DestroyWindow")
	dispatchMessage            = user32.NewProc("DispatchMessageW")
	emptyClipboard             = user32.NewProc("EmptyClipboard")
	getClipboardData           = user32.NewProc("GetClipboardData")
	getMessage                 = user32.NewProc("GetMessageW")
	isClipboardFormatAvailable = user32.NewProc("IsClipboardFormatAvailable")
	openClipboard              = user32.NewProc("OpenClipboard")
	registerClipboardFormat    = user32.NewProc("RegisterClipboardFormatW")
	setClipboardData           = user32.NewProc("SetClipboardData")

	globalAlloc   = kernel32.NewProc("GlobalAlloc")
	globalLock    = kernel32.NewProc("GlobalLock")
	globalSize    = kernel32.NewProc("GlobalSize")
	globalUnlock  = kernel32.NewProc("GlobalUnlock")
	rtlMoveMemory = kernel32.NewProc("RtlMoveMemory")
)

// call calls a function that returns 0 where it fails. Its arguments may point to
// Go's memory.
//
//go:uintptrescapes
func call(f *windows.LazyProc, args ...uintptr) (uintptr, error) {
	r, _, err := f.Call(args...)
	if r == 0 {
		return 0, fmt.Errorf("%s: %w", f.Name, err)
	}
	return r, nil
}

// window is a window that is never shown and is told of what is copied. It
// belongs to the thread that it was opened on.
type window struct {
	id, png uintptr
}

const unicodeText = 13 // CF_UNICODETEXT

func open() (desktop, error) {
	runtime.LockOSThread()
	const onlyMessages = ^uintptr(2) // HWND_MESSAGE, -3
	id, err := call(createWindowEx, 0, uintptr(unsafe.Pointer(&wide("STATIC")[0])), 0, 0, 0, 0, 0, 0, onlyMessages, 0, 0, 0)
	if err != nil {
		return nil, err
	}
	png, err := call(registerClipboardFormat, uintptr(unsafe.Pointer(&wide("PNG")[0])))
	if err != nil {
		return nil, err
	}
	_, err = call(addClipboardFormatListener, id)
	return window{id, png}, err
}

func (w window) watch(ready func(), taken func(picture []byte) (string, error)) error {
	ready()
	for {
		if err := w.await(w.png); err != nil {
			return err
		}
		picture, err := w.get(w.png)
		if err != nil {
			return err
		}
		text, err := taken(picture)
		if err != nil {
			return err
		}
		units := wide(text)
		if err := w.set(unicodeText, unsafe.Slice((*byte)(unsafe.Pointer(&units[0])), 2*len(units))); err != nil {
			return err
		}
	}
}

func (w window) copy(picture []byte) (time.Duration, string, error) {
	start := time.Now()
	if err := w.set(w.png, picture); err != nil {
		return 0, "", err
	}
	if err := w.await(unicodeText); err != nil {
		return 0, "", err
	}
	text, err := w.get(unicodeText)
	if err != nil {
		return 0, "", err
	}
	lasted := time.Since(start)
	return lasted, windows.UTF16ToString(unsafe.Slice((*uint16)(unsafe.Pointer(&text[0])), len(text)/2)), nil
}

// await waits until something is copied that there is in this format.
func (w window) await(format uintptr) error {
	const clipboardUpdate = 0x031d // WM_CLIPBOARDUPDATE
	var m struct {                 // MSG
		window         uintptr
		kind           uint32
		wParam, lParam uintptr
		time           uint32
		x, y           int32
		_              uint32
	}
	for {
		if r, err := call(getMessage, uintptr(unsafe.Pointer(&m)), 0, 0, 0); int32(r) <= 0 {
			return fmt.Errorf("no message: %w", err)
		}
		if m.kind == clipboardUpdate {
			if there, _ := call(isClipboardFormatAvailable, format); there != 0 {
				return nil
			}
		}
		_, _ = call(dispatchMessage, uintptr(unsafe.Pointer(&m)))
	}
}

// opened calls use while the clipboard is open, as soon as nobody else has it open.
func (w window) opened(use func() error) error {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		_, err := call(openClipboard, w.id)
		if err == nil {
			break
		}
		if time.Now().After(end) {
			return err
		}
	}
	err := use()
	_, _ = call(closeClipboard)
	return err
}

// get returns what the clipboard holds in a format.
func (w window) get(format uintptr) (data []byte, err error) {
	err = w.opened(func() error {
		block, err := call(getClipboardData, format)
		if err != nil {
			return err
		}
		size, err := call(globalSize, block)
		if err != nil {
			return err
		}
		from, err := call(globalLock, block)
		if err != nil {
			return err
		}
		data = make([]byte, size)
		_, _, _ = rtlMoveMemory.Call(uintptr(unsafe.Pointer(&data[0])), from, size)
		_, _ = call(globalUnlock, block)
		return nil
	})
	return data, err
}

// set puts data on the clipboard in a format.
func (w window) set(format uintptr, data []byte) error {
	const movable = 2
	block, err := call(globalAlloc, movable, uintptr(len(data)))
	if err != nil {
		return err
	}
	to, err := call(globalLock, block)
	if err != nil {
		return err
	}
	_, _, _ = rtlMoveMemory.Call(to, uintptr(unsafe.Pointer(&data[0])), uintptr(len(data)))
	_, _ = call(globalUnlock, block)
	return w.opened(func() error {
		if _, err := call(emptyClipboard); err != nil {
			return err
		}
		_, err := call(setClipboardData, format, block)
		return err
	})
}

func (w window) close() {
	_, _ = call(destroyWindow, w.id)
	runtime.UnlockOSThread()
}

// wide returns a text as Windows has it, with a zero at its end.
func wide(text string) []uint16 { return utf16.Encode([]rune(text + "\x00")) }
