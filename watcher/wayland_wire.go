//go:build !darwin && !windows

package watcher

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"time"
)

// The objects, requests and events of the Wayland protocols that are spoken
// here: wayland.xml, ext-data-control-v1.xml, wlr-data-control-unstable-v1.xml.
// The two data-controls differ only in their names.
const (
	wlDisplayID   = 1          // the object that every connection starts with
	wlServerIDs   = 0xff000000 // the first id of the compositor's own objects
	wlEventHeader = 8

	wlDisplaySync         = 0
	wlDisplayGetRegistry  = 1
	wlRegistryBind        = 0
	wlManagerCreateSource = 0
	wlManagerGetDevice    = 1
	wlDeviceSetSelection  = 0
	wlSourceOffer         = 0
	wlSourceDestroy       = 1
	wlOfferReceive        = 0
	wlOfferDestroy        = 1

	wlDisplayError    = 0
	wlDisplayDeleteID = 1
	wlRegistryGlobal  = 0
	wlCallbackDone    = 0
	wlDeviceOffer     = 0
	wlDeviceSelection = 1
	wlDeviceFinished  = 2
	wlDevicePrimary   = 3
	wlSourceSend      = 0
	wlSourceCancelled = 1
	wlOfferFormat     = 0
)

// wlMaxFiles bounds the file descriptors that arrived and were not asked for yet.
const wlMaxFiles = 64

var errWaylandEvent = errors.New("the compositor sent a malformed event")

// wlConn is a connection to a compositor. One goroutine may receive while
// another sends.
type wlConn struct {
	socket *net.UnixConn
	limit  time.Duration // for the compositor to take what is sent
	in     []byte        // received, not yet decoded
	files  []int         // received, not yet taken
}

// wlEvent is what the compositor says of one object. Its arguments are valid
// until the next call of receive.
type wlEvent struct {
	object uint32
	opcode uint16
	args   []byte
	bad    bool // an argument was not there
}

// receive returns the next event.
func (c *wlConn) receive() (wlEvent, error) {
	for {
		if len(c.in) >= wlEventHeader {
			word := binary.NativeEndian.Uint32(c.in[4:])
			size := int(word >> 16)
			if size < wlEventHeader {
				return wlEvent{}, errWaylandEvent
			}
			if len(c.in) >= size {
				e := wlEvent{
					object: binary.NativeEndian.Uint32(c.in),
					opcode: uint16(word),
					args:   c.in[wlEventHeader:size],
				}
				c.in = c.in[size:]
				return e, nil
			}
		}
		if err := c.fill(); err != nil {
			return wlEvent{}, err
		}
	}
}

// fill receives some more bytes, and the files that came with them.
func (c *wlConn) fill() error {
	var data [4096]byte
	oob := make([]byte, syscall.CmsgSpace(4*wlMaxFiles))
	n, oobn, flags, _, err := c.socket.ReadMsgUnix(data[:], oob)
	messages, parseErr := syscall.ParseSocketControlMessage(oob[:oobn])
	for _, m := range messages {
		if fds, err := syscall.ParseUnixRights(&m); err == nil {
			c.files = append(c.files, fds...)
		}
	}
	switch {
	case err != nil:
		return err
	case n == 0:
		return io.EOF
	case parseErr != nil || flags&syscall.MSG_CTRUNC != 0 || len(c.files) > wlMaxFiles:
		return errWaylandEvent
	}
	c.in = append(c.in, data[:n]...)
	return nil
}

// takeFile returns the first file that arrived and was not taken yet.
func (c *wlConn) takeFile() (fd int, ok bool) {
	if len(c.files) == 0 {
		return 0, false
	}
	fd, c.files = c.files[0], c.files[1:]
	return fd, true
}

// send sends requests, with the files that belong to them.
func (c *wlConn) send(requests []byte, files ...int) error {
	if err := c.socket.SetWriteDeadline(time.Now().Add(c.limit)); err != nil {
		return err
	}
	var oob []byte
	if len(files) > 0 {
		oob = syscall.UnixRights(files...)
	}
	n, _, err := c.socket.WriteMsgUnix(requests, oob, nil)
	if err == nil && n < len(requests) {
		_, err = c.socket.Write(requests[n:])
	}
	return err
}

// close disconnects. It ends a running receive and send.
func (c *wlConn) close() { _ = c.socket.Close() }

// drop closes the files that nobody took. Nothing may receive any more.
func (c *wlConn) drop() {
	for _, fd := range c.files {
		_ = syscall.Close(fd)
	}
	c.files = nil
}

// uint takes the next argument: a number or an object.
func (e *wlEvent) uint() uint32 {
	if len(e.args) < 4 {
		e.bad, e.args = true, nil
		return 0
	}
	v := binary.NativeEndian.Uint32(e.args)
	e.args = e.args[4:]
	return v
}

// text takes the next argument: a string.
func (e *wlEvent) text() string {
	n := uint64(e.uint()) // with its closing NUL
	padded := (n + 3) &^ 3
	if n == 0 || padded > uint64(len(e.args)) || slices.Index(e.args[:n], 0) != int(n-1) {
		e.bad, e.args = true, nil
		return ""
	}
	s := string(e.args[:n-1])
	e.args = e.args[padded:]
	return s
}

// wlRequest appends a request to b; its arguments are uint32 and string.
func wlRequest(b []byte, object uint32, opcode uint16, args ...any) []byte {
	start := len(b)
	b = binary.NativeEndian.AppendUint32(b, object)
	b = binary.NativeEndian.AppendUint32(b, 0)
	for _, arg := range args {
		switch arg := arg.(type) {
		case uint32:
			b = binary.NativeEndian.AppendUint32(b, arg)
		case string:
			b = binary.NativeEndian.AppendUint32(b, uint32(len(arg)+1))
			b = append(b, arg...)
			b = append(b, make([]byte, 4-len(arg)%4)...)
		default:
			panic(fmt.Sprintf("a Wayland argument of type %T", arg))
		}
	}
	binary.NativeEndian.PutUint32(b[start+4:], uint32(len(b)-start)<<16|uint32(opcode))
	return b
}
