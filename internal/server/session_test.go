package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// begins asks to be let in, and returns the request of the browser that was.
func begins(s *sessions, token string) (*http.Request, bool) {
	w := httptest.NewRecorder()
	ok := s.begin(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1:36677/open?token="+token, nil))
	next := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:36677/", nil)
	for _, c := range w.Result().Cookies() {
		next.AddCookie(c)
	}
	return next, ok
}

func TestATokenHoldsForAMinuteAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sessions
		first, second, third := s.token(), s.token(), s.token()
		time.Sleep(tokenLife - time.Millisecond)
		r, ok := begins(&s, first)
		if !ok || !s.has(r) {
			t.Error("a good token lets nobody in")
		}
		if _, ok := begins(&s, first); ok {
			t.Error("it lets two in")
		}
		time.Sleep(time.Millisecond)
		if r, ok := begins(&s, second); ok || s.has(r) {
			t.Error("an old token lets somebody in")
		}
		if _, ok := begins(&s, third+"x"); ok {
			t.Error("a wrong token lets somebody in")
		}
		time.Sleep(24 * time.Hour)
		if !s.has(r) {
			t.Error("a browser is shut out the next day")
		}
	})
}

func TestTokensAndBrowsersAreBounded(t *testing.T) {
	var s sessions
	oldest := s.token()
	for range mostTokens {
		s.token()
	}
	if _, ok := begins(&s, oldest); ok || len(s.tokens) != mostTokens {
		t.Errorf("%d tokens are held", len(s.tokens))
	}
	first, _ := begins(&s, s.token())
	for range mostBrowsers {
		begins(&s, s.token())
	}
	if s.has(first) || len(s.values) != mostBrowsers {
		t.Errorf("%d browsers are let in", len(s.values))
	}
}
