//go:build !darwin && !windows

package watcher

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// program is a program of the desktop that copies and pastes what xclip cannot:
// several formats at once, refusals, a clipboard manager's part.
type program struct {
	t      testing.TB
	conn   *xgb.Conn
	window xproto.Window
	events chan xgb.Event // what the test asked for has come
	ended  chan struct{}
	heard  []xproto.Atom // the properties whose news goes to events

	mu       sync.Mutex
	content  map[string][]byte        // what is offered; nil is offered, then refused
	parts    [][]byte                 // image/png in parts, after announcing a size
	size     uint32                   // that is announced
	sending  bool                     // the parts
	refuse   int                      // how often the content is refused before it is given
	busy     map[string]time.Duration // how long it takes to answer, by format
	busyOnce map[string]time.Duration // the same, for the first time alone
	silent   []string                 // the formats that it never answers for
	frozen   bool                     // as a clipboard manager
	patience int                      // how many parts it takes of what it pastes; 0 for all
	saved    chan map[string][]byte
}

// newProgram starts one.
func newProgram(t testing.TB) *program {
	t.Helper()
	conn, err := xgb.NewConn()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, conn: conn, events: make(chan xgb.Event, 100), ended: make(chan struct{}), saved: make(chan map[string][]byte, 1)}
	p.window, _ = xproto.NewWindowId(conn)
	root := xproto.Setup(conn).DefaultScreen(conn).Root
	err = xproto.CreateWindowChecked(conn, 0, p.window, root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly, 0,
		xproto.CwEventMask, []uint32{xproto.EventMaskPropertyChange}).Check()
	if err != nil {
		t.Fatal(err)
	}
	p.heard = []xproto.Atom{p.atom("NOW"), p.atom("PASTED"), p.atom("A")}
	go p.loop()
	t.Cleanup(p.quit)
	return p
}

// quit ends the program: what it has copied is gone.
func (p *program) quit() {
	p.conn.Close()
	<-p.ended
}

func (p *program) atom(name string) xproto.Atom {
	r, err := xproto.InternAtom(p.conn, false, uint16(len(name)), name).Reply()
	if err != nil {
		p.t.Error(err)
		return 0
	}
	return r.Atom
}

// now returns the server's time.
func (p *program) now() xproto.Timestamp {
	p.t.Helper()
	xproto.ChangeProperty(p.conn, xproto.PropModeAppend, p.window, p.atom("NOW"), xproto.AtomInteger, 8, 0, nil)
	for {
		if e, ok := p.next().(xproto.PropertyNotifyEvent); ok && e.Atom == p.atom("NOW") {
			return e.Time
		}
	}
}

func (p *program) next() xgb.Event {
	select {
	case e := <-p.events:
		return e
	case <-time.After(10 * time.Second):
		p.t.Error("the server says nothing")
		return xproto.PropertyNotifyEvent{}
	}
}

// copy puts content on the clipboard.
func (p *program) copy(content map[string][]byte) {
	p.mu.Lock()
	p.content = content
	p.mu.Unlock()
	xproto.SetSelectionOwner(p.conn, p.window, p.atom("CLIPBOARD"), p.now())
	p.conn.Sync()
}

// manage makes it the desktop's clipboard manager.
func (p *program) manage() {
	xproto.SetSelectionOwner(p.conn, p.window, p.atom("CLIPBOARD_MANAGER"), p.now())
	p.conn.Sync()
}

// paste returns what the clipboard holds in one format; ok is false if refused.
// property is the one that comes with the request.
func (p *program) paste(format string, property ...uint32) (data []byte, ok bool) {
	p.t.Helper()
	into := p.atom("PASTED")
	if len(property) > 0 {
		xproto.ChangeProperty(p.conn, xproto.PropModeReplace, p.window, into, p.atom("ATOM_PAIR"), 32, uint32(len(property)), words(property))
	}
	xproto.ConvertSelection(p.conn, p.window, p.atom("CLIPBOARD"), p.atom(format), into, xproto.TimeCurrentTime)
	for {
		e, is := p.next().(xproto.SelectionNotifyEvent)
		if !is {
			continue
		}
		if e.Property == 0 {
			return nil, false
		}
		return p.pasted(into)
	}
}

// pasted returns what has come into a property, or will come there in parts.
func (p *program) pasted(into xproto.Atom) (data []byte, ok bool) {
	p.t.Helper()
	r := p.take(into)
	if r.Type != p.atom("INCR") {
		return r.Value, true
	}
	return p.pastedParts(into)
}

func (p *program) take(property xproto.Atom) *xproto.GetPropertyReply {
	p.t.Helper()
	r, err := xproto.GetProperty(p.conn, true, p.window, property, xproto.GetPropertyTypeAny, 0, 1<<20).Reply()
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// pastedParts returns the parts that come into a property, and whether that is
// all: it takes at most p.patience of them, if that is set.
func (p *program) pastedParts(into xproto.Atom) (data []byte, ok bool) {
	p.t.Helper()
	for parts := 0; p.patience == 0 || parts < p.patience; parts++ {
		for {
			if e, is := p.next().(xproto.PropertyNotifyEvent); is && e.Atom == into {
				break
			}
		}
		r := p.take(into)
		if len(r.Value) == 0 {
			return data, true
		}
		if r.Type == p.atom("INCR") || len(r.Value) > maxPart {
			p.t.Errorf("a part of type %d has %d bytes", r.Type, len(r.Value))
		}
		data = append(data, r.Value...)
	}
	return data, false
}

func (p *program) loop() {
	defer close(p.ended)
	for {
		event, err := p.conn.WaitForEvent()
		if event == nil && err == nil {
			return
		}
		switch e := event.(type) {
		case xproto.SelectionRequestEvent:
			if e.Target == p.atom("SAVE_TARGETS") {
				p.mu.Lock()
				if !p.frozen {
					go p.takeOver(e) // it pastes, and so needs the loop
				}
				p.mu.Unlock()
				break
			}
			if p.dawdle(e) {
				p.answer(e, p.give(e))
			}
		case xproto.SelectionNotifyEvent:
			p.events <- e
		case xproto.PropertyNotifyEvent:
			if e.Window == p.window && e.State == xproto.PropertyNewValue && slices.Contains(p.heard, e.Atom) {
				p.events <- e
			} else if e.Window != p.window && e.State == xproto.PropertyDelete {
				p.part(e)
			}
		}
	}
}

// dawdle waits before an answer, and reports whether there is to be one.
func (p *program) dawdle(e xproto.SelectionRequestEvent) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for format, busy := range p.busy {
		if p.atom(format) == e.Target {
			time.Sleep(busy)
		}
	}
	for format, busy := range p.busyOnce {
		if p.atom(format) == e.Target {
			time.Sleep(busy)
			delete(p.busyOnce, format)
		}
	}
	return !slices.ContainsFunc(p.silent, func(format string) bool { return p.atom(format) == e.Target })
}

func (p *program) answer(e xproto.SelectionRequestEvent, given bool) {
	if !given {
		e.Property = 0
	}
	answer := xproto.SelectionNotifyEvent{Time: e.Time, Requestor: e.Requestor, Selection: e.Selection, Target: e.Target, Property: e.Property}
	xproto.SendEvent(p.conn, false, e.Requestor, 0, string(answer.Bytes()))
}

func (p *program) give(e xproto.SelectionRequestEvent) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	put := func(kind xproto.Atom, format byte, data []byte) bool {
		xproto.ChangeProperty(p.conn, xproto.PropModeReplace, e.Requestor, e.Property, kind, format, uint32(len(data))/uint32(format/8), data)
		return true
	}
	if e.Target == p.atom("TARGETS") {
		list := []xproto.Atom{e.Target, p.atom("SAVE_TARGETS")}
		for _, name := range slices.Sorted(maps.Keys(p.content)) {
			list = append(list, p.atom(name))
		}
		return put(xproto.AtomAtom, 32, words(list))
	}
	if p.refuse > 0 {
		p.refuse--
		return false
	}
	for name, data := range p.content {
		switch {
		case p.atom(name) != e.Target || data == nil:
		case p.parts != nil:
			xproto.ChangeWindowAttributes(p.conn, e.Requestor, xproto.CwEventMask, []uint32{xproto.EventMaskPropertyChange})
			p.sending = true
			return put(p.atom("INCR"), 32, words([]uint32{p.size}))
		default:
			return put(e.Target, 8, data)
		}
	}
	return false
}

// part puts the next part of a picture where the one before was taken away.
func (p *program) part(e xproto.PropertyNotifyEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.sending {
		return
	}
	data := p.parts[0]
	p.parts = p.parts[1:]
	p.sending = len(p.parts) > 0
	xproto.ChangeProperty(p.conn, xproto.PropModeReplace, e.Window, e.Atom, p.atom("image/png"), 8, uint32(len(data)), data)
}

// takeOver does what a clipboard manager does when a program hands over.
func (p *program) takeOver(e xproto.SelectionRequestEvent) {
	r, err := xproto.GetProperty(p.conn, false, e.Requestor, e.Property, xproto.GetPropertyTypeAny, 0, 1000).Reply()
	if err != nil {
		return
	}
	all := map[string][]byte{}
	for atom := range slices.Chunk(r.Value, 4) {
		name, err := xproto.GetAtomName(p.conn, xproto.Atom(xgb.Get32(atom))).Reply()
		if err != nil {
			return
		}
		if data, ok := p.paste(name.Name); ok {
			all[name.Name] = data
		}
	}
	p.copy(all)
	p.answer(e, true)
	p.saved <- all
}
