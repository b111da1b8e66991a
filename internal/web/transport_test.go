package web_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bilipaste/internal/web"
)

// far is a server by HTTPS at the end of a long line.
type far struct {
	host     string
	config   *tls.Config // that trusts it
	accepted atomic.Int32
	ended    atomic.Int32
	proto    atomic.Value // of the latest request
}

// newFar returns a server with which each message takes so long one way.
func newFar(t testing.TB, delay time.Duration) *far {
	t.Helper()
	f := &far{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.proto.Store(r.Proto)
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	f.config = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"}
	line, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = line.Close() })
	f.host = line.Addr().String()
	go func() {
		for {
			near, err := line.Accept()
			if err != nil {
				return
			}
			f.accepted.Add(1)
			go func() {
				f.relay(near, server.Listener.Addr().String(), delay)
				f.ended.Add(1)
			}()
		}
	}()
	return f
}

// relay passes on what comes, delay later each way. The connection itself takes
// a round trip, as it does on a long line.
func (f *far) relay(near net.Conn, address string, delay time.Duration) {
	defer near.Close()
	time.Sleep(2 * delay)
	there, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer there.Close()
	var ways sync.WaitGroup
	pass := func(from, to net.Conn) {
		type part struct {
			data []byte
			due  time.Time
		}
		parts := make(chan part, 1000)
		go func() {
			defer close(parts)
			for {
				buffer := make([]byte, 32<<10)
				n, err := from.Read(buffer)
				if n > 0 {
					parts <- part{buffer[:n], time.Now().Add(delay)}
				}
				if err != nil {
					return
				}
			}
		}()
		for p := range parts {
			time.Sleep(time.Until(p.due))
			_, _ = to.Write(p.data)
		}
		_ = to.Close()
	}
	ways.Go(func() { pass(near, there) })
	ways.Go(func() { pass(there, near) })
	ways.Wait()
}

func direct(*http.Request) (*url.URL, error) { return nil, nil }

// ask makes a request and returns how long it took.
func (f *far) ask(t testing.TB, transport http.RoundTripper) time.Duration {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+f.host+"/", strings.NewReader("picture"))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	answer, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return time.Since(start)
}

func TestTheFirstRequestUsesTheConnectionThatWasOpened(t *testing.T) {
	f := newFar(t, 10*time.Millisecond)
	transport := web.NewTransport(direct, f.config)
	defer transport.CloseIdleConnections()
	transport.Open(t.Context(), f.host)
	f.ask(t, transport)
	transport.Open(t.Context(), f.host) // there is one
	f.ask(t, transport)
	if n := f.accepted.Load(); n != 1 || f.proto.Load() != "HTTP/2.0" {
		t.Errorf("%d connections, by %v", n, f.proto.Load())
	}
}

// A request does not begin anew what is being opened.
func TestARequestWaitsForTheConnectionThatIsBeingOpened(t *testing.T) {
	f := newFar(t, 10*time.Millisecond)
	transport := web.NewTransport(direct, f.config)
	defer transport.CloseIdleConnections()
	var opening sync.WaitGroup
	for range 2 {
		opening.Go(func() { transport.Open(t.Context(), f.host) })
	}
	for f.accepted.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	f.ask(t, transport)
	opening.Wait()
	if n := f.accepted.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// What was opened for nothing is closed, and so is what was used; then another
// may be opened.
func TestAConnectionThatHasEndedIsOpenedAnew(t *testing.T) {
	f := newFar(t, 0)
	transport := web.NewTransport(direct, f.config)
	defer transport.CloseIdleConnections()
	for n, used := range []bool{false, true, false} {
		transport.Open(t.Context(), f.host)
		if used {
			f.ask(t, transport)
		}
		if got := f.accepted.Load(); got != int32(n)+1 {
			t.Fatalf("%d connections were opened, want %d", got, n+1)
		}
		for deadline := time.Now().Add(10 * time.Second); f.ended.Load() != int32(n)+1; time.Sleep(time.Millisecond) {
			transport.CloseIdleConnections() // one is in use until all know that its request has ended
			if time.Now().After(deadline) {
				t.Fatalf("connection %d stays open", n+1)
			}
		}
	}
}

// The server has to be the one that was asked for: its certificate says so.
func TestAnotherServersCertificateIsRefused(t *testing.T) {
	for _, open := range []bool{false, true} {
		f := newFar(t, 0)
		f.config.ServerName = ""
		transport := web.NewTransport(direct, f.config)
		defer transport.CloseIdleConnections()
		f.ask(t, transport) // it is that of 127.0.0.1
		_, port, _ := net.SplitHostPort(f.host)
		other := "localhost:" + port
		if open {
			transport.Open(t.Context(), other)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+other+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := transport.RoundTrip(r)
		if err == nil {
			_ = answer.Body.Close()
			t.Errorf("opened before: %v: the certificate of 127.0.0.1 is taken for localhost's", open)
		}
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); err != nil && !ok {
			t.Errorf("opened before: %v: %v", open, err)
		}
	}
}

func TestWhatCannotBeOpenedIsTheRequestsToSay(t *testing.T) {
	f := newFar(t, 0)
	transport := web.NewTransport(direct, f.config)
	defer transport.CloseIdleConnections()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	transport.Open(gone, f.host)
	f.ask(t, transport)

	proxied := web.NewTransport(func(*http.Request) (*url.URL, error) { return url.Parse("http://127.0.0.1:1") }, f.config)
	before := f.accepted.Load()
	proxied.Open(t.Context(), f.host)
	if n := f.accepted.Load(); n != before {
		t.Error("past a proxy")
	}
}

// BenchmarkFirstRequest is the first request after a long time on a line with a
// round trip of 40 ms: without a connection, and with one that was opened while
// the picture was read.
func BenchmarkFirstRequest(b *testing.B) {
	for name, open := range map[string]bool{"cold": false, "opened": true} {
		b.Run(name, func(b *testing.B) {
			f := newFar(b, 20*time.Millisecond)
			var total time.Duration
			for b.Loop() {
				transport := web.NewTransport(direct, f.config)
				if open {
					transport.Open(b.Context(), f.host)
				}
				total += f.ask(b, transport)
				transport.CloseIdleConnections()
			}
			b.ReportMetric(float64(total.Milliseconds())/float64(b.N), "ms/request")
			b.ReportMetric(0, "ns/op")
		})
	}
}
