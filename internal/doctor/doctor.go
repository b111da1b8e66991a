// Package doctor checks every part of the program and says what to mend.
package doctor

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"strings"

	"bilipaste/internal/app"
	"bilipaste/internal/config"
	"bilipaste/internal/desktop"
	"bilipaste/internal/fault"
	"bilipaste/internal/keystore"
	"bilipaste/internal/lang"
	"bilipaste/internal/notify"
	"bilipaste/uploader/scdn"
)

// Finding is what is known of one part, in the user's language.
type Finding struct {
	Part   string `json:"part"` // the name is the message "doctor.PART"
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"` // what to do, where it is not
}

// checkup is one look at all parts.
type checkup struct {
	app      *app.App
	settings config.Config
	say      *lang.Printer

	who     string // is signed in, as the network's check found
	account error  // why nobody is
}

// Check checks each part in turn: the settings, of which bad is what is wrong
// with them, and what they lead to.
func Check(ctx context.Context, a *app.App, settings config.Config, bad error, say *lang.Printer) iter.Seq[Finding] {
	c := &checkup{app: a, settings: settings, say: say}
	checks := []struct {
		part string
		run  func(context.Context) (string, error)
	}{
		{"settings", func(context.Context) (string, error) { return a.Source.File, bad }},
		{"clipboard", a.Backend},
		{"bus", c.bus},
		{"notification", notify.CheckNotification},
		{"sound", func(ctx context.Context) (string, error) {
			return say.Text("doctor.sound_there"), notify.CheckSound(ctx)
		}},
		{"network", c.reach},
		{"account", c.signedIn},
		{"keystore", c.keystore},
		{"album", c.album},
		{"log", func(context.Context) (string, error) { return a.LogFile(), nil }},
	}
	return func(yield func(Finding) bool) {
		for _, check := range checks {
			if check.part == "bus" && (runtime.GOOS == "windows" || runtime.GOOS == "darwin") {
				continue // there is no such thing
			}
			detail, err := check.run(ctx)
			f := Finding{Part: check.part, OK: err == nil, Detail: detail}
			if err != nil {
				f.Detail, f.Hint = say.Error(err)
			}
			if !yield(f) {
				return
			}
		}
	}
}

// bus tells whether there is a session bus.
func (c *checkup) bus(context.Context) (string, error) {
	if desktop.Bus() {
		return c.say.Text("doctor.bus_there"), nil
	}
	return "", lang.Errorf("doctor.no_bus", nil, nil)
}

// reach asks the hosts that pictures go to; of Bilibili one request tells of
// network and account.
func (c *checkup) reach(ctx context.Context) (string, error) {
	n, err := c.app.Network()
	if err != nil {
		return "", err
	}
	n.SetProxy(c.settings.Proxy)
	var reached []string
	if app.NeedsAccount(c.settings) {
		reached = append(reached, "Bilibili")
		err = c.reachBilibili(ctx)
	}
	if err == nil && app.NeedsSCDN(c.settings) {
		reached = append(reached, "img.scdn.io")
		var host *scdn.Host
		if host, err = c.app.SCDN(c.settings); err == nil {
			err = host.Reach(ctx)
		}
	}
	switch {
	case err != nil:
		return "", lang.Errorf("doctor.unreached", lang.Data{"Way": n.Way(), "Cause": err}, err)
	case reached == nil:
		return c.say.Text("doctor.unasked"), nil
	}
	return c.say.Text("doctor.reached", lang.Data{"Hosts": strings.Join(reached, ", "), "Way": n.Way()}), nil
}

// reachBilibili returns why Bilibili cannot be reached, nil if it can.
func (c *checkup) reachBilibili(ctx context.Context) error {
	client, err := c.app.Account(c.settings)
	if err != nil {
		c.account = err // such as half a session
		return nil
	}
	who, err := client.User(ctx)
	c.who, c.account = fmt.Sprintf("%s (%d)", who.Name, who.ID), err
	switch {
	case client.Session().IsZero():
		return client.Reach(ctx)
	case fault.KindOf(err) == fault.Passing:
		return err
	}
	return nil
}

func (c *checkup) signedIn(context.Context) (string, error) {
	if !app.NeedsAccount(c.settings) {
		return c.say.Text("doctor.no_account"), nil
	}
	return c.who, c.account
}

// keystore tells where a login is kept, or would be.
func (c *checkup) keystore(context.Context) (string, error) {
	n, err := c.app.Network()
	if err != nil {
		return "", err
	}
	file := c.say.Say(n.SessionFile())
	if c.settings.Keystore == string(keystore.File) {
		return file, nil
	}
	switch err := keystore.Check(); {
	case err == nil:
		return c.say.Text("app.session.keyring"), nil
	case c.settings.Keystore == string(keystore.Auto):
		what, _ := c.say.Error(err)
		return c.say.Text("doctor.fallback", lang.Data{"Location": file, "Why": what}), nil
	default:
		return "", err
	}
}

func (c *checkup) album(ctx context.Context) (string, error) {
	kept, err := c.app.Album(ctx, c.settings)
	if err != nil {
		return "", err
	}
	return kept.Dir(), nil
}
