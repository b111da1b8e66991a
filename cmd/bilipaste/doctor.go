package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"bilipaste/internal/desktop"
	"bilipaste/internal/fault"
	"bilipaste/internal/keystore"
	"bilipaste/internal/lang"
	"bilipaste/internal/notify"
)

func (a *app) doctorCommand() *cobra.Command {
	cmd := a.command("doctor", "doctor")
	// Broken settings are one of the things that it tells of.
	cmd.PersistentPreRunE = a.settleAnyway
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context()) }
	return cmd
}

// finding is what the doctor knows of one part.
type finding struct {
	Part   string `json:"part"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

// doctor checks each part, prints a line for it, and fails if one does.
func (a *app) doctor(ctx context.Context) error {
	var account, network error
	var who string
	checks := []struct {
		part string
		run  func() (string, error)
	}{
		{"settings", func() (string, error) { return a.file, a.configErr }},
		{"clipboard", func() (string, error) {
			w, err := a.clipboard(ctx)
			if err != nil {
				return "", err
			}
			return w.Backend(), w.Close()
		}},
		{"bus", func() (string, error) { return a.say.Text("cli.doctor.bus_there"), a.checkBus() }},
		{"notification", func() (string, error) { return notify.CheckNotification(ctx) }},
		{"sound", func() (string, error) { return a.say.Text("cli.doctor.sound_there"), notify.CheckSound(ctx) }},
		{"network", func() (string, error) {
			who, account, network = a.reach(ctx)
			if network != nil {
				return "", lang.Errorf("cli.doctor.unreached", lang.Data{"Cause": network, "Way": a.way}, network)
			}
			return a.say.Text("cli.doctor.reached", lang.Data{"Way": a.way}), nil
		}},
		{"account", func() (string, error) {
			if fault.KindOf(account) == fault.NotLoggedIn && !needsAccount(a.config) {
				return a.say.Text("cli.doctor.no_account"), nil
			}
			return who, account
		}},
		{"keystore", a.checkKeystore},
		{"album", func() (string, error) {
			kept, err := a.openAlbum(ctx)
			if err != nil {
				return "", err
			}
			return kept.Dir(), nil
		}},
		{"log", func() (string, error) { return a.logFile(), nil }},
	}
	sick := false
	for _, c := range checks {
		if c.part == "bus" && (runtime.GOOS == "windows" || runtime.GOOS == "darwin") {
			continue // there is no such thing
		}
		detail, err := c.run()
		f := finding{Part: c.part, OK: err == nil, Detail: detail}
		if err != nil {
			sick = true
			f.Detail, f.Hint = a.say.Error(err)
		}
		a.printFinding(f)
	}
	if sick {
		return told{errors.New("a part needs mending")}
	}
	return nil
}

// checkBus tells whether there is a session bus.
func (a *app) checkBus() error {
	if desktop.Bus() {
		return nil
	}
	return lang.Errorf("cli.no_bus", nil, nil)
}

// checkKeystore tells where a login is kept, or would be.
func (a *app) checkKeystore() (string, error) {
	file := a.say.Text("cli.session.file", lang.Data{"File": a.sessionFile()})
	if a.config.Keystore == string(keystore.File) {
		return file, nil
	}
	switch err := keystore.Check(); {
	case err == nil:
		return a.say.Text("cli.session.keyring"), nil
	case a.config.Keystore == string(keystore.Auto):
		what, _ := a.say.Error(err)
		return a.say.Text("cli.doctor.fallback", lang.Data{"Place": file, "Why": what}), nil
	default:
		return "", err
	}
}

// reach asks Bilibili who is signed in: one request tells of network and account.
func (a *app) reach(ctx context.Context) (who string, account, network error) {
	client, err := a.bilibili()
	if err != nil {
		return "", err, nil
	}
	answer, account := client.User(ctx)
	switch {
	case client.Session().IsZero():
		network = client.Reach(ctx)
	case fault.KindOf(account) == fault.Passing:
		network = account
	}
	return fmt.Sprintf("%s (%d)", answer.Name, answer.ID), account, network
}

func (a *app) printFinding(f finding) {
	if a.json {
		a.printJSON(f)
		return
	}
	mark := a.say.Text("cli.doctor.ok")
	if !f.OK {
		mark = a.say.Text("cli.doctor.sick")
	}
	fmt.Fprintf(a.out, "[%s] %s: %s\n", mark, a.say.Text("cli.doctor."+f.Part), oneLine(f.Detail))
	if f.Hint != "" {
		fmt.Fprintf(a.out, "     %s: %s\n", a.say.Text("cli.hint"), f.Hint)
	}
}
