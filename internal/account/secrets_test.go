package account_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"bilipaste/internal/account"
	"bilipaste/internal/sandbox"
)

// echo answers with one of the things that the request holds, and tells how
// many there were at most.
func echo(which int, most *int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		held := []string{r.URL.RawQuery, string(body)}
		for pair := range strings.SplitSeq(r.Header.Get("Cookie"), "; ") {
			if name, value, _ := strings.Cut(pair, "="); name == "SESSDATA" || name == "bili_jct" {
				held = append(held, value)
			}
		}
		form, _ := url.ParseQuery(string(body))
		for _, values := range []url.Values{r.URL.Query(), form} {
			for _, name := range slices.Sorted(maps.Keys(values)) {
				held = append(held, values[name]...)
			}
		}
		held = slices.DeleteFunc(held, func(s string) bool { return s == "" })
		if *most = max(*most, len(held)); which >= len(held) {
			which = 0
		}
		if len(held) == 0 {
			held = []string{"-"}
		}
		decoded, _ := url.PathUnescape(held[which])
		said, _ := json.Marshal(held[which] + " " + decoded)
		fmt.Fprintf(w, `{"code":-500,"message":%s}`, said)
	}
}

// Whatever a host repeats of what it was sent, nothing of it is told.
func TestAnEchoIsNotTold(t *testing.T) {
	for _, path := range []string{
		"/finger/spi", "/qrcode/generate", "/qrcode/poll", "/crossDomain", navPath, "/cookie/info", "/cookie/refresh",
		"/confirm/refresh", exitPath, "/x/upload/web/image",
	} {
		for which, most := 0, 1; which < most; which++ {
			synctest.Test(t, func(t *testing.T) {
				n := newTenant(t)
				f := &failing{n.server, map[string]http.HandlerFunc{path: echo(which, &most)}}
				n.client = n.start(t, inside{Handler: f})
				n.server.Twist(sandbox.TicketOnly)
				heard := false
				for _, call := range []func() error{
					func() error { return upload(t.Context(), t, n.client, 1) },
					func() error { return n.client.Refresh(t.Context()) },
					func() error { _, err := n.client.User(t.Context()); return err },
					func() error { _, err := n.client.Login(t.Context(), n.tell); return err },
					func() error { return n.client.Logout(t.Context()) },
				} {
					err := call()
					heard = heard || err != nil && strings.Contains(err.Error(), "-500") || strings.Contains(n.logged.String(), "-500")
					n.checkSecrets(t, err)
				}
				if !heard && path != "/qrcode/poll" && path != "/finger/spi" && path != "/crossDomain" {
					t.Errorf("%s: nothing was said", path)
				}
			})
		}
	}
}

// An answer that holds a new session and cannot be read is not quoted.
func TestAnAnswerWithSecretsIsNotQuoted(t *testing.T) {
	for name, spoil := range map[string]func(http.ResponseWriter, []byte){
		"no JSON": func(w http.ResponseWriter, body []byte) { _, _ = w.Write(append([]byte("oh "), body...)) },
		"a code": func(w http.ResponseWriter, body []byte) {
			_, _ = w.Write([]byte(strings.Replace(string(body), `"code":0`, `"code":-400`, 1)))
		},
		"status": func(w http.ResponseWriter, body []byte) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write(append([]byte("oh "), body...))
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newTenant(t)
			f := &failing{n.server, nil}
			f.broken = map[string]http.HandlerFunc{"/cookie/refresh": func(w http.ResponseWriter, r *http.Request) {
				r.Header.Del("Accept-Encoding")
				recorded := httptest.NewRecorder()
				n.server.ServeHTTP(recorded, r)
				spoil(w, recorded.Body.Bytes())
			}}
			n.client = n.start(t, inside{Handler: f})
			err := n.client.Refresh(t.Context())
			if err == nil {
				t.Errorf("%s: no error", name)
			}
			n.checkSecrets(t, err)
		})
	}
}

// One secret may begin as another does: nothing of the longer one is left.
func TestTheLongestSecretGoesFirst(t *testing.T) {
	for _, jct := range []string{"0a1b2c3d", "1810771200", "4e5f6"} {
		s, err := account.NewSession("0a1b2c3d%2C1810771200%2C4e5f6", jct)
		if err != nil {
			t.Fatal(err)
		}
		client := account.NewClient(nil, s, nil)
		for _, said := range []string{"0a1b2c3d%2C1810771200%2C4e5f6", "0a1b2c3d,1810771200,4e5f6"} {
			if got := client.Excerpt("x " + said + " y"); got != "x [secret] y" {
				t.Errorf("%s is left", strings.ReplaceAll(got, "[secret]", ""))
			}
		}
	}
	s, err := account.DecodeSession([]byte(`{"SESSDATA":"0a1b","bili_jct":"c2d3","refresh_token":"c2d3e4f5"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := account.NewClient(nil, s, nil).Excerpt("x c2d3e4f5 y"); got != "x [secret] y" {
		t.Errorf("%s is left", got)
	}
}
