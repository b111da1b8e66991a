package web

import (
	"context"
	"net"
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
	for host, want := range map[string]bool{"192.168.1.1": true, "8.8.8.8": true, "[fd00::1]": true, "127.0.0.1": false, "[::1]": false, "LocalHost": false} {
		if proxy, _, err := ProxyFor(&url.URL{Scheme: "https", Host: host}, setting); err != nil || (proxy != nil) != want {
			t.Errorf("%s: by %v, %v", host, proxy, err)
		}
	}
	t.Setenv("https_proxy", setting.String())
	if got := say(nil); got != "by the environment's proxy http://me:xxxxx@proxy:1" {
		t.Error(got)
	}
	t.Setenv("no_proxy", "bilibili.com")
	if got := say(nil); got != "direct" {
		t.Error(got)
	}
	noProxy(t)
	t.Setenv("http_proxy", setting.String())
	if got := say(nil); got != "direct" {
		t.Errorf("with HTTPS: %s", got)
	}
	u.Scheme = "http"
	if got := say(nil); got != "by the environment's proxy http://me:xxxxx@proxy:1" {
		t.Errorf("with HTTP: %s", got)
	}
}

// A proxy of the environment that cannot be read is an error without its
// value, and nothing goes out without it.
func TestAProxyOfTheEnvironmentThatIsNone(t *testing.T) {
	for _, bad := range []string{
		"http://user:S3C RET@127.0.0.1:9", "user:S3CRET@127.0.0.1:x", "http://user:%zzS3CRET@127.0.0.1:9", "ftp://user:S3CRET@127.0.0.1:9",
		"http://user:S3CRET@", "http://user:S3CRET@127.0.0.1:9/path", "http://127.0.0.1:9?S3CRET", "http://127.0.0.1:9#S3CRET", "://S3CRET",
	} {
		noProxy(t)
		t.Setenv("HTTPS_PROXY", bad)
		asked := false
		server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
		client := NewClient("bilibili", &http.Transport{
			Proxy: Proxy(func() *url.URL { return nil }),
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
			},
		}, func(text string) string { return text })
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.bilibili.com/", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Do(req)
		server.Close()
		_, way, wayErr := ProxyFor(req.URL, nil)
		if err == nil || wayErr == nil || asked {
			t.Errorf("%s: %v, %v, asked: %v", bad, err, wayErr, asked)
		}
		for _, tag := range []string{lang.English, lang.Chinese} {
			what, hint := lang.New(tag).Error(err)
			told := what + hint + lang.New(tag).Say(way) + err.Error()
			if strings.Contains(told, "S3C") || strings.Contains(told, "RET") || !strings.Contains(told, "HTTPS_PROXY") {
				t.Errorf("%s: %s", bad, told)
			}
		}
		if proxy, _, err := ProxyFor(&url.URL{Scheme: "http", Host: "x.example"}, nil); err != nil || proxy != nil {
			t.Errorf("%s: it is another scheme's: %v, %v", bad, proxy, err)
		}
	}
	for _, good := range []string{"127.0.0.1:9", "http://127.0.0.1:9/", "socks5://user:S3CRET@127.0.0.1:9", "https://proxy.example"} {
		noProxy(t)
		t.Setenv("https_proxy", good)
		if proxy, _, err := ProxyFor(&url.URL{Scheme: "https", Host: "api.bilibili.com"}, nil); err != nil || proxy == nil {
			t.Errorf("%s: %v, %v", good, proxy, err)
		}
	}
}
