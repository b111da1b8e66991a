package web

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/windows/registry"

	"bilipaste/internal/lang"
)

func TestTheProxyOfWindowsSettings(t *testing.T) {
	if os.Getenv("WINEPREFIX") == "" {
		t.Skip("these are a user's own settings")
	}
	noProxy(t)
	key, _, err := registry.CreateKey(registry.CURRENT_USER, `Software\Microsoft\Windows\CurrentVersion\Internet Settings`, registry.SET_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = key.Close() }()
	set := func(server string) {
		t.Helper()
		if err := key.SetStringValue("ProxyServer", server); err != nil {
			t.Fatal(err)
		}
		if err := key.SetDWordValue("ProxyEnable", 1); err != nil {
			t.Fatal(err)
		}
	}
	defer func() {
		for _, name := range []string{"ProxyServer", "ProxyEnable", "AutoConfigURL"} {
			_ = key.DeleteValue(name)
		}
	}()
	got := reached(t, "https://api.invalid/x", func(proxy string) *url.URL {
		set(strings.TrimPrefix(proxy, "http://"))
		return nil
	})
	if got != "CONNECT api.invalid:443" {
		t.Errorf("the proxy was asked for %q", got)
	}
	set("http=other:1")
	if err := key.SetStringValue("AutoConfigURL", "http://x.example/proxy.pac"); err != nil {
		t.Fatal(err)
	}
	u := &url.URL{Scheme: "https", Host: "api.bilibili.com"}
	if proxy, way, err := ProxyFor(u, nil); proxy != nil || err != nil || !strings.Contains(lang.New(lang.English).Say(way), "x.example/proxy.pac, is not run") {
		t.Errorf("%v, %+v, %v", proxy, way, err)
	}
	set("gopher://x")
	_, way, err := ProxyFor(u, nil)
	if said := lang.New(lang.Chinese).Say(way); err == nil || said != "系统代理" {
		t.Errorf("%q, %v", said, err)
	}
}
