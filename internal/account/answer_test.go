package account_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
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

func TestEveryCodeHasAMeaning(t *testing.T) {
	kinds := map[fault.Kind][]int{
		fault.NotLoggedIn: {-4, -101, -111, -658},
		fault.Refused:     {-352, -412},
		fault.TooLarge:    {-617},
		fault.Passing:     {-112, -500, -503, -504, -509, -799, -8888},
		fault.Rejected:    {-1, -102, -106, -108, -110, -113, -114, -115, -304, -400, -401, -403, -404, -405, -616, 1, 42603, 69800},
	}
	for kind, codes := range kinds {
		for _, code := range codes {
			for _, rest := range []string{``, `,"data":null`, `,"data":[]`, `,"data":""`, `,"data":{"v_voucher":"v"}`, `,"msg":7,"message":null`} {
				err := upload(t.Context(), t, client(t, direct{says(fmt.Sprintf(`{"code":%d%s}`, code, rest))}), 1)
				why := ""
				switch {
				case code == -111:
					why = "csrf"
				case code == -617:
					why = "host"
				case code <= -102 && code >= -115 && kind == fault.Rejected:
					why = "account"
				}
				if e, _ := errors.AsType[*fault.Error](err); e == nil || e.Kind != kind || e.Code != code || e.Why != why {
					t.Errorf("%d%s: %v", code, rest, err)
				}
			}
		}
	}
}

func TestTheHostsWordsAreShownClean(t *testing.T) {
	for said, want := range map[string]string{
		`{"code":-400,"message":"请求\u0007错误\r\n 好"}`:                                      "请求错误 好",
		`{"code":-400,"message":"-400"}`:                                                  "",
		`{"code":-400,"message":"` + strings.Repeat("长", 500) + `"}`:                      strings.Repeat("长", 120) + "…",
		`{"code":-400,"msg":"old"}`:                                                       "old",
		`<html><style>a{}</style><script>x()</script><title>出错啦!</title><b>no</b></html>`: "出错啦! no",
	} {
		err := upload(t.Context(), t, client(t, direct{says(said)}), 1)
		if e, _ := errors.AsType[*fault.Error](err); e == nil || e.Said != want {
			t.Errorf("%.60q: %v", said, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
		for value, want := range map[string]time.Duration{
			"3": 3 * time.Second, "0": 0, "": 0, "-3": 0, "soon": 0, "1.5": 0, "99999999999": 0,
			in(time.Minute): time.Minute, in(-time.Minute): 0,
			"61": -61 * time.Second, "4294967295": -6 * time.Hour, in(2 * time.Hour): -2 * time.Hour, in(1e6 * time.Hour): -6 * time.Hour,
		} {
			busy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", value)
				w.WriteHeader(http.StatusServiceUnavailable)
			})
			err := upload(t.Context(), t, client(t, direct{busy}), 1)
			e, _ := errors.AsType[*fault.Error](err)
			switch {
			case want < 0: // nobody waits that long: a refusal
				if e == nil || e.Kind != fault.Refused || !e.Until.Equal(time.Now().Add(-want)) {
					t.Errorf("%q: want a refusal for %v: %+v", value, -want, e)
				}
			case e == nil || e.Kind != fault.Passing || e.After != want:
				t.Errorf("%q: want %v: %+v", value, want, e)
			}
		}
	})
}

// A silent host is given up: at once where it takes nothing, later where it
// took the picture. One that takes it slowly is not.
func TestASilentHostIsGivenUp(t *testing.T) {
	p := hosttest.PNG(t, 1<<20)
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    time.Duration
	}{
		"takes nothing": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 20 * time.Second},
		"takes a part": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, 1000)
			<-r.Context().Done()
		}, 30 * time.Second},
		"takes it slowly, then nothing": {func(_ http.ResponseWriter, r *http.Request) {
			for range 10 {
				time.Sleep(19 * time.Second)
				_, _ = io.CopyN(io.Discard, r.Body, 1000)
			}
			<-r.Context().Done()
		}, 10*19*time.Second + 30*time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			err := send(t.Context(), client(t, direct{test.handler}), p)
			took := time.Since(begun)
			e, _ := errors.AsType[*fault.Error](err)
			if e == nil || e.Kind != fault.Passing || e.Why != "silent" || took != test.want {
				t.Errorf("%s: after %v: %v", name, took, err)
			}
			if what, _ := lang.New(lang.English).Error(err); what != "bilibili does not answer" {
				t.Errorf("%s: %q", name, what)
			}
		})
	}
}

// Statuses that Bilibili itself gives, with an answer that says nothing is
// wrong; and answers with 200 that are none.
func TestStatusesAndAnswersThatDoNotFit(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		want   string
	}{
		{200, `{"code":0,"data":{}}`, ""}, {299, `{"code":0,"data":{}}`, ""},
		{300, `{"code":0}`, "passing.redirect"}, {399, `{"code":0}`, "passing.redirect"}, {400, `{"code":0}`, "rejected"}, {401, `{"code":0}`, "not_logged_in"},
		{403, `{"code":0}`, "rejected"}, {408, `{"code":0}`, "passing"}, {412, `{"code":0}`, "refused"}, {413, `{"code":0}`, "too_large.host"},
		{429, `{"code":0}`, "passing"}, {499, `{"code":0}`, "rejected"}, {500, `{"code":0}`, "passing"}, {599, `{"code":0}`, "passing"},
		{500, `{"code":69800}`, "passing"}, {404, `{"code":-404}`, "rejected"}, {299, `{"code":69800}`, "rejected"}, {300, `{"code":69800}`, "passing.redirect"},
		{500, `{"code":-101}`, "not_logged_in"}, {403, `{"code":-403}`, "rejected"}, {403, `{}`, "refused"}, {403, `<html>`, "refused"}, {412, `<html>`, "refused"},
		{200, `{}`, "broken_answer"}, {200, `null`, "broken_answer"}, {200, `[]`, "broken_answer"}, {200, `0`, "broken_answer"}, {200, `{"code":"0"}`, "broken_answer"},
		{200, `{"code":null}`, "broken_answer"}, {200, `{"code":0,"data":{"v_voucher":"x","more":1}}`, ""}, {200, `{"code":0,"data":{"more":1}}`, ""},
	} {
		answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.body)
		})
		_, err := client(t, direct{answer}).Do(t.Context(), account.Ask, account.Get(account.API+"/x", nil))
		got := ""
		if e, ok := errors.AsType[*fault.Error](err); ok {
			got = strings.TrimSuffix(e.Kind.String()+"."+e.Why, ".")
		}
		if got != test.want {
			t.Errorf("%d %s: %q, want %q: %v", test.status, test.body, got, test.want, err)
		}
	}
}
