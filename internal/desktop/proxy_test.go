package desktop_test

import (
	"net/url"
	"testing"

	"bilipaste/internal/desktop"
	"bilipaste/internal/lang"
)

func TestTheProxyOfAnAddress(t *testing.T) {
	const bilibili = "https://api.bilibili.com/x"
	for _, c := range []struct{ server, bypass, target, want string }{
		{"", "", bilibili, ""},
		{"127.0.0.1:7890", "", bilibili, "http://127.0.0.1:7890"},
		{"proxy:80", "", "http://i0.hdslb.com", "http://proxy:80"},
		{"[::1]:7890", "", bilibili, "http://[::1]:7890"},
		{"http://proxy:3128", "", bilibili, "http://proxy:3128"},
		{"socks5://proxy:1080", "", bilibili, "socks5://proxy:1080"},
		{"http=a:1;https=b:2;ftp=c:3;socks=d:4", "", bilibili, "http://b:2"},
		{"http=a:1;https=b:2", "", "http://x.example", "http://a:1"},
		{"HTTPS=b:2", "", bilibili, "http://b:2"},
		{"https=https://b:2", "", bilibili, "https://b:2"},
		{"http=a:1", "", bilibili, ""},
		{"http=a:1;socks=d:4", "", bilibili, "socks5://d:4"},
		{"http=a:1 https=b:2", "", bilibili, "http://b:2"},

		{"p:1", "<local>", bilibili, "http://p:1"},
		{"p:1", "<local>", "http://nas/x", ""},
		{"p:1", "<local>", "http://[fe80::1]/", "http://p:1"},
		{"p:1", "localhost;127.*;10.*;<local>", "http://10.1.2.3/", ""},
		{"p:1", "localhost;127.*;10.*", "http://110.1.2.3/", "http://p:1"},
		{"p:1", "*.bilibili.com", bilibili, ""},
		{"p:1", "*.BILIBILI.com", "https://API.bilibili.COM", ""},
		{"p:1", "*.bilibili.com", "https://bilibili.com", "http://p:1"},
		{"p:1", "bilibili.com", bilibili, "http://p:1"},
		{"p:1", "*bili*.com", bilibili, ""},
		{"p:1", "*", bilibili, ""},
		{"p:1", "api.*.com:443", bilibili, ""},
		{"p:1", "api.bilibili.com:8443", bilibili, "http://p:1"},
		{"p:1", "https://api.bilibili.com", bilibili, ""},
		{"p:1", "http://api.bilibili.com", bilibili, "http://p:1"},
		{"p:1", "[::1]", "http://[::1]:80", ""},
		{"p:1", "%zz;[;<-loopback>;;,a b", bilibili, "http://p:1"},
	} {
		target, err := url.Parse(c.target)
		if err != nil {
			t.Fatal(err)
		}
		got, err := desktop.Proxy{Server: c.server, Bypass: c.bypass}.For(target)
		if err != nil || got == nil && c.want != "" || got != nil && got.String() != c.want {
			t.Errorf("%q without %q to %s: %v, %v, want %q", c.server, c.bypass, c.target, got, err, c.want)
		}
	}
}

func TestAProxyThatIsNone(t *testing.T) {
	for _, server := range []string{"socks4://a:1", "%", "http=a:1;https=:80", "ftp://a:1", "://"} {
		got, err := desktop.Proxy{Server: server}.For(&url.URL{Scheme: "https", Host: "api.bilibili.com"})
		if err == nil {
			t.Errorf("%q: %v", server, got)
			continue
		}
		for _, tag := range []string{lang.English, lang.Chinese} {
			if what, hint := lang.New(tag).Error(err); what == "" || hint == "" {
				t.Errorf("%q, hint %q", what, hint)
			}
		}
	}
}

func FuzzProxy(f *testing.F) {
	f.Add("http=a:1;https=b:2", "*.example.com;<local>", "https://api.bilibili.com/")
	f.Fuzz(func(t *testing.T, server, bypass, target string) {
		u, err := url.Parse(target)
		if err != nil {
			return
		}
		if proxy, err := (desktop.Proxy{Server: server, Bypass: bypass}).For(u); err == nil && proxy != nil && proxy.Hostname() == "" {
			t.Errorf("%q: %s", server, proxy)
		}
	})
}
