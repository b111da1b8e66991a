package web

import (
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
	switch {
	case isLoopback(u.Hostname()):
		return nil, direct, nil
	case setting != nil:
		proxy = setting
		return proxy, by("web.way.proxy"), nil
	case environment.HTTPProxy != "" || environment.HTTPSProxy != "":
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

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
