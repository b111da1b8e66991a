package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bilipaste/internal/account"
	"bilipaste/internal/album"
	"bilipaste/internal/app"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
)

func (c *cli) statusCommand() *cobra.Command {
	cmd := c.command("status", "status")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return c.status(cmd.Context()) }
	return cmd
}

// status is what "status --json" prints.
type status struct {
	Account   *account.User `json:"account,omitempty"`
	Session   string        `json:"session"`                 // where it comes from
	Until     string        `json:"session_until,omitempty"` // a day
	Ended     bool          `json:"session_ended,omitempty"` // it is over
	Host      string        `json:"host"`
	Bucket    string        `json:"bucket,omitempty"`
	Clipboard string        `json:"clipboard,omitempty"`
	Waiting   int           `json:"waiting"` // pictures that go up by themselves, later
	Failed    int           `json:"failed"`  // and that wait for the user
	Settings  string        `json:"settings"`
	Error     *fault.Told   `json:"error,omitempty"`
}

// status tells who is signed in, and where pictures come from and go.
func (c *cli) status(ctx context.Context) error {
	s := status{Host: c.settings.Host, Bucket: app.BucketOf(c.settings), Settings: c.app.Source.File}
	s.Clipboard, _ = c.app.Backend(ctx) // "" where there is none
	s.Waiting, s.Failed = c.pending(ctx)
	account, err := c.account(ctx, &s)
	if err == nil {
		s.Account = &account
	}
	if fault.KindOf(err) == fault.NotLoggedIn && !app.NeedsAccount(c.settings) {
		err = nil
	}
	s.Error = fault.Tell(c.say, err)
	if c.json {
		c.print(s)
	} else {
		c.printStatus(s)
	}
	switch {
	case err == nil:
		return nil
	case c.json:
		return told{err}
	}
	return err
}

// pending counts the pictures that wait for their upload, and those that have
// failed.
func (c *cli) pending(ctx context.Context) (waiting, failed int) {
	kept, err := c.app.Album(ctx, c.settings)
	var pending []album.Pending
	if err == nil {
		pending, err = kept.Pending(ctx)
	}
	if err != nil {
		c.app.Log.Warn("the album cannot be asked", "error", err)
	}
	return album.Count(pending)
}

// account asks Bilibili who is signed in.
func (c *cli) account(ctx context.Context, s *status) (account.User, error) {
	client, err := c.app.Account(c.settings)
	if err != nil {
		return account.User{}, err
	}
	account, err := client.User(ctx)
	if session := client.Session(); !session.IsZero() {
		s.Session = c.sessionLocation(false)
		if until := session.Expires(); !until.IsZero() {
			s.Until = until.Local().Format(time.DateOnly)
			s.Ended = !until.After(time.Now())
		}
	}
	return account, err
}

func (c *cli) printStatus(s status) {
	line := func(id string, data lang.Data) { fmt.Fprintln(c.out, c.say.Text(id, data)) }
	if s.Account != nil {
		line("cli.status.account", lang.Data{"Name": s.Account.Name, "ID": s.Account.ID})
	}
	if s.Session != "" {
		day := "Until"
		if s.Ended {
			day = "Ended"
		}
		line("cli.status.session", lang.Data{"From": s.Session, day: s.Until})
	}
	line("cli.status.host", lang.Data{"Host": s.Host, "Bucket": s.Bucket})
	clipboard := s.Clipboard
	if clipboard == "" {
		clipboard = c.say.Text("cli.status.none")
	}
	line("cli.status.clipboard", lang.Data{"Clipboard": clipboard})
	if s.Waiting+s.Failed > 0 {
		line("cli.status.pending", lang.Data{"Waiting": s.Waiting, "Failed": s.Failed})
	}
	line("cli.status.settings", lang.Data{"File": s.Settings})
}
