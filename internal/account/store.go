package account

import (
	"context"
	"encoding/json"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
)

// Store is where the session is kept, for all processes of the user;
// *keystore.Store is one. The bytes are a secret.
type Store interface {
	Load() ([]byte, error) // nil if there is none
	Save(secret []byte) error
	Delete() error
}

// stored is a session as it is kept.
type stored struct {
	SESSDATA     string          `json:"SESSDATA"`
	BiliJct      string          `json:"bili_jct"`
	Others       string          `json:"cookies,omitempty"`
	RefreshToken string          `json:"refresh_token,omitempty"`
	Replaced     json.RawMessage `json:"replaced,omitempty"`
}

// Encode returns the session as a Store keeps it: a secret.
func (s Session) Encode() []byte {
	if s.IsZero() {
		return nil
	}
	plain := stored{
		SESSDATA: *s.sessdata, BiliJct: *s.jct, Others: reveal(s.others),
		RefreshToken: reveal(s.refreshToken), Replaced: json.RawMessage(reveal(s.replaced)),
	}
	data, _ := json.Marshal(plain) // Replaced was made here, too
	return data
}

// DecodeSession reads what Encode made; of nothing it is the zero Session.
func DecodeSession(data []byte) (Session, error) {
	if len(data) == 0 {
		return Session{}, nil
	}
	var plain stored
	if json.Unmarshal(data, &plain) != nil {
		return Session{}, unusable()
	}
	s, err := NewSession(plain.SESSDATA, plain.BiliJct)
	if err != nil || s.IsZero() {
		return Session{}, unusable()
	}
	s.others, s.refreshToken = &plain.Others, &plain.RefreshToken
	if len(plain.Replaced) > 0 {
		replaced := string(plain.Replaced)
		s.replaced = &replaced
	}
	return s, nil
}

// reveal returns what is behind a pointer that may be nil.
func reveal(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// unusable is the error of a stored session that is none. It quotes nothing.
func unusable() error {
	return lang.Errorf("account.stored_session", nil, &fault.Error{Kind: fault.NotLoggedIn, Host: Service})
}

// LoadSession returns the session in store, the zero Session if there is none.
// The error is the store's, or of kind NotLoggedIn: what is there is none.
func LoadSession(store Store) (Session, error) {
	data, err := store.Load()
	if err != nil {
		return Session{}, err
	}
	return DecodeSession(data)
}

// KeepIn makes c a client whose session is kept in store, and is read anew
// where Bilibili does not know it any more: another process may have signed
// in, or renewed it. It is called before c is used.
func (c *Client) KeepIn(store Store) { c.store = store }

// lockSession keeps all other processes from changing the stored session.
func (c *Client) lockSession(ctx context.Context) (unlock func(), err error) {
	return c.gate.lock(ctx, sessionLock, sessionWait, "session")
}

// save keeps s for the runs to come, and uses it from now on.
func (c *Client) save(s Session) error {
	if c.store != nil {
		if err := c.store.Save(s.Encode()); err != nil {
			return err
		}
	}
	c.use(s)
	return nil
}
