//go:build !darwin && !windows

package watcher

import (
	"cmp"
	"context"
	"time"

	"github.com/jezek/xgb/xproto"
)

// x11Content is what is ours on the clipboard, or on its way there.
type x11Content struct {
	forms []x11Form
	since xproto.Timestamp
	once  bool          // it is given to one program
	there chan struct{} // closed when it is on the clipboard
}

// x11Form is a content in one format.
type x11Form struct {
	target, kind xproto.Atom // as it is asked for, and as it is given
	data         []byte
}

func (l *x11Link) newContent(c content) (*x11Content, error) {
	ours := &x11Content{once: c.once, there: make(chan struct{})}
	forms := c.forms()
	var names []string
	for _, f := range forms {
		names = append(names, f.format)
	}
	atoms, err := l.names.atomsOf(names...)
	if err != nil {
		return nil, err
	}
	for i, f := range forms {
		form := x11Form{atoms[i], atoms[i], f.data}
		switch f.format {
		case "TEXT": // in an encoding of our choice
			form.kind = l.atoms["UTF8_STRING"]
		case "STRING":
			form.data = latin1(c.text)
		}
		ours.forms = append(ours.forms, form)
	}
	return ours, nil
}

// targets lists what c is offered as, as the protocol's bytes.
func (c *x11Content) targets(more ...xproto.Atom) []byte {
	for _, f := range c.forms {
		more = append(more, f.target)
	}
	return words(more)
}

// put puts c on the clipboard, if that still holds onlyIf or that is nil.
//
// In onlyIf's place it claims the clipboard as of a millisecond after onlyIf was
// put there: not of the same one, since Qt takes no note of a loss as early as
// its claim. The server lets an earlier claim than the newest one fall, so nothing
// that another program has put there meanwhile can be overwritten, not even when
// its notice is still on the way.
func (l *x11Link) put(ctx context.Context, onlyIf *x11Offer, c content) error {
	ours, err := l.newContent(c)
	if err != nil {
		return err
	}
	at := xproto.Timestamp(xproto.TimeCurrentTime)
	if onlyIf != nil {
		if at = onlyIf.time + 1; at == xproto.TimeCurrentTime {
			at++
		}
	}
	for {
		l.mu.Lock()
		if onlyIf != nil && (l.current != onlyIf || l.isOver()) {
			l.mu.Unlock()
			return ErrChanged
		}
		l.claim = ours
		l.mu.Unlock()

		xproto.SetSelectionOwner(l.conn, l.own, l.atoms["CLIPBOARD"], at)
		r, err := xproto.GetSelectionOwner(l.conn, l.atoms["CLIPBOARD"]).Reply()
		if err == nil && onlyIf != nil && (r.Owner == onlyIf.owner || r.Owner == xproto.WindowNone) && time.Since(onlyIf.seen) < soon {
			// That millisecond may still be to come.
			select {
			case <-time.After(time.Millisecond):
				continue
			case <-onlyIf.superseded:
			case <-ctx.Done():
			}
		}
		// The notice of the change, ours or another's, is on the way: with it, the
		// next call finds things as they are.
		there := ours.there
		if err == nil && r.Owner != l.own && onlyIf != nil {
			there = onlyIf.superseded
		}
		select {
		case <-there:
		case <-l.over:
			err = errLost
		case <-time.After(l.limits.late):
		case <-ctx.Done():
		}
		if err == nil && r.Owner == l.own {
			if c.once {
				time.AfterFunc(onceLimit, func() { l.withdraw(ours) })
			}
			return nil
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.claim == ours {
			l.claim = nil
		}
		return cmp.Or(err, ErrChanged)
	}
}

// withdraw takes ours off the clipboard, if it is there.
func (l *x11Link) withdraw(ours *x11Content) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ours == ours && !l.isOver() {
		l.ours = nil
		xproto.SetSelectionOwner(l.conn, xproto.WindowNone, l.atoms["CLIPBOARD"], ours.since)
	}
}

// soon is how long after a copy the server's clock, in milliseconds, may still be
// that of the copy, or a little behind it.
const soon = 50 * time.Millisecond

// handOver asks the clipboard manager, where one runs, to take over what is ours.
func (l *x11Link) handOver() {
	l.mu.Lock()
	ours := l.ours
	l.mu.Unlock()
	if ours == nil || ours.once || l.isOver() {
		return
	}
	manager := l.atoms["CLIPBOARD_MANAGER"]
	if r, err := xproto.GetSelectionOwner(l.conn, manager).Reply(); err != nil || r.Owner == xproto.WindowNone {
		return
	}
	l.change(x11Property{l.own, l.atoms["BILIPASTE"]}, xproto.AtomAtom, 32, ours.targets())
	xproto.ConvertSelection(l.conn, l.own, manager, l.atoms["SAVE_TARGETS"], l.atoms["BILIPASTE"], ours.since)
	select {
	case <-l.saved:
	case <-l.over:
	case <-time.After(l.limits.handOver):
	}
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
