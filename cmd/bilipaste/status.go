package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bilipaste/internal/account"
	"bilipaste/internal/album"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
)

func (a *app) statusCommand() *cobra.Command {
	cmd := a.command("status", "status")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.status(cmd.Context()) }
	return cmd
}

// status is what "status --json" prints.
type status struct {
	Account   *account.User `json:"account,omitempty"`
	Session   string        `json:"session"`                 // where it comes from
	Until     string        `json:"session_until,omitempty"` // a day
	Host      string        `json:"host"`
	Bucket    string        `json:"bucket,omitempty"`
	Clipboard string        `json:"clipboard,omitempty"`
	Waiting   int           `json:"waiting"` // pictures that go up by themselves, later
	Failed    int           `json:"failed"`  // and that wait for the user
	Settings  string        `json:"settings"`
	Error     *failure      `json:"error,omitempty"`
}

// status tells who is signed in, and where pictures come from and go.
func (a *app) status(ctx context.Context) error {
	s := status{Host: a.config.Host, Bucket: bucketOf(a.config), Settings: a.file}
	if clipboard, err := a.clipboard(ctx); err == nil {
		s.Clipboard = clipboard.Backend()
		_ = clipboard.Close() // nothing of ours is on it
	}
	s.Waiting, s.Failed = a.pending(ctx)
	account, err := a.account(ctx, &s)
	if err == nil {
		s.Account = &account
	}
	if fault.KindOf(err) == fault.NotLoggedIn && !needsAccount(a.config) {
		err = nil
	}
	s.Error = a.failure(err)
	if a.json {
		a.printJSON(s)
	} else {
		a.printStatus(s)
	}
	switch {
	case err == nil:
		return nil
	case a.json:
		return told{err}
	}
	return err
}

// pending counts the pictures that wait for their upload, and those that have
// failed.
func (a *app) pending(ctx context.Context) (waiting, failed int) {
	kept, err := a.openAlbum(ctx)
	var entries []album.Pending
	if err == nil {
		entries, err = kept.Pending(ctx)
	}
	if err != nil {
		a.log.Warn("the album cannot be asked", "error", err)
	}
	return count(entries)
}

func count(entries []album.Pending) (waiting, failed int) {
	for _, d := range entries {
		switch {
		case d.Taken && d.Tries == 0: // its first upload is under way
		case d.Failed:
			failed++
		default:
			waiting++
		}
	}
	return waiting, failed
}

// account asks Bilibili who is signed in.
func (a *app) account(ctx context.Context, s *status) (account.User, error) {
	client, err := a.bilibili()
	if err != nil {
		return account.User{}, err
	}
	account, err := client.User(ctx)
	if session := client.Session(); !session.IsZero() {
		s.Session = a.sessionFrom()
		if until := session.Expires(); !until.IsZero() {
			s.Until = until.Local().Format(time.DateOnly)
		}
	}
	return account, err
}

func (a *app) printStatus(s status) {
	line := func(id string, data lang.Data) { fmt.Fprintln(a.out, a.say.Text(id, data)) }
	if s.Account != nil {
		line("cli.status.account", lang.Data{"Name": s.Account.Name, "ID": s.Account.ID})
	}
	if s.Session != "" {
		line("cli.status.session", lang.Data{"From": s.Session, "Until": s.Until})
	}
	line("cli.status.host", lang.Data{"Host": s.Host, "Bucket": s.Bucket})
	clipboard := s.Clipboard
	if clipboard == "" {
		clipboard = a.say.Text("cli.status.none")
	}
	line("cli.status.clipboard", lang.Data{"Clipboard": clipboard})
	if s.Waiting+s.Failed > 0 {
		line("cli.status.pending", lang.Data{"Waiting": s.Waiting, "Failed": s.Failed})
	}
	line("cli.status.settings", lang.Data{"File": s.Settings})
}
