package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"bilipaste/internal/desktoptest"
	"bilipaste/internal/resident"
	"bilipaste/internal/sandbox"
)

// post sends a body to a path, as an editor that is no browser does.
func (p *program) post(t *testing.T, path, kind string, body []byte) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.base+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, resp)
}

func (p *program) list(t *testing.T, names ...string) reply {
	t.Helper()
	body, err := json.Marshal(map[string][]string{"list": names})
	if err != nil {
		t.Fatal(err)
	}
	return p.post(t, "/upload", "application/json", body)
}

// part is a part of a form.
type part struct {
	field, file string // file "": a field of text
	data        []byte
}

func form(t *testing.T, parts ...part) (kind string, body []byte) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for _, one := range parts {
		disposition := `form-data; name="` + one.field + `"`
		if one.file != "" {
			disposition += `; filename="` + one.file + `"`
		}
		to, err := w.CreatePart(map[string][]string{"Content-Disposition": {disposition}})
		if err == nil {
			_, err = to.Write(one.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), out.Bytes()
}

// wantLinks checks that an answer is a success with so many links, as each editor
// reads it.
func wantLinks(t *testing.T, r reply, n int) {
	t.Helper()
	if r.status != http.StatusOK || !r.outcome.Success || len(r.outcome.Result) != n || len(r.outcome.FullResult) != n {
		t.Errorf("%d %s", r.status, r.body)
		return
	}
	for i, link := range r.outcome.Result {
		if !strings.HasPrefix(link, "http") || r.outcome.FullResult[i].ImgURL != link || r.outcome.FullResult[i].FileName == "" {
			t.Errorf("link %d of %s", i, r.body)
		}
	}
}

// wantRefusal checks that an answer says why there is no link: with status 200,
// as Obsidian throws all else away.
func wantRefusal(t *testing.T, r reply, why string) {
	t.Helper()
	if r.status != http.StatusOK || r.outcome.Success || r.outcome.Result == nil || len(r.outcome.Result) != 0 || !strings.Contains(r.outcome.Message, why) || r.outcome.Msg != r.outcome.Message {
		t.Errorf("%d %s, want %q", r.status, r.body, why)
	}
}

func TestEditorsGetALinkForEachFileInOrder(t *testing.T) {
	p := start(t, "")
	a, _ := p.picture(t, "a.png")
	b, data := p.picture(t, "图 片.png")
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/r.png" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(data)
	}))
	defer remote.Close()
	one := p.list(t, a)
	wantLinks(t, one, 1)
	two := p.list(t, b, a)
	wantLinks(t, two, 2)
	if two.outcome.Result[1] != one.outcome.Result[0] || two.outcome.Result[0] == two.outcome.Result[1] {
		t.Errorf("the order is not kept: %s after %s", two.body, one.body)
	}
	wantLinks(t, p.list(t, a, a), 2)
	wantLinks(t, p.list(t, (&url.URL{Scheme: "file", Path: b}).String()), 1)
	wantLinks(t, p.list(t, remote.URL+"/r.png"), 1)
	if n := p.uploads(); n != 2 {
		t.Errorf("two pictures were sent %d times", n)
	}
	body := fmt.Appendf(nil, `{"list": [%q]}`, a)
	for _, path := range []string{"/upload/", "/upload?x=1", "/upload?key=anything", "/upload?configName=Default", "/upload?picbed=bilibili&bucket=album"} {
		wantLinks(t, p.post(t, path, "text/plain;charset=UTF-8", body), 1) // as Logseq sends it
	}
	if !slices.ContainsFunc(p.host.Requests(), func(r sandbox.Request) bool { return r.Bucket == "album" }) {
		t.Error("the bucket that was asked for was not taken")
	}
	wantLinks(t, p.post(t, "/upload", "", body), 1)
}

// All or nothing: links that do not match the files would be written in wrong
// places. What went up is known the next time.
func TestOneThatFailsFailsAll(t *testing.T) {
	p := start(t, "")
	a, _ := p.picture(t, "a.png")
	b, _ := p.picture(t, "b.png")
	for name, why := range map[string]string{
		filepath.Join(p.dir, "missing.png"): "missing.png",
		p.file(t, "notes.txt", []byte("x")): "notes.txt",
		p.file(t, "fake.png", []byte("x")):  "fake.png",
		p.file(t, "empty.png", nil):         "empty",
		p.dir:                               "not a regular file",
		"a.png":                             "no whole path",
	} {
		wantRefusal(t, p.list(t, name), why)
		wantRefusal(t, p.list(t, a, name), why)
	}
	if n := p.uploads(); n != 0 {
		t.Errorf("%d were sent although all was read first", n)
	}
	p.host.Play(sandbox.CSRF, 1)
	wantRefusal(t, p.list(t, a), "")
	wantLinks(t, p.list(t, a), 1)
	p.host.Play(sandbox.TooLarge, 1)
	wantRefusal(t, p.list(t, a, b), "")
	sent := p.uploads()
	wantLinks(t, p.list(t, a, b), 2)
	if n := p.uploads() - sent; n != 1 {
		t.Errorf("%d were sent again, want the one that failed", n)
	}
	if s := p.State(); s.Waiting+s.Failed != 0 {
		t.Errorf("what an editor has stays pending: %d, %d", s.Waiting, s.Failed)
	}
	for query, why := range map[string]string{"uploader=nosuch": "no host nosuch", "picbed=nosuch": "no host nosuch", "bucket=nosuch": "nosuch"} {
		wantRefusal(t, p.post(t, "/upload?"+query, "", fmt.Appendf(nil, `{"list": [%q]}`, a)), why)
	}
	for _, body := range []string{`[1]`, `"x"`, `null`, `{list:`, `{"list": "a"}`, `{"list": [1]}`, `{"list": [""]}`, `list=a`} {
		wantRefusal(t, p.post(t, "/upload", "application/json", []byte(body)), "JSON")
	}
}

func TestFormsOfAnyFieldAreTaken(t *testing.T) {
	p := start(t, "")
	_, a := p.picture(t, "a.png")
	_, b := p.picture(t, "b.png")
	for _, field := range []string{"files", "list", "file", "image", "anything"} {
		kind, body := form(t, part{field, "m.png", a})
		wantLinks(t, p.post(t, "/upload", kind, body), 1)
	}
	kind, body := form(t, part{"files", "image.png", a}, part{"text", "", []byte("x")}, part{"files", "image.png", b})
	r := p.post(t, "/upload", kind, body)
	wantLinks(t, r, 2)
	if r.outcome.Result[0] == r.outcome.Result[1] {
		t.Error("two files of one name have one link")
	}
	kind, body = form(t, part{"files", "../../图.png", a})
	r = p.post(t, "/upload", kind, body)
	wantLinks(t, r, 1)
	if name := r.outcome.FullResult[0].FileName; name != "图.png" {
		t.Errorf("the name is %q", name)
	}
	kind, body = form(t, part{"files", "m.png", a})
	wantRefusal(t, p.post(t, "/upload", kind, body[:len(body)-20]), "broken")
	wantRefusal(t, p.post(t, "/upload", "multipart/form-data", body), "broken")
}

// An editor that asks for the clipboard gets the link of its picture; what is
// there stays there.
func TestTheClipboardIsUploadedAndStays(t *testing.T) {
	p := start(t, "")
	wantRefusal(t, p.post(t, "/upload", "", nil), "clipboard")
	_, data := p.picture(t, "a.png")
	p.x.Copy(t, "image/png", data)
	var r reply
	desktoptest.Eventually(t, "the picture on the clipboard", func() bool {
		r = p.post(t, "/upload", "", nil)
		return r.outcome.Success
	})
	wantLinks(t, r, 1)
	for _, body := range []string{"{}", `{"list": []}`, `{"list": null}`, `{"other": 1}`} {
		wantLinks(t, p.post(t, "/upload", "application/json", []byte(body)), 1)
	}
	if there, err := p.x.Paste(t, "image/png"); err != nil || !bytes.Equal(there, data) {
		t.Errorf("the clipboard holds something else: %v", err)
	}
	if n := p.uploads(); n != 1 {
		t.Errorf("it was sent %d times", n)
	}
}

// Delete is for the history alone, and says so.
func TestWhatAnEditorDeletesIsForgottenHere(t *testing.T) {
	p := start(t, "")
	a, _ := p.picture(t, "a.png")
	r := p.list(t, a)
	wantLinks(t, r, 1)
	body := fmt.Appendf(nil, `{"list": [{"imgUrl": %q, "other": 1}]}`, r.outcome.Result[0])
	desktoptest.Eventually(t, "the link in the history", func() bool { return len(p.State().Recent) == 1 })
	r = p.post(t, "/delete", "application/json", body)
	if r.status != http.StatusOK || !r.outcome.Success || !strings.Contains(r.outcome.Message, "nobody can delete") {
		t.Errorf("%d %s", r.status, r.body)
	}
	for _, again := range [][]byte{body, []byte(`{"list": []}`), []byte(`{"list": [1, {}]}`)} {
		if r = p.post(t, "/delete", "", again); r.status != http.StatusOK || r.outcome.Success {
			t.Errorf("of %s: %d %s", again, r.status, r.body)
		}
	}
	if _, err := os.Stat(a); err != nil {
		t.Errorf("the user's own file: %v", err)
	}
}

func TestEditorsOfKnownOriginsMayReadTheAnswer(t *testing.T) {
	p := start(t, `, "server_origins": ["https://mine.example"]`)
	a, _ := p.picture(t, "a.png")
	body := fmt.Sprintf(`{"list": [%q]}`, a)
	for _, origin := range []string{"app://obsidian.md", "lsp://logseq.io", "tauri://localhost", "http://tauri.localhost", "https://tauri.localhost", "http://127.0.0.1:6806", "http://localhost:6806", "vscode-webview://1a2b3c", "https://mine.example"} {
		r := p.raw(t, "OPTIONS /upload HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: close\r\nOrigin: "+origin+"\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\nAccess-Control-Request-Private-Network: true\r\n\r\n")
		if r.status != http.StatusNoContent || r.header.Get("Access-Control-Allow-Origin") != origin || !strings.Contains(r.header.Get("Access-Control-Allow-Headers"), "Content-Type") ||
			!strings.Contains(r.header.Get("Access-Control-Allow-Methods"), "POST") || r.header.Get("Access-Control-Allow-Private-Network") != "true" || r.header.Get("Vary") != "Origin" {
			t.Errorf("%s: preflight %d %v", origin, r.status, r.header)
		}
		r = p.raw(t, fmt.Sprintf("POST /upload HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: close\r\nOrigin: %s\r\nSec-Fetch-Site: cross-site\r\nContent-Length: %d\r\n\r\n%s", origin, len(body), body))
		wantLinks(t, r, 1)
		if got := r.header.Get("Access-Control-Allow-Origin"); got != origin {
			t.Errorf("%s: allowed is %q", origin, got)
		}
	}
}

func TestHeartbeatsAndWrongPaths(t *testing.T) {
	p := start(t, "")
	for request, want := range map[string]int{
		"GET /heartbeat": 200, "POST /heartbeat": 200, "PUT /heartbeat": 200, "HEAD /heartbeat": 200, "GET /upload": 405, "PUT /upload": 405,
		"POST /nope": 404, "POST /UPLOAD": 404, "POST //upload": 404, "GET /": 401, "OPTIONS /upload": 204,
	} {
		for _, host := range []string{"127.0.0.1:PORT", "localhost", "[::1]:PORT", "LocalHost:PORT"} {
			r := p.raw(t, request+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			if r.status != want {
				t.Errorf("%s of %s: %d, want %d", request, host, r.status, want)
			}
			if strings.HasSuffix(request, "T /heartbeat") && strings.TrimSpace(r.body) != `{"result":"alive","success":true}` {
				t.Errorf("%s: %s", request, r.body)
			}
		}
	}
	if r := p.raw(t, "POST /heartbeat HTTP/1.0\r\n\r\n"); r.status != 200 {
		t.Errorf("HTTP/1.0: %d", r.status)
	}
}

// Who has the port is told from who answers there; the port never changes silently.
func TestWhoHasThePortIsTold(t *testing.T) {
	p := start(t, "")
	beat := func(header, body string) *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && r.URL.Path == "/heartbeat" {
				w.Header().Set("Server", header)
				_, _ = w.Write([]byte(body))
			}
		}))
		s.Start()
		t.Cleanup(s.Close)
		return s
	}
	var heard []string
	var mu sync.Mutex
	events := p.Listen()
	go func() {
		_ = events.Run(t.Context(), func(e resident.Event) {
			if e.Told != nil {
				mu.Lock()
				heard = append(heard, e.Told.Text())
				mu.Unlock()
			}
		})
	}()
	told := func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(heard, "\n")
	}
	for _, c := range []struct{ body, want string }{
		{`{"success": true, "result": "alive"}`, "PicGo or PicList has port"},
		{`{"success": true}`, "another program"},
		{"<html>", "another program"},
	} {
		s := beat("", c.body)
		port := strings.TrimPrefix(s.URL, "http://127.0.0.1:")
		if err := p.Set("server_port", port); err != nil {
			t.Fatal(err)
		}
		desktoptest.Eventually(t, "the notice about "+c.body, func() bool {
			return strings.Contains(told(), c.want) && strings.Contains(told(), port)
		})
	}
	// Once the other one ends, the port is ours.
	s := beat("", `{"success": true, "result": "alive"}`)
	if err := p.Set("server_port", strings.TrimPrefix(s.URL, "http://127.0.0.1:")); err != nil {
		t.Fatal(err)
	}
	desktoptest.Eventually(t, "the notice", func() bool { return strings.Contains(told(), s.URL[len("http://127.0.0.1:"):]) })
	s.Close()
	desktoptest.Eventually(t, "the port to be taken", func() bool {
		resp, err := http.Get(s.URL + "/heartbeat")
		return err == nil && resp.Body.Close() == nil && resp.Header.Get("Server") == "bilipaste"
	})
	desktoptest.Eventually(t, "the good news", func() bool { return strings.Contains(told(), "Editors are answered") })
	s = beat("", "<html>")
	if err := p.Set("server_port", strings.TrimPrefix(s.URL, "http://127.0.0.1:")); err != nil {
		t.Fatal(err)
	}
	desktoptest.Eventually(t, "the port to be given up", func() bool {
		resp, err := http.Get(p.base + "/heartbeat")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err != nil && strings.Contains(told(), s.URL[len("http://127.0.0.1:"):])
	})
	// The page still opens, at a port of its own.
	address, err := p.s.Page()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if strings.HasPrefix(address, p.base) || resp.Request.URL.Path != "/" {
		t.Errorf("%s leads to %s", strings.TrimPrefix(address, "http://"), resp.Request.URL.Path)
	}
	// Another bilipaste, of another session, is no reason to bother anybody.
	before := told()
	s = beat("bilipaste", `{"success": true, "result": "alive"}`)
	if err := p.Set("server_port", strings.TrimPrefix(s.URL, "http://127.0.0.1:")); err != nil {
		t.Fatal(err)
	}
	desktoptest.Eventually(t, "the log to tell", func() bool { return strings.Contains(p.logged(), "another bilipaste answers editors") })
	if told() != before {
		t.Errorf("told: %s", told())
	}
	if err := p.Set("server_port", strconv.Itoa(p.port)); err != nil {
		t.Fatal(err)
	}
	desktoptest.Eventually(t, "the first port again", func() bool {
		resp, err := http.Get(p.base + "/heartbeat")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == 200
	})
	if err := p.Set("server", "false"); err != nil {
		t.Fatal(err)
	}
	desktoptest.Eventually(t, "nobody there", func() bool {
		resp, err := http.Get(p.base + "/heartbeat")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err != nil
	})
}
