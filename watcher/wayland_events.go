//go:build !darwin && !windows

package watcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// handle takes in one event. An error ends the session.
func (s *wlSession) handle(e *wlEvent) error {
	news, err := s.note(e)
	if news != nil && err == nil {
		s.listening.Lock()
		defer s.listening.Unlock()
		if s.changed != nil {
			s.changed(news)
		}
	}
	return err
}

// note takes in one event and returns the offer that another program has put
// on the clipboard, if that is what it says.
func (s *wlSession) note(e *wlEvent) (news *wlOffer, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.object {
	case wlDisplayID:
		return nil, s.noteDisplay(e)
	case s.registry:
		if e.opcode == wlRegistryGlobal {
			s.noteGlobal(e)
		}
		return nil, nil
	case s.device:
		return s.noteDevice(e)
	}
	if done, ok := s.syncs[e.object]; ok && e.opcode == wlCallbackDone {
		delete(s.syncs, e.object)
		s.dead[e.object] = true
		close(done)
	} else if forms, ok := s.sources[e.object]; ok || s.dead[e.object] && e.opcode == wlSourceSend {
		return nil, s.noteSource(e, forms) // what was withdrawn meanwhile is given as nothing
	} else if o, ok := s.offers[e.object]; ok && e.opcode == wlOfferFormat {
		o.add(e.text())
	}
	return nil, nil
}

func (s *wlSession) noteDisplay(e *wlEvent) error {
	switch e.opcode {
	case wlDisplayError:
		object, code := e.uint(), e.uint()
		return fmt.Errorf("the compositor refuses: object %d, code %d: %.200q", object, code, e.text())
	case wlDisplayDeleteID:
		if id := e.uint(); s.dead[id] {
			delete(s.dead, id)
			s.free = append(s.free, id)
		}
	}
	return nil
}

// noteGlobal keeps the first seat and the data-controls.
func (s *wlSession) noteGlobal(e *wlEvent) {
	name, kind := e.uint(), e.text()
	if kind != "wl_seat" && kind != wlDataControls[0] && kind != wlDataControls[1] {
		return
	}
	if s.globals[kind] == 0 {
		s.globals[kind] = name
	}
}

func (s *wlSession) noteSource(e *wlEvent, forms []form) error {
	switch e.opcode {
	case wlSourceSend:
		format := e.text()
		fd, ok := s.conn.takeFile()
		if !ok {
			return errWaylandEvent
		}
		var data []byte // of our mark, nothing
		if i := slices.IndexFunc(forms, func(f form) bool { return f.format == format }); i >= 0 {
			data = forms[i].data
		}
		s.give(fd, data)
		if e.object == s.once && data != nil {
			// What is withdrawn while wl-paste reads was not there, it says.
			const reading = 100 * time.Millisecond
			s.sources[e.object] = nil // the next one gets nothing
			s.endOnce(e.object, reading)
		}
	case wlSourceCancelled:
		s.withdraw(e.object)
	}
	return nil
}

func (s *wlSession) noteDevice(e *wlEvent) (news *wlOffer, err error) {
	switch e.opcode {
	case wlDeviceOffer:
		id := e.uint()
		if id < wlServerIDs || s.offers[id] != nil || len(s.offers) >= wlMaxOffers {
			return nil, errWaylandEvent
		}
		s.offers[id] = &wlOffer{session: s, id: id}
	case wlDeviceSelection:
		err := s.become(&s.current, e.uint())
		o := s.current
		if o == nil {
			s.vacant = time.Now()
			if s.newest != nil && !isClosed(s.newest.gone) {
				close(s.newest.gone)
			}
		}
		if err != nil || o == nil || o == s.newest {
			return nil, err
		}
		if s.newest != nil {
			s.newest.supersede()
		}
		s.newest = o
		o.gone = make(chan struct{})
		o.held, o.supersede = context.WithCancel(s.ctx)
		if !o.has(s.mark) {
			o.orphaned = time.Since(s.vacant) < stepIn
			s.vacant = time.Time{}
			return o, nil
		}
	case wlDevicePrimary:
		return nil, s.become(&s.primary, e.uint())
	case wlDeviceFinished:
		return nil, errors.New("the seat is gone")
	}
	return nil, nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// become makes the offer with this id, 0 for none, the given selection, and
// lets go of the one that was it.
func (s *wlSession) become(selection **wlOffer, id uint32) error {
	o := s.offers[id]
	if o == nil && id != 0 {
		return errWaylandEvent
	}
	if o != nil {
		o.whole = true
	}
	if old := *selection; old != nil && old != o {
		delete(s.offers, old.id)
		s.send(wlRequest(nil, old.id, wlOfferDestroy))
	}
	*selection = o
	return nil
}
