package account

import (
	"context"
	"encoding/json"
	"slices"

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

// record is what a Store keeps: the session, and what is left to do about those
// before it.
type record struct {
	session   Session
	own       bool      // it came of a login here: nobody else uses it
	unchecked bool      // Bilibili has not said yet whose it is
	before    *record   // unchecked: what was kept before, and comes back if nobody is signed in by session
	replaced  Session   // what session renews, until Bilibili has confirmed that; else zero
	ending    []Session // that are not used any more, and may still be signed in
}

// mostEnding bounds how many sessions wait to be ended.
const mostEnding = 8

// dropped returns the sessions that nobody uses any more once others take the
// place of r: all that came of a login here.
func (r record) dropped() []Session {
	all := slices.Clone(r.ending)
	if r.before != nil {
		all = append(all, r.before.dropped()...)
	}
	if !r.replaced.IsZero() {
		all = append(all, r.replaced)
	}
	if r.own && !r.session.IsZero() {
		all = append(all, r.session)
	}
	return all
}

// checked returns r once Bilibili has said whose its session is.
func (r record) checked() record {
	if r.before != nil {
		r.end(r.before.dropped()...)
	}
	r.unchecked, r.before = false, nil
	return r
}

// end puts sessions among those that are to be ended.
func (r *record) end(sessions ...Session) {
	for _, s := range sessions {
		if !s.Equal(r.session) && !slices.ContainsFunc(r.ending, s.Equal) {
			r.ending = append(r.ending, s)
		}
	}
	r.ending = r.ending[max(0, len(r.ending)-mostEnding):]
}

// stored is a record as it is kept.
type stored struct {
	SESSDATA     string    `json:"SESSDATA"`
	BiliJct      string    `json:"bili_jct"`
	Others       string    `json:"cookies,omitempty"`
	RefreshToken string    `json:"refresh_token,omitempty"`
	Own          bool      `json:"own,omitempty"`
	Unchecked    bool      `json:"unchecked,omitempty"`
	Before       *stored   `json:"before,omitempty"`
	Replaced     *stored   `json:"replaced,omitempty"`
	Ending       []*stored `json:"ending,omitempty"`
}

func (s Session) stored() *stored {
	if s.IsZero() {
		return nil
	}
	return &stored{SESSDATA: *s.sessdata, BiliJct: *s.jct, Others: reveal(s.others), RefreshToken: reveal(s.refreshToken)}
}

func (r record) stored() *stored {
	plain := r.session.stored()
	if plain == nil {
		return nil
	}
	plain.Own, plain.Unchecked, plain.Replaced = r.own, r.unchecked, r.replaced.stored()
	if r.before != nil {
		plain.Before = r.before.stored()
	}
	for _, s := range r.ending {
		plain.Ending = append(plain.Ending, s.stored())
	}
	return plain
}

func (r record) encode() []byte {
	plain := r.stored()
	if plain == nil {
		return nil
	}
	data, _ := json.Marshal(plain) // it holds nothing that could fail
	return data
}

// Encode returns the session as a Store keeps it: a secret.
func (s Session) Encode() []byte { return record{session: s}.encode() }

// session is the zero Session where what is kept is none.
func (p *stored) session() Session {
	if p == nil {
		return Session{}
	}
	s, err := NewSession(p.SESSDATA, p.BiliJct)
	if err != nil || s.IsZero() {
		return Session{}
	}
	s.others, s.refreshToken = &p.Others, &p.RefreshToken
	return s
}

func (p *stored) record() record {
	r := record{session: p.session()}
	if r.session.IsZero() {
		return record{}
	}
	r.own, r.unchecked, r.replaced = p.Own, p.Unchecked, p.Replaced.session()
	if p.Before != nil {
		before := p.Before.record()
		before.before = nil
		r.before = &before
	}
	for _, one := range p.Ending {
		if s := one.session(); !s.IsZero() {
			r.end(s)
		}
	}
	return r
}

// decode reads what encode made; of nothing it is the zero record.
func decode(data []byte) (record, error) {
	if len(data) == 0 {
		return record{}, nil
	}
	var plain *stored
	if json.Unmarshal(data, &plain) != nil || plain.session().IsZero() {
		return record{}, lang.Errorf("account.stored_session", nil, &fault.Error{Kind: fault.NotLoggedIn, Host: Service})
	}
	return plain.record(), nil
}

// DecodeSession reads what Encode made; of nothing it is the zero Session. The
// error quotes nothing.
func DecodeSession(data []byte) (Session, error) {
	r, err := decode(data)
	return r.session, err
}

// reveal returns what is behind a pointer that may be nil.
func reveal(s *string) string {
	if s == nil {
		return ""
	}
	return *s
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

// load returns what is kept now, by whichever process.
func (c *Client) load() (record, error) {
	data, err := c.store.Load()
	if err != nil {
		return record{}, err
	}
	r, err := decode(data)
	if err == nil {
		c.use(r)
	}
	return r, err
}

// save keeps r for the runs to come, and uses it from now on.
func (c *Client) save(r record) error {
	if c.store != nil {
		if err := c.store.Save(r.encode()); err != nil {
			return err
		}
	}
	c.use(r)
	return nil
}
