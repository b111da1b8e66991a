package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"bilipaste/internal/sandbox"
)

// killer is a gateway before a sandbox that kills a program at one of its
// requests, before or after the host has got it. Nobody gets that answer.
type killer struct {
	host *sandbox.Server

	mu    sync.Mutex
	at    int  // the number of the request, from 1
	after bool // the host gets it
	kill  func()
	got   []string // the paths of the requests that the host got
	count int
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	k.count++
	now := k.count == k.at
	if !now || k.after {
		k.got = append(k.got, r.URL.Path)
	}
	kill := k.kill
	k.mu.Unlock()
	if !now {
		k.host.ServeHTTP(w, r)
		return
	}
	if k.after {
		k.host.ServeHTTP(httptest.NewRecorder(), r)
	}
	kill()
	panic(http.ErrAbortHandler)
}

// sent counts the requests to a path that the host got.
func (k *killer) sent(path string) (n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.got {
		if strings.HasSuffix(p, path) {
			n++
		}
	}
	return n
}

// The program is killed at each of its requests, before and after Bilibili has
// got it. In the end there is one dynamic, never two; what was sent and made
// before is used.
func TestADynamicIsPublishedOnceWhereverItIsKilled(t *testing.T) {
	document := filepath.Join(t.TempDir(), "a.md")
	for _, name := range []string{"a.png", "b.png"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(document), name), marked(t, len(name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const text = "---\ntopic: 摄影\n---\n文字 @someone(20020001)[doge]\n![](a.png)\n![](b.png)\n```vote 投票\n- 山\n- 湖\n```\n"
	if err := os.WriteFile(document, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	const steps = 7 // who is signed in, topic, emoji, two pictures, vote, dynamic
	for at := 1; at <= steps; at++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("request %d, after it: %v", at, after), func(t *testing.T) {
				t.Parallel()
				killedAt(t, document, at, after, at == steps)
			})
		}
	}
}

func killedAt(t *testing.T, document string, at int, after, last bool) {
	k := &killer{host: sandbox.New(), at: at, after: after}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: k} //nolint:gosec // a test's own
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() { _ = server.Close(); served.Wait() })
	home := newHome(t)
	post := func(more ...string) *exec.Cmd {
		_ = os.Remove(filepath.Join(home, "gateway", "bilibili-state.json")) // as if more than 10 s had gone by
		return program(home, "http://"+listener.Addr().String(), append([]string{"dynamic", "post", document, "--yes"}, more...)...)
	}
	first, started := post(), make(chan struct{})
	k.mu.Lock()
	k.kill = func() {
		<-started
		_ = first.Process.Kill()
	}
	k.mu.Unlock()
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	if err := first.Wait(); err == nil || first.ProcessState.ExitCode() != -1 {
		t.Fatalf("it was not killed: %v", err)
	}
	published := len(k.host.Dynamics())
	if want := map[bool]int{true: 1, false: 0}[last && after]; published != want {
		t.Fatalf("%d are published", published)
	}
	out, err := post().Output()
	if last && !after { // Bilibili was asked, as far as the program can know
		var exit *exec.ExitError
		if !errors.As(err, &exit) || !strings.Contains(string(exit.Stderr), "--again") || len(k.host.Dynamics()) != 0 {
			t.Fatalf("%v: %s", err, out)
		}
		out, err = post("--again").Output()
	}
	all := k.host.Dynamics()
	if err != nil || len(all) != 1 || string(out) != fmt.Sprintf("https://t.bilibili.com/%d\n", all[0].ID) {
		t.Fatalf("%v: %s; %+v", err, out, all)
	}
	if n := k.sent("/create/dyn"); n != 1 {
		t.Errorf("Bilibili was asked %d times to publish it", n)
	}
	pictures, votes := 2, 1
	switch { // what was sent and not answered is sent again
	case after && (at == 4 || at == 5):
		pictures++
	case after && at == 6:
		votes++
	}
	if got := k.sent("/upload_bfs"); got != pictures {
		t.Errorf("%d pictures were sent, want %d", got, pictures)
	}
	if got := k.sent("/x/vote/create"); got != votes {
		t.Errorf("%d votes were made, want %d", got, votes)
	}
	// Once more: it is known, and nothing is sent.
	if again, err := post().Output(); err != nil || string(again) != string(out) || len(k.host.Dynamics()) != 1 {
		t.Errorf("%v: %s", err, again)
	}
}
