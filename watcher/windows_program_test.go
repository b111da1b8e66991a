//go:build windows

package watcher

import (
	"encoding/gob"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// winProgram is another program of the desktop: this test, started once more.
type winProgram struct {
	t       testing.TB
	process *exec.Cmd
	in      io.Closer
	orders  *gob.Encoder
	reports *gob.Decoder
}

// order is what it is to do: first to copy, then to wait.
type order struct {
	Empty    bool // it empties the clipboard, which it does for contents anyway
	Add      bool // it leaves what it has put there before
	Contents []winContent
	Windowed bool          // it owns the clipboard; else nobody does
	Late     bool          // each content is put there when it is asked for
	Slow     time.Duration // how long that takes
	Hold     time.Duration // it keeps the clipboard open for so long, and reports before
	Freeze   time.Duration // it handles no messages for so long, and reports before
	Paste    uint32        // it reports this format's content
	Quit     bool
}

// winContent is a content in a format with a number, or else a name.
type winContent struct {
	ID   uint32
	Name string
	Data []byte
}

// report is what comes back.
type report struct {
	Time    time.Time // when it was done
	Formats []string
	Data    []byte
	Error   string
}

const programEnv = "BILIPASTE_TEST_CLIPBOARD_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programEnv) != "" {
		obey()
		return
	}
	os.Exit(m.Run())
}

// startWinProgram starts one. It ends with the test.
func startWinProgram(t testing.TB) *winProgram {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &winProgram{t: t, process: exec.Command(exe)}
	p.process.Env = append(os.Environ(), programEnv+"=1")
	p.process.Stderr = os.Stderr
	in, err := p.process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.process.Start(); err != nil {
		t.Fatal(err)
	}
	p.in, p.orders, p.reports = in, gob.NewEncoder(in), gob.NewDecoder(out)
	t.Cleanup(p.quit)
	return p
}

func (p *winProgram) quit() {
	_ = p.in.Close()
	_ = p.process.Wait()
}

// do returns when an order is carried out.
func (p *winProgram) do(o order) report {
	p.t.Helper()
	if err := p.orders.Encode(o); err != nil {
		p.t.Fatal(err)
	}
	return p.reported()
}

func (p *winProgram) reported() report {
	p.t.Helper()
	var r report
	if err := p.reports.Decode(&r); err != nil {
		p.t.Fatal(err)
	}
	if r.Error != "" {
		p.t.Fatal(r.Error)
	}
	return r
}

// copy copies contents, as a program with a window does.
func (p *winProgram) copy(contents ...winContent) {
	p.t.Helper()
	p.do(order{Contents: contents, Windowed: true})
}

// paste returns the content in a format, nil where there is none, and the names
// of all that there are.
func (p *winProgram) paste(format string) (data []byte, formats []string) {
	p.t.Helper()
	id, err := formatID(format)
	if err != nil {
		p.t.Fatal(err)
	}
	r := p.do(order{Paste: id})
	return r.Data, r.Formats
}

// Numbers of formats, as Windows's headers have them.
const (
	cfText, cfBitmap, cfDIB, cfUnicodeText, cfHDrop, cfDIBV5 = 1, 2, 8, 13, 15, 17
)

// obey is the program.
func obey() {
	runtime.LockOSThread()
	const wmRenderFormat, wmRenderAllFormats, wmOrder = 0x0305, 0x0306, 0x8000
	orders, reports := make(chan order), gob.NewEncoder(os.Stdout)
	var late map[uint32]winContent
	var slow time.Duration
	render := func(id uint32) {
		time.Sleep(slow)
		block, err := newBlock(late[id].Data)
		if err != nil {
			panic(err)
		}
		_, _, _ = setClipboardData.Call(uintptr(id), block)
	}
	defWindowProc := user32.NewProc("DefWindowProcW")
	procedure := windows.NewCallback(func(window windows.HWND, kind uint32, w, l uintptr) uintptr {
		switch kind {
		case wmRenderFormat:
			render(uint32(w))
			return 0
		case wmRenderAllFormats:
			if r, _, _ := openClipboard.Call(uintptr(window)); r != 0 {
				for id := range late {
					render(id)
				}
				_, _, _ = closeClipboard.Call()
			}
			return 0
		}
		r, _, _ := defWindowProc.Call(uintptr(window), uintptr(kind), w, l)
		return r
	})
	name, _ := windows.UTF16PtrFromString("bilipaste test program")
	class := struct {
		size, style                        uint32
		procedure                          uintptr
		classExtra, windowExtra            int32
		instance, icon, cursor, background uintptr
		menu, name                         *uint16
		smallIcon                          uintptr
	}{procedure: procedure, name: name}
	class.size = uint32(unsafe.Sizeof(class))
	_, _, _ = user32.NewProc("RegisterClassExW").Call(uintptr(unsafe.Pointer(&class)))
	const onlyMessages = ^uintptr(2) // it needs no display
	var window uintptr
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var err error
		window, _, err = createWindowEx.Call(0, uintptr(unsafe.Pointer(name)), 0, 0, 0, 0, 0, 0, onlyMessages, 0, 0, 0)
		if window != 0 {
			break
		}
		if time.Now().After(end) { // without a display, Wine refuses now and then
			panic(err)
		}
	}
	go func() {
		decoder := gob.NewDecoder(os.Stdin)
		for {
			var o order
			err := decoder.Decode(&o)
			o.Quit = o.Quit || err != nil
			_, _, _ = postMessage.Call(window, wmOrder, 0, 0)
			orders <- o
			if o.Quit {
				return
			}
		}
	}()
	for m := new(message); nextMessage(m); dispatch(m) {
		if m.kind != wmOrder {
			continue
		}
		o := <-orders
		if o.Quit {
			break
		}
		var owner uintptr
		if o.Windowed {
			owner = window
		}
		if o.Late {
			late, slow = map[uint32]winContent{}, o.Slow
		}
		r, closing := carryOut(o, owner, late)
		if err := reports.Encode(r); err != nil {
			break
		}
		time.Sleep(max(o.Hold, o.Freeze))
		closing()
	}
	_, _, _ = destroyWindow.Call(window)
}

var createBitmap = windows.NewLazySystemDLL("gdi32.dll").NewProc("CreateBitmap")

// carryOut carries out an order, and returns what is to be done in the end.
func carryOut(o order, owner uintptr, late map[uint32]winContent) (r report, closing func()) {
	closing = func() {}
	if !o.Empty && len(o.Contents) == 0 && o.Paste == 0 && o.Hold == 0 {
		return r, closing
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if ok, _, err := openClipboard.Call(owner); ok != 0 {
			break
		} else if time.Now().After(end) {
			return report{Error: fmt.Sprintf("the clipboard cannot be opened: %v", err)}, closing
		}
	}
	if o.Hold > 0 {
		closing = func() { _, _, _ = closeClipboard.Call() }
	} else {
		defer func() {
			r.Time = time.Now()
			_, _, _ = closeClipboard.Call()
		}()
	}
	if o.Empty || len(o.Contents) > 0 && !o.Add {
		_, _, _ = emptyClipboard.Call()
	}
	for _, c := range o.Contents {
		id := c.ID
		if id == 0 {
			var err error
			if id, err = formatID(c.Name); err != nil {
				return report{Error: err.Error()}, closing
			}
		}
		var block uintptr
		var err error
		switch {
		case o.Late:
			late[id] = c
		case id == cfBitmap: // of 2 x 2 pixels
			block, _, _ = createBitmap.Call(2, 2, 1, 32, uintptr(unsafe.Pointer(&c.Data[0])))
		default:
			block, err = newBlock(c.Data)
		}
		if err != nil {
			return report{Error: err.Error()}, closing
		}
		if ok, _, err := setClipboardData.Call(uintptr(id), block); ok == 0 && !o.Late {
			return report{Error: fmt.Sprintf("%v is not put: %v", id, err)}, closing
		}
	}
	if o.Paste != 0 {
		ids, _ := clipboardFormats()
		for _, id := range ids {
			r.Formats = append(r.Formats, formatName(id))
		}
		if block, _, _ := getClipboardData.Call(uintptr(o.Paste)); block != 0 {
			var err error
			if r.Data, err = copyOf(block, 1<<30); err != nil {
				r.Error = err.Error()
			}
		}
	}
	return r, closing
}
