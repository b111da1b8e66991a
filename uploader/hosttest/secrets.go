package hosttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"bilipaste/internal/lang"
)

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
		"page":          answerWith(http.StatusOK, page),
		"text":          answerWith(http.StatusOK, echo),
		"error code":    answerWith(http.StatusOK, strings.Replace(h.ErrorCode, "SAID", echo, 1)),
		"split by tags": answerWith(http.StatusOK, "<p>"+secrets[0][:4]+"<b></b>"+secrets[0][4:]+"</p>"),
		"with control characters": answerWith(http.StatusOK, strings.Replace(h.ErrorCode, "SAID",
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
