package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/picture"
)

// roundTrip is a transport that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func hide(text string) string { return strings.ReplaceAll(text, "hunter2", "[secret]") }

func get(t *testing.T, ctx context.Context) *http.Request { //nolint:revive // t comes first in tests
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://host.example/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestAFormTellsItsLengthAndNoName(t *testing.T) {
	p := picture.Picture{Name: "my house.png", Data: []byte(strings.Repeat("picture", 1000)), Format: picture.PNG}
	req, err := Form(t.Context(), "https://host.example/up", []Field{{"a", "1"}, {"b", "ü & ="}}, "file", p)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it can be sent again
		body, err := req.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(body)
		if err != nil || int64(len(data)) != req.ContentLength || req.Method != http.MethodPost {
			t.Errorf("%d bytes, said are %d: %v", len(data), req.ContentLength, err)
		}
		_, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		parts := multipart.NewReader(strings.NewReader(string(data)), params["boundary"])
		var got []string
		for {
			part, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			value, _ := io.ReadAll(part)
			got = append(got, fmt.Sprintf("%s %s %s %d", part.FormName(), part.FileName(), part.Header.Get("Content-Type"), len(value)))
		}
		if want := "a   1, b   6, file image.png image/png 7000"; strings.Join(got, ", ") != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAnAnswerIsCut(t *testing.T) {
	for size, want := range map[int]int{0: 0, 1: 1, maxAnswer: maxAnswer, maxAnswer + 1: maxAnswer + 1, 10 * maxAnswer: maxAnswer + 1} {
		client := NewClient("host", roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(strings.Repeat("x", size)))}, nil
		}), hide)
		if a, err := client.Do(get(t, t.Context())); err != nil || len(a.Body) != want || a.Status != 200 {
			t.Errorf("of %d bytes: %d, %v", size, len(a.Body), err)
		}
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewClient("host", server.Client().Transport, hide).Do(req)
	if err != nil || a.Status != http.StatusFound || a.Header.Get("Location") != "/elsewhere" || asked != 1 {
		t.Errorf("%+v after %d requests, %v", a, asked, err)
	}
}

// slow is a body that gives a byte after each pause, and then never ends.
type slow struct {
	ctx   context.Context
	pause time.Duration
	bytes int
}

func (s *slow) Read(p []byte) (int, error) {
	if s.bytes == 0 {
		<-s.ctx.Done()
		return 0, s.ctx.Err()
	}
	s.bytes--
	select {
	case <-time.After(s.pause):
		p[0] = 'x'
		return 1, nil
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
}

func (s *slow) Close() error { return nil }

// Silence ends a call, and so does its caller, each with its own error.
func TestHowLongACallTakes(t *testing.T) {
	big := picture.Picture{Data: make([]byte, 1<<20), Format: picture.PNG}
	for name, test := range map[string]struct {
		body   bool
		serve  func(*http.Request) (*http.Response, error)
		caller time.Duration // after which its caller gives up, 0: never
		want   time.Duration
		why    string
	}{
		"nothing comes": {false, func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }, 0, connectLimit, "silent"},
		"an answer that does not end": {false, func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: &slow{r.Context(), time.Second, 3}}, nil
		}, 0, connectLimit, "silent"},
		"its body is taken slowly, then nothing": {true, func(r *http.Request) (*http.Response, error) {
			for range 3 {
				time.Sleep(silenceLimit - time.Second)
				_, _ = io.CopyN(io.Discard, r.Body, 100)
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, 0, connectLimit, "silent"}, // the first part came too late
		"the caller leaves": {false, func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }, time.Second, time.Second, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.caller > 0 {
				time.AfterFunc(test.caller, cancel)
			}
			req := get(t, ctx)
			if test.body {
				var err error
				if req, err = Form(ctx, "https://host.example/x", nil, "file", big); err != nil {
					t.Fatal(err)
				}
			}
			begun := time.Now()
			_, err := NewClient("host", roundTrip(test.serve), hide).Do(req)
			took := time.Since(begun)
			e, _ := errors.AsType[*fault.Error](err)
			switch {
			case test.why == "" && (!errors.Is(err, context.Canceled) || e != nil || took != test.want):
				t.Errorf("%s: after %v: %v", name, took, err)
			case test.why != "" && !test.body && (e == nil || e.Kind != fault.Passing || e.Why != test.why || e.Host != "host" || took != test.want):
				t.Errorf("%s: after %v: %+v", name, took, err)
			case test.body && (e == nil || e.Why != "silent"):
				t.Errorf("%s: after %v: %v", name, took, err)
			}
		})
	}
}

// counter counts what is read of a body.
type counter struct{ bytes atomic.Int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes.Add(int64(len(p)))
	return len(p), nil
}

// A host does not get all of a picture before it is known to be on the disk, and
// never does if it cannot be put there. What was sent is told as it goes.
func TestTheEndOfABodyIsHeldBack(t *testing.T) {
	full := errors.New("the disk is full")
	for _, size := range []int{0, 1000, tail, 1 << 20} {
		for _, ready := range []error{nil, full} {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				ctx := Hold(t.Context(), func(context.Context) error { <-release; return ready })
				var told []int64
				ctx = Tell(ctx, func(sent, of int64) { told = append(told, sent, of) })
				req, err := Form(ctx, "https://host.example/up", nil, "file", picture.Picture{Data: make([]byte, size), Format: picture.PNG})
				if err != nil {
					t.Fatal(err)
				}
				var got counter
				client := NewClient("host", roundTrip(func(r *http.Request) (*http.Response, error) {
					if _, err := io.Copy(&got, r.Body); err != nil {
						return nil, err
					}
					return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
				}), hide)
				ended := make(chan error, 1)
				go func() {
					_, err := client.Do(req)
					ended <- err
				}()
				synctest.Wait()
				held := max(0, req.ContentLength-tail)
				if n := got.bytes.Load(); n != held {
					t.Errorf("of %d bytes, %d are sent and %d may be", req.ContentLength, n, held)
				}
				close(release)
				if err := <-ended; !errors.Is(err, ready) {
					t.Errorf("of %d bytes: %v, want %v", req.ContentLength, err, ready)
				}
				all := held
				if ready == nil {
					all = req.ContentLength
				}
				if n := got.bytes.Load(); n != all {
					t.Errorf("of %d bytes, %d are sent in the end, want %d", req.ContentLength, n, all)
				}
				before := int64(0)
				for i := 0; i < len(told); i += 2 {
					if told[i] <= before || told[i+1] != req.ContentLength {
						t.Fatalf("told after %d bytes: %d of %d", before, told[i], told[i+1])
					}
					before = told[i]
				}
				if before != all {
					t.Errorf("told in the end: %d, sent are %d", before, all)
				}
			})
		}
	}
}

// An address may hold a secret that nobody has told yet.
func TestATroubleOfTheNetworkDoesNotQuoteTheAddress(t *testing.T) {
	cause := errors.New("connection reset")
	client := NewClient("host", roundTrip(func(*http.Request) (*http.Response, error) { return nil, cause }), hide)
	if _, err := client.Do(get(t, t.Context())); !errors.Is(err, cause) || strings.Contains(err.Error(), "host.example") {
		t.Error(err)
	}
}

func TestWhatAHostSaidIsRedacted(t *testing.T) {
	client := NewClient("host", roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, errors.New(`malformed HTTP response "hunter2"`)
	}), hide)
	_, err := client.Do(get(t, t.Context()))
	if e, _ := errors.AsType[*fault.Error](err); e == nil || e.Why != "network" || strings.Contains(fmt.Sprintf("%v %+v", err, e.Err), "hunter2") || !strings.Contains(err.Error(), "malformed") {
		t.Errorf("%v", err)
	}
	for said, want := range map[string]string{
		"a hunter2 b":                     "a [secret] b",
		"<p>hun<b></b>ter2</p>":           "hun ter2",
		"hun\x07ter2 is it":               "[secret] is it",
		"  a \r\n\tb\nc  ":                "a b c",
		"<style>x</style><!-- c --> t<i>": "t",
		"1 < 2 and 3 > 2":                 "1 < 2 and 3 > 2",
		strings.Repeat("长", 121):          strings.Repeat("长", 120) + "…",
		strings.Repeat("长", 120):          strings.Repeat("长", 120),
		"\xff\xfe":                        "",
		"":                                "",
	} {
		if got := client.Excerpt(said); got != want {
			t.Errorf("%.40q: %q, want %q", said, got, want)
		}
	}
}

func TestAStrangersAnswer(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		kind   fault.Kind
		why    string
	}{
		{200, "<html>", fault.Passing, "page"}, {200, " \n<!DOCTYPE html>", fault.Passing, "page"},
		{200, "", fault.BrokenAnswer, "empty"}, {200, " \r\n", fault.BrokenAnswer, "empty"}, {204, "", fault.BrokenAnswer, "empty"},
		{200, `{"a":`, fault.BrokenAnswer, "cut"}, {200, `{"a":1}x`, fault.BrokenAnswer, ""}, {200, "denied", fault.BrokenAnswer, ""},
		{200, strings.Repeat(" ", maxAnswer+1), fault.BrokenAnswer, "long"}, {200, strings.Repeat("<", maxAnswer+1), fault.BrokenAnswer, "long"},
		{299, "x", fault.BrokenAnswer, ""}, {300, "x", fault.Passing, "redirect"}, {302, "<html>", fault.Passing, "redirect"}, {399, "", fault.Passing, "redirect"},
		{400, "", fault.Passing, "page"}, {403, "<html>", fault.Passing, "page"}, {407, "{}", fault.Passing, "page"}, {499, "", fault.Passing, "page"},
		{408, "", fault.Passing, ""}, {413, "<html>", fault.TooLarge, "host"}, {429, "<html>", fault.Passing, ""}, {500, "<html>", fault.Passing, ""}, {599, "", fault.Passing, ""},
	} {
		kind, why := Stranger(Answer{Status: test.status, Body: []byte(test.body)})
		if kind != test.kind || why != test.why {
			t.Errorf("%d %.20q: %v.%s, want %v.%s", test.status, test.body, kind, why, test.kind, test.why)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "1": time.Second, "86400": 24 * time.Hour, "86401": 24 * time.Hour, "4294967295": 24 * time.Hour, "4294967296": 0,
		"-1": 0, "1.5": 0, "soon": 0, " 3": 0,
		now.Add(time.Minute).Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).Format(http.TimeFormat): 0,
		now.Add(48 * time.Hour).Format(http.TimeFormat): 24 * time.Hour,
	} {
		if got := RetryAfter(value, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}
