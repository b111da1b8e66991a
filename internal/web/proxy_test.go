package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"bilipaste/internal/lang"
)

// reached asks for an address through a proxy that lets nothing pass, and
// returns the host that the proxy was asked for; "" if it was not asked.
func reached(t *testing.T, target string, choose func(proxy string) (setting *url.URL)) (host string) {
	t.Helper()
	asked := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host
		w.WriteHeader(http.StatusForbidden)
	}))
	defer proxy.Close()
	setting := choose(proxy.URL)
	transport := &http.Transport{Proxy: Proxy(func() *url.URL { return setting })}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := transport.RoundTrip(req); err == nil {
		_ = resp.Body.Close()
	}
	select {
	case host = <-asked:
	default:
	}
	return host
}

// noProxy takes the proxies of whoever runs the tests away.
func noProxy(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"} {
		t.Setenv(name, "")
		t.Setenv(strings.ToLower(name), "")
	}
}

func TestTheSettingGoesBeforeTheEnvironment(t *testing.T) {
	noProxy(t)
	parse := func(s string) *url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	const target = "https://api.invalid/x"
	if got := reached(t, target, func(string) *url.URL { return nil }); got != "" {
		t.Errorf("no proxy: %s", got)
	}
	environment := func(proxy string) *url.URL { t.Setenv("HTTPS_PROXY", proxy); return nil }
	if got := reached(t, target, environment); got != "CONNECT api.invalid:443" {
		t.Errorf("the environment's proxy: %q", got)
	}
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	if got := reached(t, target, parse); got != "CONNECT api.invalid:443" {
		t.Errorf("the setting's proxy: %q", got)
	}
	stand := httptest.NewServer(http.NotFoundHandler())
	defer stand.Close()
	for _, local := range []string{stand.URL, strings.Replace(stand.URL, "127.0.0.1", "localhost", 1)} {
		if got := reached(t, local, parse); got != "" {
			t.Errorf("%s went by the proxy", local)
		}
	}
}

func TestTheWayIsSaidWithoutItsPassword(t *testing.T) {
	noProxy(t)
	u := &url.URL{Scheme: "https", Host: "api.bilibili.com"}
	setting := &url.URL{Scheme: "http", Host: "proxy:1", User: url.UserPassword("me", "hunter2")}
	say := func(setting *url.URL) string {
		t.Helper()
		_, way, err := ProxyFor(u, setting)
		if err != nil {
			t.Error(err)
		}
		return lang.New(lang.English).Say(way)
	}
	if got := say(nil); got != "direct" {
		t.Error(got)
	}
	if got := say(setting); got != "by the proxy http://me:xxxxx@proxy:1" {
		t.Error(got)
	}
	t.Setenv("https_proxy", setting.String())
	if got := say(nil); got != "by the environment's proxy http://me:xxxxx@proxy:1" {
		t.Error(got)
	}
	t.Setenv("no_proxy", "bilibili.com")
	if got := say(nil); got != "direct" {
		t.Error(got)
	}
}
