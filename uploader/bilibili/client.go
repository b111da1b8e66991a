// Package bilibili is Bilibili as a host: the client of its web interface with
// the user's own account, and the bucket host of its image API.
package bilibili

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"

	"bilipaste/internal/fault"
	"bilipaste/internal/web"
)

// Name is the host's name in settings and messages.
const Name = "bilibili"

// userAgent is a browser's: the interface refuses programs that name themselves.
const userAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36"

const (
	api     = "https://api.bilibili.com"
	referer = "https://www.bilibili.com/"
)

// Client speaks to Bilibili for one account. It is safe for concurrent use.
type Client struct {
	transport  http.RoundTripper
	gate       *Gate
	store      Store // nil: the session is this run's alone
	refreshKey *rsa.PublicKey

	mu      sync.Mutex
	session Session
}

// NewClient returns a client whose requests go through transport, as session,
// when gate lets them.
func NewClient(transport http.RoundTripper, session Session, gate *Gate) *Client {
	return &Client{
		transport:  transport,
		session:    session,
		gate:       gate,
		refreshKey: bilibiliKey(),
	}
}

// Session returns the session in use, the zero Session if there is none or it
// cannot be read.
func (c *Client) Session() Session {
	session, _ := c.current()
	return session
}

// current returns the session in use, which is read when it is first needed.
func (c *Client) current() (Session, error) {
	c.mu.Lock()
	session := c.session
	c.mu.Unlock()
	if !session.IsZero() || c.store == nil {
		return session, nil
	}
	session, err := LoadSession(c.store)
	if err == nil {
		c.use(session)
	}
	return session, err
}

func (c *Client) use(s Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = s
}

// signedIn runs call as who is signed in, and once more if Bilibili does not
// know the session and another has been stored meanwhile.
func (c *Client) signedIn(call func(caller) error) error {
	session, err := c.current()
	nobody := &fault.Error{Kind: fault.NotLoggedIn, Host: Name}
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
	fresh, trouble := LoadSession(c.store)
	switch {
	case trouble != nil:
		return errors.Join(err, trouble)
	case fresh.IsZero(), fresh.Equal(session):
		return err
	}
	c.use(fresh)
	return call(c.as(fresh))
}

// caller asks Bilibili in the name of one session, which may be the zero one.
type caller struct {
	transport http.RoundTripper
	gate      *Gate
	session   Session
	cookie    string // the Cookie header
	secret    string // one more text that must not be repeated, such as a QR code's key
	mute      bool   // answers hold secrets: of one that cannot be read nothing is quoted
}

func (c *Client) as(s Session) caller {
	return caller{transport: c.transport, gate: c.gate, session: s, cookie: s.header()}
}

// do sends a request and returns the data of its answer.
func (c *caller) do(req *http.Request) (json.RawMessage, error) {
	a, err := c.send(req)
	if err != nil {
		return nil, err
	}
	return c.read(a)
}

// send sends a request and returns its answer, whatever that says.
func (c *caller) send(req *http.Request) (web.Answer, error) {
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Referer", referer)
	if c.cookie != "" {
		req.Header.Set("Cookie", c.cookie)
	}
	return c.web().Do(req)
}

// web returns the client that keeps this caller's secrets.
func (c *caller) web() *web.Client {
	return web.NewClient(Name, c.transport, func(text string) string {
		if c.mute && strings.Contains(text, "malformed") { // net/http quotes such an answer
			return "malformed answer"
		}
		return c.redact(text)
	})
}

// redact takes the secrets out of what a host said.
func (c *caller) redact(text string) string {
	if c.secret != "" {
		text = strings.ReplaceAll(text, c.secret, "[secret]")
	}
	return c.session.redact(text)
}
