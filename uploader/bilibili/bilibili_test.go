package bilibili_test

import (
	"log/slog"
	"net/http"
	"testing"

	"bilipaste/internal/account"
	"bilipaste/internal/sandbox"
	"bilipaste/uploader"
	"bilipaste/uploader/bilibili"
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

// bucket returns the host for a bucket, with a gate of its own.
func bucket(t testing.TB, transport http.RoundTripper, log *slog.Logger) *bilibili.Bucket {
	t.Helper()
	client := account.NewClient(transport, session(t), account.NewGate(t.TempDir(), 0, log))
	b, err := bilibili.NewBucket(client, "live", false)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHost(t *testing.T) {
	hosttest.Run(t, hosttest.Harness{
		New: func(t *testing.T, transport http.RoundTripper, log *slog.Logger) uploader.Host {
			return bucket(t, transport, log)
		},
		StandIn:   func(*testing.T) http.Handler { return sandbox.New() },
		ErrorCode: `{"code":69800,"message":"SAID","ttl":1}`,
		Secrets:   []string{sandbox.SESSDATA, sandbox.BiliJct},
	})
}

// draw returns the draw host of a category, with a gate of its own.
func draw(t testing.TB, transport http.RoundTripper, log *slog.Logger, category string) *bilibili.Draw {
	t.Helper()
	client := account.NewClient(transport, session(t), account.NewGate(t.TempDir(), 0, log))
	d, err := bilibili.NewDraw(client, category, "new_dyn")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDrawHost(t *testing.T) {
	hosttest.Run(t, hosttest.Harness{
		New: func(t *testing.T, transport http.RoundTripper, log *slog.Logger) uploader.Host {
			return draw(t, transport, log, "daily")
		},
		StandIn:   func(*testing.T) http.Handler { return sandbox.New() },
		ErrorCode: `{"code":69800,"message":"SAID","ttl":1}`,
		Secrets:   []string{sandbox.SESSDATA, sandbox.BiliJct},
	})
}
