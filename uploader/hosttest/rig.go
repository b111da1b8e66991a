package hosttest

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"bilipaste/internal/sandbox"
	"bilipaste/uploader"
)

// rig is a host, connected to its stand-in through a handler that can fail.
type rig struct {
	host    uploader.Host
	gateway *sandbox.Gateway
	faults  *faults
	log     *slog.Logger
	logged  *logged
}

// newRig connects a new host. prefix is a path under which the gateway stands.
func newRig(t *testing.T, h Harness, prefix string) *rig {
	t.Helper()
	r := &rig{faults: &faults{next: h.StandIn(t)}, logged: &logged{}}
	server := httptest.NewUnstartedServer(http.StripPrefix(prefix, r.faults))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // aborted handlers are meant
	server.Start()
	t.Cleanup(server.Close)
	var err error
	if r.gateway, err = sandbox.NewGateway(server.URL + prefix); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.gateway.CloseIdleConnections)
	r.log = slog.New(slog.NewTextHandler(r.logged, &slog.HandlerOptions{Level: slog.LevelDebug - 4}))
	r.host = h.New(t, r.gateway, r.log)
	return r
}

// fetch gets a link as a browser with no referrer does.
func (r *rig) fetch(t *testing.T, link uploader.Link) (data []byte, mediaType string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link.URL, nil)
	if err != nil {
		t.Error(err)
		return nil, ""
	}
	resp, err := r.gateway.RoundTrip(req)
	if err != nil {
		t.Error(err)
		return nil, ""
	}
	defer resp.Body.Close()
	data, err = io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %s, %v", link.URL, resp.Status, err)
	}
	return data, resp.Header.Get("Content-Type")
}

// faults stands in front of a stand-in, and answers in its place.
type faults struct {
	next     http.Handler
	requests atomic.Int64
	changed  atomic.Bool

	mu     sync.Mutex
	fault  http.HandlerFunc
	change func([]byte) []byte
}

func (f *faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.requests.Add(1)
	f.mu.Lock()
	fault, change := f.fault, f.change
	f.mu.Unlock()
	switch {
	case fault != nil:
		fault(w, r)
	case change != nil:
		r.Header.Del("Accept-Encoding")
		recorded := httptest.NewRecorder()
		f.next.ServeHTTP(recorded, r)
		body := change(recorded.Body.Bytes())
		f.changed.Store(f.changed.Load() || !bytes.Equal(body, recorded.Body.Bytes()))
		w.Header().Set("Content-Type", recorded.Header().Get("Content-Type"))
		w.WriteHeader(recorded.Code)
		_, _ = w.Write(body)
	default:
		f.next.ServeHTTP(w, r)
	}
}

// set makes fault answer all requests from now on, nil the stand-in again.
func (f *faults) set(fault http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// rewrite changes the stand-in's answers.
func (f *faults) rewrite(change func([]byte) []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change = change
}

func (f *faults) rewritten() bool { return f.changed.Load() }

func (f *faults) count() int { return int(f.requests.Load()) }

// answerWith answers with a status and a body.
func answerWith(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// logged keeps log lines.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
