package account_test

import (
	"errors"
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

// What is forgotten is signed in, and nobody is asked about it.
func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := newFailing(t)
		g.login(t)
		asked := len(g.asked())
		full := errors.New("disk full")
		g.store.err = full
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
