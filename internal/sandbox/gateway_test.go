package sandbox_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"bilipaste/internal/sandbox"
)

func TestAGatewayIsOnLoopback(t *testing.T) {
	for _, base := range []string{
		"http://127.0.0.1:1", "http://127.9.9.9:1/a/b", "http://[::1]:1", "http://localhost:1/", "http://LOCALHOST",
	} {
		if _, err := sandbox.NewGateway(base); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
	for _, base := range []string{
		"", "127.0.0.1:1", "https://127.0.0.1:1", "http://10.0.0.1", "http://0.0.0.0:1", "http://example.com",
		"http://127.0.0.1.example.com", "http://localhost.example.com", "http://127.0.0.1@example.com", "http://u@127.0.0.1",
		"http://127.0.0.1/?x", "http://127.0.0.1/#x", "file:///etc", "http://[::ffff:10.0.0.1]", "http://2130706433",
	} {
		if _, err := sandbox.NewGateway(base); err == nil {
			t.Errorf("%s is taken", base)
		}
	}
}

func TestAGatewayKeepsTheWholeAddress(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host+" "+r.RequestURI)
	}))
	defer server.Close()
	for prefix, want := range map[string]string{"": "", "/": "", "/a%20b/c/": "/a%20b/c"} {
		gateway, err := sandbox.NewGateway(server.URL + prefix)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://i0.hdslb.com/a%2Fb/c%20d@1w.webp?x=1&y=%26", nil)
		resp, err := gateway.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		gateway.CloseIdleConnections()
		if got := string(body); got != strings.TrimPrefix(server.URL, "http://")+" "+want+"/i0.hdslb.com/a%2Fb/c%20d@1w.webp?x=1&y=%26" {
			t.Errorf("%s: %s", prefix, got)
		}
		if r.URL.Host != "i0.hdslb.com" {
			t.Error("the request was changed")
		}
		resp, err = gateway.RoundTrip(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://i0.hdslb.com/", nil))
		if err == nil {
			resp.Body.Close()
			t.Error("http is taken")
		}
	}
}

func TestABrowserFindsWhatTheSandboxHolds(t *testing.T) {
	const link = "https://i0.hdslb.com/bfs/live/a.png"
	for name, test := range map[string]struct {
		handler http.Handler
		ours    bool
	}{"sandbox": {sandbox.New(), true}, "other": {http.NotFoundHandler(), false}} {
		server := httptest.NewServer(test.handler)
		gateway, err := sandbox.NewGateway(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		want := link
		if test.ours {
			want = server.URL + "/i0.hdslb.com/bfs/live/a.png"
		}
		if got := gateway.Open(link); got != want {
			t.Errorf("%s: %s", name, got)
		}
		gateway.CloseIdleConnections()
		server.Close()
	}
}

func TestStartAndClose(t *testing.T) {
	host := sandbox.New()
	if err := host.Close(); err != nil {
		t.Error(err)
	}
	if err := host.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(host.URL() + "/")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	if err := host.Close(); err != nil {
		t.Error(err)
	}
	if resp, err = http.Get(host.URL() + "/"); err == nil {
		resp.Body.Close()
		t.Error("it still answers")
	}
}
