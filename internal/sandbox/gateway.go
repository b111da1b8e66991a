package sandbox

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bilipaste/internal/lang"
)

const askLimit = 2 * time.Second

// Gateway is a transport that leads every request for https://HOST/PATH to
// BASE/HOST/PATH on loopback: a Server, or any other test server. The Host
// header is the loopback address's; the path carries the real host.
type Gateway struct {
	base      *url.URL
	transport *http.Transport
	sandbox   atomic.Bool // it is one of ours: an answer said so
	asked     sync.Once
}

// NewGateway returns the transport to base, such as "http://127.0.0.1:41234".
// Only http and a loopback address are accepted; a path is kept as a prefix.
func NewGateway(base string) (*Gateway, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !isLoopback(u.Hostname()) {
		return nil, lang.Errorf("sandbox.gateway", lang.Data{"Base": base}, nil)
	}
	return &Gateway{base: u, transport: &http.Transport{ // and no proxy
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     90 * time.Second,
		ForceAttemptHTTP2:   false,
	}}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// RoundTrip sends r to the gateway. A request that is not https is an error:
// it would have gone out in the clear.
func (g *Gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, errors.New("the gateway leads to https addresses only")
	}
	prefix := strings.TrimSuffix(g.base.EscapedPath(), "/")
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host = "http", g.base.Host
	out.URL.Path = strings.TrimSuffix(g.base.Path, "/") + "/" + r.URL.Host + r.URL.Path
	out.URL.RawPath = prefix + "/" + r.URL.Host + r.URL.EscapedPath()
	out.Host = ""
	resp, err := g.transport.RoundTrip(out)
	if err == nil && resp.Header.Get(header) != "" {
		g.sandbox.Store(true)
	}
	return resp, err
}

// Open returns the address under which a browser finds the picture of a link:
// one on loopback where the gateway leads to a Server, and else the link itself.
// What no answer has told yet it asks, once.
func (g *Gateway) Open(link string) string {
	rest, ok := strings.CutPrefix(link, "https://")
	if !ok {
		return link
	}
	if !g.sandbox.Load() {
		g.asked.Do(g.ask)
	}
	if !g.sandbox.Load() {
		return link
	}
	return strings.TrimSuffix(g.base.String(), "/") + "/" + rest
}

// Link returns the link of which Open has made an address.
func (g *Gateway) Link(address string) string {
	if rest, ok := strings.CutPrefix(address, strings.TrimSuffix(g.base.String(), "/")+"/"); ok {
		return "https://" + rest
	}
	return address
}

// ask asks the gateway's own page what it is.
func (g *Gateway) ask() {
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, g.base.String(), nil)
	if err != nil {
		return
	}
	if resp, err := g.transport.RoundTrip(r); err == nil {
		_ = resp.Body.Close()
		g.sandbox.Store(resp.Header.Get(header) != "")
	}
}

// CloseIdleConnections closes the connections that nothing is sent on.
func (g *Gateway) CloseIdleConnections() { g.transport.CloseIdleConnections() }
