package account

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"bilipaste/internal/fault"
)

// jar holds cookies of the account, in wire form.
type jar map[string]string

// accountCookies are all that are taken from an answer.
var accountCookies = []string{"SESSDATA", "bili_jct", "DedeUserID", "DedeUserID__ckMd5", "sid"}

// setCookies returns the account's cookies that an answer sets, and none that
// it takes away.
func setCookies(header http.Header) jar {
	cookies := jar{}
	for _, cookie := range (&http.Response{Header: header}).Cookies() {
		gone := cookie.MaxAge < 0 || !cookie.Expires.IsZero() && cookie.Expires.Before(time.Now())
		if !gone {
			cookies.put(cookie.Name, cookie.Value)
		}
	}
	return cookies
}

// addressCookies returns those in an address's query, still encoded.
func addressCookies(address string) jar {
	cookies := jar{}
	u, err := url.Parse(address)
	if err != nil {
		return cookies
	}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		cookies.put(name, value)
	}
	return cookies
}

func (j jar) put(name, value string) {
	if slices.Contains(accountCookies, name) && value != "" && value != "deleted" && !strings.ContainsFunc(value, notInJar) {
		j[name] = value
	}
}

// notInJar is notInCookie but for the comma of a SESSDATA that is not encoded.
func notInJar(r rune) bool { return r != ',' && notInCookie(r) }

func (j jar) whole() bool { return j["SESSDATA"] != "" && j["bili_jct"] != "" }

// session makes a session of the cookies, which must be whole.
func (j jar) session(refreshToken string) (Session, error) {
	s, err := NewSession(j["SESSDATA"], j["bili_jct"])
	if err != nil || s.IsZero() {
		return Session{}, &fault.Error{Kind: fault.BrokenAnswer, Why: "session", Host: Service}
	}
	for _, name := range otherCookies {
		s = s.with(name, j[name])
	}
	if refreshToken != "" {
		s.refreshToken = &refreshToken
	}
	return s, nil
}
