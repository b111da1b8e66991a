package account_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/sandbox"
)

const (
	navPath  = "/x/web-interface/nav"
	exitPath = "/login/exit/v2"
)

// failing hands requests on, but for those for the paths that are broken.
type failing struct {
	http.Handler
	broken map[string]http.HandlerFunc // by the end of a path
}

func (f *failing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for end, answer := range f.broken {
		if strings.HasSuffix(r.URL.Path, end) {
			answer(w, r)
			return
		}
	}
	f.Handler.ServeHTTP(w, r)
}

func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func hotel(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "<html><title>Welcome to our Wi-Fi</title></html>")
}

// newFailing is a guest whose calls can be made to fail.
func newFailing(t *testing.T) (*guest, *failing) {
	t.Helper()
	g := newGuest(t)
	g.server.Phone(0, 0)
	f := &failing{g.server, map[string]http.HandlerFunc{}}
	g.client = g.program(t, t.TempDir(), inside{Handler: f})
	return g, f
}

// alive counts the sessions that are signed in beside the sandbox's own.
func (g *guest) alive() int { return g.server.Sessions() - 1 }

func (g *guest) login(t *testing.T) {
	t.Helper()
	if _, err := g.client.Login(t.Context(), g.tell); err != nil {
		t.Fatal(err)
	}
}

// A scanned code gives its session once: it is kept also where Bilibili cannot
// be asked whose it is, and asked about later.
func TestALoginThatCannotBeCheckedIsKept(t *testing.T) {
	for name, later := range map[string]func(context.Context, *account.Client) error{
		"status": func(ctx context.Context, c *account.Client) error { _, err := c.User(ctx); return err },
		"an hour": func(ctx context.Context, c *account.Client) error {
			time.Sleep(61 * time.Minute)
			return c.Refresh(ctx)
		},
		"an upload": nil,
	} {
		for _, trouble := range []http.HandlerFunc{cut, hotel} {
			synctest.Test(t, func(t *testing.T) {
				g, f := newFailing(t)
				f.broken[navPath] = trouble
				_, err := g.client.Login(t.Context(), g.tell)
				if fault.KindOf(err) != fault.Passing || len(g.store.secret) == 0 || g.alive() != 1 {
					t.Fatalf("%s: %v, %d sessions", name, err, g.alive())
				}
				g.checkSecrets(t, err)
				delete(f.broken, navPath)
				before := len(g.asked())
				if err := g.client.Refresh(t.Context()); err != nil || len(g.asked()) != before {
					t.Errorf("%s: asked again at once: %v", name, err)
				}
				if later == nil {
					if err := upload(t.Context(), t, g.client, 1); err != nil {
						t.Errorf("%s: %v", name, err)
					}
					return
				}
				if err := later(t.Context(), g.client); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if strings.Contains(string(g.store.secret), "unchecked") || g.alive() != 1 {
					t.Errorf("%s: it is still not checked", name)
				}
			})
		}
	}
}

func TestAnInterruptedCheckKeepsTheLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := newFailing(t)
		ctx, cancel := context.WithCancel(t.Context())
		f.broken[navPath] = func(http.ResponseWriter, *http.Request) { cancel(); panic(http.ErrAbortHandler) }
		if _, err := g.client.Login(ctx, g.tell); !errors.Is(err, context.Canceled) || len(g.store.secret) == 0 {
			t.Error(err)
		}
	})
}

// What was kept before comes back if nobody is signed in by the new session,
// whenever that turns out.
func TestADeniedLoginLeavesTheOneBefore(t *testing.T) {
	for _, late := range []bool{false, true} {
		for _, pasted := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				g, f := newFailing(t)
				if pasted {
					if _, err := g.client.Adopt(t.Context(), session(t)); err != nil {
						t.Fatal(err)
					}
				} else {
					g.login(t)
				}
				first := g.client.Session()
				g.server.Twist(sandbox.Denied)
				if late {
					f.broken[navPath] = cut
				}
				_, err := g.client.Login(t.Context(), g.tell)
				if late {
					if fault.KindOf(err) != fault.Passing || g.client.Session().Equal(first) {
						t.Error(err)
					}
					delete(f.broken, navPath)
					time.Sleep(61 * time.Minute)
					err = g.client.Refresh(t.Context())
				}
				if fault.KindOf(err) != fault.NotLoggedIn || !g.client.Session().Equal(first) {
					t.Errorf("late %v, pasted %v: %v", late, pasted, err)
				}
				if kept, err := account.LoadSession(g.store); err != nil || !kept.Equal(first) {
					t.Errorf("late %v, pasted %v: another is kept: %v", late, pasted, err)
				}
				if _, err := g.client.User(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// settings is a store that falls back to a session of the settings.
type settings struct {
	memory
	own []byte
}

func (s *settings) Load() ([]byte, error) {
	if secret, err := s.memory.Load(); err != nil || len(secret) > 0 {
		return secret, err
	}
	return s.own, nil
}

func TestADeniedLoginDoesNotCopyTheSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t)
		g.server.Phone(0, 0)
		g.server.Twist(sandbox.Denied)
		s := &settings{own: session(t).Encode()}
		g.client.KeepIn(s)
		if _, err := g.client.Login(t.Context(), g.tell); fault.KindOf(err) != fault.NotLoggedIn {
			t.Error(err)
		}
		if len(s.secret) > 0 || !g.client.Session().Equal(session(t)) {
			t.Error("the settings' session was copied, or is not used")
		}
	})
}

// Of the logins of this program one is signed in. A browser's session is the
// browser's.
func TestALoginEndsTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := newFailing(t)
		if _, err := g.client.Adopt(t.Context(), session(t)); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			g.login(t)
			if g.server.Sessions() != 2 {
				t.Errorf("%d sessions", g.server.Sessions())
			}
		}
		f.broken[exitPath] = cut // it cannot be ended now
		for range 2 {
			g.login(t)
		}
		if g.alive() != 3 {
			t.Errorf("%d sessions", g.alive())
		}
		time.Sleep(25 * time.Hour)
		delete(f.broken, exitPath)
		if err := g.client.Refresh(t.Context()); err != nil || g.alive() != 1 || strings.Contains(string(g.store.secret), "ending") {
			t.Errorf("%v, %d sessions", err, g.alive())
		}
		if _, err := g.client.User(t.Context()); err != nil {
			t.Error(err)
		}
		g.checkSecrets(t, nil)

		// Two that could not be asked about, one after the other.
		f.broken[navPath] = cut
		for range 2 {
			if _, err := g.client.Login(t.Context(), g.tell); fault.KindOf(err) != fault.Passing {
				t.Error(err)
			}
		}
		delete(f.broken, navPath)
		if _, err := g.client.User(t.Context()); err != nil || g.alive() != 1 {
			t.Errorf("%v, %d sessions", err, g.alive())
		}
		// The one that is pasted takes the login's place.
		if _, err := g.client.Adopt(t.Context(), session(t)); err != nil || g.alive() != 0 {
			t.Errorf("%v, %d sessions", err, g.alive())
		}
	})
}

// What another process has stored meanwhile is what a login replaces.
func TestALoginEndsWhatAnotherProcessHasStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := newFailing(t)
		other := g.program(t, t.TempDir(), inside{Handler: f})
		g.login(t)
		if _, err := other.Login(t.Context(), g.tell); err != nil || g.alive() != 1 {
			t.Fatalf("%v, %d sessions", err, g.alive())
		}
		g.login(t)
		if g.alive() != 1 {
			t.Errorf("%d sessions", g.alive())
		}
	})
}

// Without a store a login is this run's alone, and the rules are the same.
func TestALoginThatIsKeptNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := newFailing(t)
		g.client = account.NewClient(inside{Handler: f}, account.Session{}, account.NewGate(t.TempDir(), 0, quiet))
		for range 2 {
			g.login(t)
			if _, err := g.client.User(t.Context()); err != nil || g.alive() != 1 {
				t.Errorf("%v, %d sessions", err, g.alive())
			}
		}
		before := g.client.Session()
		g.server.Twist(sandbox.Denied)
		if _, err := g.client.Login(t.Context(), g.tell); fault.KindOf(err) != fault.NotLoggedIn || !g.client.Session().Equal(before) {
			t.Errorf("denied: %v", err)
		}
	})
}

// A login's session is asked about for 7 s before that is put off.
func TestHowOftenALoginIsAskedAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := newFailing(t)
		var asked []time.Time
		f.broken[navPath] = func(http.ResponseWriter, *http.Request) {
			asked = append(asked, time.Now())
			panic(http.ErrAbortHandler)
		}
		if _, err := g.client.Login(t.Context(), g.tell); fault.KindOf(err) != fault.Passing {
			t.Fatal(err)
		}
		var after []float64
		for _, at := range asked {
			after = append(after, at.Sub(asked[0]).Seconds())
		}
		if !slices.Equal(after, []float64{0, 1, 3, 7}) {
			t.Errorf("asked after %v s", after)
		}
	})
}

// That a login is good is stored before anything else is done; else it is looked
// at again.
func TestACheckThatCannotBeSavedIsDoneAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := newFailing(t)
		f.broken[navPath] = cut
		if _, err := g.client.Login(t.Context(), g.tell); fault.KindOf(err) != fault.Passing {
			t.Fatal(err)
		}
		delete(f.broken, navPath)
		full := errors.New("disk full")
		g.store.before = func() { g.store.err = full }
		time.Sleep(61 * time.Minute)
		if err := g.client.Refresh(t.Context()); !errors.Is(err, full) {
			t.Errorf("%v, want %v", err, full)
		}
		g.store.before, g.store.err = nil, nil
		time.Sleep(61 * time.Minute)
		if err := g.client.Refresh(t.Context()); err != nil || strings.Contains(string(g.store.secret), "unchecked") {
			t.Errorf("still not checked: %v", err)
		}
	})
}

func TestLogoutEndsAllThatAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTenant(t)
		n.server.Twist(sandbox.ConfirmFails)
		if err := n.client.Refresh(t.Context()); fault.KindOf(err) != fault.Passing || n.alive() != 2 {
			t.Fatalf("%v, %d sessions", err, n.alive())
		}
		n.server.Twist("")
		if err := n.client.Logout(t.Context()); err != nil || n.alive() != 0 || len(n.store.secret) > 0 {
			t.Errorf("%v, %d sessions", err, n.alive())
		}

		g, f := newFailing(t)
		f.broken[exitPath] = cut
		for range 3 {
			g.login(t)
		}
		if err := g.client.Logout(t.Context()); err == nil || len(g.store.secret) == 0 {
			t.Error(err)
		}
		f.broken[exitPath], f.broken[navPath] = g.server.ServeHTTP, cut
		if _, err := g.client.Login(t.Context(), g.tell); fault.KindOf(err) != fault.Passing {
			t.Error(err)
		}
		delete(f.broken, navPath)
		if err := g.client.Logout(t.Context()); err != nil || g.alive() != 0 || len(g.store.secret) > 0 {
			t.Errorf("%v, %d sessions", err, g.alive())
		}
	})
}

// A renewal whose confirmation is refused may leave the one before signed in.
func TestARenewalThatIsNotConfirmedEndsTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTenant(t)
		f := &failing{n.server, map[string]http.HandlerFunc{"/confirm/refresh": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"code":-400,"message":"no"}`)
		}}}
		n.client = n.start(t, inside{Handler: f})
		if err := n.client.Refresh(t.Context()); err != nil || n.alive() != 1 {
			t.Errorf("%v, %d sessions", err, n.alive())
		}
		n.checkAlive(t)
	})
}

// A page that a hotel answers in Bilibili's place does not end a session.
func TestAHotelDoesNotLogOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := newFailing(t)
		g.login(t)
		for _, paths := range [][]string{{exitPath}, {exitPath, navPath}} {
			for _, path := range paths {
				f.broken[path] = hotel
			}
			if err := g.client.Logout(t.Context()); err == nil || len(g.store.secret) == 0 {
				t.Errorf("%v: %v", paths, err)
			}
		}
	})
}

func TestNobodyWritesTheSessionWhileItIsBeingRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, call := range map[string]func(*guest) error{
			"adopt":  func(g *guest) error { _, err := g.client.Adopt(t.Context(), session(t)); return err },
			"login":  func(g *guest) error { _, err := g.client.Login(t.Context(), g.tell); return err },
			"forget": func(g *guest) error { return g.client.Forget(t.Context()) },
			"logout": func(g *guest) error { return g.client.Logout(t.Context()) },
		} {
			g := newGuest(t)
			g.server.Phone(0, 0)
			dir := t.TempDir()
			g.client = g.program(t, dir, inside{Handler: g.server})
			if err := g.store.Save(session(t).Encode()); err != nil {
				t.Fatal(err)
			}
			before := g.store.saves
			renewing := flock.New(filepath.Join(dir, "bilibili-session.lock"))
			if err := renewing.Lock(); err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(time.Minute, func() {
				g.store.mu.Lock()
				defer g.store.mu.Unlock()
				if g.store.saves != before || len(g.store.secret) == 0 {
					t.Errorf("%s: the store was changed", name)
				}
				if err := renewing.Unlock(); err != nil {
					t.Error(err)
				}
			})
			begun := time.Now()
			if err := call(g); err != nil || time.Since(begun) < time.Minute {
				t.Errorf("%s: after %v: %v", name, time.Since(begun), err)
			}
		}
	})
}

// Who hangs with a lock keeps the others waiting for a while, and they say why.
func TestALockThatIsHeldForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t)
		g.server.Phone(0, 0)
		dir := t.TempDir()
		if err := g.store.Save(session(t).Encode()); err != nil {
			t.Fatal(err)
		}
		g.client = g.program(t, dir, inside{Handler: g.server})
		for _, name := range []string{"session", "upload"} {
			held := flock.New(filepath.Join(dir, "bilibili-"+name+".lock"))
			if err := held.Lock(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = held.Unlock() }()
		}
		saves := g.store.saves
		for name, test := range map[string]struct {
			call  func(context.Context) error
			limit time.Duration
			said  string
		}{
			"adopt":  {func(ctx context.Context) error { _, err := g.client.Adopt(ctx, session(t)); return err }, 3 * time.Minute, "busy with the session"},
			"forget": {g.client.Forget, 3 * time.Minute, "busy with the session"},
			"logout": {g.client.Logout, 3 * time.Minute, "busy with the session"},
			"upload": {func(ctx context.Context) error { return upload(ctx, t, g.client, 1) }, 15 * time.Minute, "has been uploading"},
		} {
			begun := time.Now()
			err := test.call(t.Context())
			what, hint := lang.New(lang.English).Error(err)
			if past := time.Since(begun); fault.KindOf(err) != fault.Passing || past != test.limit || !strings.Contains(what, test.said) || hint == "" {
				t.Errorf("%s: after %v: %s, hint %s", name, past, what, hint)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := test.call(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s, given up: %v", name, err)
			}
			cancel()
		}
		if g.store.saves != saves || len(g.store.secret) == 0 {
			t.Error("the store was changed")
		}
		time.Sleep(25 * time.Hour)
		if err := g.client.Refresh(t.Context()); err != nil { // the other may be renewing it
			t.Errorf("renewing: %v", err)
		}
	})
}

// After a failure Bilibili is asked again in an hour, and not before; and a
// wrong clock does not keep it from being asked.
func TestWhenARenewalIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTenant(t)
		n.server.Twist(sandbox.ConfirmFails)
		if err := n.client.Refresh(t.Context()); fault.KindOf(err) != fault.Passing {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Minute)
		if err := n.client.Refresh(t.Context()); fault.KindOf(err) != fault.Passing || n.alive() != 2 {
			t.Errorf("the confirmation fails again, in another hour: %v, %d sessions", err, n.alive())
		}
		n.server.Twist("")
		asked := len(n.asked())
		for range 59 {
			time.Sleep(time.Minute)
			if err := n.client.Refresh(t.Context()); err != nil || len(n.asked()) != asked {
				t.Fatalf("asked after less than an hour: %v", err)
			}
		}
		time.Sleep(time.Minute)
		if err := n.client.Refresh(t.Context()); err != nil || len(n.asked()) == asked {
			t.Errorf("not asked after an hour: %v", err)
		}
		n.checkAlive(t)

		asked = len(n.asked())
		for far, want := range map[time.Duration]bool{48 * time.Hour: true, 24 * time.Hour: false} {
			n.setCheck(t, time.Now().Add(far))
			if err := n.client.Refresh(t.Context()); err != nil || (len(n.asked()) > asked) != want {
				t.Errorf("%v ahead: asked %d times, %v", far, len(n.asked())-asked, err)
			}
			asked = len(n.asked())
		}
	})
}

// What Bilibili has decided is not asked again in an hour, but in a day.
func TestAVerdictOnARenewalHoldsForADay(t *testing.T) {
	for name, test := range map[string]struct {
		decide func(*tenant)
		want   fault.Kind
	}{
		"rejected": {func(n *tenant) { n.server.Twist(sandbox.RefreshMismatch) }, fault.Rejected},
		"dead":     {func(n *tenant) { n.server.Revoke() }, fault.NotLoggedIn},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newTenant(t)
			test.decide(n)
			if err := n.client.Refresh(t.Context()); fault.KindOf(err) != test.want {
				t.Fatalf("%s: %v", name, err)
			}
			asked := len(n.asked())
			time.Sleep(24*time.Hour - time.Second)
			if err := n.client.Refresh(t.Context()); err != nil || len(n.asked()) != asked {
				t.Errorf("%s: asked again within a day: %v", name, err)
			}
			time.Sleep(time.Second)
			if err := n.client.Refresh(t.Context()); fault.KindOf(err) != test.want || len(n.asked()) == asked {
				t.Errorf("%s: not asked after a day: %v", name, err)
			}
		})
	}
}
