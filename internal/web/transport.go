package web

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Transport reaches hosts by HTTPS, and can open a connection before there is
// something to send. It is safe for concurrent use.
type Transport struct {
	http *http.Transport
	tls  *tls.Config

	mu    sync.Mutex
	open  map[string]int    // connections to an address
	ahead map[string]*ahead // opened by Open, and not in use yet
}

// ahead is a connection that is being opened, or waits for its first request.
type ahead struct {
	done  chan struct{} // closed when conn and err are there
	conn  net.Conn
	err   error
	drop  *time.Timer
	taken bool // or dropped
}

// unused is how long a connection is kept that Open has opened for nothing.
const unused = 20 * time.Second

var _ http.RoundTripper = (*Transport)(nil)

// NewTransport returns a transport that goes through the proxies that proxy
// names, as http.Transport does. config is nil but in tests.
func NewTransport(proxy func(*http.Request) (*url.URL, error), config *tls.Config) *Transport {
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config = config.Clone()
	config.NextProtos = []string{"h2", "http/1.1"}
	config.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	t := &Transport{tls: config, open: map[string]int{}, ahead: map[string]*ahead{}}
	t.http = http.DefaultTransport.(*http.Transport).Clone()
	t.http.Proxy = proxy
	t.http.TLSClientConfig = config.Clone() // behind a proxy; it is changed there
	t.http.DialTLSContext = t.dial
	t.http.WriteBufferSize = 64 << 10 // a picture is sent in fewer pieces
	return t
}

// RoundTrip makes a request.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) { return t.http.RoundTrip(r) }

// CloseIdleConnections closes what is open and not in use.
func (t *Transport) CloseIdleConnections() {
	t.http.CloseIdleConnections()
	t.mu.Lock()
	var all []*ahead
	for _, a := range t.ahead {
		all = append(all, a)
	}
	t.mu.Unlock()
	for _, a := range all {
		t.give(a)
	}
}

// Open opens a connection to a host, unless there is one or a proxy leads to it,
// and sends nothing but the handshake. The next request uses it, also while it
// is still being opened. What goes wrong the request will say.
func (t *Transport) Open(ctx context.Context, host string) {
	address := net.JoinHostPort(host, "443")
	if h, port, err := net.SplitHostPort(host); err == nil {
		address = net.JoinHostPort(h, port)
	}
	request := &http.Request{URL: &url.URL{Scheme: "https", Host: host}}
	if by, err := t.http.Proxy(request); by != nil || err != nil {
		return
	}
	t.mu.Lock()
	if t.open[address] > 0 || t.ahead[address] != nil {
		t.mu.Unlock()
		return
	}
	a := &ahead{done: make(chan struct{})}
	t.ahead[address] = a
	t.mu.Unlock()
	a.conn, a.err = t.connect(ctx, "tcp", address)
	close(a.done)
	t.mu.Lock()
	if !a.taken {
		a.drop = time.AfterFunc(unused, func() { t.give(a) })
	}
	t.mu.Unlock()
	if a.err != nil {
		t.give(a)
	}
}

// take returns what Open has opened, or is opening; nil if there is nothing.
func (t *Transport) take(address string) *ahead {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.ahead[address]
	if a == nil {
		return nil
	}
	delete(t.ahead, address)
	a.taken = true
	if a.drop != nil {
		a.drop.Stop()
	}
	return a
}

// give closes what nobody has taken.
func (t *Transport) give(a *ahead) {
	t.mu.Lock()
	taken := a.taken
	a.taken = true
	for address, other := range t.ahead {
		if other == a {
			delete(t.ahead, address)
		}
	}
	t.mu.Unlock()
	if taken {
		return
	}
	<-a.done
	if a.conn != nil {
		_ = a.conn.Close()
	}
}

// dial returns a connection for a request.
func (t *Transport) dial(ctx context.Context, network, address string) (net.Conn, error) {
	a := t.take(address)
	if a == nil {
		return t.connect(ctx, network, address)
	}
	select {
	case <-a.done:
		if a.err == nil {
			return a.conn, nil
		}
		return t.connect(ctx, network, address)
	case <-ctx.Done(): // it is of use to the next one
		t.mu.Lock()
		a.taken = false
		t.ahead[address] = a
		t.mu.Unlock()
		return nil, ctx.Err()
	}
}

// connect opens a connection, and counts it until it is closed.
func (t *Transport) connect(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := t.http.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	t.count(address, 1)
	config := t.tls.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	conn := tls.Client(&counted{Conn: raw, closed: sync.OnceFunc(func() { t.count(address, -1) })}, config)
	soon, stop := context.WithTimeout(ctx, t.http.TLSHandshakeTimeout)
	defer stop()
	if err := conn.HandshakeContext(soon); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

func (t *Transport) count(address string, more int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[address] += more
}

// counted tells of its end.
type counted struct {
	net.Conn
	closed func()
}

func (c *counted) Close() error {
	c.closed()
	return c.Conn.Close()
}
