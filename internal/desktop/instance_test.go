package desktop_test

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

	"bilipaste/internal/desktop"
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
	i, err := desktop.Claim(context.Background(), dir, func() { fmt.Println("shown") })
	if errors.Is(err, desktop.ErrRunning) {
		fmt.Println("running:", err)
		return 0
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("claimed")
	_, _ = io.Copy(io.Discard, os.Stdin)
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

func TestAKilledInstanceLeavesThePlaceFree(t *testing.T) {
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
	var shown atomic.Int32
	i, err := desktop.Claim(t.Context(), dir, func() { shown.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
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
	for _, said := range []string{"", "\n", strings.Repeat("A", len(address.Token)) + "\n", address.Token[1:] + "\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"} {
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
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	if n := shown.Load(); n != 0 {
		t.Errorf("shown %d times", n)
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
