package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"bilipaste/internal/account"
	"bilipaste/internal/desktop"
	"bilipaste/internal/durable"
	"bilipaste/internal/lang"
	"bilipaste/internal/qr"
)

func (a *app) loginCommand() *cobra.Command {
	cmd := a.command("login", "login")
	picture := cmd.Flags().String("png", "", a.say.Text("cli.flag.png"))
	open := cmd.Flags().Bool("open", false, a.say.Text("cli.flag.open"))
	cookie := cmd.Flags().Bool("cookie", false, a.say.Text("cli.flag.cookie"))
	picgo := cmd.Flags().String("from-picgo", "", a.say.Text("cli.flag.from_picgo"))
	cmd.Flags().Lookup("from-picgo").NoOptDefVal = anyPicGo
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		switch {
		case *cookie && *picgo != "", (*cookie || *picgo != "") && (*picture != "" || *open):
			return usage("cli.login.ways", lang.Data{"Command": cmd.CommandPath()})
		case *cookie:
			return a.adopt(ctx, func() (account.Session, error) { return a.pastedSession(ctx) })
		case *picgo != "":
			return a.adopt(ctx, func() (account.Session, error) { return picGoSession(*picgo) })
		}
		return a.login(ctx, &codeScreen{app: a, file: *picture, open: *open})
	}
	return cmd
}

// login signs in with a QR code, in the terminal's words.
func (a *app) login(ctx context.Context, screen *codeScreen) error {
	client, account, err := a.loginOn(ctx, screen)
	fmt.Fprintln(a.err)
	if err != nil {
		return err
	}
	return a.welcome(client, account)
}

// loginOn signs in with a QR code that is shown on screen.
func (a *app) loginOn(ctx context.Context, screen *codeScreen) (*account.Client, account.User, error) {
	client, err := a.loginClient()
	if err != nil {
		return nil, account.User{}, err
	}
	ctx, screen.stop = context.WithCancelCause(ctx)
	defer screen.close()
	account, err := client.Login(ctx, func(s account.LoginStep) { screen.show(ctx, s) })
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause // the code could not be shown
	}
	return client, account, err
}

// adopt signs in with a session that is found elsewhere.
func (a *app) adopt(ctx context.Context, find func() (account.Session, error)) error {
	session, err := find()
	if err != nil {
		return err
	}
	client, err := a.loginClient()
	if err != nil {
		return err
	}
	account, err := client.Adopt(ctx, session)
	if err != nil {
		return err
	}
	return a.welcome(client, account)
}

// loginClient returns the client of the session that is kept, also where that
// is broken or where another session comes before it.
func (a *app) loginClient() (*account.Client, error) {
	transport, err := a.transport()
	if err != nil {
		return nil, err
	}
	gate := account.NewGate(a.notes, a.config.Pace, a.log)
	if a.sandboxed {
		return account.NewClient(transport, account.Session{}, gate), nil
	}
	return a.keptClient(transport, gate)
}

// signedIn is what "login --json" prints.
type signedIn struct {
	Account account.User `json:"account"`
	Kept    string       `json:"kept,omitempty"`
	Until   string       `json:"session_until,omitempty"`
}

// welcome tells who is signed in, and where the session is kept.
func (a *app) welcome(client *account.Client, account account.User) error {
	line := signedIn{Account: account, Kept: a.say.Text("cli.session.sandbox")}
	if !a.sandboxed { // also where the environment's goes before it
		line.Kept = a.whereKept()
	}
	if until := client.Session().Expires(); !until.IsZero() {
		line.Until = until.Local().Format(time.DateOnly)
	}
	if a.json {
		a.printJSON(line)
	} else {
		fmt.Fprintln(a.out, a.say.Text("cli.login.done", lang.Data{
			"Name": account.Name, "ID": account.ID, "Place": line.Kept, "Until": line.Until,
		}))
	}
	if a.sandboxed {
		return nil
	}
	if err := os.WriteFile(a.loginMark(), nil, 0o600); err != nil {
		a.log.Warn("a bilipaste that runs does not learn of the login", "error", err)
	}
	if why := a.kept.Fallback(); why != nil {
		what, _ := a.say.Error(why)
		fmt.Fprintln(a.err, a.say.Text("cli.login.no_keyring", lang.Data{"Why": what}))
	}
	if inEnvironment() {
		fmt.Fprintln(a.err, a.say.Text("cli.login.environment"))
	}
	return nil
}

// loginMark is the file that is written at each login, for a bilipaste that runs
// to notice.
func (a *app) loginMark() string { return filepath.Join(a.notes, "logged-in") }

// codeScreen shows how a login goes on, and its code: in the terminal, in a
// file, or with the system's viewer.
type codeScreen struct {
	*app
	file    string                  // "": the terminal, unless open
	open    bool                    // with the viewer
	tell    func(account.LoginStep) // nil: in words on standard error
	stop    context.CancelCauseFunc // ends the login, for the code cannot be shown
	opening sync.WaitGroup
}

// show is told of each step. It ends no line that the next step may follow, so
// that the whole code stays on a screen of 24 lines.
func (s *codeScreen) show(ctx context.Context, step account.LoginStep) {
	if step.State == account.LoginWaiting {
		if err := s.showCode(ctx, step.Code); err != nil {
			s.stop(err)
			return
		}
	}
	switch {
	case s.tell != nil:
		s.tell(step)
	case step.State == account.LoginWaiting:
		fmt.Fprint(s.err, s.say.Text("cli.login.waiting", lang.Data{"File": s.file, "Until": step.Until.Local().Format(time.TimeOnly)}))
	default:
		fmt.Fprint(s.err, "\n"+s.say.Text("cli.login."+string(step.State)))
	}
}

func (s *codeScreen) showCode(ctx context.Context, code string) error {
	if s.open && s.file == "" {
		s.file = filepath.Join(s.notes, "login-code.png")
	}
	if s.file == "" {
		drawn, err := qr.Terminal(code)
		if err == nil {
			allowColours(s.err)
			fmt.Fprint(s.err, "\n"+drawn)
		}
		return err
	}
	if err := writeCode(s.file, code); err != nil || !s.open {
		return err
	}
	s.opening.Go(func() { // on some desktops until the viewer ends
		if err := desktop.Open(ctx, s.file); err != nil && ctx.Err() == nil {
			s.stop(lang.Errorf("cli.login.no_viewer", lang.Data{"Cause": err}, err))
		}
	})
	return nil
}

// close ends the viewer, where it can be ended, and removes the picture that
// nobody asked to keep.
func (s *codeScreen) close() {
	s.stop(nil)
	s.opening.Wait()
	if s.open && s.file != "" {
		_ = os.Remove(s.file)
	}
}

// writeCode writes the picture of a code, for its owner alone. A viewer that
// shows the one before sees it whole.
func writeCode(file, code string) error {
	var picture bytes.Buffer
	if err := qr.PNG(&picture, code); err != nil {
		return err
	}
	if err := durable.Write(file, picture.Bytes(), 0o600); err != nil {
		return lang.Errorf("cli.login.unwritable", lang.Data{"File": file, "Cause": err}, err)
	}
	return nil
}
