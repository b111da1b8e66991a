// Package hosttest is the contract that every host passes, run by each host's
// own test against the sandbox.
package hosttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// Harness is a host under test.
type Harness struct {
	// New makes the host, whose requests all go through transport and whose
	// log lines all go to log. It is called anew for each subtest.
	New func(t *testing.T, transport http.RoundTripper, log *slog.Logger) uploader.Host

	// StandIn makes the server that the requests reach.
	StandIn func(t *testing.T) http.Handler

	// Fetch returns the bytes and the media type that a link leads to. Where
	// it is nil, the link is fetched through transport.
	Fetch func(t *testing.T, link uploader.Link) (data []byte, mediaType string)

	// ErrorCode is an answer with HTTP status 200 that says that the upload
	// failed for good. It contains "SAID", in the host's own words.
	ErrorCode string

	// Secrets must appear nowhere but in requests to the host itself.
	Secrets []string

	// Reencodes tells that the host may store other bytes than were sent.
	Reencodes bool

	// Without names the subtests that do not apply, each with the reason.
	Without map[string]string
}

// Run checks that a host keeps the contract of uploader.Host.
func Run(t *testing.T, h Harness) {
	tests := []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"happy path", happyPath},
		{"gateway prefix kept", prefixKept},
		{"cancelled before", cancelledBefore},
		{"cancelled during", cancelledDuring},
		{"held back", heldBack},
		{"reader error and short reader", badReader},
		{"400, 401, 403, 404, 451", status([]fault.Kind{fault.Rejected, fault.NotLoggedIn, fault.NotTaken}, 400, 401, 403, 404, 451)},
		{"413", status([]fault.Kind{fault.TooLarge}, 413)},
		{"429", tooMany},
		{"5xx", status([]fault.Kind{fault.Passing}, 500, 502, 503, 504)},
		{"somebody else's answer", stranger},
		{"error code with 200", errorCode},
		{"odd answers", oddAnswers},
		{"endless answer", endlessAnswer},
		{"connection cut", connectionCut},
		{"no secret told", noSecretTold},
		{"no credential after a redirect", noCredentialElsewhere},
		{"destination", destination},
		{"parallel", parallel},
		{"link valid in Markdown", linkInMarkdown},
		{"a foreign host in the answer", foreignLink},
	}
	unknown := map[string]bool{}
	for name := range h.Without {
		unknown[name] = true
	}
	for _, test := range tests {
		delete(unknown, test.name)
		if why := h.Without[test.name]; why != "" {
			t.Logf("%s does not apply: %s", test.name, why)
			continue
		}
		t.Run(test.name, func(t *testing.T) { test.run(t, h) })
	}
	for name := range unknown {
		t.Errorf("there is no subtest %q", name)
	}
}

// upload uploads a small picture.
func (r *rig) upload(t *testing.T, p picture.Picture) (uploader.Link, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return r.host.Upload(ctx, p)
}

// small is a picture of the first format that a host takes.
func small(t *testing.T, host uploader.Host, seed int) picture.Picture {
	return Picture(t, host.Limits().Formats[0], seed)
}

// arrived checks that a link leads to the picture.
func (r *rig) arrived(t *testing.T, h Harness, link uploader.Link, p picture.Picture) {
	t.Helper()
	fetch := h.Fetch
	if fetch == nil {
		fetch = r.fetch
	}
	data, mediaType := fetch(t, link)
	if !h.Reencodes && (!bytes.Equal(data, p.Data) || mediaType != p.Format.Type()) {
		t.Errorf("%s holds %d bytes of %s, sent were %d of %s", link.URL, len(data), mediaType, len(p.Data), p.Format.Type())
	}
	if h.Reencodes && len(data) == 0 {
		t.Errorf("%s holds nothing", link.URL)
	}
}

func destination(t *testing.T, h Harness) {
	r := newRig(t, h, "")
	if at, _ := r.host.Destination(); at.Host != r.host.Name() {
		t.Errorf("the destination of %s is %+v", r.host.Name(), at)
	}
}

func happyPath(t *testing.T, h Harness) {
	r := newRig(t, h, "")
	limits := r.host.Limits()
	if limits.Bytes <= 0 || len(limits.Formats) == 0 {
		t.Fatalf("the host takes nothing: %+v", limits)
	}
	pictures := []picture.Picture{}
	for _, format := range limits.Formats {
		pictures = append(pictures, Picture(t, format, 1))
		if format == picture.WebP {
			pictures = append(pictures, AnimatedWebP(t))
		}
	}
	for _, p := range pictures {
		begun := time.Now()
		link, err := r.upload(t, p)
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		if link.Host != r.host.Name() || link.Made.Before(begun) || link.Made.After(time.Now()) {
			t.Errorf("%s: the link is not filled in: %+v", p.Name, link)
		}
		if !h.Reencodes && link.Differs {
			t.Errorf("%s: the link says that the bytes differ", p.Name)
		}
		r.arrived(t, h, link, p)
		again, err := r.upload(t, p)
		if err != nil {
			t.Errorf("%s, again: %v", p.Name, err)
		}
		r.arrived(t, h, again, p)
	}
}

func prefixKept(t *testing.T, h Harness) {
	r := newRig(t, h, "/a/b")
	p := small(t, r.host, 1)
	link, err := r.upload(t, p)
	if err != nil {
		t.Fatal(err)
	}
	r.arrived(t, h, link, p)
}

func cancelledBefore(t *testing.T, h Harness) {
	r := newRig(t, h, "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.host.Upload(ctx, small(t, r.host, 1))
	if !errors.Is(err, context.Canceled) || fault.KindOf(err) != 0 {
		t.Errorf("%v: %v", fault.KindOf(err), err)
	}
	if n := r.faults.count(); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func cancelledDuring(t *testing.T, h Harness) {
	r := newRig(t, h, "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r.faults.set(func(_ http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body) // so that the server sees the client go
		cancel()
		<-req.Context().Done()
	})
	_, err := r.host.Upload(ctx, small(t, r.host, 1))
	if !errors.Is(err, context.Canceled) || fault.KindOf(err) != 0 {
		t.Errorf("%v: %v", fault.KindOf(err), err)
	}
	r.faults.set(nil)
	if _, err := r.upload(t, small(t, r.host, 2)); err != nil {
		t.Errorf("the next upload: %v", err)
	}
}

// heldBack checks that a host has not all of a picture before it may.
func heldBack(t *testing.T, h Harness) {
	r := newRig(t, h, "")
	p := small(t, r.host, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := make(chan []byte, 10)
	r.faults.set(func(_ http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		got <- body
		panic(http.ErrAbortHandler)
	})
	asked := false
	_, err := r.host.Upload(uploader.Hold(ctx, func(ctx context.Context) error {
		asked = true
		cancel()
		return ctx.Err()
	}), p)
	if !asked || !errors.Is(err, context.Canceled) {
		t.Errorf("asked: %t, %v", asked, err)
	}
	select {
	case body := <-got:
		if bytes.Contains(body, p.Data) {
			t.Error("the host has all of it")
		}
	default: // the request never came
	}
	r.faults.set(nil)
	if _, err := r.host.Upload(uploader.Hold(t.Context(), func(context.Context) error { return nil }), p); err != nil {
		t.Errorf("released: %v", err)
	}
}

// A picture that cannot be read to its end must never reach the host.
func badReader(t *testing.T, h Harness) {
	r := newRig(t, h, "")
	for _, format := range r.host.Limits().Formats {
		data := Picture(t, format, 1).Data
		half := data[:len(data)/2]
		broken := errors.New("disk on fire")
		for name, read := range map[string]func() (picture.Picture, error){
			"error": func() (picture.Picture, error) {
				return picture.Read("x", io.MultiReader(bytes.NewReader(half), iotest.ErrReader(broken)), int64(len(data)))
			},
			"short": func() (picture.Picture, error) {
				return picture.Read("x", bytes.NewReader(half), int64(len(data)))
			},
			"short behind its end": func() (picture.Picture, error) {
				return picture.Read("x", bytes.NewReader(data), int64(len(data))+1)
			},
			"short, size unknown": func() (picture.Picture, error) {
				return picture.Read("x", bytes.NewReader(half), -1)
			},
		} {
			p, err := read()
			if err == nil {
				_, err = r.upload(t, p)
			}
			if fault.KindOf(err) != fault.Unusable {
				t.Errorf("%s, %s: %v", format, name, err)
			}
			if name == "error" && !errors.Is(err, broken) {
				t.Errorf("%s, %s: the cause is lost: %v", format, name, err)
			}
		}
	}
	if n := r.faults.count(); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func parallel(t *testing.T, h Harness) {
	r := newRig(t, h, "")
	var uploads sync.WaitGroup
	for i := range 8 {
		uploads.Go(func() {
			p := small(t, r.host, i)
			link, err := r.upload(t, p)
			if err != nil {
				t.Errorf("upload %d: %v", i, err)
				return
			}
			r.arrived(t, h, link, p)
		})
	}
	uploads.Wait()
}

// inMarkdown is a link that ends neither a Markdown image, nor an HTML
// attribute, nor a BBCode tag.
var inMarkdown = regexp.MustCompile("^https://[a-z0-9.-]+/[^\\s\\x00-\\x20\\x7f()<>\\[\\]\"'`\\\\|{}^*]+$")

func linkInMarkdown(t *testing.T, h Harness) {
	r := newRig(t, h, "")
	for _, format := range r.host.Limits().Formats {
		p := Picture(t, format, 1)
		p.Name = "a (b) [c] \"d\" e\\f|`g`\n<h> 图.png"
		link, err := r.upload(t, p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := url.Parse(link.URL); err != nil || !inMarkdown.MatchString(link.URL) {
			t.Errorf("%q", link.URL)
		}
	}
	// A host whose links have odd characters in them gives none, or escapes them.
	for i, odd := range []string{" ", "(1)", ")", "[2]", `\u003c`, `\u003e`, `\"`, `\u0007`, `\n`, `\\`} {
		r.faults.rewrite(func(body []byte) []byte {
			return regexp.MustCompile(`\.(png|jpg|webp|gif)"`).ReplaceAllFunc(body, func(end []byte) []byte {
				return append([]byte(odd), end...)
			})
		})
		link, err := r.upload(t, small(t, r.host, 2+i))
		if err == nil && !inMarkdown.MatchString(link.URL) || err != nil && fault.KindOf(err) != fault.BrokenAnswer {
			t.Errorf("%s: %q, %v", odd, link.URL, err)
		}
		if !r.faults.rewritten() {
			t.Error("the answer had no link that could be changed")
		}
	}
}

// foreignLink checks that a link is handed out only if it leads to the host's
// own pictures, and to nothing but a picture.
func foreignLink(t *testing.T, h Harness) {
	r := newRig(t, h, "")
	link, err := r.upload(t, small(t, r.host, 1))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link.URL)
	if err != nil {
		t.Fatal(err)
	}
	host, file := u.Host, path.Base(u.Path)
	for i, test := range []struct{ old, replacement string }{
		{host, "evil.example"}, {host, host + ".evil.example"}, {host, "evil.example/" + host}, {host, "evil-" + host},
		{host, host + ":8443"}, {host, host + "."}, {host, "user@" + host}, {host, "user:secret@" + host}, {host, host + "@evil.example"},
		{file[strings.LastIndex(file, "."):] + `"`, `.png?x=1"`}, {file[strings.LastIndex(file, "."):] + `"`, `.png#x"`},
	} {
		r.faults.rewrite(func(body []byte) []byte { return bytes.ReplaceAll(body, []byte(test.old), []byte(test.replacement)) })
		r.faults.changed.Store(false)
		link, err := r.upload(t, small(t, r.host, 2+i))
		if fault.KindOf(err) != fault.BrokenAnswer {
			t.Errorf("%s for %s: %q, %v", test.replacement, test.old, link.URL, err)
		}
		if !r.faults.rewritten() {
			t.Errorf("the answer had no %s", test.old)
		}
	}
}
