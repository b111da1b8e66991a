package desktop

import (
	"cmp"
	"net/url"
	"path"
	"strings"

	"bilipaste/internal/lang"
)

// Proxy is what the system's settings say of proxies, as Windows writes it.
// The zero Proxy is none.
type Proxy struct {
	Server string // "HOST:PORT", or a list for schemes: "http=HOST:PORT;https=HOST:PORT;socks=HOST:PORT"
	Bypass string // what is reached without it: "*.example.com;192.168.*;<local>"
	Script string // the address of a script that would choose one (PAC); it is not run
}

// For returns the proxy that leads to u, nil for none. The error is a
// lang.Teller: what the settings name is no proxy.
func (p Proxy) For(u *url.URL) (*url.URL, error) {
	server := p.server(u.Scheme)
	if server == "" || p.bypasses(u) {
		return nil, nil
	}
	proxy, err := url.Parse(server)
	if err == nil && proxy.Scheme == "socks" {
		proxy.Scheme = "socks5"
	}
	switch {
	case err != nil || proxy.Hostname() == "":
	case proxy.Scheme == "http" || proxy.Scheme == "https" || proxy.Scheme == "socks5":
		return proxy, nil
	}
	return nil, lang.Errorf("desktop.bad_proxy", nil, nil) // which it is may hold a password
}

// server returns the URL of the server for a scheme: its own, else that of all,
// else one that speaks SOCKS; "" for none.
func (p Proxy) server(scheme string) string {
	servers := map[string]string{}
	for _, entry := range list(p.Server) {
		name, server, ok := strings.Cut(entry, "=")
		if !ok {
			name, server = "", entry
		}
		name = strings.ToLower(name)
		if !strings.Contains(server, "://") {
			kind := "http"
			if name == "socks" {
				kind = name
			}
			server = kind + "://" + server
		}
		servers[name] = cmp.Or(servers[name], server)
	}
	return cmp.Or(servers[scheme], servers[""], servers["socks"])
}

// bypasses tells whether u is reached without a proxy.
func (p Proxy) bypasses(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	for _, entry := range list(strings.ToLower(p.Bypass)) {
		if entry == "<local>" && !strings.ContainsAny(host, ".:") {
			return true
		}
		if !strings.Contains(entry, "://") {
			entry = "//" + entry
		}
		pattern, err := url.Parse(entry)
		if err != nil {
			continue
		}
		if same, err := path.Match(pattern.Hostname(), host); !same || err != nil {
			continue
		}
		port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
		if (pattern.Scheme == "" || pattern.Scheme == u.Scheme) && (pattern.Port() == "" || pattern.Port() == port) {
			return true
		}
	}
	return false
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ';' || r == ',' || r == ' ' || r < ' ' })
}
