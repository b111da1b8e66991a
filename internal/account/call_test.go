package account_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
	"bilipaste/internal/sandbox"
)

func TestCallsCarryTheToken(t *testing.T) {
	const address = "https://api.bilibili.com/x/y"
	for name, test := range map[string]struct {
		build                          account.Build
		method, query, mediaType, body string
	}{
		"get":         {account.Get(address, nil), "GET", "", "", ""},
		"parameters":  {account.Get(address, url.Values{"a": {"b c"}}), "GET", "a=b+c", "", ""},
		"json":        {account.JSON(address, nil, map[string]any{"x": 1}), "POST", "csrf=" + sandbox.BiliJct, "application/json", `{"x":1}`},
		"json, more":  {account.JSON(address, url.Values{"platform": {"web"}}, nil), "POST", "csrf=" + sandbox.BiliJct + "&platform=web", "application/json", `null`},
		"form":        {account.Form(address, url.Values{"a": {"b"}}, "csrf", "csrf_token"), "POST", "", "application/x-www-form-urlencoded", "a=b&csrf=" + sandbox.BiliJct + "&csrf_token=" + sandbox.BiliJct},
		"form, empty": {account.Form(address, nil, "biliCSRF"), "POST", "", "application/x-www-form-urlencoded", "biliCSRF=" + sandbox.BiliJct},
	} {
		asked := 0
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			body, _ := io.ReadAll(r.Body)
			if r.Method != test.method || r.URL.Path != "/api.bilibili.com/x/y" || r.URL.RawQuery != test.query ||
				r.Header.Get("Content-Type") != test.mediaType || string(body) != test.body {
				t.Errorf("%s: %s %s, %s: %s", name, r.Method, r.URL, r.Header.Get("Content-Type"), body)
			}
			_, _ = io.WriteString(w, `{"code":0,"data":{"fine":true}}`)
		})
		data, err := client(t, direct{handler}).Do(t.Context(), account.Ask, test.build)
		if err != nil || string(data) != `{"fine":true}` || asked != 1 {
			t.Errorf("%s: %s after %d requests, %v", name, data, asked, err)
		}
	}
	broken := errors.New("it cannot be built")
	_, err := client(t, nil).Do(t.Context(), account.Ask, func(context.Context, string) (*http.Request, error) { return nil, broken })
	if !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, err := client(t, nil).Do(t.Context(), account.Ask, account.JSON(address, nil, func() {})); err == nil {
		t.Error("a function was sent as JSON")
	}
}

// A post follows the last at least 10 s later, whoever sent that, and also
// after a failure: it may have arrived.
func TestPostsArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newScripted(t, time.Second)
		post := func(body string) error {
			a.body.Store(body)
			_, err := a.client().Do(t.Context(), account.Publish, account.JSON(account.API+"/x", nil, nil))
			return err
		}
		begun := time.Now()
		for i, body := range []string{fine, `{"code":-500}`, fine} {
			if err := post(body); (err == nil) != (body == fine) {
				t.Fatal(err)
			}
			if got, want := a.asked[i].Sub(begun), time.Duration(i)*10*time.Second; got != want {
				t.Errorf("post %d starts after %v, want %v", i, got, want)
			}
		}
		begun = time.Now() // an upload and a question need not wait for it
		if err := a.upload(fine); err != nil {
			t.Fatal(err)
		}
		if _, err := a.client().User(t.Context()); err != nil || time.Since(begun) > 0 {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		write(t, a, `{"published":"2999-01-01T00:00:00Z"}`) // by a wrong clock
		if err := post(fine); err != nil || time.Since(begun) != 10*time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		if err := post(blocked); fault.KindOf(err) != fault.Refused {
			t.Fatal(err)
		}
		asked := len(a.asked)
		if err := post(fine); fault.KindOf(err) != fault.Refused || len(a.asked) != asked {
			t.Errorf("while Bilibili refuses: %v", err)
		}
	})
}
