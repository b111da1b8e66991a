//go:build linux

package main

import (
	"errors"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"
)

// window is a client of the X server with a window and what it must know.
type window struct {
	conn  *xgb.Conn
	id    xproto.Window
	atoms map[string]xproto.Atom

	picture []byte    // what it owns
	sending *transfer // a picture that is being handed over in pieces
	text    string    // what it owns instead
}

// transfer is a picture on its way to another window.
type transfer struct {
	to       xproto.Window
	property xproto.Atom
	rest     []byte
}

var errX = errors.New("the X server has gone")

// piece is how much fits into one request.
const piece = 4*65535 - 1024

func openX11() (desktop, error) {
	conn, err := xgb.NewConn()
	if err != nil {
		return nil, err
	}
	w, err := newWindow(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return w, nil
}

func newWindow(conn *xgb.Conn) (*window, error) {
	if err := xfixes.Init(conn); err != nil {
		return nil, err
	}
	if _, err := xfixes.QueryVersion(conn, 5, 0).Reply(); err != nil {
		return nil, err
	}
	w := &window{conn: conn, atoms: map[string]xproto.Atom{}}
	for _, name := range []string{"CLIPBOARD", "TARGETS", "image/png", "UTF8_STRING", "INCR", "PAIRS"} {
		r, err := xproto.InternAtom(conn, false, uint16(len(name)), name).Reply()
		if err != nil {
			return nil, err
		}
		w.atoms[name] = r.Atom
	}
	screen := xproto.Setup(conn).DefaultScreen(conn)
	var err error
	if w.id, err = xproto.NewWindowId(conn); err != nil {
		return nil, err
	}
	err = xproto.CreateWindowChecked(conn, 0, w.id, screen.Root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly, 0,
		xproto.CwEventMask, []uint32{xproto.EventMaskPropertyChange}).Check()
	return w, err
}

func (w *window) close() { w.conn.Close() }

func (w *window) watch(ready func(), taken func(picture []byte) (string, error)) error {
	xfixes.SelectSelectionInput(w.conn, w.id, w.atoms["CLIPBOARD"], xfixes.SelectionEventMaskSetSelectionOwner)
	ready()
	var picture []byte // in pieces, so far
	for {
		event, failed := w.conn.WaitForEvent()
		if event == nil && failed == nil {
			return errX
		}
		switch e := event.(type) {
		case xfixes.SelectionNotifyEvent:
			if e.Owner != w.id {
				w.ask("image/png", e.SelectionTimestamp)
			}
		case xproto.SelectionRequestEvent:
			w.serve(e)
		case xproto.SelectionNotifyEvent:
			kind, data, err := w.take()
			switch {
			case err != nil:
				return err
			case kind == w.atoms["INCR"]:
				picture = make([]byte, 0, xgb.Get32(data))
				continue
			}
			picture = data
		case xproto.PropertyNotifyEvent:
			if picture == nil || e.Window != w.id || e.State != xproto.PropertyNewValue {
				continue
			}
			_, data, err := w.take()
			if err != nil {
				return err
			}
			if picture = append(picture, data...); len(data) > 0 {
				continue
			}
		}
		if picture == nil {
			continue
		}
		var err error
		if w.text, err = taken(picture); err != nil {
			return err
		}
		picture = nil
		w.own()
	}
}

// own makes it the clipboard's owner.
func (w *window) own() { xproto.SetSelectionOwner(w.conn, w.id, w.atoms["CLIPBOARD"], 0) }

// serve hands over what it owns, to whoever asks by e.
func (w *window) serve(e xproto.SelectionRequestEvent) {
	answer := xproto.SelectionNotifyEvent{Time: e.Time, Requestor: e.Requestor, Selection: e.Selection, Target: e.Target, Property: e.Property}
	format, set := w.atoms["UTF8_STRING"], func(kind xproto.Atom, width byte, n int, data []byte) {
		xproto.ChangeProperty(w.conn, xproto.PropModeReplace, e.Requestor, e.Property, kind, width, uint32(n), data)
	}
	if w.picture != nil {
		format = w.atoms["image/png"]
	}
	switch {
	case e.Target == w.atoms["TARGETS"]:
		list := make([]byte, 8)
		xgb.Put32(list, uint32(w.atoms["TARGETS"]))
		xgb.Put32(list[4:], uint32(format))
		set(xproto.AtomAtom, 32, 2, list)
	case e.Target != format:
		answer.Property = 0
	case w.picture == nil:
		set(format, 8, len(w.text), []byte(w.text))
	case len(w.picture) <= piece:
		set(format, 8, len(w.picture), w.picture)
	default:
		xproto.ChangeWindowAttributes(w.conn, e.Requestor, xproto.CwEventMask, []uint32{xproto.EventMaskPropertyChange})
		size := make([]byte, 4)
		xgb.Put32(size, uint32(len(w.picture)))
		set(w.atoms["INCR"], 32, 1, size)
		w.sending = &transfer{to: e.Requestor, property: e.Property, rest: w.picture}
	}
	xproto.SendEvent(w.conn, false, e.Requestor, 0, string(answer.Bytes()))
}

// goOn hands over the next piece, when the last one was taken.
func (w *window) goOn(e xproto.PropertyNotifyEvent) {
	t := w.sending
	if t == nil || e.Window != t.to || e.Atom != t.property || e.State != xproto.PropertyDelete {
		return
	}
	next := t.rest[:min(piece, len(t.rest))]
	t.rest = t.rest[len(next):]
	xproto.ChangeProperty(w.conn, xproto.PropModeReplace, t.to, t.property, w.atoms["image/png"], 8, uint32(len(next)), next)
	if len(next) == 0 {
		w.sending = nil
	}
}

// ask asks for the clipboard's content.
func (w *window) ask(format string, at xproto.Timestamp) {
	xproto.ConvertSelection(w.conn, w.id, w.atoms["CLIPBOARD"], w.atoms[format], w.atoms["PAIRS"], at)
}

// take takes what is in the property, and removes it.
func (w *window) take() (kind xproto.Atom, data []byte, err error) {
	r, err := xproto.GetProperty(w.conn, true, w.id, w.atoms["PAIRS"], xproto.GetPropertyTypeAny, 0, 1<<24).Reply()
	if err != nil {
		return 0, nil, err
	}
	return r.Type, r.Value, nil
}

func (w *window) copy(picture []byte) (time.Duration, string, error) {
	w.picture = picture
	start := time.Now()
	w.own()
	for {
		event, err := w.conn.WaitForEvent()
		if event == nil && err == nil {
			return 0, "", errX
		}
		switch e := event.(type) {
		case xproto.SelectionRequestEvent:
			w.serve(e)
		case xproto.PropertyNotifyEvent:
			w.goOn(e)
		case xproto.SelectionClearEvent: // something is in its place
			w.picture = nil
			w.ask("UTF8_STRING", e.Time)
		case xproto.SelectionNotifyEvent:
			if e.Property == 0 {
				return 0, "", errors.New("what is in the picture's place cannot be had")
			}
			_, text, err := w.take()
			return time.Since(start), string(text), err
		}
	}
}
