package account_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
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

// Cookies that an answer takes away are not taken.
func TestExpiredCookiesAreNone(t *testing.T) {
	for name, attribute := range map[string]string{"max-age": "Max-Age=-1", "expires": "Expires=Thu, 01 Jan 1970 00:00:00 GMT"} {
		synctest.Test(t, func(t *testing.T) {
			g, f := newFailing(t)
			f.broken["/qrcode/poll"] = func(w http.ResponseWriter, _ *http.Request) {
				for _, cookie := range []string{"SESSDATA=" + sandbox.SESSDATA, "bili_jct=" + sandbox.BiliJct} {
					w.Header().Add("Set-Cookie", cookie+"; Path=/; Domain=bilibili.com; "+attribute)
				}
				_, _ = io.WriteString(w, `{"code":0,"data":{"code":0,"url":"","refresh_token":"x"}}`)
			}
			if _, err := g.client.Login(t.Context(), g.tell); fault.KindOf(err) != fault.BrokenAnswer || len(g.store.secret) > 0 {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// Of a whole Cookie header all that the account has is kept, and sent.
func TestAWholeCookieHeaderIsKept(t *testing.T) {
	const others = "DedeUserID=10010086; DedeUserID__ckMd5=00aa11bb22cc33dd; sid=abcd1234; buvid3=OWN-infoc; buvid4=OWN4%3D%3D; b_nut=1700000000"
	header := "i-wanna-go-back=-1; " + strings.ReplaceAll(others, "; ", "; x=y; ") + "; SESSDATA=" + sandbox.SESSDATA + "; bili_jct=" + sandbox.BiliJct
	s, err := account.NewSession("Cookie: "+header, "")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t)
		if _, err := g.client.Adopt(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if count(g.asked(), "api.bilibili.com/x/frontend/finger/spi") != 0 {
			t.Error("another buvid3 was fetched")
		}
		again := g.program(t, t.TempDir(), inside{Handler: g.server})
		if err := upload(t.Context(), t, again, 1); err != nil {
			t.Fatal(err)
		}
		requests := g.server.Requests()
		want := "SESSDATA=" + sandbox.SESSDATA + "; bili_jct=" + sandbox.BiliJct + "; " + others
		if got := requests[len(requests)-1].Header.Get("Cookie"); got != want {
			t.Errorf("sent: %s", strings.ReplaceAll(got, sandbox.SESSDATA, "…"))
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

// Half a session in the cookies is none: the whole one is in the address.
func TestHalfASessionIsNotTaken(t *testing.T) {
	for _, half := range []string{"SESSDATA=0a1b%2C1810771200%2C4e5f6", "bili_jct=ffeeddccbbaa99887766554433221100"} {
		synctest.Test(t, func(t *testing.T) {
			g, f := newFailing(t)
			f.broken["/qrcode/poll"] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Add("Set-Cookie", half+"; Path=/; Domain=bilibili.com")
				address := "https://passport.biligame.com/crossDomain?SESSDATA=" + sandbox.SESSDATA + "&bili_jct=" + sandbox.BiliJct
				_ = json.NewEncoder(w).Encode(map[string]any{"code": 0, "data": map[string]any{"code": 0, "url": address, "refresh_token": "x"}})
			}
			if _, err := g.client.Login(t.Context(), g.tell); err != nil || !g.client.Session().Equal(session(t)) {
				t.Errorf("%s: %v", half[:8], err)
			}
		})
	}
}

// A SESSDATA that an answer does not encode is the same one.
func TestACookieWithCommasIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := newFailing(t)
		f.broken["/qrcode/poll"] = func(w http.ResponseWriter, _ *http.Request) {
			plain, _ := url.PathUnescape(sandbox.SESSDATA)
			w.Header().Add("Set-Cookie", "SESSDATA="+plain+"; Path=/; Domain=bilibili.com")
			w.Header().Add("Set-Cookie", "bili_jct="+sandbox.BiliJct+"; Path=/; Domain=bilibili.com")
			_, _ = io.WriteString(w, `{"code":0,"data":{"code":0,"url":"","refresh_token":"x"}}`)
		}
		if user, err := g.client.Login(t.Context(), g.tell); err != nil || user.ID != sandbox.Mid || !g.client.Session().Equal(session(t)) {
			t.Errorf("%+v, %v", user, err)
		}
	})
}
