package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bilipaste/internal/account"
	"bilipaste/internal/config"
	"bilipaste/internal/lang"
	"bilipaste/uploader"
	"bilipaste/uploader/bilibili"
	"bilipaste/uploader/folder"
	"bilipaste/uploader/scdn"
)

// host is a host that can be chosen.
type host struct {
	name  string
	open  func(*App, config.Config) (uploader.Host, error)
	at    string // where its uploads go, "" where that is this machine
	about string // the message that whoever chooses it has to read, "" for none
	once  bool   // the first time only
}

// hosts is the one list of hosts, in the order of the menus.
func hosts() []host {
	return []host{
		{name: bilibili.Name, at: "api.bilibili.com", open: (*App).bucket},
		{name: scdn.Name, at: "img.scdn.io", open: func(a *App, c config.Config) (uploader.Host, error) { return usable(a.SCDN(c)) }, about: "scdn.about", once: true},
		{name: folder.Name, open: func(_ *App, c config.Config) (uploader.Host, error) { return usable(folder.New(folderOptions(c))) }},
		{name: bilibili.DrawName, at: "api.bilibili.com", open: (*App).draw, about: "bilibili.draw_about"},
	}
}

// HostNames lists the hosts to choose from.
func HostNames() []string {
	var names []string
	for _, h := range hosts() {
		names = append(names, h.name)
	}
	return names
}

func (a *App) bucket(c config.Config) (uploader.Host, error) {
	client, err := a.Account(c)
	if err != nil {
		return nil, err
	}
	return usable(bilibili.NewBucket(client, c.Bucket, c.BucketUnlisted))
}

func (a *App) draw(c config.Config) (uploader.Host, error) {
	client, err := a.Account(c)
	if err != nil {
		return nil, err
	}
	return usable(bilibili.NewDraw(client, c.DrawCategory, c.DrawBiz))
}

// SCDN returns img.scdn.io, as a host and for what it knows of its pictures.
func (a *App) SCDN(c config.Config) (*scdn.Host, error) {
	n, err := a.Network()
	if err != nil {
		return nil, err
	}
	return scdn.New(n.Transport, scdn.NewWindows(n.State, a.Log), scdnOptions(c))
}

func scdnOptions(c config.Config) scdn.Options {
	return scdn.Options{Output: c.SCDNOutput, Domain: c.SCDNDomain, Password: c.SCDNPassword, Question: c.SCDNQuestion}
}

func folderOptions(c config.Config) folder.Options {
	return folder.Options{Dir: c.Folder, Template: c.FolderName, Prefix: c.FolderURL}
}

// ErrUnusable marks an error of settings that no host can be made of.
var ErrUnusable = errors.New("settings of a host that cannot be used")

// unusable is such an error, said as its cause is.
type unusable struct{ error }

func (u unusable) Unwrap() error        { return u.error }
func (u unusable) Is(target error) bool { return target == ErrUnusable }

func usable[H uploader.Host](host H, err error) (uploader.Host, error) {
	if err != nil {
		return nil, unusable{err}
	}
	return host, nil
}

// CheckHosts tells whether the settings of the hosts can be used: nil, or a
// lang.Teller. A folder need not be set as long as nothing goes there.
func CheckHosts(c config.Config) error {
	for _, name := range append([]string{c.Host}, c.Fallback...) {
		if !slices.Contains(HostNames(), name) {
			return lang.Errorf("app.no_host", lang.Data{"Name": name, "Names": strings.Join(HostNames(), ", ")}, nil)
		}
	}
	client := account.NewClient(nil, account.Session{}, nil)
	if _, err := bilibili.NewBucket(client, c.Bucket, c.BucketUnlisted); err != nil {
		return err
	}
	if _, err := bilibili.NewDraw(client, c.DrawCategory, c.DrawBiz); err != nil {
		return err
	}
	if _, err := scdn.New(nil, nil, scdnOptions(c)); err != nil {
		return err
	}
	if c.Folder == "" {
		c.Folder = "."
	}
	_, err := folder.New(folderOptions(c))
	return err
}

// BucketOf returns the bucket in use, "" where the host has none.
func BucketOf(c config.Config) string {
	if c.Host == bilibili.Name {
		return c.Bucket
	}
	return ""
}

// Buckets lists the buckets to choose from: the known ones, and the one in use;
// none where the host has none.
func Buckets(c config.Config) []string {
	if BucketOf(c) == "" {
		return nil
	}
	all := bilibili.Buckets()
	if !slices.Contains(all, c.Bucket) {
		all = append(all, c.Bucket)
	}
	return all
}

// BucketNames lists the known buckets of Bilibili.
func BucketNames() []string { return bilibili.Buckets() }

// NeedsAccount tells whether pictures go to Bilibili.
func NeedsAccount(c config.Config) bool {
	return goesTo(c, bilibili.Name) || goesTo(c, bilibili.DrawName)
}

// NeedsSCDN tells whether pictures, or those that move, go to img.scdn.io.
func NeedsSCDN(c config.Config) bool { return goesTo(c, scdn.Name) || c.GIF == scdn.Name }

func goesTo(c config.Config, host string) bool {
	return c.Host == host || slices.Contains(c.Fallback, host)
}

// Uploader is the way from a picture to its link that settings describe. It is
// safe for concurrent use.
type Uploader struct {
	Pipeline uploader.Uploader
	Account  *account.Client // of the user, nil where no picture goes to Bilibili
	About    []lang.Message  // what the user has to know of the hosts

	app      *App
	settings config.Config
	ledger   uploader.Ledger
	network  *Network
}

// Uploader returns the way that the settings describe; what is uploaded is
// known to ledger and recorded in it, unless that is nil. The error is a
// lang.Teller; it is ErrUnusable where the settings are to blame.
func (a *App) Uploader(c config.Config, ledger uploader.Ledger) (*Uploader, error) {
	n, err := a.Network()
	if err != nil {
		return nil, err
	}
	n.SetProxy(c.Proxy)
	u := &Uploader{app: a, settings: c, ledger: ledger, network: n}
	u.Pipeline.Ledger = ledger
	u.Pipeline.Prepare = uploader.Prepare{
		KeepMetadata: !c.StripMetadata,
		FirstFrame:   c.GIF == "first-frame",
		RefuseLarge:  c.TooLarge == "refuse",
	}
	if NeedsAccount(c) {
		if u.Account, err = a.Account(c); err != nil {
			return nil, err
		}
	}
	if u.Pipeline.Host, err = a.host(c.Host, c, u); err != nil {
		return nil, err
	}
	if c.GIF == scdn.Name && c.Host != scdn.Name {
		if u.Pipeline.Moving, err = a.host(scdn.Name, c, u); err != nil {
			return nil, err
		}
	}
	for _, name := range c.Fallback {
		next, err := a.host(name, c, u)
		if err != nil {
			return nil, err
		}
		u.Pipeline.Fallback = append(u.Pipeline.Fallback, next)
	}
	return u, nil
}

// GetReady opens a connection to the host, unless there is one or the host lets
// nothing in for now: a picture is about to be sent, perhaps.
func (u *Uploader) GetReady(ctx context.Context) {
	if u.network.direct == nil {
		return
	}
	if u.Account != nil {
		if until, err := u.app.gate(u.network, u.settings).Refused(ctx); err != nil || !until.IsZero() {
			return
		}
	}
	for _, h := range hosts() {
		if h.name == u.Pipeline.Host.Name() && h.at != "" {
			u.network.direct.Open(ctx, h.at)
		}
	}
}

// Open returns a link as a browser can open it.
func (u *Uploader) Open(link uploader.Link) uploader.Link { return u.network.Open(link) }

// Destination is where its pictures go.
func (u *Uploader) Destination() uploader.Destination {
	at, _ := u.Pipeline.Host.Destination()
	return at
}

// Way returns the way to a destination, which a pending upload has remembered,
// by the same settings otherwise. To another one than theirs it has no fallback:
// a picture that was not meant for these hosts does not go on to them by itself.
// The error is a lang.Teller: the settings have no such way any more.
func (u *Uploader) Way(to uploader.Destination) (*uploader.Uploader, error) {
	if to == u.Destination() {
		return &u.Pipeline, nil
	}
	c := u.settings
	c.Host, c.Fallback = to.Host, nil
	if c.GIF == scdn.Name {
		c.GIF = "refuse"
	}
	switch to.Host {
	case bilibili.Name:
		c.Bucket, c.BucketUnlisted = to.Bucket, true
	case bilibili.DrawName:
		c.DrawCategory = to.Bucket
	case scdn.Name:
		if scdn.HasPassword(to) && c.SCDNPassword.IsZero() {
			return nil, lang.Errorf("app.no_password", lang.Data{"Host": to.Host}, nil)
		}
	}
	other, err := u.app.Uploader(c, u.ledger)
	if err != nil {
		return nil, err
	}
	return &other.Pipeline, nil
}

// Destination is where the settings send pictures, also where they cannot be
// used yet.
func Destination(c config.Config) uploader.Destination {
	switch c.Host {
	case bilibili.Name:
		return uploader.Destination{Host: c.Host, Bucket: c.Bucket}
	case bilibili.DrawName:
		return uploader.Destination{Host: c.Host, Bucket: c.DrawCategory}
	}
	return uploader.Destination{Host: c.Host}
}

// host opens the host of a name, and adds to u what its user has to read.
func (a *App) host(name string, c config.Config, u *Uploader) (uploader.Host, error) {
	for _, h := range hosts() {
		if h.name != name {
			continue
		}
		if h.about != "" && (!h.once || a.isFirst(name)) {
			u.About = append(u.About, lang.Message{ID: h.about})
		}
		return h.open(a, c)
	}
	return nil, unusable{CheckHosts(c)}
}

// isFirst tells whether a host was never chosen before, as far as can be known.
func (a *App) isFirst(name string) bool {
	if a.Sandboxed {
		return false // nothing goes anywhere
	}
	mark := filepath.Join(a.Dirs.State, name+"-chosen")
	if _, err := os.Lstat(mark); err == nil {
		return false
	}
	_ = os.MkdirAll(a.Dirs.State, 0o700)
	_ = os.WriteFile(mark, nil, 0o600) // else it is said again
	return true
}
