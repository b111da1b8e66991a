package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"bilipaste/internal/sandbox"
)

// front is a gateway before a sandbox: it can go away and come back, and sees
// each upload.
type front struct {
	host    *sandbox.Server
	address string

	mu     sync.Mutex
	server *http.Server
	served sync.WaitGroup
	upload http.HandlerFunc // in the host's place, nil: the host
	after  func()           // called between an upload's end and its answer
}

func newFront(t testing.TB) *front {
	t.Helper()
	f := &front{host: sandbox.New(), address: "127.0.0.1:0"}
	f.comeBack(t)
	t.Cleanup(f.goAway)
	return f
}

func (f *front) url() string { return "http://" + f.address }

// comeBack listens, at the same address each time.
func (f *front) comeBack(t testing.TB) {
	t.Helper()
	listener, err := net.Listen("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	f.address = listener.Addr().String()
	f.server = &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	f.served.Go(func() { _ = f.server.Serve(listener) })
}

// goAway refuses every connection.
func (f *front) goAway() {
	_ = f.server.Close()
	f.served.Wait()
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		f.host.ServeHTTP(w, r)
		return
	}
	f.mu.Lock()
	upload, after := f.upload, f.after
	f.mu.Unlock()
	if upload == nil {
		upload = f.host.ServeHTTP
	}
	upload(w, r)
	if after != nil { // the answer is still in a buffer
		after()
	}
}

// set has uploads answered, and after called once they are.
func (f *front) set(upload http.HandlerFunc, after func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.upload, f.after = upload, after
}

// uploads counts the pictures that the host was sent.
func (f *front) uploads() int { return uploads(f.host) }

// page returns what is at the host's address.
func (f *front) page(ctx context.Context, address string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	gateway, err := sandbox.NewGateway(f.url())
	if err != nil {
		return nil, err
	}
	return gateway.RoundTrip(r)
}
