// Package web is what the hosts that are reached by HTTP have in common: a
// form around a picture, a request that gives up on silence, and what statuses
// and odd answers mean.
package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"bilipaste/internal/fault"
	"bilipaste/internal/picture"
	"bilipaste/internal/regex"
)

const (
	connectLimit = 20 * time.Second // until the first byte of a body is sent; for all of a call without one
	silenceLimit = 30 * time.Second // from one part of the body to the next, and from the last to the whole answer
	maxAnswer    = 2 << 20          // an author's latest posts are 100 kB and more
)

var errSilent = errors.New("no answer in time")

// Client sends the requests of one host. It is safe for concurrent use.
type Client struct {
	host   string
	http   *http.Client
	redact func(string) string
}

// NewClient returns the client of the host of this name. It follows no
// redirects. redact takes the secrets out of a text.
func NewClient(host string, transport http.RoundTripper, redact func(string) string) *Client {
	return &Client{host, &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, redact}
}

// Field is a text field of a form.
type Field struct{ Name, Value string }

// Form returns a POST request with a form: the fields, and then the picture as
// the file of that name. It does not copy the picture, and tells its length.
// The picture's own name stays at home.
func Form(ctx context.Context, address string, fields []Field, file string, p picture.Picture) (*http.Request, error) {
	var frame bytes.Buffer
	form := multipart.NewWriter(&frame)
	for _, f := range fields {
		if err := form.WriteField(f.Name, f.Value); err != nil {
			return nil, err
		}
	}
	_, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"; filename="image%s"`, file, p.Format.Ext())},
		"Content-Type":        {p.Format.Type()},
	})
	if err != nil {
		return nil, err
	}
	split := frame.Len()
	if err := form.Close(); err != nil {
		return nil, err
	}
	head, tail := frame.Bytes()[:split], frame.Bytes()[split:]
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.ContentLength = int64(len(head)+len(tail)) + p.Size()
	req.GetBody = func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(head), p.Reader(), bytes.NewReader(tail))), nil
	}
	return req, nil
}

// Answer is what a host answered. Body is cut where it is far too long.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request. The request's own context ends it, and so does silence.
// The error is of kind Passing, or ctx's.
func (c *Client) Do(req *http.Request) (Answer, error) {
	caller := req.Context()
	ctx, cancel := context.WithCancelCause(caller)
	defer cancel(nil)
	silence := time.AfterFunc(connectLimit, func() { cancel(errSilent) })
	defer silence.Stop()
	req = req.WithContext(ctx)
	if send := req.GetBody; send != nil {
		req.GetBody = func() (io.ReadCloser, error) {
			body, err := send()
			told, sent := told(ctx), int64(0)
			return &watched{body, req.ContentLength - tail, func() error { return Await(ctx) }, func(n int) {
				silence.Reset(silenceLimit)
				if sent += int64(n); told != nil && n > 0 {
					told(sent, req.ContentLength)
				}
			}}, err
		}
		body, err := req.GetBody()
		if err != nil {
			return Answer{}, c.unreachable(caller, ctx, err)
		}
		req.Body = body
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, c.unreachable(caller, ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return Answer{}, c.unreachable(caller, ctx, err)
	}
	return Answer{resp.StatusCode, resp.Header, body}, nil
}

// unreachable is the error of a request that got no whole answer.
func (c *Client) unreachable(caller, ctx context.Context, err error) error {
	if caller.Err() != nil {
		return caller.Err()
	}
	e := &fault.Error{Kind: fault.Passing, Why: "network", Host: c.host, Err: err}
	if errors.Is(context.Cause(ctx), errSilent) {
		e.Why, e.Err = "silent", errSilent
		return e
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		e.Err = u.Err
	}
	// net/http quotes a malformed answer, which may quote us.
	if text := e.Err.Error(); c.redact(text) != text {
		e.Err = errors.New(c.redact(text))
	}
	return e
}

// watched is a request's body that tells of each read, and holds back its end.
type watched struct {
	io.ReadCloser
	free  int64 // bytes that may go before ready has returned
	ready func() error
	taken func(n int) // bytes; 0: they are asked for
}

func (w *watched) Read(p []byte) (int, error) {
	w.taken(0)
	if w.ready != nil {
		if w.free <= 0 {
			if err := w.ready(); err != nil {
				return 0, err
			}
			w.ready = nil
		} else {
			p = p[:min(int64(len(p)), w.free)]
		}
	}
	n, err := w.ReadCloser.Read(p)
	w.free -= int64(n)
	w.taken(n)
	return n, err
}

// Stranger tells what an answer means that is not the JSON that the host
// promises. Only the host's own word is a verdict: of anything
// else it has to be assumed that somebody between gave it (a proxy, a firewall,
// a hotel's sign-in page), and that the same request succeeds later.
func Stranger(a Answer) (kind fault.Kind, why string) {
	switch why = odd(a.Body); {
	case a.Status == http.StatusRequestEntityTooLarge:
		return fault.TooLarge, "host"
	case a.Status == http.StatusTooManyRequests, a.Status == http.StatusRequestTimeout, a.Status >= 500:
		return fault.Passing, ""
	case a.Status >= 400:
		return fault.Passing, "page"
	case a.Status >= 300:
		return fault.Passing, "redirect"
	case why == "page":
		return fault.Passing, "page"
	}
	return fault.BrokenAnswer, why
}

// odd tells apart, as messages do, the answers that are not the JSON that was
// promised.
func odd(body []byte) string {
	text := bytes.TrimSpace(body)
	var value json.RawMessage
	switch {
	case len(body) > maxAnswer:
		return "long"
	case len(text) == 0:
		return "empty"
	case text[0] == '<':
		return "page"
	case text[0] == '{' && errors.Is(json.NewDecoder(bytes.NewReader(text)).Decode(&value), io.ErrUnexpectedEOF):
		return "cut"
	}
	return ""
}

var (
	unseen = regex.Lazy(`(?is)<(script|style)\b.*?</(script|style)>|<!--.*?-->`)
	tags   = regex.Lazy(`(?s)<[^<>]*>`)
)

// Excerpt returns the start of what the host said: one short line without
// markup, control characters and secrets.
func (c *Client) Excerpt(said string) string {
	const longest = 120 // characters
	said = c.redact(said)
	if strings.HasPrefix(strings.TrimSpace(said), "<") {
		said = tags().ReplaceAllString(unseen().ReplaceAllString(said, " "), " ")
	}
	said = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, said)
	said = c.redact(strings.Join(strings.Fields(said), " "))
	if runes := []rune(said); len(runes) > longest {
		said = string(runes[:longest]) + "…"
	}
	return said
}

// RetryAfter reads the header of that name, which holds seconds or a date.
// What it cannot read is 0.
func RetryAfter(value string, now time.Time) time.Duration {
	const longest = 24 * time.Hour
	if n, err := strconv.ParseUint(value, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, longest)
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, min(at.Sub(now), longest))
	}
	return 0
}
