package account_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
	"bilipaste/internal/picture"
	"bilipaste/internal/sandbox"
	"bilipaste/internal/web"
	"bilipaste/uploader/hosttest"
)

// session is the sandbox's account.
func session(t testing.TB) account.Session {
	t.Helper()
	s, err := account.NewSession(sandbox.SESSDATA, sandbox.BiliJct)
	if err != nil || s.IsZero() {
		t.Fatal(err)
	}
	return s
}

// client is signed in as the sandbox's account, with a gate of its own.
func client(t testing.TB, transport http.RoundTripper) *account.Client {
	t.Helper()
	return account.NewClient(transport, session(t), account.NewGate(t.TempDir(), 0, quiet))
}

// upload stores a picture of that number.
func upload(ctx context.Context, t testing.TB, client *account.Client, number int) error {
	t.Helper()
	return send(ctx, client, hosttest.Picture(t, picture.PNG, number))
}

func send(ctx context.Context, client *account.Client, p picture.Picture) error {
	_, err := client.Do(ctx, account.Upload, func(ctx context.Context, csrf string) (*http.Request, error) {
		fields := []web.Field{{Name: "bucket", Value: "live"}, {Name: "csrf", Value: csrf}}
		return web.Form(ctx, account.API+"/x/upload/web/image", fields, "file", p)
	})
	return err
}

var quiet = slog.New(slog.DiscardHandler)

// serve starts a sandbox, and returns it with the way to it.
func serve(t testing.TB) (*sandbox.Server, *sandbox.Gateway) {
	t.Helper()
	host := sandbox.New()
	if err := host.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	gateway, err := sandbox.NewGateway(host.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		gateway.CloseIdleConnections()
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	return host, gateway
}

func TestUser(t *testing.T) {
	_, gateway := serve(t)
	gate := account.NewGate(t.TempDir(), 0, quiet)
	who, err := account.NewClient(gateway, session(t), gate).User(t.Context())
	if err != nil || who.ID != sandbox.Mid || who.Name != sandbox.Uname {
		t.Errorf("%+v, %v", who, err)
	}
	other, err := account.NewSession("00000000%2C1810771200%2C00000%2A00", sandbox.BiliJct)
	if err != nil {
		t.Fatal(err)
	}
	_, err = account.NewClient(gateway, other, gate).User(t.Context())
	if e, _ := errors.AsType[*fault.Error](err); e == nil || e.Kind != fault.NotLoggedIn || e.Code != -101 {
		t.Errorf("a dead session: %v", err)
	}
	for body, want := range map[string]fault.Kind{
		`{"code":0,"data":{"isLogin":false}}`:    fault.NotLoggedIn,
		`{"code":0,"data":[]}`:                   fault.BrokenAnswer,
		`{"code":0,"data":{"v_voucher":"vvvv"}}`: fault.Refused,
	} {
		gate := account.NewGate(t.TempDir(), 0, quiet)
		if _, err := account.NewClient(direct{says(body)}, session(t), gate).User(t.Context()); fault.KindOf(err) != want {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestWithoutASessionNothingIsAsked(t *testing.T) {
	host, gateway := serve(t)
	client := account.NewClient(gateway, account.Session{}, account.NewGate(t.TempDir(), 0, quiet))
	if err := upload(t.Context(), t, client, 1); fault.KindOf(err) != fault.NotLoggedIn {
		t.Error(err)
	}
	if _, err := client.User(t.Context()); fault.KindOf(err) != fault.NotLoggedIn {
		t.Error(err)
	}
	if n := len(host.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
}
