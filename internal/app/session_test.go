package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bilipaste/internal/account"
	"bilipaste/internal/config"
	"bilipaste/internal/fault"
	"bilipaste/internal/sandbox"
)

// reached is a program whose hosts are a stand-in: by a gateway, as the
// environment names one, or as if there was none.
func reached(t *testing.T, gateway bool) (*App, *sandbox.Server) {
	t.Helper()
	server := sandbox.New()
	if err := server.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	way, err := sandbox.NewGateway(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		way.CloseIdleConnections()
		_ = server.Close()
	})
	home := t.TempDir()
	t.Setenv("BILIPASTE_SESSDATA", "")
	t.Setenv("BILIPASTE_BILI_JCT", "")
	a := &App{
		Dirs:   config.Dirs{Config: home, State: home, Data: home},
		Source: config.Source{File: filepath.Join(home, "config.json")},
		Log:    slog.New(slog.DiscardHandler),
	}
	if gateway {
		t.Setenv("BILIPASTE_GATEWAY", server.URL())
	} else {
		a.network = &Network{Transport: way, State: home, data: home}
	}
	return a, server
}

func (a *App) user(t *testing.T) (account.User, error) {
	t.Helper()
	client, err := a.Account(config.Config{Keystore: "file"})
	if err != nil {
		t.Fatal(err)
	}
	return client.User(t.Context())
}

// The settings' session is for Bilibili itself: what listens at a gateway's
// address is not asked in its name.
func TestTheSettingsSessionGoesToNoGateway(t *testing.T) {
	for _, gateway := range []bool{false, true} {
		a, server := reached(t, gateway)
		// Also in the form in which a browser shows it.
		for key, value := range map[string]string{"SESSDATA": strings.NewReplacer("%2C", ",", "%2A", "*").Replace(sandbox.SESSDATA), "bili_jct": sandbox.BiliJct} {
			if err := config.Save(a.Source.File, key, value); err != nil {
				t.Fatal(err)
			}
		}
		user, err := a.user(t)
		if gateway && (fault.KindOf(err) != fault.NotLoggedIn || len(server.Requests()) > 0) || !gateway && (err != nil || user.ID != sandbox.Mid) {
			t.Errorf("gateway %v: %+v, %v, %d requests", gateway, user, err, len(server.Requests()))
		}
		client, err := a.LoginAccount(config.Config{Keystore: "file"})
		if err != nil {
			t.Fatal(err)
		}
		err = client.Logout(t.Context())
		text, readErr := os.ReadFile(a.Source.File)
		if readErr != nil {
			t.Fatal(readErr)
		}
		left := strings.Contains(string(text), sandbox.BiliJct)
		switch {
		case gateway && (fault.KindOf(err) != fault.NotLoggedIn || !left):
			t.Errorf("a logout at a gateway: %v, the settings' session is left: %v", err, left)
		case !gateway && (err != nil || left || server.Sessions() != 0):
			t.Errorf("a logout: %v, the settings' session is left: %v, %d sessions", err, left, server.Sessions())
		}
	}
}

// The login's session is asked for first, and its end leaves the settings'.
func TestALoginTakesPrecedenceOverTheSettings(t *testing.T) {
	a, _ := reached(t, false)
	c := config.Config{Keystore: "file"}
	for key, value := range map[string]string{"SESSDATA": "00000000%2C4102444800%2C00000%2A00", "bili_jct": sandbox.BiliJct} {
		if err := config.Save(a.Source.File, key, value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.user(t); fault.KindOf(err) != fault.NotLoggedIn {
		t.Errorf("the settings' session is not what was asked with: %v", err)
	}
	session, err := account.NewSession(sandbox.SESSDATA, sandbox.BiliJct)
	if err != nil {
		t.Fatal(err)
	}
	client, err := a.LoginAccount(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Adopt(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	if user, err := a.user(t); err != nil || user.ID != sandbox.Mid {
		t.Errorf("%+v, %v", user, err)
	}
	if err := client.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := a.StoredSession(c); err != nil || left.IsZero() || left.Equal(session) {
		t.Errorf("the settings' session is gone: %v", err)
	}
}
