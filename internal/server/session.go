package server

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	tokenLife    = time.Minute // of a token: for a browser to start
	mostTokens   = 10
	mostBrowsers = 20
)

// sessions are the browsers that may see the page, until the program ends.
type sessions struct {
	mu     sync.Mutex
	tokens []token  // not used yet
	values []string // of the cookies
}

type token struct {
	text string
	ends time.Time
}

// token returns a new token, which lets one browser in.
func (s *sessions) token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tokens) >= mostTokens {
		s.tokens = s.tokens[1:]
	}
	t := token{rand.Text(), time.Now().Add(tokenLife)}
	s.tokens = append(s.tokens, t)
	return t.text
}

// begin lets the browser in that has a token, and sets its cookie. It returns
// false if the token is wrong, old or used.
func (s *sessions) begin(w http.ResponseWriter, r *http.Request) bool {
	text := r.URL.Query().Get("token")
	s.mu.Lock()
	defer s.mu.Unlock()
	found := -1
	for i, t := range s.tokens {
		if subtle.ConstantTimeCompare([]byte(t.text), []byte(text)) == 1 && time.Now().Before(t.ends) {
			found = i
		}
	}
	if found < 0 {
		return false
	}
	s.tokens = append(s.tokens[:found], s.tokens[found+1:]...)
	value := rand.Text()
	s.values = append(s.values, value)
	if len(s.values) > mostBrowsers {
		s.values = s.values[1:]
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName(r), Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	return true
}

// has tells whether a request is of a browser that was let in.
func (s *sessions) has(r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range r.CookiesNamed(cookieName(r)) {
		for _, value := range s.values {
			if subtle.ConstantTimeCompare([]byte(value), []byte(c.Value)) == 1 {
				return true
			}
		}
	}
	return false
}

// cookieName is the cookie's name: browsers keep those of all ports together.
func cookieName(r *http.Request) string {
	_, port, _ := net.SplitHostPort(r.Host)
	return "bilipaste-" + port
}
