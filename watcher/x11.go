//go:build !darwin && !windows

package watcher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"bilipaste/internal/lang"
)

// x11 is the clipboard of an X server, told of changes by XFixes.
type x11 struct {
	limits x11Limits

	mu   sync.Mutex
	link *x11Link // the newest connection
}

// x11Limits are the times that other programs get.
type x11Limits struct {
	connect  time.Duration // the server, to let us in
	list     time.Duration // an owner, to list its formats
	chunk    time.Duration // an owner, to send the next part of a content
	late     time.Duration // an owner whose clip was superseded, to finish
	refusing time.Duration // a clipboard manager that steps in, to have the content itself
	take     time.Duration // a program that pastes, to take the next part of a content
	handOver time.Duration // a clipboard manager, to take what is ours
}

// x11Patience is what they get. A program that copies a large picture and saves it
// next does not answer meanwhile.
var x11Patience = x11Limits{
	connect: 5 * time.Second, list: 25 * time.Second, chunk: 25 * time.Second,
	late: time.Second, refusing: 5 * time.Second, take: 5 * time.Second, handOver: 2 * time.Second,
}

// errLost says that the connection to the display server has ended.
var errLost = errors.New("the display server has closed the connection")

// openX11 connects to the X server that $DISPLAY names.
func openX11(ctx context.Context) (backend, error) {
	if os.Getenv("DISPLAY") == "" {
		return nil, lang.Errorf("watcher.no_display", nil, nil)
	}
	x := &x11{limits: x11Patience}
	if _, err := x.connect(ctx); err != nil {
		return nil, err
	}
	return x, nil
}

func (x *x11) name() string { return "X11 (XFixes)" }

// connect returns the connection, a new one where there is none.
func (x *x11) connect(ctx context.Context) (*x11Link, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.link != nil && !x.link.isOver() {
		return x.link, nil
	}
	// The library takes no context. Where the server does not answer, its
	// connection is given up, and closed should it come after all.
	ctx, cancel := context.WithTimeout(ctx, x.limits.connect)
	defer cancel()
	type result struct {
		link *x11Link
		err  error
	}
	done := make(chan result)
	go func() {
		link, err := newX11Link(x.limits)
		select {
		case done <- result{link, err}:
		case <-ctx.Done():
			if err == nil {
				link.conn.Close()
			}
		}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, lang.Errorf("watcher.x11", lang.Data{"Display": os.Getenv("DISPLAY"), "Cause": r.err}, r.err)
		}
		x.link = r.link
		return r.link, nil
	case <-ctx.Done():
		return nil, lang.Errorf("watcher.x11", lang.Data{"Display": os.Getenv("DISPLAY"), "Cause": ctx.Err()}, ctx.Err())
	}
}

func (x *x11) run(ctx context.Context, attached func(), changed func(offer)) error {
	l, err := x.connect(ctx)
	if err != nil {
		return err
	}
	l.tell(changed)
	attached()
	defer l.tell(nil)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-l.over:
		return errLost
	}
}

func (x *x11) current(ctx context.Context) (offer, Reason, error) {
	l, err := x.connect(ctx)
	if err != nil {
		return nil, "", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.ours != nil:
		return nil, IsOurs, nil
	case l.current == nil || !l.current.ended.IsZero():
		return nil, IsEmpty, nil
	}
	return l.current, "", nil
}

func (x *x11) put(ctx context.Context, onlyIf offer, c content) error {
	if o, ok := onlyIf.(*x11Offer); ok {
		err := o.link.put(ctx, o, c)
		if err != nil && !errors.Is(err, ErrChanged) { // the server is gone, and what was copied with it
			err = fmt.Errorf("%w: %w", ErrChanged, err)
		}
		return err
	}
	l, err := x.connect(ctx)
	if err != nil {
		return err
	}
	return l.put(ctx, nil, c)
}

func (x *x11) close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.link == nil {
		return nil
	}
	x.link.handOver()
	x.link.conn.Close()
	select {
	case <-x.link.over:
	case <-time.After(x.limits.handOver): // the server is frozen
	}
	return nil
}

// x11Link is one connection to the X server. Its loop is the only reader of
// events; it ends with the connection.
type x11Link struct {
	conn   *xgb.Conn
	root   xproto.Window
	own    xproto.Window // owns what is ours
	limits x11Limits
	atoms  map[string]xproto.Atom // the protocol's
	names  *x11Names
	over   chan struct{}     // closed when the connection has ended
	saved  chan struct{}     // a clipboard manager has answered
	setup  *xproto.SetupInfo // tells which program a window is of

	mu       sync.Mutex
	changed  func(offer)   // nil without a Run
	current  *x11Offer     // what is on the clipboard; nil if it is ours or nothing
	vacant   time.Time     // when the last program of another's ended, or let go, with nothing copied since
	claim    *x11Content   // ours, on its way there
	ours     *x11Content   // ours, while it is on the clipboard
	transfer *x11Transfer  // the one to us that is under way
	window   xproto.Window // where the next transfer goes; 0 if a new one is needed

	deliveries map[x11Property]*x11Delivery // those from us that are under way
}

// x11Atoms are the names that the protocol needs.
var x11Atoms = []string{
	"CLIPBOARD", "CLIPBOARD_MANAGER", "TARGETS", "TIMESTAMP", "MULTIPLE", "SAVE_TARGETS", "ATOM_PAIR", "INCR", "NULL",
	"UTF8_STRING", "BILIPASTE",
}

// newX11Link connects to the X server that $DISPLAY names.
func newX11Link(limits x11Limits) (*x11Link, error) {
	xgb.Logger.SetOutput(io.Discard) // it writes what is returned here anyway
	conn, err := xgb.NewConn()
	if err != nil {
		return nil, err
	}
	l := &x11Link{
		conn: conn, limits: limits, setup: xproto.Setup(conn), atoms: map[string]xproto.Atom{}, names: newX11Names(conn),
		over: make(chan struct{}), saved: make(chan struct{}, 1), deliveries: map[x11Property]*x11Delivery{},
	}
	l.root = l.setup.DefaultScreen(conn).Root
	if err := l.prepare(); err != nil {
		conn.Close()
		return nil, err
	}
	go l.loop()
	return l, nil
}

// prepare makes the window that owns what is ours, asks to be told of every new
// owner of the clipboard, and of its end, and looks who owns it now.
func (l *x11Link) prepare() error {
	if err := initXFixes(l.conn); err != nil {
		return err
	}
	if _, err := xfixes.QueryVersion(l.conn, 5, 0).Reply(); err != nil {
		return err
	}
	atoms, err := l.names.atomsOf(x11Atoms...)
	if err != nil {
		return err
	}
	for i, name := range x11Atoms {
		l.atoms[name] = atoms[i]
	}
	if l.own, err = l.newWindow(); err != nil {
		return err
	}
	// What is there already was put there before this moment; what is put there
	// later, after it.
	start, err := l.now()
	if err != nil {
		return err
	}
	err = xfixes.SelectSelectionInputChecked(l.conn, l.own, l.atoms["CLIPBOARD"],
		xfixes.SelectionEventMaskSetSelectionOwner|
			xfixes.SelectionEventMaskSelectionWindowDestroy|
			xfixes.SelectionEventMaskSelectionClientClose).Check()
	if err != nil {
		return err
	}
	r, err := xproto.GetSelectionOwner(l.conn, l.atoms["CLIPBOARD"]).Reply()
	if err == nil && r.Owner != xproto.WindowNone {
		l.current = l.newOffer(r.Owner, start)
	}
	return err
}

// now returns the server's time. It reads the events: the loop must not run yet.
func (l *x11Link) now() (xproto.Timestamp, error) {
	xproto.ChangeProperty(l.conn, xproto.PropModeAppend, l.own, l.atoms["BILIPASTE"], xproto.AtomInteger, 8, 0, nil)
	for {
		event, err := l.conn.WaitForEvent()
		switch e, ok := event.(xproto.PropertyNotifyEvent); {
		case ok:
			return e.Time, nil
		case err != nil:
			return 0, err
		case event == nil:
			return 0, errLost
		}
	}
}

// initXFixes makes the extension known. The library keeps the kinds of events
// in a map that connections read without a lock: it is written once only.
func initXFixes(conn *xgb.Conn) error {
	const name = "XFIXES"
	r, err := xproto.QueryExtension(conn, uint16(len(name)), name).Reply()
	if err != nil {
		return err
	}
	if !r.Present || xgb.NewEventFuncs[int(r.FirstEvent)] == nil {
		return xfixes.Init(conn)
	}
	conn.ExtLock.Lock()
	defer conn.ExtLock.Unlock()
	conn.Extensions[name] = r.MajorOpcode
	return nil
}

// newWindow makes a window that is never shown.
func (l *x11Link) newWindow() (xproto.Window, error) {
	w, err := xproto.NewWindowId(l.conn)
	if err != nil {
		return 0, err
	}
	return w, xproto.CreateWindowChecked(l.conn, 0, w, l.root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly, 0,
		xproto.CwEventMask, []uint32{xproto.EventMaskPropertyChange}).Check()
}

func (l *x11Link) isOver() bool { return isClosed(l.over) }

func (l *x11Link) tell(changed func(offer)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed = changed
}

// loop handles events until the connection ends.
func (l *x11Link) loop() {
	defer close(l.over)
	defer l.letGo()
	for {
		event, err := l.conn.WaitForEvent()
		if event == nil && err == nil {
			return
		}
		switch e := event.(type) { // an error is that of a program that went away
		case xfixes.SelectionNotifyEvent:
			l.noteOwner(e)
		case xproto.SelectionNotifyEvent:
			if e.Requestor == l.own {
				select {
				case l.saved <- struct{}{}:
				default:
				}
				break
			}
			l.pass(e.Requestor, e)
		case xproto.PropertyNotifyEvent:
			switch {
			case e.State == xproto.PropertyDelete:
				l.deliver(x11Property{e.Window, e.Atom})
			case e.Window != l.own && l.isOurs(e.Window):
				l.pass(e.Window, e)
			}
		case xproto.DestroyNotifyEvent:
			l.dropDeliveries(e.Window)
		case xproto.SelectionRequestEvent:
			l.serve(e)
		}
	}
}

// letGo lets go of what is ours, and of what is on its way from us.
func (l *x11Link) letGo() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ours = nil
	for _, d := range l.deliveries {
		d.limit.Stop()
	}
	clear(l.deliveries)
}

// noteOwner notes who owns the clipboard by now.
func (l *x11Link) noteOwner(e xfixes.SelectionNotifyEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.current
	if e.Subtype != xfixes.SelectionEventSetSelectionOwner {
		// The owner has ended. Nobody has put anything in its place.
		if before != nil && before.ended.IsZero() {
			before.ended = time.Now()
			l.vacant = before.ended
			close(before.gone)
		}
		return
	}
	if before != nil {
		before.until = e.Sequence
		close(before.superseded)
	}
	l.current = nil
	if e.Owner == l.own {
		if l.claim != nil {
			l.ours, l.claim = l.claim, nil
			l.ours.since = e.SelectionTimestamp
			close(l.ours.there)
		}
		return
	}
	l.ours = nil
	if e.Owner == xproto.WindowNone {
		l.vacant = time.Now()
		return
	}
	l.current = l.newOffer(e.Owner, e.SelectionTimestamp)
	l.current.orphaned = time.Since(l.vacant) < stepIn
	l.vacant = time.Time{}
	if l.changed != nil {
		l.changed(l.current)
	}
}

// isOurs reports whether a window is one of this connection.
func (l *x11Link) isOurs(w xproto.Window) bool { return w&^l.mask() == l.own&^l.mask() }

func (l *x11Link) mask() xproto.Window { return xproto.Window(l.setup.ResourceIdMask) }
