package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bilipaste/internal/desktoptest"
	"bilipaste/internal/sandbox"
)

// Where there is no desktop, editors and the page are served all the same.
func TestServeNeedsNoDesktop(t *testing.T) {
	t.Setenv("DISPLAY", "")
	t.Setenv("WAYLAND_DISPLAY", "")
	host := sandbox.New()
	if err := host.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close() })
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	home := t.TempDir()
	settings := fmt.Sprintf(`{"pace": "0s", "language": "en", "writing_mode": true, "server_port": %d}`, port)
	if err := os.WriteFile(filepath.Join(home, "config.json"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := program(home, host.URL(), "serve")
	said, err := serve.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = serve.Process.Kill(); _ = serve.Wait() })
	var all strings.Builder
	for piece := make([]byte, 1000); !strings.Contains(all.String(), "answers editors"); {
		n, err := said.Read(piece)
		if all.Write(piece[:n]); err != nil {
			t.Fatalf("it does not answer: %s", all.String())
		}
	}
	ask := func(args ...string) string { t.Helper(); return says(t, program(home, host.URL(), args...)) }

	if got := ask("writing", "status"); got != "off" {
		t.Errorf("writing mode is %q", got)
	}
	out, err := program(home, host.URL(), "writing", "on").CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); !failed || !strings.Contains(string(out), "no clipboard") || !strings.Contains(string(out), "hint: ") {
		t.Errorf("turned on: %v %s", err, out)
	}
	var answer struct {
		Success bool
		Result  []string
		Message string
	}
	post := func(body io.Reader) {
		t.Helper()
		answer.Success, answer.Result, answer.Message = false, nil, ""
		resp, err := http.Post(fmt.Sprintf("http://127.0.0.1:%d/upload", port), "application/json", body)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
	}
	if post(nil); answer.Success || !strings.Contains(answer.Message, "no clipboard") {
		t.Errorf("the clipboard: %+v", answer)
	}
	file := filepath.Join(home, "a.png")
	if err := os.WriteFile(file, noise(t, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(map[string][]string{"list": {file}})
	if err != nil {
		t.Fatal(err)
	}
	if post(bytes.NewReader(list)); !answer.Success || len(answer.Result) != 1 {
		t.Fatalf("a file: %+v", answer)
	}

	b := desktoptest.StartBrowser(t, "chromium", false)
	b.Open(t, ask("open", "--print"))
	b.Await(t, "document.querySelectorAll('#grid .cell img').length === 1")
	b.Click(t, "#writing", 1)
	b.Await(t, "!document.querySelector('#writing').checked && document.querySelector('#toasts').textContent.includes('no clipboard')")
	b.Click(t, "#grid .cell", 1)
	b.Press(t, "c")
	b.Await(t, "document.querySelector('#toasts').textContent.includes('is on the clipboard')")
	b.Press(t, "/")
	b.Press(t, desktoptest.KeyControl, "v")
	b.Await(t, fmt.Sprintf("document.querySelector('#search').value === %q", "![]("+answer.Result[0]+")"))

	if err := serve.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = serve.Wait()
	if code := serve.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("status %d", code)
	}
}
