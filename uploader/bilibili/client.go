// Package bilibili is Bilibili as a host: the client of its web interface with
// the user's own account, and the bucket host of its image API.
package bilibili

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
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
	http    *http.Client
	session Session
	gate    *Gate
}

// NewClient returns a client whose requests go through transport, as session,
// when gate lets them.
func NewClient(transport http.RoundTripper, session Session, gate *Gate) *Client {
	return &Client{
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		session: session,
		gate:    gate,
	}
}

// signedIn is the error of asking anything without a session.
func (c *Client) signedIn() error {
	if c.session.IsZero() {
		return &uploader.Error{Kind: uploader.NotLoggedIn, Host: Name}
	}
	return nil
}

// do sends a request and returns the data of its answer. The request's own
// context ends it, and so does silence.
func (c *Client) do(req *http.Request) (json.RawMessage, error) {
	caller := req.Context()
	ctx, cancel := context.WithCancelCause(caller)
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
			return nil, c.unreachable(caller, ctx, err)
		}
		req.Body = body
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Referer", referer)
	if !c.session.IsZero() {
		req.Header.Set("Cookie", c.session.header())
	}

	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(caller, ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, c.unreachable(caller, ctx, err)
	}
	return c.read(answer{resp.StatusCode, resp.Header, body})
}

// unreachable is the error of a request that got no whole answer.
func (c *Client) unreachable(caller, ctx context.Context, err error) error {
	if caller.Err() != nil {
		return caller.Err()
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
	if text := e.Err.Error(); c.session.redact(text) != text {
		e.Err = errors.New(c.session.redact(text))
	}
	return e
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
