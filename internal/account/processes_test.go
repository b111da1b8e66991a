package account_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
	"bilipaste/internal/sandbox"
)

// asProcess makes TestAsProcess, in a program that a test started, one more
// process of the user. It holds the state folder, the pace, the gateway and
// how many pictures are to be uploaded.
const asProcess = "BILIPASTE_TEST_PROCESS"

// TestAsProcess uploads, and says in a line of its own how each upload ended.
func TestAsProcess(t *testing.T) {
	spec := strings.Split(os.Getenv(asProcess), "\n")
	if len(spec) != 4 {
		return // it is not one
	}
	pace, err := time.ParseDuration(spec[1])
	count, err2 := strconv.Atoi(spec[3])
	gateway, err3 := sandbox.NewGateway(spec[2])
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	client := account.NewClient(gateway, session(t), account.NewGate(spec[0], pace, quiet))
	for i := range count {
		err := upload(t.Context(), t, client, os.Getpid()+i)
		fmt.Printf("upload: %v\n", fault.KindOf(err))
	}
}

// process starts one that uploads; ends yields how each upload ended.
func process(t *testing.T, dir string, pace time.Duration, gateway string, count int) (cmd *exec.Cmd, ends func() []string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(t.Context(), self, "-test.run=^TestAsProcess$", "-test.count=1")
	cmd.Env = append(os.Environ(), asProcess+"="+strings.Join([]string{dir, pace.String(), gateway, strconv.Itoa(count)}, "\n"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, func() (ended []string) {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if end, ok := strings.CutPrefix(lines.Text(), "upload: "); ok {
				ended = append(ended, end)
			}
		}
		_ = cmd.Wait() // it may have been killed
		return ended
	}
}

// crowd is a stand-in that looks at how uploads come in.
type crowd struct {
	host *sandbox.Server

	mu      sync.Mutex
	now     int
	most    int
	starts  []time.Time
	refused int // from this upload on, 0 for never
}

func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.starts = append(c.starts, time.Now())
	if c.refused > 0 && len(c.starts) >= c.refused {
		c.host.Play(sandbox.Blocked, 0)
	}
	c.mu.Unlock()
	c.host.ServeHTTP(w, r)
	time.Sleep(20 * time.Millisecond) // so that two at once would meet
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
}

func TestProcessesTakeTurns(t *testing.T) {
	const pace = 300 * time.Millisecond
	c := &crowd{host: sandbox.New()}
	server := httptest.NewServer(c)
	defer server.Close()
	dir := t.TempDir()
	ends := []func() []string{}
	for range 3 {
		_, end := process(t, dir, pace, server.URL, 4)
		ends = append(ends, end)
	}
	for i, end := range ends {
		if got := strings.Join(end(), " "); got != "kind(0) kind(0) kind(0) kind(0)" {
			t.Errorf("process %d: %s", i, got)
		}
	}
	if c.most != 1 || len(c.starts) != 12 {
		t.Errorf("%d uploads, %d at once", len(c.starts), c.most)
	}
	// 12 uploads with a burst of 5 take 7 paces; a first request may come late.
	if all := c.starts[len(c.starts)-1].Sub(c.starts[0]); all < 5*pace {
		t.Errorf("all started within %v", all)
	}
}

func TestARefusalOfOneProcessStopsAll(t *testing.T) {
	c := &crowd{host: sandbox.New(), refused: 3}
	server := httptest.NewServer(c)
	defer server.Close()
	dir := t.TempDir()
	ends := []func() []string{}
	for range 3 {
		_, end := process(t, dir, 0, server.URL, 4)
		ends = append(ends, end)
	}
	done := 0
	for i, end := range ends {
		ended := end()
		if len(ended) != 4 || ended[3] != "refused" {
			t.Errorf("process %d: %v", i, ended)
		}
		for _, e := range ended {
			if e != "refused" {
				done++
			}
		}
	}
	if len(c.starts) != 3 || done != 2 {
		t.Errorf("%d requests, %d uploads done", len(c.starts), done)
	}
}

func TestAKilledProcessIsNoHindrance(t *testing.T) {
	host := sandbox.New()
	host.Play(sandbox.Hang, 1)
	arrived := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case arrived <- struct{}{}:
		default:
		}
		host.ServeHTTP(w, r)
	}))
	defer server.Close()
	dir := t.TempDir()
	cmd, end := process(t, dir, 0, server.URL, 1)
	<-arrived

	gateway, err := sandbox.NewGateway(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer gateway.CloseIdleConnections()
	client := account.NewClient(gateway, session(t), account.NewGate(dir, 0, quiet))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := upload(ctx, t, client, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("two uploads at once: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	end()
	if err := upload(t.Context(), t, client, 1); err != nil {
		t.Error(err)
	}
}
