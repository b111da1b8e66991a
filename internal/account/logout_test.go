package account_test

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"bilipaste/internal/fault"
	"bilipaste/internal/sandbox"
)

// A logout ends the session at Bilibili, and only then forgets it.
func TestLogout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTenant(t)
		n.server.Twist(sandbox.LogoutWrong)
		if err := n.client.Logout(t.Context()); err == nil || len(n.store.secret) == 0 {
			t.Errorf("2202: %v", err)
		}
		n.server.Twist("")
		down := n.start(t, inside{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })})
		if err := down.Logout(t.Context()); fault.KindOf(err) != fault.Passing || len(n.store.secret) == 0 {
			t.Errorf("no network: %v", err)
		}
		alive := n.server.Sessions()
		if err := n.client.Logout(t.Context()); err != nil || n.server.Sessions() != alive-1 {
			t.Error(err)
		}
		if len(n.store.secret) != 0 || !n.client.Session().IsZero() {
			t.Error("it is still there")
		}
		if err := n.client.Logout(t.Context()); fault.KindOf(err) != fault.NotLoggedIn {
			t.Errorf("nobody: %v", err)
		}

		// A browser's session, and one that was dead already.
		for _, dead := range []bool{false, true} {
			if err := n.store.Save(session(t).Encode()); err != nil {
				t.Fatal(err)
			}
			if err := n.start(t, inside{Handler: n.server}).Logout(t.Context()); err != nil || len(n.store.secret) != 0 {
				t.Errorf("dead %v: %v", dead, err)
			}
			if n.server.Sessions() != 0 {
				t.Errorf("dead %v: it is still signed in", dead)
			}
		}
	})
}

// Only what Bilibili says itself ends a session: that it knows none, or a page
// that it answers to dead ones, if it knows none then either.
func TestWhatEndsASession(t *testing.T) {
	says := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	const page, dead = "<html><title>Log in</title></html>", `{"code":-101,"message":"no"}`
	for name, test := range map[string]struct {
		exit, nav http.HandlerFunc // nil: as it is
		ends      bool
	}{
		"yes":                         {nil, nil, true},
		"nobody":                      {says(200, dead), nil, true},
		"a wrong token":               {says(200, `{"code":-111,"message":"csrf"}`), says(200, dead), false},
		"refused":                     {says(200, `{"code":-400,"message":"no"}`), says(200, dead), false},
		"a page, and nobody":          {says(200, page), says(200, dead), true},
		"a page, and somebody":        {says(200, page), nil, false},
		"a page, and no network":      {says(200, page), cut, false},
		"another status, and nobody":  {says(404, page), says(200, dead), false},
		"its server fails":            {says(502, page), says(200, dead), false},
		"an empty answer, and nobody": {says(200, ""), says(200, dead), false},
	} {
		synctest.Test(t, func(t *testing.T) {
			g, f := newFailing(t)
			g.login(t)
			for path, answer := range map[string]http.HandlerFunc{exitPath: test.exit, navPath: test.nav} {
				if answer != nil {
					f.broken[path] = answer
				}
			}
			err := g.client.Logout(t.Context())
			if (err == nil) != test.ends || (len(g.store.secret) == 0) != test.ends {
				t.Errorf("%s: %v, %d bytes are kept", name, err, len(g.store.secret))
			}
		})
	}
}

// What is forgotten is signed in, and nobody is asked about it.
func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := newFailing(t)
		g.login(t)
		asked := len(g.asked())
		full := errors.New("disk full")
		g.store.err = full
		if err := g.client.Logout(t.Context()); !errors.Is(err, full) || fault.KindOf(err) == fault.NotLoggedIn {
			t.Errorf("a store that cannot be read: %v", err)
		}
		if err := g.client.Forget(t.Context()); !errors.Is(err, full) || g.client.Session().IsZero() {
			t.Errorf("a store that forgets nothing: %v", err)
		}
		g.store.err = nil
		if err := g.client.Forget(t.Context()); err != nil || len(g.store.secret) > 0 || !g.client.Session().IsZero() {
			t.Errorf("it is still there: %v", err)
		}
		if g.alive() != 1 || len(g.asked()) != asked {
			t.Errorf("%d sessions, asked %d times", g.alive(), len(g.asked())-asked)
		}
	})
}
