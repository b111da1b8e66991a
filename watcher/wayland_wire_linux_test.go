package watcher

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// standIn is a compositor that announces the given globals, and then says what
// a test has it say. It is strict: what a compositor would end the connection
// for fails the test.
type standIn struct {
	t       *testing.T
	path    string
	globals []string
	mu      sync.Mutex
	conn    *wlConn
	kinds   map[uint32]string // its client's objects
	bound   map[string]uint32 // name of the global
	said    []string          // the client's requests since the handshake
	device  uint32
	source  uint32 // the newest
	highest uint32
	first   func(device uint32) []byte // said in answer to get_data_device
}

func newStandIn(t *testing.T, globals ...string) *standIn {
	t.Helper()
	c := &standIn{t: t, path: filepath.Join(t.TempDir(), "s"), globals: globals, bound: map[string]uint32{}}
	l, err := net.Listen("unix", c.path)
	if err != nil {
		t.Fatal(err)
	}
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for {
			socket, err := l.Accept()
			if err != nil {
				return
			}
			c.mu.Lock()
			c.conn = &wlConn{socket: socket.(*net.UnixConn), limit: time.Second}
			c.kinds, c.highest = map[uint32]string{wlDisplayID: "display"}, wlDisplayID
			c.mu.Unlock()
			tasks.Go(func() {
				defer c.conn.close()
				for {
					r, err := c.conn.receive()
					if err != nil {
						return
					}
					c.take(&r)
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		c.mu.Lock()
		if c.conn != nil {
			c.conn.close()
		}
		c.mu.Unlock()
		tasks.Wait()
	})
	return c
}

// make notes a new object of the client: its id must be free, and leave no gap.
func (c *standIn) make(id uint32, kind string) {
	if c.kinds[id] != "" {
		c.t.Errorf("the new object %d is a %s", id, c.kinds[id])
	}
	if id > c.highest+1 {
		c.t.Errorf("the new object is %d, and %d was the highest", id, c.highest)
	}
	c.highest = max(c.highest, id)
	c.kinds[id] = kind
}

func (c *standIn) take(r *wlEvent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kind := c.kinds[r.object]
	var answer []byte
	switch {
	case kind == "display" && r.opcode == wlDisplaySync:
		id := r.uint()
		c.make(id, "callback")
		delete(c.kinds, id)
		answer = wlRequest(nil, id, wlCallbackDone, uint32(0))
		answer = wlRequest(answer, wlDisplayID, wlDisplayDeleteID, id)
	case kind == "display" && r.opcode == wlDisplayGetRegistry:
		id := r.uint()
		c.make(id, "registry")
		for i, name := range c.globals {
			answer = wlRequest(answer, id, wlRegistryGlobal, uint32(i+100), name, uint32(9))
		}
	case kind == "registry" && r.opcode == wlRegistryBind:
		name, kind, version, id := r.uint(), r.text(), r.uint(), r.uint()
		if int(name)-100 >= len(c.globals) || c.globals[name-100] != kind || version != 1 {
			c.t.Errorf("bind of %d as %q version %d", name, kind, version)
		}
		c.make(id, kind)
		c.bound[kind] = name
	case strings.HasSuffix(kind, "_manager_v1") && r.opcode == wlManagerGetDevice:
		id, seat := r.uint(), r.uint()
		c.make(id, "device")
		if c.kinds[seat] != "wl_seat" {
			c.t.Errorf("get_data_device for a %q", c.kinds[seat])
		}
		c.device = id
		if c.first != nil {
			answer = c.first(id)
		}
	case strings.HasSuffix(kind, "_manager_v1") && r.opcode == wlManagerCreateSource:
		c.source = r.uint()
		c.make(c.source, "source")
	case kind == "source" && r.opcode == wlSourceOffer:
		r.text()
	case kind == "source" && r.opcode == wlSourceDestroy: // its id is not free yet
	case kind == "device" && r.opcode == wlDeviceSetSelection:
		r.uint()
	case r.object >= wlServerIDs && r.opcode == wlOfferDestroy:
		c.said = append(c.said, "destroy "+string(rune('0'+r.object-wlServerIDs)))
	default:
		c.t.Errorf("request %d of %q (%d)", r.opcode, kind, r.object)
	}
	if r.bad || len(r.args) > 0 {
		c.t.Errorf("request %d of %q: wrong arguments", r.opcode, kind)
	}
	if err := c.conn.send(answer); err != nil {
		c.t.Log(err)
	}
}

// say sends events, such as those of announce.
func (c *standIn) say(events []byte) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.conn.send(events); err != nil {
		c.t.Error(err)
	}
}

// paste asks for what the newest source holds, and returns where that comes.
func (c *standIn) paste() *os.File {
	c.t.Helper()
	from, to, err := os.Pipe()
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = from.Close() })
	_ = from.SetReadDeadline(time.Now().Add(10 * time.Second))
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.conn.send(wlRequest(nil, c.source, wlSourceSend, "UTF8_STRING"), int(to.Fd())); err != nil {
		c.t.Error(err)
	}
	_ = to.Close()
	return from
}

// announce is what a compositor says of a selection: the n-th offer.
func announce(device uint32, n int, selection uint16, formats ...string) []byte {
	id := uint32(wlServerIDs + n)
	b := wlRequest(nil, device, wlDeviceOffer, id)
	for _, f := range formats {
		b = wlRequest(b, id, wlOfferFormat, f)
	}
	return wlRequest(b, device, selection, id)
}

func (c *standIn) backend() *wayland {
	return &wayland{path: c.path, mark: testMark, limits: testLimits}
}

func TestWaylandChoosesItsDataControl(t *testing.T) {
	const ext, wlr = "ext_data_control_manager_v1", "zwlr_data_control_manager_v1"
	for _, test := range []struct {
		globals []string
		manager uint32
		name    string
		err     error
	}{
		{[]string{"wl_compositor", "wl_seat", wlr, ext, "wl_seat"}, 103, "Wayland (ext-data-control)", nil},
		{[]string{ext, "wl_seat"}, 100, "Wayland (ext-data-control)", nil},
		{[]string{wlr, "wl_seat"}, 100, "Wayland (wlr-data-control)", nil},
		{[]string{"wl_seat", "wl_compositor"}, 0, "", errNoDataControl},
		{[]string{ext}, 0, "", errNoSeat},
		{nil, 0, "", errNoDataControl},
	} {
		c := newStandIn(t, test.globals...)
		b := c.backend()
		_, err := b.connect(t.Context())
		if !errors.Is(err, test.err) {
			t.Errorf("%q: %v, want %v", test.globals, err, test.err)
		}
		if err != nil {
			continue
		}
		if b.name() != test.name {
			t.Errorf("%q: %s", test.globals, b.name())
		}
		c.mu.Lock()
		if c.bound[ext]+c.bound[wlr] != test.manager || c.bound["wl_seat"] != uint32(100+slices.Index(test.globals, "wl_seat")) {
			t.Errorf("%q: bound %v", test.globals, c.bound)
		}
		c.mu.Unlock()
		_ = b.close()
	}
}

func TestWaylandLetsGoOfOffers(t *testing.T) {
	c := newStandIn(t, "ext_data_control_manager_v1", "wl_seat")
	c.mu.Lock()
	c.first = func(device uint32) []byte { // there already
		return slices.Concat(announce(device, 0, wlDeviceSelection, "text/plain"), announce(device, 1, wlDevicePrimary, "text/plain"))
	}
	c.mu.Unlock()
	b := c.backend()
	if _, err := b.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.close() }()
	w := startRun(t, b)
	device := b.session.device
	c.say(announce(device, 2, wlDevicePrimary, "text/plain"))
	c.say(announce(device, 3, wlDeviceSelection, "image/png", strings.Repeat("x", 2000)))
	c.say(announce(device, 0, wlDeviceSelection, "text/plain", testMark)) // an id used again, and our own text
	c.say(wlRequest(nil, device, wlDeviceSelection, uint32(0)))
	c.say(announce(device, 4, wlDeviceSelection, "image/jpeg"))
	for _, want := range []string{"image/png", "image/jpeg"} {
		if got, err := w.next().formats(t.Context()); err != nil || !slices.Equal(got, []string{want}) {
			t.Errorf("told of %q, %v; want %s", got, err, want)
		}
	}
	if err := b.session.roundTrip(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if want := []string{"destroy 1", "destroy 0", "destroy 3", "destroy 0"}; !slices.Equal(c.said, want) {
		t.Errorf("the client said %q, want %q", c.said, want)
	}
}

// A paste of what was withdrawn just then ends, and gets nothing of what comes next.
func TestWaylandAPasteOfWhatWasWithdrawn(t *testing.T) {
	c := newStandIn(t, "ext_data_control_manager_v1", "wl_seat")
	b := c.backend()
	if _, err := b.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.close() }()
	var pasted []string
	for i, text := range []string{"the first", "the second"} {
		if err := b.put(t.Context(), nil, content{text: text}); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			b.session.mu.Lock()
			for id := range b.session.sources {
				b.session.withdraw(id)
			}
			b.session.mu.Unlock()
		}
		got, err := io.ReadAll(c.paste())
		if err != nil {
			t.Errorf("the paste does not end: %v", err)
		}
		pasted = append(pasted, string(got))
	}
	if want := []string{"", "the second"}; !slices.Equal(pasted, want) {
		t.Errorf("%q are pasted, want %q", pasted, want)
	}
}

func TestWaylandEndsWithTheCompositorsFault(t *testing.T) {
	for name, test := range map[string]struct {
		events func(registry, device uint32) []byte
		want   string
	}{
		"error": {func(_, device uint32) []byte {
			return wlRequest(nil, wlDisplayID, wlDisplayError, device, uint32(1), "used_source")
		}, "used_source"},
		"finished":      {func(_, device uint32) []byte { return wlRequest(nil, device, wlDeviceFinished) }, "seat"},
		"no such offer": {func(_, device uint32) []byte { return wlRequest(nil, device, wlDeviceSelection, uint32(wlServerIDs)) }, "malformed"},
		"our own id":    {func(_, device uint32) []byte { return wlRequest(nil, device, wlDeviceOffer, device) }, "malformed"},
		"too many offers": {func(_, device uint32) (b []byte) {
			for n := range wlMaxOffers + 1 {
				b = wlRequest(b, device, wlDeviceOffer, uint32(wlServerIDs+n))
			}
			return b
		}, "malformed"},
		"short argument":  {func(_, device uint32) []byte { return wlRequest(nil, device, wlDeviceOffer) }, "malformed"},
		"impossible size": {func(_, _ uint32) []byte { return []byte{1, 0, 0, 0, 0, 0, 4, 0} }, "malformed"},
		"string too long": {func(registry, _ uint32) []byte {
			return wlRequest(nil, registry, wlRegistryGlobal, uint32(1), uint32(0xffffffff))
		}, "malformed"},
		"string not closed": {func(registry, _ uint32) []byte {
			return wlRequest(nil, registry, wlRegistryGlobal, uint32(1), uint32(4), uint32(0x20202020))
		}, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newStandIn(t, "ext_data_control_manager_v1", "wl_seat")
			b := c.backend()
			if _, err := b.connect(t.Context()); err != nil {
				t.Fatal(err)
			}
			w := startRun(t, b)
			c.say(test.events(b.session.registry, b.session.device))
			if err := w.end(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("run returned %v, want %q", err, test.want)
			}
			_ = b.close()
		})
	}
}

// A compositor that is frozen holds nothing up.
func TestWaylandFrozenCompositor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	b := &wayland{path: path, limits: wlLimits{answer: 50 * time.Millisecond}}
	if _, err := b.connect(t.Context()); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("connect: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.run(ctx, func() {}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("run: %v", err)
	}
}

// Whatever a compositor says, nothing panics, nothing is told of that was not
// announced, what is kept stays within its bounds, and no file stays open.
func FuzzWaylandEvents(f *testing.F) {
	const registry, manager, device, callback, source = 2, 4, 6, 7, 8
	f.Add(announce(device, 1, wlDeviceSelection, "image/png", "text/plain"), uint8(0))
	f.Add(slices.Concat(announce(device, 1, wlDevicePrimary, "a"), announce(device, 2, wlDevicePrimary), announce(device, 2, wlDeviceSelection)), uint8(0))
	f.Add(wlRequest(wlRequest(nil, source, wlSourceSend, "TEXT"), source, wlSourceSend, "TEXT"), uint8(1))
	f.Add(wlRequest(wlRequest(nil, source, wlSourceCancelled), wlDisplayID, wlDisplayDeleteID, uint32(source)), uint8(2))
	f.Add(wlRequest(wlRequest(nil, callback, wlCallbackDone, uint32(1)), wlDisplayID, wlDisplayDeleteID, uint32(callback)), uint8(0))
	f.Add(wlRequest(nil, registry, wlRegistryGlobal, uint32(1), "wl_seat", uint32(7)), uint8(0))
	f.Add(wlRequest(nil, wlDisplayID, wlDisplayError, uint32(1), uint32(2), "no"), uint8(0))
	f.Fuzz(func(t *testing.T, events []byte, files uint8) {
		if len(events) > 64<<10 {
			return
		}
		before := openFiles(t, "")
		pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		var ends [2]*net.UnixConn
		for i, fd := range pair {
			file := os.NewFile(uintptr(fd), "")
			conn, err := net.FileConn(file)
			_ = file.Close()
			if err != nil {
				t.Fatal(err)
			}
			ends[i] = conn.(*net.UnixConn)
		}
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		compositor := &wlConn{socket: ends[0], limit: time.Second}
		if len(events) > 0 {
			if err := compositor.send(events, slices.Repeat([]int{int(null.Fd())}, int(files%8))...); err != nil {
				t.Fatal(err)
			}
		}
		_ = null.Close()
		_ = ends[0].CloseWrite()

		s := newWlSession(ends[1], testMark, testLimits)
		s.registry, s.manager, s.device, s.nextID = registry, manager, device, source+1
		s.syncs[callback] = make(chan struct{})
		s.sources[source] = content{text: "link"}.forms()
		s.listen(func(o offer) {
			if names := o.(*wlOffer).names; len(names) > wlMaxFormats {
				t.Errorf("%d formats", len(names))
			}
		})
		s.serve()
		s.close()
		if len(s.offers) > wlMaxOffers || len(s.free)+len(s.dead) > 2 || len(s.globals) > 3 {
			t.Errorf("kept: %d offers, %d ids, %d globals", len(s.offers), len(s.free)+len(s.dead), len(s.globals))
		}
		if context.Cause(s.ctx) == nil {
			t.Error("it ended without a reason")
		}
		_ = ends[0].Close()
		if after := openFiles(t, ""); len(after) > len(before) {
			t.Errorf("open: %q, before: %q", after, before)
		}
	})
}
