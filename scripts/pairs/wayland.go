//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// compositor is a client of a Wayland compositor that has wlr-data-control. The
// comments beside the requests and events name them.
type compositor struct {
	socket *net.UnixConn
	in     []byte // received, not yet decoded
	files  []int  // received, not yet taken

	lastID          uint32
	manager, device uint32
	offers          map[uint32][]string // their formats
	text            string              // what it owns
}

const (
	control    = "zwlr_data_control_manager_v1"
	textFormat = "text/plain;charset=utf-8"
)

func openWayland() (desktop, error) {
	path := os.Getenv("WAYLAND_DISPLAY")
	if !filepath.IsAbs(path) {
		path = filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), path)
	}
	socket, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path})
	if err != nil {
		return nil, err
	}
	w := &compositor{socket: socket, lastID: 1, offers: map[uint32][]string{}}
	if err := w.bind(); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// bind asks for the clipboard. What is on it by now is passed over.
func (w *compositor) bind() error {
	registry := w.newID()
	globals := map[string]uint32{} // their names
	w.request(1, 1, registry)      // wl_display.get_registry
	err := w.sync(func(e event) {
		if e.object == registry && e.opcode == 0 { // global
			name := e.uint()
			globals[e.string()] = name
		}
	})
	if err != nil {
		return err
	}
	if globals[control] == 0 || globals["wl_seat"] == 0 {
		return errors.New("the compositor has no wlr-data-control, or no seat")
	}
	seat := w.newID()
	w.request(registry, 0, globals["wl_seat"], "wl_seat", uint32(1), seat) // bind
	w.manager = w.newID()
	w.request(registry, 0, globals[control], control, uint32(1), w.manager) // bind
	w.device = w.newID()
	w.request(w.manager, 1, w.device, seat) // get_data_device
	return w.sync(func(e event) { w.note(e) })
}

// sync hands over what the compositor says until it has done all it was asked for.
func (w *compositor) sync(each func(event)) error {
	callback := w.newID()
	w.request(1, 0, callback) // wl_display.sync
	for {
		e, err := w.next()
		if err != nil {
			return err
		}
		if e.object == callback { // done
			return nil
		}
		each(e)
	}
}

// note takes in what the compositor says, and hands over the text that it owns.
// It returns the offer that the clipboard holds from now on; 0 if it says another thing.
func (w *compositor) note(e event) (offer uint32) {
	switch formats, isOffer := w.offers[e.object]; {
	case e.object == w.device && e.opcode == 0: // data_offer
		w.offers[e.uint()] = nil
	case e.object == w.device && e.opcode == 1: // selection
		offer = e.uint()
		for old := range w.offers {
			if old != offer {
				delete(w.offers, old)
				w.request(old, 1) // destroy
			}
		}
	case isOffer && e.opcode == 0: // offer
		w.offers[e.object] = append(formats, e.string())
	case e.object > w.device && e.opcode == 0 && len(w.files) > 0: // a source's send
		to := os.NewFile(uintptr(w.files[0]), "paste")
		w.files = w.files[1:]
		_, _ = to.WriteString(w.text) // a pipe holds more
		_ = to.Close()
	}
	return offer
}

// await waits until the clipboard holds something in this format.
func (w *compositor) await(format string) (offer uint32, err error) {
	for {
		e, err := w.next()
		if err != nil {
			return 0, err
		}
		if offer = w.note(e); offer != 0 && slices.Contains(w.offers[offer], format) {
			return offer, nil
		}
	}
}

// read returns what an offer is in a format.
func (w *compositor) read(offer uint32, format string) ([]byte, error) {
	var ends [2]int // which block, as other programs expect
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		return nil, err
	}
	in, out := os.NewFile(uintptr(ends[0]), "in"), os.NewFile(uintptr(ends[1]), "out")
	defer in.Close()
	_, _, err := w.socket.WriteMsgUnix(request(offer, 0, format), syscall.UnixRights(ends[1]), nil) // receive
	_ = out.Close()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(in)
}

func (w *compositor) watch(ready func(), taken func(picture []byte) (string, error)) error {
	ready()
	for {
		offer, err := w.await("image/png")
		if err != nil {
			return err
		}
		picture, err := w.read(offer, "image/png")
		if err != nil {
			return err
		}
		if w.text, err = taken(picture); err != nil {
			return err
		}
		source := w.newID()
		w.request(w.manager, 0, source)  // create_data_source
		w.request(source, 0, textFormat) // offer
		w.request(w.device, 0, source)   // set_selection
	}
}

// copy copies with wl-copy. The time begins when its picture is on the clipboard.
func (w *compositor) copy(picture []byte) (time.Duration, string, error) {
	cmd := exec.Command("wl-copy", "--foreground", "--type", "image/png")
	cmd.Stdin = bytes.NewReader(picture)
	if err := cmd.Start(); err != nil {
		return 0, "", err
	}
	defer func() { _ = cmd.Wait() }() // it ends when another program copies
	if _, err := w.await("image/png"); err != nil {
		return 0, "", err
	}
	start := time.Now()
	offer, err := w.await(textFormat)
	if err != nil {
		return 0, "", err
	}
	text, err := w.read(offer, textFormat)
	return time.Since(start), string(text), err
}

func (w *compositor) close() { _ = w.socket.Close() }

func (w *compositor) newID() uint32 {
	w.lastID++
	return w.lastID
}

// request sends a request; its arguments are uint32 and string. That it could
// not be sent is seen by who waits for the answer.
func (w *compositor) request(object uint32, opcode uint16, args ...any) {
	_, _ = w.socket.Write(request(object, opcode, args...))
}

func request(object uint32, opcode uint16, args ...any) []byte {
	b := make([]byte, 8)
	for _, arg := range args {
		switch arg := arg.(type) {
		case uint32:
			b = binary.NativeEndian.AppendUint32(b, arg)
		case string:
			b = binary.NativeEndian.AppendUint32(b, uint32(len(arg)+1))
			b = append(b, arg...)
			b = append(b, make([]byte, 4-len(arg)%4)...)
		}
	}
	binary.NativeEndian.PutUint32(b, object)
	binary.NativeEndian.PutUint32(b[4:], uint32(len(b))<<16|uint32(opcode))
	return b
}

// event is what the compositor says of an object.
type event struct {
	object uint32
	opcode uint16
	args   []byte
}

// next waits for the next event.
func (w *compositor) next() (event, error) {
	for {
		if len(w.in) >= 8 {
			word := binary.NativeEndian.Uint32(w.in[4:])
			if size := int(word >> 16); len(w.in) >= size {
				e := event{binary.NativeEndian.Uint32(w.in), uint16(word), w.in[8:size]}
				w.in = w.in[size:]
				if e.object == 1 && e.opcode == 0 { // wl_display.error
					_, _ = e.uint(), e.uint()
					return event{}, errors.New(e.string())
				}
				return e, nil
			}
		}
		data, rights := make([]byte, 4096), make([]byte, 256)
		n, m, _, _, err := w.socket.ReadMsgUnix(data, rights)
		if err != nil {
			return event{}, err
		}
		w.in = append(w.in, data[:n]...)
		messages, _ := syscall.ParseSocketControlMessage(rights[:m])
		for _, message := range messages {
			files, _ := syscall.ParseUnixRights(&message)
			w.files = append(w.files, files...)
		}
	}
}

// uint takes the next argument: a number or an object.
func (e *event) uint() uint32 {
	v := binary.NativeEndian.Uint32(e.args)
	e.args = e.args[4:]
	return v
}

// string takes the next argument: a string, which ends with a zero.
func (e *event) string() string {
	n := e.uint()
	s := string(e.args[:n-1])
	e.args = e.args[(n+3)&^3:]
	return s
}
