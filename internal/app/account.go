package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/config"
	"bilipaste/internal/fault"
	"bilipaste/internal/keystore"
	"bilipaste/internal/lang"
	"bilipaste/internal/sandbox"
)

// Account returns the client of the user's account. Of several sessions one
// takes precedence: the sandbox's own, the environment's, that of the login,
// that of the settings. The error says which half of a session is missing.
func (a *App) Account(c config.Config) (*account.Client, error) {
	n, err := a.Network()
	if err != nil {
		return nil, err
	}
	var session account.Session
	switch {
	case a.Sandboxed:
		session, err = account.NewSession(sandbox.SESSDATA, sandbox.BiliJct)
	case InEnvironment():
		session, err = wholeSession("BILIPASTE_SESSDATA", os.Getenv("BILIPASTE_SESSDATA"), "BILIPASTE_BILI_JCT", os.Getenv("BILIPASTE_BILI_JCT"))
	default:
		return a.LoginAccount(c)
	}
	if err != nil {
		return nil, err
	}
	return account.NewClient(n.Transport, session, a.gate(n, c)), nil
}

// LoginAccount returns the client that a login and a logout change: that of
// the session that is kept, also where the environment's takes precedence. Its
// session is read when it is first needed. The sandbox starts with none.
func (a *App) LoginAccount(c config.Config) (*account.Client, error) {
	n, err := a.Network()
	if err != nil {
		return nil, err
	}
	client := account.NewClient(n.Transport, account.Session{}, a.gate(n, c))
	if a.Sandboxed {
		return client, nil
	}
	client.KeepIn(a.sessions(n, c))
	if n.refreshKey != nil {
		if err := client.UseRefreshKey(n.refreshKey); err != nil {
			return nil, err
		}
	}
	return client, nil
}

func (a *App) gate(n *Network, c config.Config) *account.Gate {
	return account.NewGate(n.State, c.Pace, a.Log)
}

// LoginMark is the file that is written at each login, for a running program
// to notice.
func (n *Network) LoginMark() string { return filepath.Join(n.State, "logged-in") }

// sessions is where sessions are kept: a login's in the keystore; while there
// is none, the settings' own is one.
type sessions struct {
	store    *keystore.Store
	settings string // the file, "" where its session must not be used
}

// sessions returns the one store of a kind of keystore: it knows how the last
// login was kept.
func (a *App) sessions(n *Network, c config.Config) sessions {
	a.mu.Lock()
	defer a.mu.Unlock()
	mode := keystore.Mode(c.Keystore)
	if a.stores[mode] == nil {
		if a.stores == nil {
			a.stores = map[keystore.Mode]*keystore.Store{}
		}
		a.stores[mode] = keystore.New(mode, n.sessionFile())
	}
	if n.gateway != nil { // whatever listens there must not get the user's own session
		return sessions{store: a.stores[mode]}
	}
	return sessions{a.stores[mode], a.Source.File}
}

// sessionFile is the file of the keystore.
func (n *Network) sessionFile() string { return filepath.Join(n.State, "session.json") }

// Load returns the session that takes precedence.
func (s sessions) Load() ([]byte, error) {
	secret, err := s.store.Load()
	if err != nil || secret != nil || s.settings == "" {
		return secret, err
	}
	settings, err := config.Load(s.settings) // anew: they may have been changed
	if err != nil {
		return nil, err
	}
	session, err := wholeSession("SESSDATA", settings.SESSDATA.Reveal(), "bili_jct", settings.BiliJct.Reveal())
	return session.Encode(), err
}

// Save keeps a login's session.
func (s sessions) Save(secret []byte) error { return s.store.Save(secret) }

// Delete forgets the session that takes precedence.
func (s sessions) Delete() error {
	if location, err := s.store.Where(); err != nil || location != keystore.Nowhere || s.settings == "" {
		return s.store.Delete()
	}
	settings, err := config.Load(s.settings)
	if err != nil || settings.SESSDATA.IsZero() && settings.BiliJct.IsZero() {
		return err
	}
	return errors.Join(config.Save(s.settings, "SESSDATA", ""), config.Save(s.settings, "bili_jct", ""))
}

// SessionLocation says where the session in use comes from, or where that of a
// login is kept.
func (a *App) SessionLocation(c config.Config, ofLogin bool) (lang.Message, error) {
	n, err := a.Network()
	switch {
	case err != nil:
		return lang.Message{}, err
	case a.Sandboxed:
		return lang.Message{ID: "app.session.sandbox"}, nil
	case InEnvironment() && !ofLogin:
		return lang.Message{ID: "app.session.environment"}, nil
	}
	switch location, _ := a.sessions(n, c).store.Where(); location {
	case keystore.InKeyring:
		return lang.Message{ID: "app.session.keyring"}, nil
	case keystore.InFile:
		return n.SessionFile(), nil
	}
	return lang.Message{ID: "app.session.config"}, nil
}

// SessionFile says where a session is that no keyring keeps.
func (n *Network) SessionFile() lang.Message {
	return lang.Message{ID: "app.session.file", Data: lang.Data{"File": n.sessionFile()}}
}

// SessionFallback returns why the last login was kept in a file although a
// keyring was wanted; nil where it was not.
func (a *App) SessionFallback(c config.Config) error {
	n, err := a.Network()
	if err != nil {
		return err
	}
	return a.sessions(n, c).store.Fallback()
}

// StoredSession returns the session that a logout has left: of the keystore, or
// of the settings. It is the zero Session where there is none.
func (a *App) StoredSession(c config.Config) (account.Session, error) {
	n, err := a.Network()
	if err != nil {
		return account.Session{}, err
	}
	return account.LoadSession(a.sessions(n, c))
}

// InEnvironment tells whether the environment signs in for this run.
func InEnvironment() bool {
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
		lang.Errorf("app.half_session", lang.Data{"There": there, "Missing": missing}, nil),
		&fault.Error{Kind: fault.NotLoggedIn}, // for the exit status
	)
}

// TendSession renews the session of a client where it is time to, and returns
// what the user must be told of it: nil, or a lang.Teller. Without a client
// there is nothing to do.
func (a *App) TendSession(ctx context.Context, client *account.Client) error {
	if client == nil {
		return nil
	}
	err := client.Refresh(ctx)
	switch {
	case ctx.Err() != nil:
		return nil
	case fault.KindOf(err) == fault.NotLoggedIn:
		return lang.Errorf("app.session_dead", nil, err)
	case err != nil:
		a.Log.WarnContext(ctx, "the session was not renewed", "err", err)
	}
	if ends, err := client.EndsSoon(ctx); err == nil && !ends.IsZero() {
		if ends.Before(time.Now()) {
			return lang.Errorf("app.session_ended", lang.Data{"Day": ends.Local().Format(time.DateOnly)}, nil)
		}
		return lang.Errorf("app.session_ends", lang.Data{"Day": ends.Local().Format(time.DateOnly)}, nil)
	}
	return nil
}

// LogIn signs in with a QR code. show is told of each step, the code first; its
// error ends the login, and so does ctx, whose cause is then the error.
func (a *App) LogIn(ctx context.Context, c config.Config, show func(account.LoginStep) error) (*account.Client, account.User, error) {
	client, err := a.LoginAccount(c)
	if err != nil {
		return nil, account.User{}, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	account, err := client.Login(ctx, func(step account.LoginStep) {
		if err := show(step); err != nil {
			stop(err)
		}
	})
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return client, account, err
}

// NoteLogin tells other processes that another session is kept.
func (n *Network) NoteLogin() error { return os.WriteFile(n.LoginMark(), nil, 0o600) }
