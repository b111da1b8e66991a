//go:build !darwin && !windows

package watcher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// What a compositor may make us keep.
const (
	wlMaxOffers     = 16   // announced and not yet the selection
	wlMaxFormats    = 512  // of one offer; more are not seen
	wlMaxFormatName = 1024 // bytes; longer ones are not seen
)

// wlDataControls are the interfaces that hand over the clipboard to a program
// without a window, the best first. Of version 1 of the second, primary
// selections, and so a wake-up for each marked text, are not part.
var wlDataControls = []string{"ext_data_control_manager_v1", "zwlr_data_control_manager_v1"}

var (
	errNoDataControl = errors.New("the compositor has no data-control")
	errNoSeat        = errors.New("the compositor has no seat")
	errDeaf          = errors.New("the compositor does not answer")
)

// wlLimits are how long others may take.
type wlLimits struct {
	answer  time.Duration // the compositor, for an answer
	content time.Duration // a program, for a further byte of what it copied
	late    time.Duration // the same, once another program has copied
	idle    time.Duration // a program that pastes, to take a further part
}

// wlPatience is what they get. A program that copies a large picture and saves it
// next does not answer meanwhile.
var wlPatience = wlLimits{answer: 2 * time.Second, content: 25 * time.Second, late: time.Second, idle: 5 * time.Second}

// wlSession is one connection to a compositor and what is known through it.
// ctx ends when the connection does; its cause says why.
type wlSession struct {
	ctx     context.Context
	end     context.CancelCauseFunc
	conn    *wlConn
	limits  wlLimits
	mark    string // the format by which our own text is known
	control string // the data-control that is spoken
	tasks   sync.WaitGroup

	mu       sync.Mutex               // guards what follows, and sending
	globals  map[string]uint32        // the interfaces that are used here: their names
	registry uint32                   // our objects
	manager  uint32                   //
	device   uint32                   //
	syncs    map[uint32]chan struct{} // round trips under way
	sources  map[uint32][]form        // what we put there, until another program copies
	once     uint32                   // the one of them that is given to one program; 0: none
	nextID   uint32                   //
	dead     map[uint32]bool          // ids that the compositor has yet to give back
	free     []uint32                 // ids that it gave back
	offers   map[uint32]*wlOffer      // the compositor's objects: all offers
	current  *wlOffer                 // the clipboard; nil if it is empty
	newest   *wlOffer                 // what it holds, or held before it was empty
	primary  *wlOffer                 // the primary selection
	vacant   time.Time                // when another's program ended, with nothing copied since

	listening sync.Mutex // guards changed, and is held while it is called
	changed   func(offer)
}

// connectWayland connects to the compositor at path and takes note of what
// is on the clipboard.
func connectWayland(ctx context.Context, path, mark string, limits wlLimits) (*wlSession, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	s := newWlSession(conn.(*net.UnixConn), mark, limits)
	s.tasks.Go(s.serve)
	if err := s.bind(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func newWlSession(socket *net.UnixConn, mark string, limits wlLimits) *wlSession {
	s := &wlSession{
		conn: &wlConn{socket: socket, limit: limits.answer}, limits: limits, mark: mark,
		globals: map[string]uint32{}, syncs: map[uint32]chan struct{}{}, sources: map[uint32][]form{},
		nextID: wlDisplayID + 1, dead: map[uint32]bool{}, offers: map[uint32]*wlOffer{},
	}
	s.ctx, s.end = context.WithCancelCause(context.Background())
	return s
}

// bind asks for the clipboard. The first selection, which counts for nothing,
// comes with the answer.
func (s *wlSession) bind(ctx context.Context) error {
	s.mu.Lock()
	s.registry = s.newID()
	s.send(wlRequest(nil, wlDisplayID, wlDisplayGetRegistry, s.registry))
	s.mu.Unlock()
	if err := s.roundTrip(ctx); err != nil {
		return err
	}

	s.mu.Lock()
	for _, s.control = range wlDataControls {
		if s.globals[s.control] != 0 {
			break
		}
	}
	manager, seat := s.globals[s.control], s.globals["wl_seat"]
	if manager == 0 || seat == 0 {
		s.mu.Unlock()
		if manager == 0 {
			return errNoDataControl
		}
		return errNoSeat
	}
	s.manager = s.newID()
	seatID := s.newID()
	s.device = s.newID()
	b := wlRequest(nil, s.registry, wlRegistryBind, manager, s.control, uint32(1), s.manager)
	b = wlRequest(b, s.registry, wlRegistryBind, seat, "wl_seat", uint32(1), seatID)
	b = wlRequest(b, s.manager, wlManagerGetDevice, s.device, seatID)
	s.send(b)
	s.mu.Unlock()
	return s.roundTrip(ctx)
}

// serve takes in events until the connection ends.
func (s *wlSession) serve() {
	defer s.conn.drop()
	for {
		e, err := s.conn.receive()
		if err == nil {
			err = s.handle(&e)
		}
		if err == nil && e.bad {
			err = errWaylandEvent
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errLost
			}
			s.end(err)
			s.conn.close()
			return
		}
	}
}

// listen has changed called for each change that another program makes from
// now on. After listen(nil) it is not called any more.
func (s *wlSession) listen(changed func(offer)) {
	s.listening.Lock()
	defer s.listening.Unlock()
	s.changed = changed
}

// close disconnects and waits until all is done.
func (s *wlSession) close() {
	s.end(net.ErrClosed)
	s.conn.close()
	s.tasks.Wait()
}

// roundTrip returns when the compositor has done all that it was asked for, and
// what it said meanwhile is known here.
func (s *wlSession) roundTrip(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.limits.answer,
		fmt.Errorf("%w within %v", errDeaf, s.limits.answer))
	defer cancel()
	done := make(chan struct{})
	s.mu.Lock()
	id := s.newID()
	s.syncs[id] = done
	s.send(wlRequest(nil, wlDisplayID, wlDisplaySync, id))
	s.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// set makes c the selection if that is still onlyIf, or onlyIf's program has
// ended and none has copied since. Else it returns ErrChanged. A nil onlyIf means
// whatever it is.
func (s *wlSession) set(ctx context.Context, onlyIf *wlOffer, c content) error {
	forms := c.forms()
	if err := s.roundTrip(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	if onlyIf != nil && s.newest != onlyIf {
		s.mu.Unlock()
		return ErrChanged
	}
	id := s.newID()
	s.sources[id] = forms
	b := wlRequest(nil, s.manager, wlManagerCreateSource, id)
	for _, f := range forms {
		b = wlRequest(b, id, wlSourceOffer, f.format)
	}
	b = wlRequest(b, id, wlSourceOffer, s.mark)
	s.send(wlRequest(b, s.device, wlDeviceSetSelection, id))
	if c.once {
		s.once = id
		s.endOnce(id, onceLimit)
	}
	s.mu.Unlock()

	if err := s.roundTrip(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ours := s.sources[id]; !ours {
		return ErrChanged
	}
	return nil
}

// endOnce withdraws what is given once, after some time.
func (s *wlSession) endOnce(id uint32, after time.Duration) {
	time.AfterFunc(after, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.once == id {
			s.withdraw(id)
		}
	})
}

// withdraw takes what we put there off the clipboard. s.mu is held.
func (s *wlSession) withdraw(id uint32) {
	if id == s.once {
		s.once = 0
	}
	delete(s.sources, id)
	s.dead[id] = true
	s.send(wlRequest(nil, id, wlSourceDestroy))
}

// receive has the content of o in one format sent into file.
func (s *wlSession) receive(o *wlOffer, format string, file int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.offers[o.id] != o {
		return o.ended()
	}
	s.send(wlRequest(nil, o.id, wlOfferReceive, format), file)
	return context.Cause(s.ctx)
}

// check returns an error if o is no longer on the clipboard, asked of the
// compositor.
func (s *wlSession) check(ctx context.Context, o *wlOffer) error {
	if err := s.roundTrip(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != o {
		return o.ended()
	}
	return nil
}

// give writes data into the file of a program that asked for it. One that takes
// nothing for a time is given up.
func (s *wlSession) give(fd int, data []byte) {
	// Where it can be had, writing must not block; a plain file never does.
	_ = syscall.SetNonblock(fd, true)
	f := os.NewFile(uintptr(fd), "paste")
	s.tasks.Go(func() {
		defer func() { _ = f.Close() }()
		defer context.AfterFunc(s.ctx, func() { _ = f.Close() })()
		const piece = 64 << 10 // what a pipe holds
		for part := range slices.Chunk(data, piece) {
			_ = f.SetWriteDeadline(time.Now().Add(s.limits.idle))
			if _, err := f.Write(part); err != nil {
				return // who does not read is not told
			}
		}
	})
}

// send sends requests; a failure ends the session. s.mu is held.
func (s *wlSession) send(requests []byte, files ...int) {
	if err := s.conn.send(requests, files...); err != nil {
		s.end(fmt.Errorf("the compositor takes no requests: %w", err))
		s.conn.close()
	}
}

// newID returns an id for an object of ours. s.mu is held.
func (s *wlSession) newID() uint32 {
	if n := len(s.free); n > 0 {
		id := s.free[n-1]
		s.free = s.free[:n-1]
		return id
	}
	s.nextID++
	return s.nextID - 1
}
