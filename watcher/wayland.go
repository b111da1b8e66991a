//go:build !darwin && !windows

package watcher

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"bilipaste/internal/lang"
)

// wayland reaches the clipboard of a compositor that has data-control,
// ext-data-control or its forerunner of wlroots. The connection stays after
// run, so that our text can still be pasted.
type wayland struct {
	path   string // of the compositor's socket
	mark   string
	limits wlLimits

	mu      sync.Mutex
	session *wlSession // the last one, perhaps ended
	closed  bool
}

// openWayland connects to the compositor that the environment names.
func openWayland(ctx context.Context) (backend, error) {
	display, dir := os.Getenv("WAYLAND_DISPLAY"), os.Getenv("XDG_RUNTIME_DIR")
	switch {
	case display == "":
		return nil, lang.Errorf("watcher.no_wayland_display", nil, nil)
	case filepath.IsAbs(display):
	case dir == "":
		return nil, lang.Errorf("watcher.no_runtime_dir", nil, nil)
	default:
		display = filepath.Join(dir, display)
	}
	b := &wayland{
		path:   display,
		mark:   "application/x-bilipaste." + strings.ToLower(rand.Text()),
		limits: wlPatience,
	}
	_, err := b.connect(ctx)
	switch {
	case err == nil:
		return b, nil
	case errors.Is(err, errDeaf), errors.Is(err, errLost), errors.Is(err, errNoSeat), errors.Is(err, syscall.EAGAIN):
		return nil, notYet{err} // at login, perhaps
	}
	return nil, err
}

func (b *wayland) name() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	protocol, _, _ := strings.Cut(strings.TrimPrefix(b.session.control, "z"), "_manager")
	return "Wayland (" + strings.ReplaceAll(protocol, "_", "-") + ")"
}

// connect returns the session, a new one if there is none that lives.
func (b *wayland) connect(ctx context.Context) (*wlSession, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, net.ErrClosed
	}
	if b.session != nil {
		if b.session.ctx.Err() == nil {
			return b.session, nil
		}
		b.session.close()
	}
	s, err := connectWayland(ctx, b.path, b.mark, b.limits)
	switch {
	case errors.Is(err, errNoDataControl):
		return nil, lang.Errorf("watcher.no_data_control", nil, err)
	case err != nil:
		return nil, lang.Errorf("watcher.wayland", lang.Data{"Display": b.path, "Cause": err}, err)
	}
	b.session = s
	return s, nil
}

func (b *wayland) run(ctx context.Context, attached func(), changed func(offer)) error {
	s, err := b.connect(ctx)
	if err != nil {
		return cmp.Or(ctx.Err(), err)
	}
	s.listen(changed)
	attached()
	defer s.listen(nil)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
}

func (b *wayland) current(ctx context.Context) (offer, Reason, error) {
	s, err := b.connect(ctx)
	if err != nil {
		return nil, "", err
	}
	if err := s.roundTrip(ctx); err != nil {
		return nil, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch o := s.current; {
	case o == nil:
		return nil, IsEmpty, nil
	case o.has(s.mark):
		return nil, IsOurs, nil
	default:
		return o, "", nil
	}
}

func (b *wayland) put(ctx context.Context, onlyIf offer, c content) error {
	if o, ok := onlyIf.(*wlOffer); ok {
		if o.session.ctx.Err() != nil {
			return ErrChanged
		}
		return o.session.set(ctx, o, c)
	}
	s, err := b.connect(ctx)
	if err != nil {
		return err
	}
	return s.set(ctx, nil, c)
}

// close disconnects. Wayland has no handing over: a clipboard manager there
// keeps a text when it is copied.
func (b *wayland) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.session.close()
	return nil
}

// wlOffer is a selection of the compositor.
type wlOffer struct {
	session   *wlSession
	id        uint32
	names     []string
	orphaned  bool               // the program before it had just ended
	whole     bool               // it has become a selection: names stay as they are
	held      context.Context    // ends when another program has copied
	supersede context.CancelFunc //
	gone      chan struct{}      // closed when its program has ended, with nothing copied since
}

func (o *wlOffer) left() <-chan struct{} { return o.gone }

func (o *wlOffer) replaced() <-chan struct{} { return o.held.Done() }

// from knows only of a program that has just ended: the compositor names none.
func (o *wlOffer) from(offer) origin {
	if o.orphaned {
		return heir
	}
	return unknown
}

func (o *wlOffer) add(name string) {
	if !o.whole && len(name) <= wlMaxFormatName && len(o.names) < wlMaxFormats {
		o.names = append(o.names, name)
	}
}

func (o *wlOffer) has(name string) bool { return slices.Contains(o.names, name) }

// ended tells why o can no longer be read.
func (o *wlOffer) ended() error {
	switch {
	case o.session.ctx.Err() != nil:
		return errLost
	case o.held.Err() != nil:
		return errSuperseded
	}
	return errEnded
}

func (o *wlOffer) formats(context.Context) ([]string, error) { return slices.Clone(o.names), nil }

// read returns what the program sends. One that ends early cannot be told from
// one that is done: the content may be cut short.
func (o *wlOffer) read(ctx context.Context, format string, limit int, seen io.Writer) ([]byte, error) {
	if !o.has(format) {
		return nil, errRefused
	}
	// The other program gets an end that blocks, as it expects.
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		return nil, err
	}
	err := o.session.receive(o, format, ends[1])
	_ = syscall.Close(ends[1])
	_ = syscall.SetNonblock(ends[0], true)
	in := wlPipe{os.NewFile(uintptr(ends[0]), "clipboard"), o}
	defer func() { _ = in.Close() }()
	if err != nil {
		return nil, err
	}

	defer context.AfterFunc(ctx, func() { _ = in.Close() })()
	defer context.AfterFunc(o.held, in.hurry)()
	data, err := readBeside(in, limit+1, seen)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded) && o.held.Err() != nil:
		return nil, o.ended()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errSilent
	case err != nil:
		return nil, err
	case len(data) > limit:
		return nil, fmt.Errorf("%w: %d bytes and more", errTooLarge, limit)
	case len(data) == 0:
		return data, o.session.check(ctx, o)
	}
	return data, nil
}

// readBeside reads from in until its end, or most bytes. What has come it writes to
// seen, unless that is nil, while it goes on reading.
func readBeside(in io.Reader, most int, seen io.Writer) ([]byte, error) {
	const first, step = 256 << 10, 16 << 20
	read := make(chan []byte, 16)
	var writing sync.WaitGroup
	defer writing.Wait()
	defer close(read)
	writing.Go(func() {
		for part := range read {
			if seen != nil {
				_, _ = seen.Write(part)
			}
		}
	})
	// It grows in few steps: each one may bring about a collection of garbage.
	data := make([]byte, 0, min(first, most))
	for {
		n, err := in.Read(data[len(data):cap(data)])
		read <- data[len(data) : len(data)+n]
		data = data[:len(data)+n]
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		case err != nil, len(data) == most:
			if cap(data) > 2*len(data) {
				data = slices.Clone(data)
			}
			return data, nil
		case len(data) == cap(data):
			more := make([]byte, len(data), min(4*len(data), len(data)+step, most))
			copy(more, data)
			data = more
		}
	}
}

// wlPipe brings an offer's content. It gives up when nothing comes for a time.
type wlPipe struct {
	*os.File
	offer *wlOffer
}

func (p wlPipe) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(p.offer.session.limits.content)); err != nil {
		return 0, err
	}
	if p.offer.held.Err() != nil {
		p.hurry()
	}
	return p.File.Read(b)
}

// hurry has the read that is under way wait less.
func (p wlPipe) hurry() {
	_ = p.SetReadDeadline(time.Now().Add(p.offer.session.limits.late)) // what fails, Read sees
}
