package resident

import (
	"context"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/config"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
)

// account returns the client of the user's account, nil where no picture goes
// to Bilibili.
func (r *Resident) account() *account.Client {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.uploader.by == nil {
		return nil
	}
	return r.uploader.by.Account
}

// tendAccount finds out who is signed in, and once an hour keeps the session
// alive.
func (r *Resident) tendAccount() {
	hours := time.NewTicker(time.Hour)
	defer hours.Stop()
	for {
		client := r.account()
		if client != nil && r.State().Account == "" {
			r.askAccount(client)
		}
		if err := r.app.TendSession(r.life, client); err != nil {
			r.change(func(s *State) { s.Err = err })
			r.Tell("resident.session", err)
		}
		select {
		case <-hours.C:
		case <-r.life.Done():
			return
		}
	}
}

// watchLogins learns of each login by another process.
func (r *Resident) watchLogins() error {
	n, err := r.app.Network()
	if err != nil {
		return err
	}
	return config.Watch(r.life, n.LoginMark(), func() {
		if client := r.account(); client != nil {
			r.askAccount(client)
		}
		r.pending.Wake()
	})
}

func (r *Resident) askAccount(client *account.Client) {
	account, err := client.User(r.life)
	switch {
	case err == nil:
		r.signedIn(account)
	case fault.KindOf(err) == fault.NotLoggedIn:
		r.change(func(s *State) { s.SignedOut = true })
	default:
		r.app.Log.Info("the account is not known", "error", err)
	}
}

// signedIn notes who is signed in.
func (r *Resident) signedIn(account account.User) {
	r.change(func(s *State) {
		s.Account, s.SignedOut = account.Name, false
		if fault.KindOf(s.Err) == fault.NotLoggedIn {
			s.Err = nil
		}
	})
	r.pending.Wake()
}

// LogIn signs in with a QR code. show is told of each step, the code first; its
// error ends the login. While a login is under way another one does nothing.
// The error is a lang.Teller.
func (r *Resident) LogIn(ctx context.Context, show func(account.LoginStep) error) error {
	r.mu.Lock()
	busy := r.state.SigningIn
	r.state.SigningIn = true
	settings := r.state.Settings
	r.mu.Unlock()
	if busy {
		return nil
	}
	r.change(func(*State) {})
	defer r.change(func(s *State) { s.SigningIn = false })
	_, account, err := r.app.LogIn(ctx, settings, show)
	if err != nil {
		return err
	}
	r.signedIn(account)
	r.Announce(r.Language().Text("resident.signed_in", lang.Data{"Name": account.Name}), "")
	return nil
}
