package app

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"

	"bilipaste/internal/lang"
	"bilipaste/internal/sandbox"
	"bilipaste/internal/web"
	"bilipaste/uploader"
)

// Network is how the hosts are reached: as they are, by a gateway, or in a
// stand-in inside the program. What a stand-in remembers and refuses must not
// reach the hosts themselves, so each has folders of its own.
type Network struct {
	Transport http.RoundTripper
	State     string // the folder of what is remembered of the hosts, such as refusals and the session

	direct     *web.Transport // Transport, where it leads to the hosts themselves; else nil
	data       string         // the folder of what the user wants to keep
	refreshKey []byte         // a stand-in's, nil: Bilibili's
	gateway    *sandbox.Gateway
	way        lang.Message // to a stand-in
	proxy      atomic.Pointer[url.URL]
	end        []func() error
}

// Network returns how the hosts are reached. The error is a lang.Teller: the
// gateway of the environment is none, or its key cannot be read.
func (a *App) Network() (*Network, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.network != nil {
		return a.network, nil
	}
	n := &Network{State: a.Dirs.State, data: a.Dirs.Data}
	var err error
	switch base := os.Getenv("BILIPASTE_GATEWAY"); {
	case a.Sandboxed:
		err = n.sandbox()
	case base != "":
		if err = n.byGateway(base, os.Getenv("BILIPASTE_REFRESH_KEY")); err == nil {
			a.Log.Warn("a gateway is in use", "error", lang.Errorf("app.gateway", lang.Data{"Gateway": base}, nil))
		}
	default:
		n.direct = web.NewTransport(web.Proxy(n.proxy.Load), nil)
		n.Transport = n.direct
	}
	if err != nil {
		return nil, errors.Join(err, n.close())
	}
	a.network = n
	return n, nil
}

// SetProxy takes the setting over, nil for none, for the requests to come.
func (n *Network) SetProxy(u *url.URL) { n.proxy.Store(u) }

// Way says how Bilibili is reached.
func (n *Network) Way() lang.Message {
	if n.gateway != nil {
		return n.way
	}
	_, way, _ := web.ProxyFor(&url.URL{Scheme: "https", Host: "api.bilibili.com"}, n.proxy.Load()) // what is wrong, a request tells
	return way
}

// byGateway reaches the hosts by a gateway. file names the public key of its
// session refresh, "" where there is none.
func (n *Network) byGateway(base, file string) (err error) {
	n.State, n.data = filepath.Join(n.State, "gateway"), filepath.Join(n.data, "gateway")
	if file != "" {
		if n.refreshKey, err = os.ReadFile(file); err != nil {
			return lang.Errorf("config.unreadable", lang.Data{"File": file, "Cause": err}, err)
		}
	}
	n.way = lang.Message{ID: "app.way.gateway", Data: lang.Data{"Gateway": base}}
	n.gateway, err = sandbox.NewGateway(base)
	n.Transport = n.gateway
	return err
}

// sandbox starts a stand-in inside the program. Nothing of it outlives that.
func (n *Network) sandbox() error {
	server := sandbox.New()
	if err := server.Start("127.0.0.1:0"); err != nil {
		return err
	}
	n.end = append(n.end, server.Close)
	dir, err := os.MkdirTemp("", "bilipaste-sandbox-")
	if err != nil {
		return err
	}
	n.end = append(n.end, func() error { return os.RemoveAll(dir) })
	n.State, n.data, n.refreshKey = dir, dir, server.RefreshKey()
	n.way = lang.Message{ID: "app.way.sandbox"}
	n.gateway, err = sandbox.NewGateway(server.URL())
	n.Transport = n.gateway
	return err
}

// Open returns the link as a browser can open it: a stand-in's pictures are on
// this machine.
func (n *Network) Open(link uploader.Link) uploader.Link {
	if n.gateway != nil && link.URL != "" {
		link.URL = n.gateway.Open(link.URL)
	}
	return link
}

// Link returns the URL of a link that Open has made one of for a browser.
func (n *Network) Link(url string) string {
	if n.gateway != nil {
		return n.gateway.Link(url)
	}
	return url
}

// Others is how pictures are reached that posts name: what is on the internet,
// and, with private, also what is on this machine and its networks.
func (n *Network) Others(private bool) http.RoundTripper {
	switch {
	case n.gateway != nil:
		return n.Transport
	case private:
		return n.direct
	}
	return web.NewPublic(web.Proxy(n.proxy.Load))
}

// close ends what was started, the last first.
func (n *Network) close() error {
	var err error
	for i := len(n.end) - 1; i >= 0; i-- {
		err = errors.Join(err, n.end[i]())
	}
	return err
}
