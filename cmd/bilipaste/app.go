package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"bilipaste/internal/account"
	"bilipaste/internal/album"
	"bilipaste/internal/config"
	"bilipaste/internal/desktop"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/sandbox"
	"bilipaste/uploader"
	"bilipaste/uploader/bilibili"
	"bilipaste/uploader/scdn"
	"bilipaste/watcher"
)

// app is the program: it wires the rooms together for the commands.
type app struct {
	in       io.Reader
	out, err io.Writer
	log      *slog.Logger

	file      string // the settings file
	fileGiven bool   // by a flag
	config    config.Config
	configErr error // why the settings could not be read
	say       *lang.Printer
	state     string // the folder of what survives a restart
	data      string // the folder of what the user wants to keep

	json, sandboxed, formatGiven bool // what the flags say

	client     *account.Client
	kept       sessions
	refreshKey []byte            // a stand-in's, nil: Bilibili's
	way        string            // how Bilibili is reached, in words
	carrier    http.RoundTripper // how requests go out, once it is known
	proxy      *url.URL          // the carrier's
	gateway    *sandbox.Gateway
	notes      string       // the folder of the gate's notes
	album      *album.Album // once it is open
	ends       []func()     // what must be ended with the program
}

func newApp(args []string, in io.Reader, out, errOut io.Writer) *app {
	a := &app{in: in, out: out, err: errOut}
	a.log = slog.New(&notes{app: a, said: map[string]bool{}})
	slog.SetDefault(a.log)
	places, err := config.FindPlaces()
	a.state, a.notes, a.data = places.State, places.State, places.Data
	a.file = places.File()
	if file := settingsFile(args); file != "" {
		a.file, a.fileGiven = file, true
	}
	a.config, a.configErr = loadSettings(a.file)
	if err != nil {
		a.configErr = err
	}
	a.say = a.printer(a.config)
	return a
}

// loadSettings reads the settings and checks what only the hosts can check.
func loadSettings(file string) (config.Config, error) {
	c, err := config.Load(file)
	if err == nil {
		if bad := checkHosts(c); bad != nil {
			err = lang.Errorf("config.in_file", lang.Data{"File": file, "Cause": bad}, bad)
		}
	}
	return c, err
}

// printer says things in the language of the settings.
func (a *app) printer(c config.Config) *lang.Printer {
	if c.Language == "auto" {
		return lang.New(desktop.Language())
	}
	return lang.New(c.Language)
}

// close ends what was started, the last first.
func (a *app) close() {
	for i := len(a.ends) - 1; i >= 0; i-- {
		a.ends[i]()
	}
}

// uploader returns the way from a picture to its link, on the chosen hosts.
func (a *app) uploader() (l linker, err error) {
	l.Prepare = uploader.Prepare{
		KeepMetadata: !a.config.StripMetadata,
		FirstFrame:   a.config.GIF == "first-frame",
		RefuseLarge:  a.config.TooLarge == "refuse",
	}
	if l.Host, err = a.host(a.config.Host, &l); err != nil {
		return l, err
	}
	if a.config.GIF == scdn.Name && a.config.Host != scdn.Name {
		if l.Moving, err = a.host(scdn.Name, &l); err != nil {
			return l, err
		}
	}
	for _, name := range a.config.Fallback {
		next, err := a.host(name, &l)
		if err != nil {
			return l, err
		}
		l.Fallback = append(l.Fallback, next)
	}
	l.gateway = a.gateway
	return l, nil
}

// clipboard opens the desktop's clipboard.
func (a *app) clipboard(ctx context.Context) (*watcher.Watcher, error) {
	return watcher.Open(ctx, picture.Is)
}

// linker makes links that a browser can open, also the sandbox's.
type linker struct {
	uploader.Uploader
	gateway *sandbox.Gateway
	about   []lang.Message // what the user has to know of the hosts
}

// to is where its pictures go.
func (l linker) to() uploader.Place {
	at, _ := l.Host.Place()
	return at
}

// Upload uploads p as uploader.Uploader does.
func (l linker) Upload(ctx context.Context, p picture.Picture) (uploader.Link, error) {
	link, err := l.Uploader.Upload(ctx, p)
	return opened(l.gateway, link), err
}

// opened returns the link as a browser can open it.
func opened(gateway *sandbox.Gateway, link uploader.Link) uploader.Link {
	if gateway != nil && link.URL != "" {
		link.URL = gateway.Open(link.URL)
	}
	return link
}

// bilibili returns the client of the user's account.
func (a *app) bilibili() (*account.Client, error) {
	transport, err := a.transport()
	if err != nil {
		return nil, err
	}
	a.client, err = a.signIn(transport)
	return a.client, err
}

// transport returns how hosts are reached: as they are, or by a gateway.
func (a *app) transport() (http.RoundTripper, error) {
	if a.carrier != nil && a.proxy == a.config.Proxy {
		return a.carrier, nil
	}
	base := os.Getenv("BILIPASTE_GATEWAY")
	switch {
	case a.gateway != nil: // which no proxy leads to
		return a.gateway, nil
	case a.sandboxed:
		var err error
		if base, err = a.startSandbox(); err != nil {
			return nil, err
		}
		a.way = a.say.Text("cli.way.sandbox")
	case base != "":
		// What a stand-in refuses must not stop calls to the host itself.
		a.notes = filepath.Join(a.state, "gateway")
		if file := os.Getenv("BILIPASTE_REFRESH_KEY"); file != "" {
			key, err := os.ReadFile(file)
			if err != nil {
				return nil, lang.Errorf("config.unreadable", lang.Data{"File": file, "Cause": err}, err)
			}
			a.refreshKey = key
		}
		a.way = a.say.Text("cli.way.gateway", lang.Data{"Gateway": base})
	default:
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.Proxy = proxyFunc(a.config.Proxy)
		_, way, _ := proxyFor(&url.URL{Scheme: "https", Host: "api.bilibili.com"}, a.config.Proxy) // what is wrong, a request tells
		a.way = a.say.Say(way)
		a.notes, a.carrier, a.proxy = a.state, transport, a.config.Proxy
		return transport, nil
	}
	gateway, err := sandbox.NewGateway(base)
	if err != nil {
		return nil, err
	}
	a.gateway = gateway
	return gateway, nil
}

// startSandbox starts the stand-in inside the program and returns its address.
// Nothing of it outlives the program.
func (a *app) startSandbox() (string, error) {
	server := sandbox.New()
	if err := server.Start("127.0.0.1:0"); err != nil {
		return "", err
	}
	a.ends = append(a.ends, func() { _ = server.Close() })
	notes, err := os.MkdirTemp("", "bilipaste-sandbox-")
	if err != nil {
		return "", err
	}
	a.ends = append(a.ends, func() { _ = os.RemoveAll(notes) })
	a.notes, a.refreshKey = notes, server.RefreshKey()
	return server.URL(), nil
}

// buckets lists the buckets to choose from: the known ones, and the one in
// use; none where the host has none.
func buckets(c config.Config) []string {
	if bucketOf(c) == "" {
		return nil
	}
	all := bilibili.Buckets()
	if !slices.Contains(all, c.Bucket) {
		all = append(all, c.Bucket)
	}
	return all
}
