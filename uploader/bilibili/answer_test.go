package bilibili_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
	"bilipaste/internal/picture"
	"bilipaste/internal/sandbox"
	"bilipaste/uploader/bilibili"
	"bilipaste/uploader/hosttest"
)

// direct hands requests to a handler with no network between, so that time can
// be a test's own.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.URL.Path = "/" + r.URL.Host + r.URL.Path
	if in.Body == nil {
		in.Body = http.NoBody
	}
	out := httptest.NewRecorder()
	d.handler.ServeHTTP(out, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return out.Result(), nil
}

// says answers every request with one body.
func says(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, body)
	})
}

func TestOddAnswers(t *testing.T) {
	for odd, want := range map[sandbox.Odd]string{
		sandbox.Slashes: "", sandbox.Relative: "", sandbox.HTTPS: "",
		sandbox.Reencoded:  "",
		sandbox.Foreign:    "broken_answer.link 0",
		sandbox.NoLink:     "broken_answer.link 0",
		sandbox.NullData:   "broken_answer.link 0",
		sandbox.NoData:     "broken_answer.link 0",
		sandbox.Cut:        "broken_answer.cut 200",
		sandbox.HTML:       "passing.page 200",
		sandbox.Empty:      "broken_answer.empty 200",
		sandbox.Huge:       "broken_answer.long 200",
		sandbox.Reset:      "passing.network 0",
		sandbox.Moved:      "passing.redirect 307",
		sandbox.LoggedOut:  "not_logged_in. -101",
		sandbox.CSRF:       "not_logged_in.csrf -111",
		sandbox.Risk:       "refused. -352",
		sandbox.RiskBare:   "refused. -352",
		sandbox.Voucher:    "refused. -352",
		sandbox.Blocked:    "refused. -412",
		sandbox.Blocked412: "refused. 412",
		sandbox.TooLarge:   "too_large.host -617",
		sandbox.TooLarge13: "too_large.host 413",
		sandbox.Frequent:   "passing. -799",
		sandbox.Busy:       "passing. 429",
		sandbox.ServerErr:  "passing. -500",
		sandbox.BadGateway: "passing. 502",
		sandbox.Unknown:    "rejected. 69800",
	} {
		t.Run(string(odd), func(t *testing.T) {
			host := sandbox.New()
			server := httptest.NewUnstartedServer(host)
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
			server.Start()
			defer server.Close()
			gateway, err := sandbox.NewGateway(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer gateway.CloseIdleConnections()
			host.Play(odd, 0)
			link, err := bucket(t, gateway, slog.New(slog.DiscardHandler)).Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1))
			got := ""
			if e, ok := errors.AsType[*fault.Error](err); ok {
				got = fmt.Sprintf("%v.%s %d", e.Kind, e.Why, e.Code)
			}
			if got != want {
				t.Fatalf("%q, want %q: %v", got, want, err)
			}
			if want == "" && !strings.HasPrefix(link.URL, "https://i0.hdslb.com/bfs/live/") {
				t.Error(link.URL)
			}
			if link.Differs != (odd == sandbox.Reencoded) {
				t.Errorf("differs: %v", link.Differs)
			}
		})
	}
}

func TestALinkThatLeadsElsewhereIsNone(t *testing.T) {
	for _, location := range []string{
		"", "/", "i0.hdslb.com/bfs/a.png", "http://i0.hdslb.com", "http://i0.hdslb.com/", "ftp://i0.hdslb.com/bfs/a.png",
		"http://i0.hdslb.com:81/bfs/a.png", "http://u:p@i0.hdslb.com/bfs/a.png", "http://evil.example/bfs/a.png",
		"http://i0.hdslb.com.evil.example/a.png", "http://evil.example/i0.hdslb.com/a.png", "javascript:alert(1)",
		"http://i0.hdslb.com/bfs/a b.png", "http://i0.hdslb.com/bfs/a(1).png", "http://i0.hdslb.com/bfs/a.png?x=1",
		`http://i0.hdslb.com/bfs/a\n.png`, "http://i0.hdslb.com/bfs/a.png#x", "http://i0.hdslb.com/%zz", "::", "http://[::1",
	} {
		body := fmt.Sprintf(`{"code":0,"message":"0","data":{"location":"%s","etag":""}}`, location)
		link, err := bucket(t, direct{says(body)}, slog.New(slog.DiscardHandler)).Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1))
		if strings.Contains(location, "a b") && err == nil && link.URL == "https://i0.hdslb.com/bfs/a%20b.png" {
			continue // escaped, it is a link
		}
		if e, _ := errors.AsType[*fault.Error](err); e == nil || e.Kind != fault.BrokenAnswer {
			t.Errorf("%q: %q, %v", location, link.URL, err)
		}
	}
}

// FuzzAnswer looks for a panic, for a link that is unfit, and for an error
// that is none of ours or is not one clean line.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"code":0,"message":"0","ttl":1,"data":{"location":"http://i0.hdslb.com/bfs/live/a.png","etag":"a"}}`))
	f.Add(200, []byte(`{"code":-101,"data":[]}`))
	f.Add(412, []byte("<html>"))
	p := hosttest.Picture(f, picture.PNG, 1)
	log := slog.New(slog.DiscardHandler)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			status = 200
		}
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.Copy(w, bytes.NewReader(body))
		})
		client := account.NewClient(direct{handler}, session(t), account.NewGate(t.TempDir(), 0, log))
		host, err := bilibili.NewBucket(client, "live", false)
		if err != nil {
			t.Fatal(err)
		}
		link, err := host.Upload(t.Context(), p)
		if err == nil && (!strings.HasPrefix(link.URL, "https://") || strings.ContainsAny(link.URL, " ()<>[]\"'\n\\")) {
			t.Errorf("%q", link.URL)
		}
		if err != nil && (fault.KindOf(err) == 0 || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f })) {
			t.Errorf("%v: %q", fault.KindOf(err), err)
		}
	})
}
