package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bilipaste/internal/app"
	"bilipaste/internal/config"
	"bilipaste/internal/desktoptest"
	"bilipaste/internal/picture/container"
	"bilipaste/internal/resident"
	"bilipaste/internal/sandbox"
	"bilipaste/internal/server"
)

// program is a running program with the server, on a desktop of its own, against
// a sandbox.
type program struct {
	*resident.Resident
	x    *desktoptest.XServer
	s    *server.Server
	host *sandbox.Server
	base string // http://127.0.0.1:PORT
	port int
	dir  string // for pictures

	mu  sync.Mutex
	log bytes.Buffer
}

// Write takes the log in.
func (p *program) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(data)
}

func (p *program) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// start runs one whose user is signed in. more is added to its settings, which
// are quiet and in English.
func start(t testing.TB, more string) *program {
	t.Helper()
	t.Setenv("BILIPASTE_SESSDATA", sandbox.SESSDATA)
	t.Setenv("BILIPASTE_BILI_JCT", sandbox.BiliJct)
	return startAsIs(t, more)
}

// startAsIs runs one whose user is signed in if the environment says so.
func startAsIs(t testing.TB, more string) *program {
	t.Helper()
	p := &program{x: desktoptest.StartX(t), host: sandbox.New(), dir: t.TempDir(), port: freePort(t)}
	if err := p.host.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.host.Close() })
	t.Setenv("BILIPASTE_HOME", t.TempDir())
	t.Setenv("BILIPASTE_GATEWAY", p.host.URL())
	dirs, err := config.FindDirs()
	if err != nil {
		t.Fatal(err)
	}
	settings := `{"language": "en", "sound": false, "notify": false, "pace": "0s", "server_port": ` + strconv.Itoa(p.port) + more + "}"
	if err := os.WriteFile(dirs.File(), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app.App{Dirs: dirs, Source: config.Source{File: dirs.File()}, Log: slog.New(slog.NewTextHandler(p, nil)), Version: "1.2.3"}
	if p.Resident, err = resident.New(t.Context(), a, false); err != nil {
		t.Fatal(err)
	}
	p.s = server.New(p.Resident, server.Options{Thumbnails: filepath.Join(dirs.State, "thumbnails"), Marks: dirs.State, Version: a.Version, Log: a.Log})
	if err := p.s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.base = "http://127.0.0.1:" + strconv.Itoa(p.port)
	ctx, stop := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() { _ = p.Run(ctx) })
	parts.Go(func() {
		if err := p.s.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
	t.Cleanup(func() {
		p.Quit()
		stop()
		parts.Wait()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// uploads counts the pictures that the host was sent.
func (p *program) uploads() int {
	n := 0
	for _, r := range p.host.Requests() {
		if r.File != "" {
			n++
		}
	}
	return n
}

// picture makes a picture file that no other is like.
func (p *program) picture(t testing.TB, name string) (file string, data []byte) {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 30, 20))
	_, _ = rand.Read(m.Pix)
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return p.file(t, name, out.Bytes()), out.Bytes()
}

func (p *program) file(t testing.TB, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(p.dir, name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// reply is what was answered.
type reply struct {
	status  int
	header  http.Header
	body    string
	outcome struct {
		Success    bool
		Result     []string
		FullResult []struct{ ImgURL, FileName string }
		Message    string
		Msg        string
	}
}

// raw sends a request as it stands here, on a connection of its own. "PORT" is
// the server's port.
func (p *program) raw(t testing.TB, request string) reply {
	t.Helper()
	conn, err := net.Dial("tcp4", "127.0.0.1:"+strconv.Itoa(p.port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { _, _ = io.WriteString(conn, strings.ReplaceAll(request, "PORT", strconv.Itoa(p.port))) }() // the server may hang up in the middle
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("no answer to %.200q: %v", request, err)
	}
	return read(t, resp)
}

func read(t testing.TB, resp *http.Response) reply {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := reply{status: resp.StatusCode, header: resp.Header, body: string(body)}
	_ = json.Unmarshal(body, &r.outcome) // where it is one
	return r
}

// browser is a browser that was let in.
type browser struct {
	*http.Client
	p *program
}

func (p *program) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{&http.Client{Jar: jar, Timeout: 20 * time.Second}, p}
	address, err := p.s.Page()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := b.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	if r := read(t, resp); r.status != http.StatusOK || !strings.Contains(r.body, "<html") {
		t.Fatalf("the page is %d %.200s", r.status, r.body)
	}
	return b
}

// ask sends a request and takes its JSON in.
func (b *browser) ask(t testing.TB, method, path, body string, into any) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.p.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", b.p.base)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := b.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	r := read(t, resp)
	if into != nil {
		if err := json.Unmarshal([]byte(r.body), into); err != nil {
			t.Fatalf("%s %s: %d %.300s: %v", method, path, r.status, r.body, err)
		}
	}
	return r
}

// must is ask for what has to succeed.
func (b *browser) must(t testing.TB, method, path, body string, into any) {
	t.Helper()
	if r := b.ask(t, method, path, body, into); r.status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, r.status, r.body)
	}
}

// chunk is a chunk of a PNG.
func chunk(t testing.TB, name string, body []byte) []byte {
	t.Helper()
	_, _ = rand.Read(body)
	return container.AppendPNGChunk(nil, name, body)
}
