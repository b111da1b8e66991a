package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bilipaste/internal/desktoptest"
	"bilipaste/internal/sandbox"
)

// resident is a user with a desktop, whose programs talk to a sandbox.
type resident struct {
	home    string
	server  *sandbox.Server
	gateway *httptest.Server // before the sandbox, to look at what arrives

	mu     sync.Mutex
	before func(*http.Request) // nil: nothing
	after  func(*http.Request)
}

func newResident(t *testing.T) *resident {
	t.Helper()
	desktoptest.Bus(t)
	r := &resident{home: t.TempDir(), server: sandbox.New()}
	r.server.Phone(0, 0)
	r.gateway = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		before, after := r.before, r.after
		r.mu.Unlock()
		if before != nil {
			before(req)
		}
		r.server.ServeHTTP(w, req)
		if after != nil {
			after(req)
		}
	}))
	t.Cleanup(r.gateway.Close)
	return r
}

// program is the program, ready to start.
func (r *resident) program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bilipaste", args...)
	cmd.Env = append(os.Environ(), "LANG=C", "LC_ALL=C", "BILIPASTE_HOME="+r.home, "BILIPASTE_GATEWAY="+r.gateway.URL,
		"BILIPASTE_SESSDATA=", "BILIPASTE_BILI_JCT=", "BILIPASTE_REFRESH_KEY="+filepath.Join(r.home, "key.pem"),
		"DISPLAY=", "WAYLAND_DISPLAY=")
	if err := os.WriteFile(filepath.Join(r.home, "key.pem"), r.server.RefreshKey(), 0o600); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// run runs the program and returns what it says.
func (r *resident) run(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	text, err := r.program(t, args...).CombinedOutput()
	return string(text), err
}

// must runs what has to work, and say this.
func (r *resident) must(t *testing.T, want string, args ...string) {
	t.Helper()
	if out, err := r.run(t, args...); err != nil || !strings.Contains(out, want) {
		t.Fatalf("%v: %v, want %q in\n%s", args, err, want, out)
	}
}

func TestALoginIsKeptInTheKeyring(t *testing.T) {
	r := newResident(t)
	keyring := desktoptest.StartKeyring(t)
	r.must(t, "kept in the keyring", "login")
	r.must(t, "session: from the keyring", "status")
	err := filepath.WalkDir(r.home, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, secret := range r.server.Secrets() {
			if strings.Contains(string(data), secret) {
				t.Errorf("%s holds a secret", path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	// Hanging, or locked, it is not waited for long, and what to do is said.
	for _, trouble := range []func(testing.TB){keyring.Freeze, keyring.Lock} {
		trouble(t)
		start := time.Now()
		out, err := r.run(t, "status")
		if err == nil || !strings.Contains(out, "hint: unlock the keyring") {
			t.Errorf("%v\n%s", err, out)
		}
		if past := time.Since(start); past > 10*time.Second {
			t.Errorf("after %v", past)
		}
		keyring.Thaw(t)
	}
	r.must(t, "not in the keyring: ", "login")
	r.must(t, "session: from "+filepath.Join(r.home, "gateway", "session.json"), "status")
	r.must(t, "logged out", "logout")
}

func TestTheEndIsNotified(t *testing.T) {
	r := newResident(t)
	x := desktoptest.StartX(t)
	dunst := desktoptest.StartDunst(t, x)
	cmd := r.program(t, "watch")
	cmd.Env = append(cmd.Env, fmt.Sprintf("BILIPASTE_SESSDATA=5a6b7c8d%%2C%d%%2C9e0f1%%2Ab2", time.Now().AddDate(0, 0, 10).Unix()),
		"BILIPASTE_BILI_JCT="+sandbox.BiliJct, "DISPLAY="+x.Display)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	desktoptest.Eventually(t, "a notification", func() bool { return len(dunst.History(t)) > 0 })
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // interrupted
	shown := dunst.History(t)
	if len(shown) != 1 || !strings.HasPrefix(shown[0].Body, "the Bilibili session ends on 20") ||
		!strings.Contains(shown[0].Body, "bilipaste login") {
		t.Errorf("%+v", shown)
	}
}

// The program is killed at each step of a renewal, before or after Bilibili has
// done it. The next start goes on, and the account is never lost.
func TestARenewalThatIsKilled(t *testing.T) {
	picture := filepath.Join(t.TempDir(), "c.png")
	if err := os.WriteFile(picture, noise(t, 30), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newResident(t)
	desktoptest.StartKeyring(t)
	r.must(t, "logged in as", "login")
	for _, step := range []string{"/cookie/info", "/correspond/1/", "/cookie/refresh", "/confirm/refresh", "/web-interface/nav"} {
		for _, after := range []bool{false, true} {
			if err := os.Remove(filepath.Join(r.home, "gateway", "bilibili-state.json")); err != nil {
				t.Fatal(err)
			}
			r.server.RefreshDue(true)
			cmd := r.program(t, "upload", picture)
			started := make(chan struct{})
			r.hook(func(req *http.Request) {
				if <-started; strings.Contains(req.URL.Path, step) {
					_ = cmd.Process.Kill()
				}
			}, after)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			close(started)
			if err := cmd.Wait(); err == nil {
				t.Errorf("%s: it was not killed", step)
			}
			r.hook(nil, after)
			r.must(t, "沙盒用户", "status")
			r.must(t, "http", "upload", picture)
		}
	}
	r.must(t, "沙盒用户", "status")
}

// hook has every request seen, before or after it is answered.
func (r *resident) hook(see func(*http.Request), after bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.before, r.after = see, nil
	if after {
		r.before, r.after = nil, see
	}
}
