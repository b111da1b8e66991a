// Package account is the user's account at Bilibili: its session (login,
// renewal, logout), the gate that keeps calls polite, and how a call is made
// and its answer read. What is done with the account stands elsewhere.
package account

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"bilipaste/internal/fault"
	"bilipaste/internal/web"
)

// Service is what errors call Bilibili.
const Service = "bilibili"

// API is the address that most calls begin with.
const API = "https://api.bilibili.com"

// userAgent is a browser's: the interface refuses programs that name themselves.
const userAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36"

const referer = "https://www.bilibili.com/"

// Client speaks to Bilibili for one account. It is safe for concurrent use.
type Client struct {
	transport  http.RoundTripper
	gate       *Gate
	store      Store // nil: the session is this run's alone
	refreshKey *rsa.PublicKey
	secrets    *secrets

	mu   sync.Mutex
	kept record
}

// NewClient returns a client whose requests go through transport, as session,
// when gate lets them.
func NewClient(transport http.RoundTripper, session Session, gate *Gate) *Client {
	c := &Client{
		transport:  transport,
		gate:       gate,
		refreshKey: bilibiliKey(),
		secrets:    &secrets{},
	}
	c.use(record{session: session})
	return c
}

// Session returns the session in use, the zero Session if there is none or it
// cannot be read.
func (c *Client) Session() Session {
	session, _ := c.current()
	return session
}

// Do makes a call as who is signed in, when the gate lets it, and returns the
// data of its answer. The call is made once more if Bilibili does not know the
// session and another has been stored meanwhile. The error is build's, the
// store's, ctx's, or an *fault.Error whose texts hold no secret.
func (c *Client) Do(ctx context.Context, pace Pace, build Build) (data json.RawMessage, err error) {
	err = c.signedIn(func(me caller) error {
		data, err = me.do(ctx, pace, build)
		return err
	})
	return data, err
}

// Excerpt returns the start of what Bilibili said, as it may be shown: one
// short line without markup, control characters and secrets.
func (c *Client) Excerpt(said string) string {
	nobody := c.as(Session{})
	return nobody.web().Excerpt(said)
}

// current returns the session in use, which is read when it is first needed.
func (c *Client) current() (Session, error) {
	if session := c.inUse().session; !session.IsZero() || c.store == nil {
		return session, nil
	}
	r, err := c.load()
	return r.session, err
}

func (c *Client) inUse() record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept
}

// use makes the calls to come those of r, all of whose sessions are secrets.
func (c *Client) use(r record) {
	for _, s := range append(r.dropped(), r.session) {
		c.secrets.add(s.secrets()...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = r
}

// signedIn runs call as who is signed in, and once more if Bilibili does not
// know the session and another has been stored meanwhile.
func (c *Client) signedIn(call func(caller) error) error {
	session, err := c.current()
	nobody := &fault.Error{Kind: fault.NotLoggedIn, Host: Service}
	switch {
	case err != nil:
		return errors.Join(err, nobody)
	case session.IsZero():
		return nobody
	}
	err = call(c.as(session))
	if c.store == nil || fault.KindOf(err) != fault.NotLoggedIn {
		return err
	}
	fresh, trouble := c.load()
	switch {
	case trouble != nil:
		return errors.Join(err, trouble)
	case fresh.session.IsZero(), fresh.session.Equal(session):
		return err
	}
	return call(c.as(fresh.session))
}

// caller asks Bilibili in the name of one session, which may be the zero one.
type caller struct {
	transport http.RoundTripper
	gate      *Gate
	session   Session
	secrets   *secrets
	cookie    string // the Cookie header
	mute      bool   // answers hold secrets: of one that cannot be read nothing is quoted
}

func (c *Client) as(s Session) caller {
	c.secrets.add(s.secrets()...)
	return caller{transport: c.transport, gate: c.gate, session: s, secrets: c.secrets, cookie: s.header()}
}

// do makes a call and returns the data of its answer.
func (c *caller) do(ctx context.Context, pace Pace, build Build) (data json.RawMessage, err error) {
	err = c.ask(ctx, pace, build, func(a web.Answer) error {
		data, err = c.read(a)
		return err
	})
	return data, err
}

// ask makes a call when the gate lets it, and has its answer read, whatever
// that says.
func (c *caller) ask(ctx context.Context, pace Pace, build Build, read func(web.Answer) error) error {
	return c.gate.pass(ctx, pace, func() error {
		csrf := ""
		if !c.session.IsZero() {
			csrf = *c.session.jct
		}
		req, err := build(ctx, csrf)
		if err != nil {
			return err
		}
		req.Header.Set("User-Agent", userAgent)
		req.Header.Set("Referer", referer)
		if c.cookie != "" {
			req.Header.Set("Cookie", c.cookie)
		}
		a, err := c.web().Do(req)
		if err != nil {
			return err
		}
		return read(a)
	})
}

// web returns the client that keeps the account's secrets.
func (c *caller) web() *web.Client {
	return web.NewClient(Service, c.transport, func(text string) string {
		if c.mute && strings.Contains(text, "malformed") { // net/http quotes such an answer
			return "malformed answer"
		}
		return c.secrets.redact(text)
	})
}

// secrets are the texts that a client must not repeat: those of every session
// that it ever had, of QR codes and of tickets. They print as nothing.
type secrets struct {
	mu    sync.Mutex
	texts []*string // the longest first: one may hold another
}

func (s *secrets) add(texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range texts {
		if text != "" && !slices.ContainsFunc(s.texts, func(known *string) bool { return *known == text }) {
			s.texts = append(s.texts, &text)
		}
	}
	slices.SortStableFunc(s.texts, func(a, b *string) int { return len(*b) - len(*a) })
}

// redact takes the secrets out of a text.
func (s *secrets) redact(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.texts {
		text = strings.ReplaceAll(text, *secret, "[secret]")
	}
	return text
}
