package web

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"bilipaste/internal/desktop"
	"bilipaste/internal/lang"
)

// Proxy tells http.Transport the proxy of each request. The setting, the
// environment and the system's settings are asked each time: the user may
// switch a proxy on and off while the program runs.
func Proxy(setting func() *url.URL) func(*http.Request) (*url.URL, error) {
	return func(req *http.Request) (*url.URL, error) {
		proxy, _, err := ProxyFor(req.URL, setting())
		return proxy, err
	}
}

// ProxyFor returns the proxy that leads to u, nil for none, and in words which
// way that is: the program's own setting comes first, then the environment,
// then the system's settings. Nothing on this machine is reached by a proxy.
func ProxyFor(u, setting *url.URL) (proxy *url.URL, way lang.Message, err error) {
	direct := lang.Message{ID: "web.way.direct"}
	by := func(id string) lang.Message {
		return lang.Message{ID: id, Data: lang.Data{"Proxy": proxy.Redacted()}}
	}
	environment := httpproxy.FromEnvironment()
	name, value := "HTTPS_PROXY", environment.HTTPSProxy
	if u.Scheme == "http" {
		name, value = "HTTP_PROXY", environment.HTTPProxy
	}
	switch {
	case isLoopback(u.Hostname()):
		return nil, direct, nil
	case setting != nil:
		proxy = setting
		return proxy, by("web.way.proxy"), nil
	case environment.HTTPProxy != "" || environment.HTTPSProxy != "":
		if _, err := ParseProxy(value); value != "" && err != nil {
			// What cannot be read must not make requests go out without it.
			return nil, lang.Message{ID: "web.way.broken", Data: lang.Data{"Name": name}}, lang.Errorf("web.bad_proxy", lang.Data{"Name": name}, nil)
		}
		if proxy, err = environment.ProxyFunc()(u); proxy == nil {
			return nil, direct, err
		}
		return proxy, by("web.way.environment"), nil
	}
	system := desktop.SystemProxy()
	proxy, err = system.For(u)
	switch {
	case err == nil && proxy == nil && system.Script != "":
		return nil, lang.Message{ID: "web.way.script", Data: lang.Data{"Script": system.Script}}, nil
	case err == nil && proxy == nil:
		return nil, direct, nil
	}
	return proxy, by("web.way.system"), err
}

// ParseProxy reads the address of a proxy; without a scheme it is one that
// speaks HTTP. The error does not repeat it: it may hold a password.
func ParseProxy(address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errNoProxy
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u, nil
	}
	return nil, errNoProxy
}

var errNoProxy = errors.New("not the address of a proxy")

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
