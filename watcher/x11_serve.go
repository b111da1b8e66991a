//go:build !darwin && !windows

package watcher

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"bilipaste/internal/lang"
)

// maxText is the longest text, in bytes, that is put on the clipboard: what
// fits into one request. A link is short.
const maxText = 250_000

// x11Text is our text on the clipboard.
type x11Text struct {
	text  string
	since xproto.Timestamp
}

// replace puts text on the clipboard if that still holds o.
//
// It claims the clipboard as of the moment when o was put there. The server
// lets an earlier claim than the newest one fall, so nothing that another
// program has put there meanwhile can be overwritten, not even when its notice
// is still on the way.
func (l *x11Link) replace(ctx context.Context, o *x11Offer, text string) error {
	if len(text) > maxText {
		return lang.Errorf("watcher.too_long", lang.Data{"Size": len(text), "Limit": maxText}, nil)
	}
	l.mu.Lock()
	if l.current != o || l.isOver() {
		l.mu.Unlock()
		return ErrChanged
	}
	l.text = &x11Text{text, o.time}
	l.mu.Unlock()

	xproto.SetSelectionOwner(l.conn, l.own, l.atoms["CLIPBOARD"], o.time)
	r, err := xproto.GetSelectionOwner(l.conn, l.atoms["CLIPBOARD"]).Reply()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	// The notice of the change, ours or another's, is on the way: with it, the
	// next call finds things as they are.
	select {
	case <-o.superseded:
	case <-l.over:
		return ErrChanged
	case <-time.After(l.limits.late):
	case <-ctx.Done():
	}
	if r.Owner != l.own {
		return ErrChanged
	}
	return nil
}

// serve gives our text to the program that asks for it.
func (l *x11Link) serve(e xproto.SelectionRequestEvent) {
	l.mu.Lock()
	t := l.text
	l.mu.Unlock()
	property := e.Property
	if property == xproto.AtomNone { // a program older than the present rules
		property = e.Target
	}
	early := t != nil && e.Time != xproto.TimeCurrentTime && int32(e.Time-t.since) < 0
	if t == nil || early || e.Owner != l.own || e.Selection != l.atoms["CLIPBOARD"] || !l.convert(t, e.Requestor, e.Target, property) {
		property = xproto.AtomNone
	}
	answer := xproto.SelectionNotifyEvent{
		Time: e.Time, Requestor: e.Requestor, Selection: e.Selection, Target: e.Target, Property: property,
	}
	xproto.SendEvent(l.conn, false, e.Requestor, xproto.EventMaskNoEvent, string(answer.Bytes()))
}

// convert puts the text, as target, into a property of the window that asked.
func (l *x11Link) convert(t *x11Text, window xproto.Window, target, property xproto.Atom) bool {
	put := func(kind xproto.Atom, format byte, data []byte) bool {
		n := uint32(len(data)) / uint32(format/8)
		xproto.ChangeProperty(l.conn, xproto.PropModeReplace, window, property, kind, format, n, data)
		return true
	}
	switch target {
	case l.atoms["TARGETS"]:
		var list []xproto.Atom
		for _, name := range []string{
			"TARGETS", "TIMESTAMP", "MULTIPLE", "SAVE_TARGETS",
			"UTF8_STRING", "text/plain;charset=utf-8", "text/plain", "TEXT",
		} {
			list = append(list, l.atoms[name])
		}
		return put(xproto.AtomAtom, 32, words(append(list, xproto.AtomString)))
	case l.atoms["TIMESTAMP"]:
		return put(xproto.AtomInteger, 32, words([]xproto.Timestamp{t.since}))
	case l.atoms["SAVE_TARGETS"]: // asked for its effect
		return put(l.atoms["NULL"], 32, nil)
	case l.atoms["MULTIPLE"]:
		return l.convertAll(t, window, property)
	case l.atoms["UTF8_STRING"], l.atoms["text/plain"], l.atoms["text/plain;charset=utf-8"]:
		return put(target, 8, []byte(t.text))
	case l.atoms["TEXT"]:
		return put(l.atoms["UTF8_STRING"], 8, []byte(t.text))
	case xproto.AtomString:
		return put(target, 8, latin1(t.text))
	}
	return false
}

// convertAll answers MULTIPLE: the property holds pairs of a target and the
// property to put it in. A pair that cannot be had gets None for its property.
func (l *x11Link) convertAll(t *x11Text, window xproto.Window, property xproto.Atom) bool {
	const most = 64 // pairs
	r, err := xproto.GetProperty(l.conn, false, window, property, xproto.GetPropertyTypeAny, 0, 2*most).Reply()
	if err != nil || r.Format != 32 {
		return false
	}
	pairs := slices.Clone(r.Value[:len(r.Value)/8*8])
	for pair := range slices.Chunk(pairs, 8) {
		target, into := xproto.Atom(xgb.Get32(pair)), xproto.Atom(xgb.Get32(pair[4:]))
		if into == xproto.AtomNone || target == l.atoms["MULTIPLE"] || !l.convert(t, window, target, into) {
			xgb.Put32(pair[4:], xproto.AtomNone)
		}
	}
	xproto.ChangeProperty(l.conn, xproto.PropModeReplace, window, property, l.atoms["ATOM_PAIR"], 32, uint32(len(pairs)/4), pairs)
	return true
}

// handOver asks the clipboard manager, where one runs, to take our text over.
func (l *x11Link) handOver() {
	l.mu.Lock()
	t := l.text
	l.mu.Unlock()
	if t == nil || l.isOver() {
		return
	}
	manager := l.atoms["CLIPBOARD_MANAGER"]
	if r, err := xproto.GetSelectionOwner(l.conn, manager).Reply(); err != nil || r.Owner == xproto.WindowNone {
		return
	}
	targets := words([]xproto.Atom{l.atoms["UTF8_STRING"], l.atoms["text/plain;charset=utf-8"], l.atoms["text/plain"], l.atoms["TEXT"], xproto.AtomString})
	xproto.ChangeProperty(l.conn, xproto.PropModeReplace, l.own, l.atoms["BILIPASTE"], xproto.AtomAtom, 32, uint32(len(targets)/4), targets)
	xproto.ConvertSelection(l.conn, l.own, manager, l.atoms["SAVE_TARGETS"], l.atoms["BILIPASTE"], t.since)
	select {
	case <-l.saved:
	case <-l.over:
	case <-time.After(l.limits.handOver):
	}
}

// words returns values of 32 bits as the protocol's bytes.
func words[T ~uint32](values []T) []byte {
	b := make([]byte, 4*len(values))
	for i, v := range values {
		xgb.Put32(b[4*i:], uint32(v))
	}
	return b
}

// latin1 returns text in the encoding that STRING stands for.
func latin1(text string) []byte {
	var b []byte
	for _, r := range text {
		if r > 0xff {
			r = '?'
		}
		b = append(b, byte(r))
	}
	return b
}
