package account_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/sandbox"
)

// inside is a transport to a handler with no network between, so that time
// may be a test's own.
type inside struct {
	http.Handler
	before, after func(*http.Request) // nil: nothing
}

func (d inside) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	in := r.Clone(r.Context())
	in.URL.Path = "/" + r.URL.Host + r.URL.Path
	if r.Body == nil {
		in.Body = http.NoBody
	}
	if d.before != nil {
		d.before(r)
	}
	recorded := httptest.NewRecorder()
	defer func() {
		if recover() != nil {
			resp, err = nil, errors.New("connection reset")
		}
	}()
	d.ServeHTTP(recorded, in)
	if d.after != nil {
		d.after(r)
	}
	return recorded.Result(), nil
}

// memory is a store. Its hooks run before and after a Save.
type memory struct {
	mu            sync.Mutex
	secret        []byte
	saves         int
	err           error
	before, after func()
}

func (m *memory) Load() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.secret), m.err
}

func (m *memory) Save(secret []byte) error {
	if m.before != nil {
		m.before()
	}
	m.mu.Lock()
	if m.err != nil {
		defer m.mu.Unlock()
		return m.err
	}
	m.secret = bytes.Clone(secret)
	m.saves++
	m.mu.Unlock()
	if m.after != nil {
		m.after()
	}
	return nil
}

func (m *memory) Delete() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.secret = nil
	return m.err
}

// guest is a program in which nobody is signed in yet.
type guest struct {
	server *sandbox.Server
	store  *memory
	client *account.Client
	states []account.LoginState
	steps  []account.LoginStep
	logged bytes.Buffer
}

func newGuest(t *testing.T) *guest {
	t.Helper()
	g := &guest{server: sandbox.New(), store: &memory{}}
	g.client = g.program(t, t.TempDir(), inside{Handler: g.server})
	return g
}

// program returns the client of one more process.
func (g *guest) program(t *testing.T, dir string, transport http.RoundTripper) *account.Client {
	t.Helper()
	s, err := account.LoadSession(g.store)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(&g.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client := account.NewClient(transport, s, account.NewGate(dir, 0, log))
	client.KeepIn(g.store)
	return client
}

func (g *guest) tell(s account.LoginStep) {
	g.states = append(g.states, s.State)
	g.steps = append(g.steps, s)
}

// secrets are what must never be shown, of all that a test's server gave out.
func (g *guest) secrets() []string {
	found := []string{sandbox.SESSDATA, sandbox.BiliJct, sandbox.RefreshToken}
	for _, s := range g.steps {
		if _, key, ok := strings.Cut(s.Code, "qrcode_key="); ok {
			found = append(found, strings.TrimSuffix(key, "&from="))
		}
	}
	return append(found, g.server.Secrets()...)
}

func (g *guest) checkSecrets(t *testing.T, err error) {
	t.Helper()
	shown := fmt.Sprintf("%v %+v %s", err, err, g.logged.String())
	if err != nil {
		what, hint := lang.New(lang.Chinese).Error(err)
		shown += what + hint
	}
	for _, secret := range g.secrets() {
		if strings.Contains(shown, secret) {
			t.Errorf("a secret is shown: %s", strings.ReplaceAll(shown, secret, "SECRET"))
		}
	}
}

// asked tells which hosts were asked for which paths.
func (g *guest) asked() []string {
	var all []string
	for _, r := range g.server.Requests() {
		all = append(all, r.Host+r.Path)
	}
	return all
}

var usual = []account.LoginState{account.LoginWaiting, account.LoginScanned, account.LoginConfirmed}

func TestLoginWhereverTheSessionIsSaid(t *testing.T) {
	for _, twist := range []sandbox.Twist{"", sandbox.LegacyLogin, sandbox.LegacyAddress, sandbox.TicketOnly, sandbox.NoToken} {
		t.Run(string(twist), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGuest(t)
				g.server.Twist(twist)
				start := time.Now()
				user, err := g.client.Login(t.Context(), g.tell)
				if err != nil || user.ID != sandbox.Mid || user.Name != sandbox.Uname {
					t.Fatal(user, err)
				}
				if !slices.Equal(g.states, usual) || time.Since(start) > 10*time.Second {
					t.Errorf("%v after %v", g.states, time.Since(start))
				}
				if left := g.steps[0].Until.Sub(start); left <= 0 || left > 180*time.Second {
					t.Errorf("the code is said to hold for %v", left)
				}
				s, err := account.LoadSession(g.store)
				if err != nil || !s.Equal(g.client.Session()) || g.store.saves != 2 { // at once, and when Bilibili has said whose it is
					t.Errorf("stored after %d saves: %v", g.store.saves, err)
				}
				if days := time.Until(s.Expires()).Hours() / 24; days < 179 || days > 181 {
					t.Errorf("it ends in %v days", days)
				}
				for _, cookie := range []string{"DedeUserID", "buvid3"} {
					if !bytes.Contains(g.store.secret, []byte(cookie)) {
						t.Errorf("%s is not kept", cookie)
					}
				}
				wantTicket := 0
				if twist == sandbox.TicketOnly {
					wantTicket = 1
				}
				if got := count(g.asked(), "passport.biligame.com/x/passport-login/web/crossDomain"); got != wantTicket {
					t.Errorf("the ticket was asked for %d times", got)
				}
				if got := count(g.asked(), "api.bilibili.com/x/frontend/finger/spi"); got != 1 {
					t.Errorf("buvid3 was asked for %d times", got)
				}
				if err := upload(t.Context(), t, g.client, 1); err != nil {
					t.Errorf("an upload after it: %v", err)
				}
				g.checkSecrets(t, nil)

				// Once more: the visitor is the same.
				if _, err := g.client.Login(t.Context(), g.tell); err != nil {
					t.Fatal(err)
				}
				if got := count(g.asked(), "api.bilibili.com/x/frontend/finger/spi"); got != 1 {
					t.Errorf("buvid3 was asked for %d times", got)
				}
			})
		})
	}
}

func TestALoginThatGivesNoSessionSavesNothing(t *testing.T) {
	for twist, want := range map[sandbox.Twist]fault.Kind{
		sandbox.TicketForeign: fault.BrokenAnswer, sandbox.TicketLookalike: fault.BrokenAnswer,
		sandbox.TicketPort: fault.BrokenAnswer, sandbox.TicketUser: fault.BrokenAnswer,
		sandbox.TicketHTTP: fault.BrokenAnswer, sandbox.TicketSpent: fault.BrokenAnswer,
		sandbox.Deleted: fault.BrokenAnswer, sandbox.NoCSRF: fault.BrokenAnswer,
		sandbox.LoginBroken: fault.BrokenAnswer, sandbox.Denied: fault.NotLoggedIn,
	} {
		t.Run(string(twist), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGuest(t)
				g.server.Twist(twist)
				_, err := g.client.Login(t.Context(), g.tell)
				if fault.KindOf(err) != want {
					t.Errorf("%v (%v), want %v", err, fault.KindOf(err), want)
				}
				if len(g.store.secret) != 0 || !g.client.Session().IsZero() {
					t.Error("a session was taken")
				}
				for _, asked := range g.asked() {
					host, _, _ := strings.Cut(asked, "/")
					known := []string{"api.bilibili.com", "passport.bilibili.com"}
					if twist == sandbox.TicketSpent {
						known = append(known, "passport.biligame.com")
					}
					if !slices.Contains(known, host) {
						t.Errorf("asked %s", asked)
					}
				}
				g.checkSecrets(t, err)
			})
		})
	}
}

func TestNoCookieGoesToAnotherSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t)
		g.server.Twist(sandbox.TicketOnly)
		if _, err := g.client.Login(t.Context(), g.tell); err != nil {
			t.Fatal(err)
		}
		for _, r := range g.server.Requests() {
			switch cookie := r.Header.Get("Cookie"); {
			case !strings.HasSuffix(r.Host, ".bilibili.com") && cookie != "":
				t.Errorf("%s got a cookie", r.Host)
			case strings.Contains(r.Path, "qrcode") && !strings.HasPrefix(cookie, "buvid3="):
				t.Errorf("%s without a visitor's cookie: %q", r.Path, cookie)
			}
		}
	})
}

// Only Bilibili's own addresses are asked for the session, with HTTPS alone.
func TestWhereATicketMayLead(t *testing.T) {
	for address, want := range map[string]bool{
		"https://passport.biligame.com/crossDomain?ticket=hidden": true, "https://passport.bilibili.com/crossDomain?ticket=hidden": true,
		"http://passport.biligame.com/crossDomain?ticket=hidden": false, "https://me@passport.biligame.com/crossDomain?ticket=hidden": false,
		"https://evil.example/crossDomain?ticket=hidden": false, "https://passport.biligame.com.evil.example/?ticket=hidden": false,
		"https://passport.biligame.com:444/?ticket=hidden": false, "//passport.biligame.com/?ticket=hidden": false, "https://%/": false, "": false,
	} {
		synctest.Test(t, func(t *testing.T) {
			g, f := newFailing(t)
			f.broken["/qrcode/poll"] = func(w http.ResponseWriter, _ *http.Request) {
				_ = json.NewEncoder(w).Encode(map[string]any{"code": 0, "data": map[string]any{"code": 0, "url": address}})
			}
			asked := false
			g.client = g.program(t, t.TempDir(), inside{Handler: f, before: func(r *http.Request) { asked = asked || strings.Contains(r.URL.RawQuery, "ticket") }})
			_, err := g.client.Login(t.Context(), g.tell)
			if asked != want || err == nil || g.store.saves != 0 || strings.Contains(err.Error(), "hidden") {
				t.Errorf("%s: asked %v: %v", address, asked, err)
			}
		})
	}
}

func TestALoginWhoseAnswersAreBroken(t *testing.T) {
	for _, test := range []struct{ path, data string }{
		{"/qrcode/generate", `{}`}, {"/qrcode/generate", `{"url":"https://x.example/"}`}, {"/qrcode/generate", `{"qrcode_key":"k"}`}, {"/qrcode/generate", `[]`},
		{"/qrcode/poll", `{}`}, {"/qrcode/poll", `{"code":null}`}, {"/qrcode/poll", `{"code":"0"}`}, {"/qrcode/poll", `null`},
	} {
		synctest.Test(t, func(t *testing.T) {
			g, f := newFailing(t)
			f.broken[test.path] = func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"code":0,"data":`+test.data+`}`)
			}
			_, err := g.client.Login(t.Context(), g.tell)
			if fault.KindOf(err) != fault.BrokenAnswer || g.store.saves != 0 || strings.HasSuffix(test.path, "generate") && len(g.steps) > 0 {
				t.Errorf("%s of %s: %v, shown %v", test.data, test.path, err, g.states)
			}
		})
	}
}

func TestAnExpiredCodeIsFollowedByANewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t)
		g.server.Phone(-1, -1)
		start := time.Now()
		_, err := g.client.Login(t.Context(), func(s account.LoginStep) {
			g.tell(s)
			if s.State == account.LoginExpired {
				if past := time.Since(start); past > 183*time.Second {
					t.Errorf("expired after %v", past)
				}
				g.server.Phone(0, time.Second)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []account.LoginState{account.LoginWaiting, account.LoginExpired, account.LoginWaiting, account.LoginConfirmed}
		if !slices.Equal(g.states, want) || g.steps[0].Code == g.steps[2].Code {
			t.Errorf("%v", g.states)
		}
	})
}

func TestALoginThatNobodyScansEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t)
		g.server.Phone(-1, -1)
		_, err := g.client.Login(t.Context(), g.tell)
		if err == nil || count(g.states, account.LoginWaiting) != 10 {
			t.Errorf("%v after %v", err, g.states)
		}
		if what, hint := lang.New(lang.English).Error(err); !strings.Contains(what, "nobody scanned") || hint == "" {
			t.Errorf("%s / %s", what, hint)
		}
	})
}

func TestALoginEndsWhenItIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t)
		g.server.Phone(-1, -1)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		if _, err := g.client.Login(ctx, g.tell); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestALoginOutlivesAShortTroubleOfTheNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t)
		asked := 0
		g.client = g.program(t, t.TempDir(), inside{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/poll") || strings.HasSuffix(r.URL.Path, "/nav") {
				if asked++; asked%3 == 1 {
					panic(http.ErrAbortHandler)
				}
			}
			g.server.ServeHTTP(w, r)
		})})
		if _, err := g.client.Login(t.Context(), g.tell); err != nil {
			t.Error(err)
		}
	})
}

func TestALoginThatCannotBeSavedIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t)
		g.store.err = errors.New("disk full")
		if _, err := g.client.Login(t.Context(), g.tell); !errors.Is(err, g.store.err) {
			t.Error(err)
		}
	})
}

func TestARefusalEndsALogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t)
		blocked := 0
		g.client = g.program(t, t.TempDir(), inside{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			blocked++
			w.WriteHeader(http.StatusPreconditionFailed)
		})})
		for range 2 {
			if _, err := g.client.Login(t.Context(), g.tell); fault.KindOf(err) != fault.Refused {
				t.Error(err)
			}
		}
		if blocked != 1 {
			t.Errorf("asked %d times", blocked)
		}
	})
}

// Another process signs in; this one goes on with its session.
func TestASessionIsReadAnewWhereItIsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t)
		other := g.program(t, t.TempDir(), inside{Handler: g.server})
		if _, err := g.client.User(t.Context()); fault.KindOf(err) != fault.NotLoggedIn {
			t.Fatal(err)
		}
		for range 2 { // at first nobody is signed in, then a session dies
			if _, err := other.Login(t.Context(), g.tell); err != nil {
				t.Fatal(err)
			}
			if _, err := g.client.User(t.Context()); err != nil {
				t.Error(err)
			}
			g.server.Revoke()
			before := len(g.asked())
			if _, err := g.client.User(t.Context()); fault.KindOf(err) != fault.NotLoggedIn {
				t.Error(err)
			}
			if asked := len(g.asked()) - before; asked != 1 {
				t.Errorf("asked %d times in the same dead session's name", asked)
			}
		}
	})
}

func TestASessionIsReadAnewOnceWhereItsCSRFIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t)
		wrong, err := account.NewSession(sandbox.SESSDATA, strings.Repeat("0", 32))
		if err != nil {
			t.Fatal(err)
		}
		if err := g.store.Save(wrong.Encode()); err != nil {
			t.Fatal(err)
		}
		try := func() (asked int, err error) {
			before := len(g.asked())
			err = upload(t.Context(), t, g.client, 1)
			return len(g.asked()) - before, err
		}
		if asked, err := try(); fault.KindOf(err) != fault.NotLoggedIn || asked != 1 {
			t.Errorf("%v after %d requests", err, asked)
		}
		if err := g.store.Save(session(t).Encode()); err != nil {
			t.Fatal(err)
		}
		if asked, err := try(); err != nil || asked != 2 {
			t.Errorf("%v after %d requests", err, asked)
		}
	})
}

// A keyring that is locked when the program starts is unlocked later.
func TestAStoreThatCannotBeReadIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t)
		if err := g.store.Save(session(t).Encode()); err != nil {
			t.Fatal(err)
		}
		g.store.err = errors.New("locked")
		if _, err := g.client.User(t.Context()); !errors.Is(err, g.store.err) || fault.KindOf(err) != fault.NotLoggedIn {
			t.Error(err)
		}
		g.store.err = nil
		if _, err := g.client.User(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAdoptAsksWhoseItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t)
		dead, err := account.NewSession(strings.Replace(sandbox.SESSDATA, "9", "8", 1), sandbox.BiliJct)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.client.Adopt(t.Context(), account.Session{}); fault.KindOf(err) != fault.NotLoggedIn || g.store.saves != 0 || len(g.asked()) != 0 {
			t.Errorf("nobody: %v, asked %v", err, g.asked())
		}
		if _, err := g.client.Adopt(t.Context(), dead); fault.KindOf(err) != fault.NotLoggedIn || g.store.saves != 0 {
			t.Error(err)
		}
		if user, err := g.client.Adopt(t.Context(), session(t)); err != nil || user.ID != sandbox.Mid || g.store.saves != 1 {
			t.Error(err)
		}
	})
}

func count[T comparable](all []T, one T) int {
	n := 0
	for _, v := range all {
		if v == one {
			n++
		}
	}
	return n
}
