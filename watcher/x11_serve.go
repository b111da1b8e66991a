//go:build !darwin && !windows

package watcher

import (
	"slices"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

const (
	// maxPart is how much, in bytes, is put into one property: what fits into
	// one request. More goes in parts (INCR).
	maxPart = 250_000

	// maxDeliveries is how many contents may be on their way from us.
	maxDeliveries = 64
)

// x11Property is where a content goes: a property of the window that asked.
type x11Property struct {
	window   xproto.Window
	property xproto.Atom
}

// x11Delivery is one content on its way from us, in parts.
type x11Delivery struct {
	kind  xproto.Atom
	rest  []byte      // an empty part comes last
	limit *time.Timer // ends it when the next part is not asked for
}

// serve gives what is ours to the program that asks for it.
func (l *x11Link) serve(e xproto.SelectionRequestEvent) {
	l.mu.Lock()
	ours := l.ours
	l.mu.Unlock()
	property := e.Property
	if property == xproto.AtomNone { // a program older than the present rules
		property = e.Target
	}
	early := ours != nil && e.Time != xproto.TimeCurrentTime && int32(e.Time-ours.since) < 0
	toUs := l.isOurs(e.Requestor) // a request to the program before
	if ours == nil || early || toUs || e.Owner != l.own || e.Selection != l.atoms["CLIPBOARD"] ||
		!l.convert(ours, e.Target, x11Property{e.Requestor, property}) {
		property = xproto.AtomNone
	}
	answer := xproto.SelectionNotifyEvent{
		Time: e.Time, Requestor: e.Requestor, Selection: e.Selection, Target: e.Target, Property: property,
	}
	xproto.SendEvent(l.conn, false, e.Requestor, xproto.EventMaskNoEvent, string(answer.Bytes()))
	switch e.Target {
	case l.atoms["TARGETS"], l.atoms["TIMESTAMP"], l.atoms["SAVE_TARGETS"]: // no content
	default:
		if property != xproto.AtomNone && ours.once {
			l.withdraw(ours)
		}
	}
}

// convert puts what is ours, as target, into the property that was asked for.
func (l *x11Link) convert(ours *x11Content, target xproto.Atom, to x11Property) bool {
	switch target {
	case l.atoms["TARGETS"]:
		list := ours.targets(l.atoms["TARGETS"], l.atoms["TIMESTAMP"], l.atoms["MULTIPLE"], l.atoms["SAVE_TARGETS"])
		return l.change(to, xproto.AtomAtom, 32, list)
	case l.atoms["TIMESTAMP"]:
		return l.change(to, xproto.AtomInteger, 32, words([]xproto.Timestamp{ours.since}))
	case l.atoms["SAVE_TARGETS"]: // asked for its effect
		return l.change(to, l.atoms["NULL"], 32, nil)
	case l.atoms["MULTIPLE"]:
		return l.convertAll(ours, to)
	}
	i := slices.IndexFunc(ours.forms, func(f x11Form) bool { return f.target == target })
	switch {
	case i < 0:
		return false
	case len(ours.forms[i].data) > maxPart:
		return l.beginDelivery(ours.forms[i], to)
	}
	return l.change(to, ours.forms[i].kind, 8, ours.forms[i].data)
}

// convertAll answers MULTIPLE: the property holds pairs of a target and the
// property to put it in. A pair that cannot be had gets None for its property.
func (l *x11Link) convertAll(ours *x11Content, to x11Property) bool {
	const most = 64 // pairs
	r, err := xproto.GetProperty(l.conn, false, to.window, to.property, xproto.GetPropertyTypeAny, 0, 2*most).Reply()
	if err != nil || r.Format != 32 {
		return false
	}
	pairs := slices.Clone(r.Value[:len(r.Value)/8*8])
	for pair := range slices.Chunk(pairs, 8) {
		target, into := xproto.Atom(xgb.Get32(pair)), xproto.Atom(xgb.Get32(pair[4:]))
		if into == xproto.AtomNone || target == l.atoms["MULTIPLE"] || !l.convert(ours, target, x11Property{to.window, into}) {
			xgb.Put32(pair[4:], xproto.AtomNone)
		}
	}
	return l.change(to, l.atoms["ATOM_PAIR"], 32, pairs)
}

// change puts data of 8 or 32 bits a value into a property, at most maxPart bytes.
func (l *x11Link) change(to x11Property, kind xproto.Atom, bits byte, data []byte) bool {
	n := uint32(len(data)) / uint32(bits/8)
	xproto.ChangeProperty(l.conn, xproto.PropModeReplace, to.window, to.property, kind, bits, n, data)
	return true
}

// beginDelivery announces that f comes in parts. Each is put when the one
// before, or the announcement, was taken away. A delivery begun to the same
// property before is dropped.
func (l *x11Link) beginDelivery(f x11Form, to x11Property) bool {
	l.mu.Lock()
	before := l.deliveries[to]
	if before == nil && len(l.deliveries) >= maxDeliveries {
		l.mu.Unlock()
		return false
	}
	if before != nil {
		before.limit.Stop()
	}
	d := &x11Delivery{kind: f.kind, rest: f.data}
	d.limit = time.AfterFunc(l.limits.take, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.deliveries[to] == d {
			delete(l.deliveries, to)
		}
	})
	l.deliveries[to] = d
	l.mu.Unlock()

	l.hear(to.window, xproto.EventMaskPropertyChange|xproto.EventMaskStructureNotify)
	return l.change(to, l.atoms["INCR"], 32, words([]uint32{uint32(len(f.data))}))
}

// deliver puts the next part of the delivery to this property, if there is one.
func (l *x11Link) deliver(to x11Property) {
	l.mu.Lock()
	d := l.deliveries[to]
	if d == nil {
		l.mu.Unlock()
		return
	}
	part := d.rest[:min(len(d.rest), maxPart)]
	d.rest = d.rest[len(part):]
	if len(part) > 0 {
		d.limit.Reset(l.limits.take)
	} else {
		d.limit.Stop()
		delete(l.deliveries, to)
	}
	others := l.deliversTo(to.window)
	l.mu.Unlock()

	l.change(to, d.kind, 8, part)
	if !others {
		l.hear(to.window, xproto.EventMaskNoEvent)
	}
}

// dropDeliveries ends the deliveries to a window that is gone.
func (l *x11Link) dropDeliveries(window xproto.Window) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for to, d := range l.deliveries {
		if to.window == window {
			d.limit.Stop()
			delete(l.deliveries, to)
		}
	}
}

// deliversTo reports whether a delivery to the window is under way. l.mu is held.
func (l *x11Link) deliversTo(window xproto.Window) bool {
	for to := range l.deliveries {
		if to.window == window {
			return true
		}
	}
	return false
}

// hear asks to be told of these events at a window of another program.
func (l *x11Link) hear(window xproto.Window, events uint32) {
	xproto.ChangeWindowAttributes(l.conn, window, xproto.CwEventMask, []uint32{events})
}

// words returns values of 32 bits as the protocol's bytes.
func words[T ~uint32](values []T) []byte {
	b := make([]byte, 4*len(values))
	for i, v := range values {
		xgb.Put32(b[4*i:], uint32(v))
	}
	return b
}
