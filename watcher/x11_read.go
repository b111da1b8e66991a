//go:build !darwin && !windows

package watcher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// errCut says that a content came to its end before the size that was announced.
var errCut = errors.New("the program that copied it stopped midway")

// errEnded says that the program that copied has ended.
var errEnded = errors.New("the program that copied it has ended")

// maxTargets is the longest list of formats, in bytes, that is read.
const maxTargets = 4 << 10

// x11Offer is what one program has put on the clipboard.
type x11Offer struct {
	link     *x11Link
	owner    xproto.Window
	time     xproto.Timestamp // when it was put there
	seen     time.Time        // when we were told of it
	orphaned bool             // the program before it had just ended

	superseded chan struct{} // closed when there is something else
	until      uint16        // then: the latest request that the server had seen before
	gone       chan struct{} // closed when the program has ended
	ended      time.Time     // when that was; of link.mu
}

func (l *x11Link) newOffer(owner xproto.Window, at xproto.Timestamp) *x11Offer {
	return &x11Offer{link: l, owner: owner, time: at, seen: time.Now(), superseded: make(chan struct{}), gone: make(chan struct{})}
}

func (o *x11Offer) from(before offer) origin {
	if b, ok := before.(*x11Offer); ok { // else it is ours
		switch {
		case b.link != o.link:
			return unknown
		case o.program() == b.program():
			return sameProgram
		}
	}
	if o.orphaned || o.isManagers() {
		return heir
	}
	return unknown
}

func (o *x11Offer) left() <-chan struct{} { return o.gone }

func (o *x11Offer) replaced() <-chan struct{} { return o.superseded }

// isManagers reports whether the offer is the desktop's clipboard manager's.
func (o *x11Offer) isManagers() bool {
	r, err := xproto.GetSelectionOwner(o.link.conn, o.link.atoms["CLIPBOARD_MANAGER"]).Reply()
	return err == nil && r.Owner&^o.link.mask() == o.program()
}

// program returns what all windows of the program have in common.
func (o *x11Offer) program() xproto.Window { return o.owner &^ o.link.mask() }

func (o *x11Offer) formats(ctx context.Context) ([]string, error) {
	l := o.link
	list, err := l.fetch(ctx, o, l.atoms["TARGETS"], maxTargets, l.limits.list, nil)
	if err != nil {
		return nil, err
	}
	var atoms []xproto.Atom
	for ; len(list) >= 4; list = list[4:] {
		switch atom := xproto.Atom(xgb.Get32(list)); atom {
		case l.atoms["TARGETS"], l.atoms["TIMESTAMP"], l.atoms["MULTIPLE"], l.atoms["SAVE_TARGETS"]:
			// of the protocol, not of the content
		default:
			atoms = append(atoms, atom)
		}
	}
	return l.names.namesOf(atoms), nil
}

func (o *x11Offer) read(ctx context.Context, format string, limit int, seen io.Writer) ([]byte, error) {
	atoms, err := o.link.names.atomsOf(format)
	if err != nil {
		return nil, err
	}
	// A clipboard manager may step in before it has everything itself, and
	// refuses until then.
	end := time.Now().Add(o.link.limits.refusing)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		data, err := o.link.fetch(ctx, o, atoms[0], limit, o.link.limits.chunk, seen)
		if !errors.Is(err, errRefused) || time.Now().After(end) || !o.isManagers() {
			return data, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// x11Transfer is one content on its way to us.
type x11Transfer struct {
	offer  *x11Offer
	window xproto.Window
	events chan xgb.Event   // what happens at window, in order
	done   chan struct{}    // closed when nobody receives from events any more
	late   <-chan time.Time // set once the offer is superseded

	request   uint16 // for the content
	announced int    // the least number of bytes to come in parts; 0 if the owner does not say
}

// fetch asks the owner of o for its content as target. The owner may take as
// long as patience, and then limits.chunk for each further part; parts go to seen.
func (l *x11Link) fetch(ctx context.Context, o *x11Offer, target xproto.Atom, limit int, patience time.Duration, seen io.Writer) (_ []byte, err error) {
	t, err := l.begin(o)
	if err != nil {
		return nil, err
	}
	defer func() { l.end(t, err == nil || errors.Is(err, errRefused)) }()

	t.request = xproto.ConvertSelection(l.conn, t.window, l.atoms["CLIPBOARD"], target, l.atoms["BILIPASTE"], o.time).Sequence
	for {
		event, err := l.next(ctx, t, patience)
		if err != nil {
			return nil, err
		}
		answer, ok := event.(xproto.SelectionNotifyEvent)
		switch {
		case !ok || answer.Target != target: // the property comes before its notice
		case t.isForeign():
			return nil, errSuperseded
		case answer.Property == xproto.AtomNone && isClosed(o.gone): // by the server
			return nil, errEnded
		case answer.Property == xproto.AtomNone:
			return nil, errRefused
		default:
			return l.receive(ctx, t, limit, seen)
		}
	}
}

// isForeign tells whether the server has passed the request on to another
// program, which had copied by then. What it tells comes in order: of that copy
// before the answer.
func (t *x11Transfer) isForeign() bool {
	return isClosed(t.offer.superseded) && int16(t.offer.until-t.request) < 0
}

// receive reads what the owner has put at t's window: the content, or the
// announcement that it comes in parts (INCR).
func (l *x11Link) receive(ctx context.Context, t *x11Transfer, limit int, seen io.Writer) ([]byte, error) {
	kind, data, err := l.property(t, nil, limit)
	if err != nil || kind != l.atoms["INCR"] {
		return data, err
	}
	if len(data) >= 4 {
		t.announced = int(xgb.Get32(data))
	}
	if t.announced > limit {
		return nil, errTooLarge
	}
	data = nil
	var beside sync.WaitGroup
	defer beside.Wait()
	for {
		event, err := l.next(ctx, t, l.limits.chunk)
		if err != nil {
			return nil, err
		}
		if _, ok := event.(xproto.PropertyNotifyEvent); !ok {
			continue
		}
		had := len(data)
		if _, data, err = l.property(t, data, limit); err != nil {
			return nil, err
		}
		if len(data) == had {
			if had < t.announced {
				return nil, fmt.Errorf("%w: %d bytes of %d", errCut, had, t.announced)
			}
			return data, nil
		}
		if part := data[had:]; seen != nil {
			beside.Wait()
			beside.Go(func() { _, _ = seen.Write(part) }) // while the next part comes
		}
	}
}

// room makes room for n more bytes: for all that was announced at once, as soon
// as so much has come that the announcement can be believed.
func (t *x11Transfer) room(data []byte, n int) []byte {
	const trust = 1 << 20
	need := len(data) + n
	if need <= cap(data) {
		return data
	}
	room := 2 * cap(data)
	switch {
	case t.announced >= need && len(data) >= trust:
		room = t.announced
	case t.announced >= need:
		room = min(t.announced, trust)
	}
	return append(make([]byte, 0, max(need, room)), data...)
}

// property appends the property at t's window to data, at most limit bytes in
// all, and removes it.
func (l *x11Link) property(t *x11Transfer, data []byte, limit int) (kind xproto.Atom, _ []byte, err error) {
	// In pieces: what comes is held twice for a moment.
	const piece = 256 << 10
	for offset := uint32(0); ; {
		kind, value, more, err := readProperty(xproto.GetProperty(l.conn, true, t.window, l.atoms["BILIPASTE"], xproto.GetPropertyTypeAny, offset/4, piece/4))
		switch {
		case err != nil:
			return 0, nil, err
		case len(data)+len(value)+more > limit:
			return 0, nil, fmt.Errorf("%w: %d bytes and more", errTooLarge, limit)
		case data == nil && more == 0:
			return kind, value, nil
		}
		data = append(t.room(data, len(value)+more), value...)
		offset += uint32(len(value))
		if more == 0 || len(value) == 0 {
			return kind, data, nil
		}
	}
}

// readProperty waits for the answer to GetProperty, and returns what it holds of
// the property, and how many bytes there are after that. The cookie's own Reply
// would make a copy of all of it.
func readProperty(asked xproto.GetPropertyCookie) (kind xproto.Atom, value []byte, more int, err error) {
	answer, err := asked.Cookie.Reply()
	if err != nil {
		return 0, nil, 0, err
	}
	const head = 32
	if len(answer) < head {
		return 0, nil, 0, errLost
	}
	width, n := int(answer[1])/8, int(xgb.Get32(answer[16:]))
	if value = answer[head:]; n > len(value) || width*n > len(value) {
		return 0, nil, 0, errLost
	}
	return xproto.Atom(xgb.Get32(answer[8:])), value[: width*n : width*n], int(xgb.Get32(answer[12:])), nil
}

// next waits for what happens next at t's window.
func (l *x11Link) next(ctx context.Context, t *x11Transfer, patience time.Duration) (xgb.Event, error) {
	silent := time.NewTimer(patience)
	defer silent.Stop()
	superseded := t.offer.superseded
	for {
		select {
		case event := <-t.events:
			return event, nil
		case <-superseded:
			if t.isForeign() {
				return nil, errSuperseded
			}
			superseded = nil
			if t.late == nil {
				t.late = time.After(l.limits.late)
			}
		case <-t.late:
			return nil, errSuperseded
		case <-t.offer.gone:
			return nil, errEnded
		case <-silent.C:
			return nil, errSilent
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-l.over:
			return nil, errLost
		}
	}
}

// begin makes ready for a transfer of o's content.
func (l *x11Link) begin(o *x11Offer) (*x11Transfer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current != o {
		return nil, errSuperseded
	}
	if l.window == 0 {
		w, err := l.newWindow()
		if err != nil {
			return nil, err
		}
		l.window = w
	}
	l.transfer = &x11Transfer{offer: o, window: l.window, events: make(chan xgb.Event), done: make(chan struct{})}
	return l.transfer, nil
}

// end ends a transfer. The window of one that was given up is not used again,
// and not destroyed: its owner may still write there, and some programs crash
// where a window is gone.
func (l *x11Link) end(t *x11Transfer, whole bool) {
	close(t.done)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.transfer = nil
	if !whole {
		l.window = 0
		xproto.DeleteProperty(l.conn, t.window, l.atoms["BILIPASTE"])
	}
}

// pass hands an event at a window to the transfer there. Where that was given
// up, the rest is let run dry, so that the owner comes to its end.
func (l *x11Link) pass(window xproto.Window, event xgb.Event) {
	l.mu.Lock()
	t := l.transfer
	l.mu.Unlock()
	if t != nil && t.window == window {
		select {
		case t.events <- event:
			return
		case <-t.done:
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := event.(xproto.PropertyNotifyEvent); ok && window != l.window {
		xproto.DeleteProperty(l.conn, window, e.Atom)
	}
}
