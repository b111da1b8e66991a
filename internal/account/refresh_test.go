package account_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
	"bilipaste/internal/sandbox"
)

// tenant is signed in with a session of Bilibili's own login, which is to be
// renewed.
type tenant struct {
	*guest
	dir string // the state's
}

// newTenant signs in, and lets a day pass.
func newTenant(t *testing.T) *tenant {
	t.Helper()
	time.Sleep(time.Until(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))) // Bilibili's clock has 13 digits
	g := newGuest(t)
	g.server.Phone(0, 0)
	n := &tenant{guest: g, dir: t.TempDir()}
	n.client = n.start(t, inside{Handler: g.server})
	if _, err := n.client.Login(t.Context(), g.tell); err != nil {
		t.Fatal(err)
	}
	time.Sleep(25 * time.Hour)
	g.server.RefreshDue(true)
	return n
}

// start is one more start of the program.
func (n *tenant) start(t *testing.T, transport http.RoundTripper) *account.Client {
	t.Helper()
	client := n.program(t, n.dir, transport)
	if err := client.UseRefreshKey(n.server.RefreshKey()); err != nil {
		t.Fatal(err)
	}
	return client
}

// checkAlive tells whether the stored session is signed in, and no confirmation is owed.
func (n *tenant) checkAlive(t *testing.T) {
	t.Helper()
	n.server.Twist("")
	s, err := account.LoadSession(n.store)
	if err != nil {
		t.Fatal(err)
	}
	fixed := account.NewClient(inside{Handler: n.server}, s, account.NewGate(t.TempDir(), 0, quiet))
	if _, err := fixed.User(t.Context()); err != nil {
		t.Errorf("the account is lost: %v", err)
	}
	if strings.Contains(string(n.store.secret), "replaced") {
		t.Error("a confirmation is still owed")
	}
}

const passportPath = "/x/passport-login/web/"

// steps are the requests of a renewal, in their order.
var steps = []string{
	"GET " + passportPath + "cookie/info", "GET /correspond/1/", "POST " + passportPath + "cookie/refresh",
	"POST " + passportPath + "confirm/refresh", "GET /x/web-interface/nav",
}

func stepOf(r *http.Request) int {
	return slices.IndexFunc(steps, func(s string) bool { return strings.HasPrefix(r.Method+" "+r.URL.Path, s) })
}

func TestASessionIsRenewedWhereBilibiliAsksForIt(t *testing.T) {
	for _, twist := range []sandbox.Twist{"", sandbox.CSRFPageOdd} {
		synctest.Test(t, func(t *testing.T) {
			n := newTenant(t)
			n.server.Twist(twist)
			before := n.client.Session()
			var asked []string
			n.client = n.start(t, inside{Handler: n.server, before: func(r *http.Request) {
				asked = append(asked, fmt.Sprint(stepOf(r)))
			}})
			if err := n.client.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(asked, ""); got != "01234" {
				t.Errorf("asked %s", got)
			}
			if n.client.Session().Equal(before) || n.server.Sessions() != 2 { // ours, and the sandbox's own
				t.Errorf("%d sessions", n.server.Sessions())
			}
			n.checkAlive(t)
			n.checkSecrets(t, nil)
			for _, kept := range []string{"buvid3=", "DedeUserID="} {
				if !strings.Contains(string(n.store.secret), kept) {
					t.Errorf("%s is lost", kept)
				}
			}
		})
	}
}

func TestBilibiliIsAskedOnceADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTenant(t)
		n.server.RefreshDue(false)
		before := len(n.asked())
		for range 3 * 24 { // hours, in each of which the program is started anew
			if err := n.start(t, inside{Handler: n.server}).Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		if got := len(n.asked()) - before; got != 3 {
			t.Errorf("asked %d times in 3 days", got)
		}
	})
}

func TestASessionThatCannotBeRenewedIsNotAskedAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuest(t)
		if _, err := g.client.Adopt(t.Context(), session(t)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Hour)
		before := len(g.asked())
		if err := g.client.Refresh(t.Context()); err != nil || len(g.asked()) != before {
			t.Error(err)
		}
	})
}

// Killed at each point, before or after each request and each save, the
// program goes on at its next start, and the account is never lost.
func TestARenewalThatIsKilledGoesOn(t *testing.T) {
	type kill struct {
		step  int // a request's, or -1: a save
		save  int // which
		after bool
	}
	var kills []kill
	for step := range steps {
		kills = append(kills, kill{step: step}, kill{step: step, after: true})
	}
	for save := range 2 {
		kills = append(kills, kill{step: -1, save: save}, kill{step: -1, save: save, after: true})
	}
	for _, k := range kills {
		t.Run(fmt.Sprintf("%+v", k), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newTenant(t)
				killed := false
				die := func() {
					killed = true
					runtime.Goexit()
				}
				at := func(after bool) func(*http.Request) {
					return func(r *http.Request) {
						if stepOf(r) == k.step && after == k.after {
							die()
						}
					}
				}
				saves := 0
				if k.step < 0 {
					n.store.before = func() {
						if !k.after && saves == k.save {
							die()
						}
					}
					n.store.after = func() {
						if saves++; k.after && saves == k.save+1 {
							die()
						}
					}
				}
				client := n.start(t, inside{Handler: n.server, before: at(false), after: at(true)})
				var program sync.WaitGroup
				program.Go(func() { _ = client.Refresh(t.Context()) })
				program.Wait()
				if !killed {
					t.Fatal("it was not killed")
				}
				n.store.before, n.store.after = nil, nil

				// What is stored is signed in, at once.
				s, err := account.LoadSession(n.store)
				if err != nil {
					t.Fatal(err)
				}
				between := account.NewClient(inside{Handler: n.server}, s, account.NewGate(t.TempDir(), 0, quiet))
				if _, err := between.User(t.Context()); err != nil {
					t.Errorf("lost: %v", err)
				}

				if strings.Contains(string(n.store.secret), "replaced") {
					n.server.RefreshDue(false) // what is owed is the confirmation alone
				}
				if err := n.start(t, inside{Handler: n.server}).Refresh(t.Context()); err != nil {
					t.Errorf("the next start: %v", err)
				}
				n.checkAlive(t)
				n.checkSecrets(t, nil)
			})
		})
	}
}

// Whatever Bilibili or the network does, the session that is stored is signed in.
func TestARenewalThatFailsLosesNothing(t *testing.T) {
	for twist, want := range map[sandbox.Twist]fault.Kind{
		sandbox.CSRFPageEmpty: fault.BrokenAnswer, sandbox.RefreshMismatch: fault.Rejected,
		sandbox.RefreshBare: fault.BrokenAnswer, sandbox.RefreshDeleted: fault.BrokenAnswer,
		sandbox.RefreshDenied: 0, sandbox.RefreshLost: fault.Passing,
		sandbox.ConfirmLost: fault.Passing, sandbox.ConfirmFails: fault.Passing,
	} {
		t.Run(string(twist), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newTenant(t)
				n.server.Twist(twist)
				err := n.client.Refresh(t.Context())
				if fault.KindOf(err) != want || (want == 0) != (err == nil) {
					t.Errorf("%v (%v), want %v", err, fault.KindOf(err), want)
				}
				n.checkSecrets(t, err)
				n.server.Twist("")
				if _, err := n.client.User(t.Context()); err != nil {
					t.Errorf("the account is lost: %v", err)
				}
				before := len(n.asked())
				if err := n.client.Refresh(t.Context()); err != nil || len(n.asked()) != before {
					t.Errorf("asked again at once: %v", err)
				}
				time.Sleep(25 * time.Hour)
				if err := n.start(t, inside{Handler: n.server}).Refresh(t.Context()); err != nil {
					t.Errorf("a day later: %v", err)
				}
				n.checkAlive(t)
			})
		})
	}
}

func TestARenewalThatCannotBeSavedIsNotConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTenant(t)
		old := n.client.Session()
		full := errors.New("disk full")
		n.store.before = func() { n.store.err = full }
		if err := n.client.Refresh(t.Context()); !errors.Is(err, full) {
			t.Fatal(err)
		}
		n.store.err, n.store.before = nil, nil
		if count(n.asked(), "passport.bilibili.com"+passportPath+"confirm/refresh") != 0 {
			t.Error("it was confirmed")
		}
		if !n.client.Session().Equal(old) {
			t.Error("a session is used that is not stored")
		}
		n.checkAlive(t)
	})
}

// Two programs that start together renew once.
func TestOneRenewalForAllProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTenant(t)
		var programs sync.WaitGroup
		for range 8 {
			client := n.start(t, inside{Handler: n.server})
			programs.Go(func() {
				if err := client.Refresh(t.Context()); err != nil {
					t.Error(err)
				}
				if _, err := client.User(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		programs.Wait()
		if got := count(n.asked(), "passport.bilibili.com"+passportPath+"cookie/refresh"); got != 1 {
			t.Errorf("renewed %d times", got)
		}
		n.checkAlive(t)
		// A program that knows only the old session goes on with the new one.
		if _, err := n.client.User(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestADeadSessionIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTenant(t)
		n.server.Revoke()
		if err := n.client.Refresh(t.Context()); fault.KindOf(err) != fault.NotLoggedIn {
			t.Error(err)
		}
		if len(n.store.secret) == 0 {
			t.Error("it was forgotten")
		}
	})
}

func TestTheEndIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTenant(t)
		ends := n.client.Session().Expires()
		told := 0
		for time.Now().Before(ends) {
			client := n.start(t, inside{Handler: n.server})
			switch at, err := client.EndsSoon(t.Context()); {
			case err != nil:
				t.Fatal(err)
			case !at.IsZero():
				if left := time.Until(ends); !at.Equal(ends) || left > 14*24*time.Hour || left < 13*24*time.Hour {
					t.Errorf("told %v before the end", left)
				}
				told++
			}
			time.Sleep(6 * time.Hour)
		}
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	})
}

func TestTheShippedKey(t *testing.T) {
	block, _ := pem.Decode([]byte(account.RefreshKey))
	if block == nil {
		t.Fatal("no PEM")
	}
	sum := sha256.Sum256(block.Bytes)
	if got := hex.EncodeToString(sum[:]); got != "815e4d3478ac66d6b189d5e3d0e0918b757365dff0dd963b2c6e04051544131a" {
		t.Errorf("it is another key: %s", got)
	}
}

// The path has all its digits, also where the first ones are zeros: of 256 paths
// one begins so, and this goes on until one does.
func TestLeadingZerosStay(t *testing.T) {
	client := account.NewClient(nil, account.Session{}, nil)
	server := sandbox.New()
	if err := client.UseRefreshKey(server.RefreshKey()); err != nil {
		t.Fatal(err)
	}
	zeros := 0
	for i := 0; zeros == 0 && i < 20_000; i++ {
		path, err := client.CorrespondPath(1795219200123)
		if err != nil || len(path) != 256 || strings.Trim(path, "0123456789abcdef") != "" {
			t.Fatalf("%q, %v", path, err)
		}
		if strings.HasPrefix(path, "00") {
			zeros++
		}
	}
	if zeros == 0 {
		t.Error("there was none with a leading zero")
	}
}

func TestAKeyThatIsNone(t *testing.T) {
	client := account.NewClient(nil, account.Session{}, nil)
	for _, key := range []string{"", "no", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if client.UseRefreshKey([]byte(key)) == nil {
			t.Errorf("%q was taken", key)
		}
	}
}

// setCheck makes the state say when Bilibili may be asked about the session.
func (n *tenant) setCheck(t *testing.T, at time.Time) {
	t.Helper()
	text := fmt.Sprintf(`{"check":%q}`, at.Format(time.RFC3339Nano))
	if err := os.WriteFile(filepath.Join(n.dir, "bilibili-state.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
