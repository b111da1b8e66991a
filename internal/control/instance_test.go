package control_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bilipaste/internal/control"
	"bilipaste/internal/fault"
)

// As a program of its own, this binary is one more instance: it says "claimed"
// or "running", then "shown" each time it is told, and ends with its stdin.
const instanceEnv = "BILIPASTE_INSTANCE_TEST"

func TestMain(m *testing.M) {
	if dir := os.Getenv(instanceEnv); dir != "" {
		os.Exit(instance(dir))
	}
	os.Exit(m.Run())
}

func instance(dir string) int {
	i, err := control.Claim(control.Scope{Dir: dir})
	if errors.Is(err, control.ErrRunning) {
		if _, asked := control.Ask(context.Background(), control.Scope{Dir: dir}, control.Request{Do: control.Show}); asked != nil {
			err = asked
		}
		fmt.Println("running:", err)
		return 0
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("claimed")
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		_ = i.Serve(ctx, func(_ context.Context, r control.Request) control.Answer {
			if r.Do == control.Show {
				fmt.Println("shown")
			}
			return control.Answer{Writing: r.Value == "on"}
		})
	})
	_, _ = io.Copy(io.Discard, os.Stdin)
	stop()
	serving.Wait()
	if err := i.Close(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// program is a running instance.
type program struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
}

func startInstance(t *testing.T, dir string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), instanceEnv+"="+dir)
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.stdin, p.out = in, bufio.NewReader(out)
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	return p
}

// says fails the test unless the program's next line begins like this.
func (p *program) says(want string) {
	p.t.Helper()
	late := time.AfterFunc(20*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	line, err := p.out.ReadString('\n')
	if !strings.HasPrefix(line, want) {
		p.t.Fatalf("it says %q (%v), want %q", line, err, want)
	}
}

// end ends the program and fails the test unless it ends with status 0.
func (p *program) end() {
	p.t.Helper()
	_ = p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatal(err)
	}
}

func TestASecondInstanceShowsTheFirstAndEnds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	first := startInstance(t, dir)
	first.says("claimed")
	for range 3 {
		second := startInstance(t, dir)
		second.says("running: bilipaste is running already\n")
		first.says("shown")
		second.end()
	}
	first.end()
	if _, err := os.Stat(filepath.Join(dir, "instance.json")); err == nil {
		t.Error("its address is left behind")
	}
	next := startInstance(t, dir)
	next.says("claimed")
	next.end()
}

func TestAKilledInstanceLeavesTheScopeFree(t *testing.T) {
	dir := t.TempDir()
	first := startInstance(t, dir)
	first.says("claimed")
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.cmd.Wait()
	second := startInstance(t, dir)
	second.says("claimed")
	startInstance(t, dir).says("running")
	second.says("shown")
}

func TestOfManyStartedAtOnceOneRuns(t *testing.T) {
	dir := t.TempDir()
	var all []*program
	for range 6 {
		all = append(all, startInstance(t, dir))
	}
	claimed, running := 0, 0
	for _, p := range all {
		line, err := p.out.ReadString('\n')
		for line == "shown\n" { // to one that came before it said that it runs
			line, err = p.out.ReadString('\n')
		}
		switch {
		case strings.HasPrefix(line, "claimed"):
			claimed++
		case line == "running: bilipaste is running already\n": // and it answered
			running++
		default:
			t.Errorf("%q, %v", line, err)
		}
	}
	if claimed != 1 || running != 5 {
		t.Errorf("%d run, %d found one", claimed, running)
	}
}

func TestAnInstanceThatDoesNotAnswerIsStillOne(t *testing.T) {
	dir := t.TempDir()
	first := startInstance(t, dir)
	first.says("claimed")
	file := filepath.Join(dir, "instance.json")
	// Another program answers at the address, or nobody does.
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := other.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("220 mail.example.com\r\n"))
			_ = conn.Close()
		}
	})
	defer serving.Wait()
	defer func() { _ = other.Close() }()
	address, err := json.Marshal(map[string]any{"Port": other.Addr().(*net.TCPAddr).Port, "Token": "t"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, address, 0o600); err != nil {
		t.Fatal(err)
	}
	startInstance(t, dir).says("running: bilipaste is running already, and does not answer")
}

func TestOnlyTheUserIsAnswered(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	i, err := control.Claim(control.Scope{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	ctx, stop := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() {
		_ = i.Serve(ctx, func(context.Context, control.Request) control.Answer {
			asked.Add(1)
			return control.Answer{}
		})
	})
	file := filepath.Join(dir, "instance.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("the token can be read: %v, %v", info.Mode(), err)
	}
	var address struct {
		Port  int
		Token string
	}
	if err := json.Unmarshal(data, &address); err != nil {
		t.Fatal(err)
	}
	const request = `{"do":"now"}` + "\n"
	for _, said := range []string{"", "\n", request, "\n" + request, strings.Repeat("A", len(address.Token)) + "\n" + request, strings.Repeat("A", len(address.Token)) + "\n", address.Token[1:] + "\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"} {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", address.Port))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(said))
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		if answer, _ := io.ReadAll(conn); len(answer) > 0 {
			t.Errorf("%q is answered %q", said, answer)
		}
		_ = conn.Close()
	}
	if a, err := control.Ask(t.Context(), control.Scope{Dir: dir}, control.Request{Do: control.Show}); err != nil || a.Error != nil {
		t.Errorf("the user is answered %+v, %v", a, err)
	}
	stop()
	serving.Wait()
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for name, want := range map[string]os.FileMode{".": 0o700 | os.ModeDir, "instance.lock": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
}

func TestWithNobodyRunningNobodyIsAsked(t *testing.T) {
	dir := t.TempDir()
	if _, err := control.Ask(t.Context(), control.Scope{Dir: dir}, control.Request{Do: control.Now}); !errors.Is(err, control.ErrNotRunning) {
		t.Error(err)
	}
	i, err := control.Claim(control.Scope{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := control.Ask(t.Context(), control.Scope{Dir: dir}, control.Request{Do: control.Now}); !errors.Is(err, control.ErrNotRunning) {
		t.Error("after its end:", err)
	}
}

func TestARequestWaitsForItsAnswer(t *testing.T) {
	dir := t.TempDir()
	i, err := control.Claim(control.Scope{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	goOn := make(chan bool)
	var parts sync.WaitGroup
	parts.Go(func() {
		_ = i.Serve(ctx, func(_ context.Context, r control.Request) control.Answer {
			if r.Do == control.Now {
				<-goOn
				return control.Answer{Links: []control.Link{{URL: "https://x.invalid/a.png", Name: "图.png"}}}
			}
			goOn <- true
			return control.Answer{Writing: true, Error: &fault.Told{Kind: "other", Message: r.Value}}
		})
	})
	parts.Go(func() {
		a, err := control.Ask(t.Context(), control.Scope{Dir: dir}, control.Request{Do: control.Now})
		if err != nil || len(a.Links) != 1 || a.Links[0].Name != "图.png" {
			t.Errorf("%+v, %v", a, err)
		}
	})
	// This one is answered only after the first one has gone on.
	a, err := control.Ask(t.Context(), control.Scope{Dir: dir}, control.Request{Do: control.Writing, Value: "toggle"})
	if err != nil || !a.Writing || a.Error == nil || a.Error.Message != "toggle" {
		t.Errorf("%+v, %v", a, err)
	}
	stop()
	parts.Wait()
	// One that is asked while it ends is told so.
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
}

// A user who is logged in twice has two clipboards, and may have two programs.
func TestEachSessionHasItsOwn(t *testing.T) {
	dir := t.TempDir()
	var serving sync.WaitGroup
	defer serving.Wait()
	start := func(session string) (stop func()) {
		t.Helper()
		i, err := control.Claim(control.Scope{Dir: dir, Session: session})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		serving.Go(func() {
			_ = i.Serve(ctx, func(context.Context, control.Request) control.Answer {
				return control.Answer{Links: []control.Link{{Name: session}}}
			})
		})
		return func() {
			cancel()
			if err := i.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	ask := func(session string) string {
		t.Helper()
		a, err := control.Ask(t.Context(), control.Scope{Dir: dir, Session: session}, control.Request{Do: control.Show})
		if err != nil {
			return err.Error()
		}
		return a.Links[0].Name
	}
	stopFirst := start("x0")
	stopSecond := start("wayland-1")
	if _, err := control.Claim(control.Scope{Dir: dir, Session: "x0"}); !errors.Is(err, control.ErrRunning) {
		t.Errorf("a second one in the session: %v", err)
	}
	if first, second := ask("x0"), ask("wayland-1"); first != "x0" || second != "wayland-1" {
		t.Errorf("x0 is answered by %q, wayland-1 by %q", first, second)
	}
	if got := ask("x7"); got != control.ErrNotRunning.Error() {
		t.Errorf("another session: %q", got)
	}
	if got := ask(""); got != control.ErrNotRunning.Error() {
		t.Errorf("from none, of two: %q", got)
	}
	stopSecond()
	if got := ask(""); got != "x0" {
		t.Errorf("from none, of one: %q", got)
	}
	stopFirst()
}
