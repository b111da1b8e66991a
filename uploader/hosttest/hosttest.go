// Package hosttest is the contract that every host passes, run by each host's
// own test against the sandbox.
package hosttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"bilipaste/internal/lang"
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
		{"reader error and short reader", badReader},
		{"401 and 403", status(uploader.NotLoggedIn, 401, 403)},
		{"413", status(uploader.TooLarge, 413)},
		{"429", tooMany},
		{"5xx", status(uploader.Passing, 500, 502, 503, 504)},
		{"400", status(uploader.Rejected, 400)},
		{"error code with 200", errorCode},
		{"odd answers", oddAnswers},
		{"endless answer", endlessAnswer},
		{"connection cut", connectionCut},
		{"no secret told", noSecretTold},
		{"no credential after a redirect", noCredentialElsewhere},
		{"parallel", parallel},
		{"link valid in Markdown", linkInMarkdown},
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
func (r *rig) upload(t *testing.T, p uploader.Picture) (uploader.Link, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return r.host.Upload(ctx, p)
}

// small is a picture of the first format that a host takes.
func small(t *testing.T, host uploader.Host, seed int) uploader.Picture {
	return Picture(t, host.Limits().Formats[0], seed)
}

// arrived checks that a link leads to the picture.
func (r *rig) arrived(t *testing.T, h Harness, link uploader.Link, p uploader.Picture) {
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

func happyPath(t *testing.T, h Harness) {
	r := newRig(t, h, "")
	limits := r.host.Limits()
	if limits.Bytes <= 0 || len(limits.Formats) == 0 {
		t.Fatalf("the host takes nothing: %+v", limits)
	}
	pictures := []uploader.Picture{}
	for _, format := range limits.Formats {
		pictures = append(pictures, Picture(t, format, 1))
		if format == uploader.WebP {
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
	if !errors.Is(err, context.Canceled) || uploader.KindOf(err) != 0 {
		t.Errorf("%v: %v", uploader.KindOf(err), err)
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
	if !errors.Is(err, context.Canceled) || uploader.KindOf(err) != 0 {
		t.Errorf("%v: %v", uploader.KindOf(err), err)
	}
	r.faults.set(nil)
	if _, err := r.upload(t, small(t, r.host, 2)); err != nil {
		t.Errorf("the next upload: %v", err)
	}
}

// A picture that cannot be read to its end must never reach the host.
func badReader(t *testing.T, h Harness) {
	r := newRig(t, h, "")
	for _, format := range r.host.Limits().Formats {
		data := Picture(t, format, 1).Data
		half := data[:len(data)/2]
		broken := errors.New("disk on fire")
		for name, read := range map[string]func() (uploader.Picture, error){
			"error": func() (uploader.Picture, error) {
				return uploader.ReadPicture("x", io.MultiReader(bytes.NewReader(half), iotest.ErrReader(broken)), int64(len(data)))
			},
			"short": func() (uploader.Picture, error) {
				return uploader.ReadPicture("x", bytes.NewReader(half), int64(len(data)))
			},
			"short behind its end": func() (uploader.Picture, error) {
				return uploader.ReadPicture("x", bytes.NewReader(data), int64(len(data))+1)
			},
			"short, size unknown": func() (uploader.Picture, error) {
				return uploader.ReadPicture("x", bytes.NewReader(half), -1)
			},
		} {
			p, err := read()
			if err == nil {
				_, err = r.upload(t, p)
			}
			if uploader.KindOf(err) != uploader.Unusable {
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

// status checks the kind of error that HTTP statuses mean. A refused
// credential may also be a rejection: hosts use 403 for both.
func status(want uploader.Kind, codes ...int) func(*testing.T, Harness) {
	return func(t *testing.T, h Harness) {
		for _, code := range codes {
			for name, body := range map[string]string{"page": "<html><title>Oh</title></html>", "empty": "", "json": "{}"} {
				r := newRig(t, h, "")
				r.faults.set(func(w http.ResponseWriter, req *http.Request) {
					_, _ = io.Copy(io.Discard, req.Body)
					w.WriteHeader(code)
					fmt.Fprint(w, body)
				})
				_, err := r.upload(t, small(t, r.host, 1))
				kind := uploader.KindOf(err)
				if kind != want && (want != uploader.NotLoggedIn || kind != uploader.Rejected) {
					t.Errorf("%d, %s: %v: %v", code, name, kind, err)
				}
				if e, ok := errors.AsType[*uploader.Error](err); ok && (e.Code != code || e.Host != r.host.Name()) {
					t.Errorf("%d, %s: the error says %d of %q", code, name, e.Code, e.Host)
				}
				if n := r.faults.count(); n != 1 {
					t.Errorf("%d, %s: %d requests; trying again is the caller's part", code, name, n)
				}
			}
		}
	}
}

func tooMany(t *testing.T, h Harness) {
	for name, after := range map[string]func() string{
		"seconds": func() string { return "20" },
		"date":    func() string { return time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat) },
		"nothing": func() string { return "" },
		"nonsense": func() string {
			return "-1, soon"
		},
	} {
		r := newRig(t, h, "")
		r.faults.set(func(w http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body)
			w.Header().Set("Retry-After", after())
			w.WriteHeader(http.StatusTooManyRequests)
		})
		_, err := r.upload(t, small(t, r.host, 1))
		e, ok := errors.AsType[*uploader.Error](err)
		if !ok || e.Kind != uploader.Passing {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if said := name == "seconds" || name == "date"; said && (e.After < 15*time.Second || e.After > 20*time.Second) || e.After < 0 {
			t.Errorf("%s: to be left alone for %v", name, e.After)
		}
	}
}

func errorCode(t *testing.T, h Harness) {
	r := newRig(t, h, "")
	r.faults.set(answerWith(h.ErrorCode))
	_, err := r.upload(t, small(t, r.host, 1))
	if uploader.KindOf(err) != uploader.Rejected {
		t.Errorf("%v: %v", uploader.KindOf(err), err)
	}
	if err == nil || !strings.Contains(err.Error(), "SAID") {
		t.Errorf("the host's words are lost: %v", err)
	}
}

func oddAnswers(t *testing.T, h Harness) {
	long := strings.Repeat("x\x1b[31m\r\n ", 10<<20/9)
	for name, body := range map[string]string{
		"page":          "<!DOCTYPE html><html><title>Hotel\x07 Wi-Fi</title>" + strings.Repeat("<p>x", 5000),
		"empty":         "",
		"blank":         " \n",
		"truncated":     h.ErrorCode[:len(h.ErrorCode)-2],
		"10 MiB":        long,
		"10 MiB opened": `{"x":"` + long,
		"empty object":  "{}",
		"null":          "null",
		"list":          "[]",
		"number":        "0",
		"binary":        "\x00\xff\xfe\x80",
	} {
		r := newRig(t, h, "")
		r.faults.set(answerWith(body))
		_, err := r.upload(t, small(t, r.host, 1))
		if uploader.KindOf(err) != uploader.BrokenAnswer {
			t.Errorf("%s: %v: %v", name, uploader.KindOf(err), err)
			continue
		}
		if text := err.Error(); len(text) > 600 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
			t.Errorf("%s: not one short clean line: %.700q", name, text)
		}
	}
}

// endlessAnswer checks that an answer is not read for ever.
func endlessAnswer(t *testing.T, h Harness) {
	const most = 64 << 20 // more than any buffers between the two ends hold
	r := newRig(t, h, "")
	sent := make(chan int, 1)
	r.faults.set(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		part, n := bytes.Repeat([]byte(" "), 1<<20), 0
		for err := error(nil); err == nil && n < most; n += len(part) {
			_, err = w.Write(part)
		}
		sent <- n
	})
	if _, err := r.upload(t, small(t, r.host, 1)); uploader.KindOf(err) != uploader.BrokenAnswer {
		t.Errorf("%v: %v", uploader.KindOf(err), err)
	}
	if n := <-sent; n >= most {
		t.Errorf("%d bytes were read", n)
	}
}

func connectionCut(t *testing.T, h Harness) {
	for name, fault := range map[string]http.HandlerFunc{
		"before the body": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"after the body": func(_ http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body)
			panic(http.ErrAbortHandler)
		},
		"in the answer": func(w http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body)
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"`))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
	} {
		r := newRig(t, h, "")
		r.faults.set(fault)
		if _, err := r.upload(t, small(t, r.host, 1)); uploader.KindOf(err) != uploader.Passing {
			t.Errorf("%s: %v: %v", name, uploader.KindOf(err), err)
		}
		r.faults.set(nil)
		if _, err := r.upload(t, small(t, r.host, 1)); err != nil {
			t.Errorf("%s: the next upload: %v", name, err)
		}
	}
}

// noSecretTold has a host echo what it was sent, in every way that ends up in
// an error, and looks for the secrets in all that is printed.
func noSecretTold(t *testing.T, h Harness) {
	if len(h.Secrets) == 0 {
		t.Fatal("the harness names no secret")
	}
	secrets := []string{}
	for _, s := range h.Secrets {
		secrets = append(secrets, s)
		if decoded, err := url.PathUnescape(s); err == nil && decoded != s {
			secrets = append(secrets, decoded)
		}
	}
	echo := strings.Join(secrets, " ")
	page := "<html><title>" + echo + "</title>" + echo + "</html>"
	faults := map[string]http.HandlerFunc{
		"page":          answerWith(page),
		"text":          answerWith(echo),
		"error code":    answerWith(strings.Replace(h.ErrorCode, "SAID", echo, 1)),
		"split by tags": answerWith("<p>" + secrets[0][:4] + "<b></b>" + secrets[0][4:] + "</p>"),
		"with control characters": answerWith(strings.Replace(h.ErrorCode, "SAID",
			secrets[0][:4]+`\u0007`+secrets[0][4:], 1)),
		"malformed": func(w http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body)
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, echo+"\r\n\r\n")
				_ = conn.Close()
			}
		},
		"redirect": func(w http.ResponseWriter, req *http.Request) {
			if strings.Contains(req.URL.Path, "elsewhere.example") {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			w.Header().Set("Location", "https://elsewhere.example/?"+url.QueryEscape(echo))
			w.WriteHeader(http.StatusFound)
		},
	}
	for _, code := range []int{400, 401, 403, 413, 429, 500, 502} {
		faults[fmt.Sprint(code)] = func(w http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body)
			w.WriteHeader(code)
			fmt.Fprint(w, page)
		}
	}
	for name, fault := range faults {
		r := newRig(t, h, "")
		r.faults.set(fault)
		p := small(t, r.host, 1)
		_, err := r.upload(t, p)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		r.log.Error("upload failed", "err", err, "host", r.host)
		en, hint := lang.New(lang.English).Error(err)
		zh, _ := lang.New(lang.Chinese).Error(err)
		printed := strings.Join([]string{
			err.Error(), en, hint, zh, fmt.Sprintf("%v %+v %#v %s %q", err, err, err, err, err),
			fmt.Sprintf("%v %+v %#v", r.host, r.host, r.host), r.logged.String(),
		}, "\n")
		for e := err; e != nil; e = errors.Unwrap(e) {
			printed += fmt.Sprintf("\n%v %+v %#v", e, e, e)
		}
		for i, secret := range secrets {
			if strings.Contains(printed, secret) {
				t.Errorf("%s: secret %d is told", name, i) // not printed here either
			}
		}
	}
}

func noCredentialElsewhere(t *testing.T, h Harness) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		r := newRig(t, h, "")
		r.faults.set(func(w http.ResponseWriter, req *http.Request) {
			body, _ := io.ReadAll(req.Body)
			if strings.Contains(req.URL.Path, "elsewhere.example") {
				seen := fmt.Sprint(req.URL, req.Header, string(body))
				for i, secret := range h.Secrets {
					if strings.Contains(seen, secret) {
						t.Errorf("%d: secret %d went elsewhere", code, i)
					}
				}
				if bytes.Contains(body, small(t, r.host, 1).Data) {
					t.Errorf("%d: the picture went elsewhere", code)
				}
				fmt.Fprint(w, "{}")
				return
			}
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(code)
		})
		if _, err := r.upload(t, small(t, r.host, 1)); err == nil {
			t.Errorf("%d: no error", code)
		}
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
		if err == nil && !inMarkdown.MatchString(link.URL) || err != nil && uploader.KindOf(err) != uploader.BrokenAnswer {
			t.Errorf("%s: %q, %v", odd, link.URL, err)
		}
		if !r.faults.rewritten() {
			t.Error("the answer had no link that could be changed")
		}
	}
}
