package posts

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"path"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/picture"
	"bilipaste/internal/web"
)

// Web asks other machines for the pictures of posts, politely: it says who it
// is, and asks each host for one thing at a time.
type Web struct {
	Transport http.RoundTripper
	Pace      time.Duration // the least time from one request to a host to the next

	turns turns
}

const (
	fetchLimit = 2 * time.Minute  // for a whole picture
	askLimit   = 20 * time.Second // for an answer about one
	agent      = "Mozilla/5.0 (compatible; bilipaste)"
)

// client follows redirects, and tells nobody where it comes from.
func (w *Web) client() *http.Client {
	return &http.Client{Transport: w.Transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		r.Header.Del("Referer")
		if len(via) > 0 && via[0].Header.Get("Referer") != "" {
			r.Header.Set("Referer", via[0].Header.Get("Referer"))
		}
		if len(via) >= 5 {
			return errors.New("too many redirects")
		}
		return nil
	}}
}

// reply is an answer whose body is being read.
type reply struct {
	*http.Response
	took time.Duration // from the request to the head of the answer
	end  func()        // closes the body, and lets the next request to the host go
}

// do makes one request, in its turn at the host.
func (w *Web) do(ctx context.Context, method, address string, header map[string]string) (*reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", agent)
	req.Header.Set("Accept", "image/*,*/*;q=0.8")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	end, err := w.turns.take(ctx, req.URL.Host, w.Pace)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	resp, err := w.client().Do(req) //nolint:bodyclose // end does
	if err != nil {
		end()
		return nil, err
	}
	return &reply{resp, time.Since(started), func() { _ = resp.Body.Close(); end() }}, nil
}

// Fetch reads a picture. The error is a *fault.Error, or ctx's.
func (w *Web) Fetch(ctx context.Context, address string) (picture.Picture, error) {
	name := nameOf(address)
	limited, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	resp, err := w.do(limited, http.MethodGet, address, nil)
	if err == nil {
		defer resp.end()
		if resp.StatusCode != http.StatusOK {
			return picture.Picture{}, &fault.Error{Kind: fault.Unusable, Why: "status", Name: name, Host: hostOf(address), Code: resp.StatusCode}
		}
		var p picture.Picture
		if p, err = picture.Read(name, resp.Body, resp.ContentLength); err == nil || limited.Err() == nil {
			return p, err
		}
	}
	switch {
	case ctx.Err() != nil:
		return picture.Picture{}, ctx.Err()
	case errors.Is(err, web.ErrPrivate):
		return picture.Picture{}, &fault.Error{Kind: fault.Unusable, Why: "private", Name: name, Host: hostOf(address), Err: web.ErrPrivate}
	}
	return picture.Picture{}, &fault.Error{Kind: fault.Unusable, Why: "unreachable", Name: name, Host: hostOf(address), Err: short(err)}
}

// short is an error of a request without its address.
func short(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return errors.New("no answer in time")
	}
	return err
}

func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Host
	}
	return ""
}

func nameOf(address string) string {
	if u, err := url.Parse(address); err == nil {
		return path.Base(u.Path)
	}
	return address
}
