package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"bilipaste/internal/account"
	"bilipaste/internal/app"
	"bilipaste/internal/desktop"
	"bilipaste/internal/lang"
	"bilipaste/internal/picgo"
	"bilipaste/internal/qr"
)

const anyPicGo = "auto" // the configuration that is found, rather than one that is named

func (c *cli) loginCommand() *cobra.Command {
	cmd := c.command("login", "login")
	picture := cmd.Flags().String("png", "", "cli.flag.png")
	open := cmd.Flags().Bool("open", false, "cli.flag.open")
	cookie := cmd.Flags().Bool("cookie", false, "cli.flag.cookie")
	from := cmd.Flags().String("from-picgo", "", "cli.flag.from_picgo")
	cmd.Flags().Lookup("from-picgo").NoOptDefVal = anyPicGo
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		switch {
		case *cookie && *from != "", (*cookie || *from != "") && (*picture != "" || *open):
			return usage("cli.login.ways", lang.Data{"Command": cmd.CommandPath()})
		case *cookie:
			return c.adopt(ctx, func() (account.Session, error) { return c.pastedSession(ctx) })
		case *from != "":
			file := *from
			if file == anyPicGo {
				file = ""
			}
			return c.adopt(ctx, func() (account.Session, error) { return picgo.Session(file) })
		}
		return c.login(ctx, *picture, *open)
	}
	return cmd
}

// login signs in with a QR code, in the terminal's words. The code is in the
// terminal, in a file, or shown by the system's viewer.
func (c *cli) login(ctx context.Context, file string, open bool) error {
	ctx, stop := context.WithCancelCause(ctx)
	viewer := qr.Viewer{File: file, Failed: stop}
	if open && file == "" {
		n, err := c.app.Network()
		if err != nil {
			return err
		}
		viewer.File = filepath.Join(n.State, "login-code.png")
	}
	client, account, err := c.app.LogIn(ctx, c.settings, func(step account.LoginStep) error {
		if step.State != account.LoginWaiting {
			fmt.Fprint(c.err, "\n"+c.say.Text("cli.login."+string(step.State)))
			return nil
		}
		var err error
		switch {
		case open:
			err = viewer.Show(ctx, step.Code)
		case file != "":
			err = qr.Save(file, step.Code)
		default:
			err = c.drawCode(step.Code)
		}
		// It ends no line that the next step may follow, so that the whole code
		// stays on a screen of 24 lines.
		fmt.Fprint(c.err, c.say.Text("cli.login.waiting", lang.Data{"File": viewer.File, "Until": lang.Clock(step.Until)}))
		return err
	})
	stop(nil)
	if open {
		viewer.Close()
	}
	fmt.Fprintln(c.err)
	if err != nil {
		return err
	}
	return c.welcome(client, account)
}

// drawCode shows a code in the terminal.
func (c *cli) drawCode(code string) error {
	drawn, err := qr.Terminal(code)
	if err == nil {
		desktop.AllowColours(c.err)
		fmt.Fprint(c.err, "\n"+drawn)
	}
	return err
}

// adopt signs in with a session that is found elsewhere.
func (c *cli) adopt(ctx context.Context, find func() (account.Session, error)) error {
	session, err := find()
	if err != nil {
		return err
	}
	client, err := c.app.LoginAccount(c.settings)
	if err != nil {
		return err
	}
	account, err := client.Adopt(ctx, session)
	if err != nil {
		return err
	}
	return c.welcome(client, account)
}

// signedIn is what "login --json" prints.
type signedIn struct {
	Account account.User `json:"account"`
	Kept    string       `json:"kept,omitempty"`
	Until   string       `json:"session_until,omitempty"`
}

// welcome tells who is signed in, and where the session is kept.
func (c *cli) welcome(client *account.Client, account account.User) error {
	line := signedIn{Account: account, Kept: c.sessionLocation(true)}
	if until := client.Session().Expires(); !until.IsZero() {
		line.Until = until.Local().Format(time.DateOnly)
	}
	if c.json {
		c.print(line)
	} else {
		fmt.Fprintln(c.out, c.say.Text("cli.login.done", lang.Data{
			"Name": account.Name, "ID": account.ID, "Location": line.Kept, "Until": line.Until,
		}))
	}
	if c.app.Sandboxed {
		return nil
	}
	n, err := c.app.Network()
	if err == nil {
		err = n.NoteLogin()
	}
	if err != nil {
		c.app.Log.Warn("a bilipaste that runs does not learn of the login", "error", err)
	}
	if why := c.app.SessionFallback(c.settings); why != nil {
		what, _ := c.say.Error(why)
		fmt.Fprintln(c.err, c.say.Text("cli.login.no_keyring", lang.Data{"Why": what}))
	}
	if app.InEnvironment() {
		fmt.Fprintln(c.err, c.say.Text("cli.login.environment"))
	}
	return nil
}
