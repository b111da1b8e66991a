// Package bilibili is Bilibili as a host: the client of its web interface with
// the user's own account, and the bucket host of its image API.
package bilibili

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"bilipaste/uploader"
)

// Name is the host's name in settings and messages.
const Name = "bilibili"

// userAgent is a browser's: the interface refuses programs that name themselves.
const userAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36"

const (
	api     = "https://api.bilibili.com"
	referer = "https://www.bilibili.com/"

	connectLimit = 20 * time.Second // until the first byte of a body is sent; for all of a call without one
	silenceLimit = 30 * time.Second // from one part of the body to the next, and from the last to the whole answer
	maxAnswer    = 64 << 10
)

var errSilent = errors.New("no answer in time")

// Client speaks to Bilibili for one account. It is safe for concurrent use.
type Client struct {
	http       *http.Client
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
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
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
	nobody := &uploader.Error{Kind: uploader.NotLoggedIn, Host: Name}
	switch {
	case err != nil:
		return errors.Join(err, nobody)
	case session.IsZero():
		return nobody
	}
	err = call(c.as(session))
	if c.store == nil || uploader.KindOf(err) != uploader.NotLoggedIn {
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
	http    *http.Client
	gate    *Gate
	session Session
	cookie  string // the Cookie header
	secret  string // one more text that must not be repeated, such as a QR code's key
	mute    bool   // answers hold secrets: of one that cannot be read nothing is quoted
}

func (c *Client) as(s Session) caller {
	return caller{http: c.http, gate: c.gate, session: s, cookie: s.header()}
}

// do sends a request and returns the data of its answer.
func (c *caller) do(req *http.Request) (json.RawMessage, error) {
	a, err := c.send(req)
	if err != nil {
		return nil, err
	}
	return c.read(a)
}

// send sends a request and returns its answer, whatever that says. The
// request's own context ends it, and so does silence.
func (c *caller) send(req *http.Request) (answer, error) {
	asked := req.Context()
	ctx, cancel := context.WithCancelCause(asked)
	defer cancel(nil)
	silence := time.AfterFunc(connectLimit, func() { cancel(errSilent) })
	defer silence.Stop()
	req = req.WithContext(ctx)
	if send := req.GetBody; send != nil {
		req.GetBody = func() (io.ReadCloser, error) {
			body, err := send()
			return &watched{body, func() { silence.Reset(silenceLimit) }}, err
		}
		body, err := req.GetBody()
		if err != nil {
			return answer{}, c.unreachable(asked, ctx, err)
		}
		req.Body = body
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Referer", referer)
	if c.cookie != "" {
		req.Header.Set("Cookie", c.cookie)
	}

	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, c.unreachable(asked, ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return answer{}, c.unreachable(asked, ctx, err)
	}
	return answer{resp.StatusCode, resp.Header, body}, nil
}

// unreachable is the error of a request that got no whole answer.
func (c *caller) unreachable(asked, ctx context.Context, err error) error {
	if asked.Err() != nil {
		return asked.Err()
	}
	e := &uploader.Error{Kind: uploader.Passing, Why: "network", Host: Name, Err: err}
	if errors.Is(context.Cause(ctx), errSilent) {
		e.Why, e.Err = "silent", errSilent
		return e
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		e.Err = u.Err
	}
	// net/http quotes a malformed answer, which may quote us.
	if c.mute && strings.Contains(e.Err.Error(), "malformed") {
		e.Err = errors.New("malformed answer")
	}
	if text := e.Err.Error(); c.redact(text) != text {
		e.Err = errors.New(c.redact(text))
	}
	return e
}

// redact takes the secrets out of what a host said.
func (c *caller) redact(text string) string {
	if c.secret != "" {
		text = strings.ReplaceAll(text, c.secret, "[secret]")
	}
	return c.session.redact(text)
}

// watched is a request's body that tells of each read.
type watched struct {
	io.ReadCloser
	taken func()
}

func (w *watched) Read(p []byte) (int, error) {
	w.taken()
	return w.ReadCloser.Read(p)
}
