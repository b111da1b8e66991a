package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/config"
	"bilipaste/internal/fault"
	"bilipaste/internal/keystore"
	"bilipaste/internal/lang"
	"bilipaste/internal/notify"
	"bilipaste/internal/sandbox"
)

// sessions is where sessions are kept: a login's in the keystore; while there
// is none, the settings' own is one.
type sessions struct {
	*keystore.Store
	file string // the settings
}

// Load returns the session that comes first.
func (s sessions) Load() ([]byte, error) {
	secret, err := s.Store.Load()
	if err != nil || secret != nil {
		return secret, err
	}
	settings, err := config.Load(s.file) // anew: they may have been changed
	if err != nil {
		return nil, err
	}
	session, err := wholeSession("SESSDATA", settings.SESSDATA.Reveal(), "bili_jct", settings.BiliJct.Reveal())
	return session.Encode(), err
}

// Delete forgets the session that comes first.
func (s sessions) Delete() error {
	if place, err := s.Where(); err != nil || place != keystore.Nowhere {
		return s.Store.Delete()
	}
	settings, err := config.Load(s.file)
	if err != nil || settings.SESSDATA.IsZero() && settings.BiliJct.IsZero() {
		return err
	}
	return errors.Join(config.Save(s.file, "SESSDATA", ""), config.Save(s.file, "bili_jct", ""))
}

// sessionFile is the file of the keystore.
func (a *app) sessionFile() string { return filepath.Join(a.notes, "session.json") }

// signIn returns the client with the session that comes first: the sandbox's
// own, the environment's, a login's, the settings'.
func (a *app) signIn(transport http.RoundTripper) (*account.Client, error) {
	var session account.Session
	var err error
	gate := account.NewGate(a.notes, a.config.Pace, a.log)
	switch {
	case a.sandboxed:
		session, err = account.NewSession(sandbox.SESSDATA, sandbox.BiliJct)
	case inEnvironment():
		session, err = wholeSession("BILIPASTE_SESSDATA", os.Getenv("BILIPASTE_SESSDATA"), "BILIPASTE_BILI_JCT", os.Getenv("BILIPASTE_BILI_JCT"))
	default:
		return a.keptClient(transport, gate)
	}
	if err != nil {
		return nil, err
	}
	return account.NewClient(transport, session, gate), nil
}

// keptClient returns the client whose session is kept, and is read when it is
// first needed.
func (a *app) keptClient(transport http.RoundTripper, gate *account.Gate) (*account.Client, error) {
	a.kept = sessions{keystore.New(keystore.Mode(a.config.Keystore), a.sessionFile()), a.file}
	client := account.NewClient(transport, account.Session{}, gate)
	client.KeepIn(a.kept)
	if a.refreshKey != nil {
		if err := client.UseRefreshKey(a.refreshKey); err != nil {
			return nil, err
		}
	}
	return client, nil
}

// sessionFrom says where the session in use comes from.
func (a *app) sessionFrom() string {
	switch {
	case a.sandboxed:
		return a.say.Text("cli.session.sandbox")
	case inEnvironment():
		return a.say.Text("cli.session.environment")
	}
	return a.whereKept()
}

// whereKept says where the session is kept.
func (a *app) whereKept() string {
	switch place, _ := a.kept.Where(); place {
	case keystore.InKeyring:
		return a.say.Text("cli.session.keyring")
	case keystore.InFile:
		return a.say.Text("cli.session.file", lang.Data{"File": a.sessionFile()})
	}
	return a.say.Text("cli.session.config")
}

func inEnvironment() bool {
	return os.Getenv("BILIPASTE_SESSDATA") != "" || os.Getenv("BILIPASTE_BILI_JCT") != ""
}

// wholeSession makes a session of two values, of which both or neither must
// be there; the names are those that the user knows.
func wholeSession(name, sessdata, other, jct string) (account.Session, error) {
	session, err := account.NewSession(sessdata, jct)
	switch {
	case err != nil:
		return session, err
	case session.IsZero() && sessdata != "":
		return session, halfSession(name, other)
	case session.IsZero() && jct != "":
		return session, halfSession(other, name)
	}
	return session, nil
}

// halfSession is the error of a session of which one part is missing.
func halfSession(there, missing string) error {
	return errors.Join(
		lang.Errorf("cli.half_session", lang.Data{"There": there, "Missing": missing}, nil),
		&fault.Error{Kind: fault.NotLoggedIn}, // for the exit status
	)
}

// tendSession renews the session where it is time to, and returns what the
// user must be told of it: nil, or a lang.Teller.
func (a *app) tendSession(ctx context.Context, client *account.Client) error {
	if client == nil { // pictures go elsewhere
		return nil
	}
	err := client.Refresh(ctx)
	switch {
	case ctx.Err() != nil:
		return nil
	case fault.KindOf(err) == fault.NotLoggedIn:
		return lang.Errorf("cli.session_dead", nil, err)
	case err != nil:
		a.log.WarnContext(ctx, "the session was not renewed", "err", err)
	}
	if ends, err := client.EndsSoon(ctx); err == nil && !ends.IsZero() {
		return lang.Errorf("cli.session_ends", lang.Data{"Day": ends.Local().Format(time.DateOnly)}, nil)
	}
	return nil
}

// tendSessionHourly does so every hour until stop is called, and notifies.
func (a *app) tendSessionHourly(ctx context.Context, client *account.Client, notifier *notify.Notifier) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var tending sync.WaitGroup
	tending.Go(func() {
		for hours := time.NewTicker(time.Hour); ; {
			if err := a.tendSession(ctx, client); err != nil {
				a.complain(err)
				what, hint := a.say.Error(err)
				notifier.Failed(ctx, what, hint)
			}
			select {
			case <-hours.C:
			case <-ctx.Done():
				hours.Stop()
				return
			}
		}
	})
	return func() {
		cancel()
		tending.Wait()
	}
}
