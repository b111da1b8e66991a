package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ErrPrivate is the error of a request to this machine, or to one of a network
// that is not the internet.
var ErrPrivate = errors.New("the address is not on the internet")

// Public is a transport for addresses that come from others: it reaches only
// what is on the internet, whatever a name or a redirect leads to. That is seen
// when it connects; behind a proxy, which connects by itself, by the name alone.
type Public struct {
	http  *http.Transport
	proxy func(*http.Request) (*url.URL, error)

	mu      sync.Mutex
	proxies map[string]bool // the addresses of proxies that were used
}

var _ http.RoundTripper = (*Public)(nil)

// NewPublic returns such a transport, which goes through the proxies that proxy
// names.
func NewPublic(proxy func(*http.Request) (*url.URL, error)) *Public {
	p := &Public{http: http.DefaultTransport.(*http.Transport).Clone(), proxy: proxy, proxies: map[string]bool{}}
	p.http.Proxy = p.through
	guarded := &net.Dialer{Timeout: connectLimit, Control: public}
	free := &net.Dialer{Timeout: connectLimit}
	p.http.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		p.mu.Lock()
		isProxy := p.proxies[address]
		p.mu.Unlock()
		if isProxy {
			return free.DialContext(ctx, network, address)
		}
		return guarded.DialContext(ctx, network, address)
	}
	p.http.MaxConnsPerHost = 4
	p.http.ResponseHeaderTimeout = silenceLimit
	p.http.IdleConnTimeout = 30 * time.Second
	return p
}

// RoundTrip makes a request. Its error may wrap ErrPrivate.
func (p *Public) RoundTrip(r *http.Request) (*http.Response, error) {
	host := strings.ToLower(strings.TrimSuffix(r.URL.Hostname(), "."))
	ip, err := netip.ParseAddr(host)
	local := host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".internal")
	if local || err == nil && !isPublic(ip) {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, ErrPrivate
	}
	return p.http.RoundTrip(r)
}

// CloseIdleConnections closes what is open and not in use.
func (p *Public) CloseIdleConnections() { p.http.CloseIdleConnections() }

// through asks for the proxy of a request, and remembers where that is.
func (p *Public) through(r *http.Request) (*url.URL, error) {
	if p.proxy == nil {
		return nil, nil
	}
	u, err := p.proxy(r)
	if err != nil || u == nil {
		return u, err
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if port == "" {
		port = "1080"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proxies[net.JoinHostPort(u.Hostname(), port)] = true
	return u, nil
}

// public refuses to connect to what is not on the internet.
func public(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !isPublic(at.Addr()) {
		return ErrPrivate
	}
	return nil
}

// special are networks that have no place on the internet, beside those that
// netip knows.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("fec0::/10"),
}

// isPublic tells whether an address is one of the internet. One that holds an
// address of IPv4 is what that is.
func isPublic(ip netip.Addr) bool {
	ip = ip.WithZone("").Unmap()
	if b := ip.As16(); ip.Is6() && netip.MustParsePrefix("64:ff9b::/96").Contains(ip) { // NAT64
		ip = netip.AddrFrom4([4]byte(b[12:]))
	} else if ip.Is6() && netip.MustParsePrefix("2002::/16").Contains(ip) { // 6to4
		ip = netip.AddrFrom4([4]byte(b[2:6]))
	}
	for _, net := range special {
		if net.Contains(ip) {
			return false
		}
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate()
}
