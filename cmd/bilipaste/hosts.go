package main

import (
	"fmt"
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

// place is a host that can be chosen.
type place struct {
	name  string
	open  func(*app) (uploader.Host, error)
	about string // the message that whoever chooses it has to read, "" for none
	once  bool   // the first time only
}

// places is the one list of hosts, in the order of the menus.
func places() []place {
	return []place{
		{name: bilibili.Name, open: (*app).bucketHost},
		{name: scdn.Name, open: (*app).scdnHost, about: "scdn.about", once: true},
		{name: folder.Name, open: (*app).folderHost},
		{name: bilibili.DrawName, open: (*app).drawHost, about: "bilibili.draw_about"},
	}
}

// hostNames lists the hosts to choose from.
func hostNames() []string {
	var names []string
	for _, p := range places() {
		names = append(names, p.name)
	}
	return names
}

func (a *app) bucketHost() (uploader.Host, error) {
	client, err := a.bilibili()
	if err != nil {
		return nil, err
	}
	return usable(bilibili.NewBucket(client, a.config.Bucket, a.config.BucketUnlisted))
}

func (a *app) drawHost() (uploader.Host, error) {
	client, err := a.bilibili()
	if err != nil {
		return nil, err
	}
	return usable(bilibili.NewDraw(client, a.config.DrawCategory, a.config.DrawBiz))
}

func (a *app) scdnHost() (uploader.Host, error) { return usable(a.scdn()) }

// scdn returns img.scdn.io, as a host and for what it knows of its pictures.
func (a *app) scdn() (*scdn.Host, error) {
	transport, err := a.transport()
	if err != nil {
		return nil, err
	}
	return scdn.New(transport, scdn.NewWindows(a.notes, a.log), scdnOptions(a.config))
}

func scdnOptions(c config.Config) scdn.Options {
	return scdn.Options{Output: c.SCDNOutput, Domain: c.SCDNDomain, Password: c.SCDNPassword, Question: c.SCDNQuestion}
}

func (a *app) folderHost() (uploader.Host, error) { return usable(folder.New(folderOptions(a.config))) }

func folderOptions(c config.Config) folder.Options {
	return folder.Options{Dir: c.Folder, Template: c.FolderName, Prefix: c.FolderURL}
}

// usable makes of settings that a host cannot be made of an error in how the
// program was called.
func usable[H uploader.Host](host H, err error) (uploader.Host, error) {
	if err != nil {
		return nil, usageError{err}
	}
	return host, nil
}

// checkHosts tells whether the settings of the hosts can be used. A folder need
// not be set as long as nothing goes there.
func checkHosts(c config.Config) error {
	for _, name := range append([]string{c.Host}, c.Fallback...) {
		if !slices.Contains(hostNames(), name) {
			return lang.Errorf("cli.no_host", lang.Data{"Name": name, "Names": strings.Join(hostNames(), ", ")}, nil)
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

// bucketOf returns the bucket in use, "" where the host has none.
func bucketOf(c config.Config) string {
	if c.Host == bilibili.Name {
		return c.Bucket
	}
	return ""
}

// needsAccount tells whether pictures go to Bilibili.
func needsAccount(c config.Config) bool {
	return slices.ContainsFunc(append([]string{c.Host}, c.Fallback...), func(name string) bool {
		return name == bilibili.Name || name == bilibili.DrawName
	})
}

// host opens the host of a name, and adds to l what its user has to read.
func (a *app) host(name string, l *linker) (uploader.Host, error) {
	for _, p := range places() {
		if p.name != name {
			continue
		}
		if p.about != "" && (!p.once || a.isFirst(name)) {
			l.about = append(l.about, lang.Message{ID: p.about})
		}
		return p.open(a)
	}
	return nil, usageError{checkHosts(a.config)}
}

// isFirst tells whether a host was never chosen before, as far as can be known.
func (a *app) isFirst(name string) bool {
	if a.sandboxed {
		return false // nothing goes anywhere
	}
	mark := filepath.Join(a.state, name+"-chosen")
	if _, err := os.Lstat(mark); err == nil {
		return false
	}
	_ = os.MkdirAll(a.state, 0o700)
	_ = os.WriteFile(mark, nil, 0o600) // else it is said again
	return true
}

// tellAbout prints what a terminal's user has to know of the hosts.
func (a *app) tellAbout(l linker) {
	for _, m := range l.about {
		fmt.Fprintf(a.err, "bilipaste: %s\n", a.say.Say(m))
	}
}
