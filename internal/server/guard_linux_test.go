package server_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bilipaste/internal/picture"
	"bilipaste/internal/picture/container"
	"bilipaste/uploader"
)

// hostileHosts are names under which a page's own address can be made to lead to
// this machine, and others that no program of this machine sends.
var hostileHosts = []string{
	"evil.example", "evil.example:PORT", "127.0.0.1.evil.example", "127.0.0.1.evil.example:PORT", "localhost.evil.example",
	"localhost.", "localhost.:PORT", "localhost.localdomain", "localtest.me", "127.0.0.1.nip.io", "127.0.0.2", "127.1", "127.0.1",
	"2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "0.0.0.0:PORT", "[::]", "[::]:PORT", "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]",
	"192.168.1.2", "10.0.0.1:PORT", "host.docker.internal", "user@127.0.0.1", "127.0.0.1@evil.example", "127.0.0.1:80:80", "127.0.0.1:x",
	"127.0.0.1:", "::1", "%31%32%37.0.0.1", "127.0.0.1%00.evil.example", "localhost%2eevil.example", "xn--lcalhost-9wa", "evil.example#127.0.0.1",
}

// hostileOrigins are those of pages that happen to be open in a browser.
var hostileOrigins = []string{
	"https://evil.example", "http://evil.example", "null", "file://", "file:///etc", "", "*", "evil", "http://", "://",
	"http://localhost:3000", "http://127.0.0.1:3000", "https://127.0.0.1:PORT", "http://127.0.0.1:PORT.evil.example", "http://127.0.0.1:PORT@evil.example",
	"http://127.0.0.1:PORT/", "http://localhost:PORT", "http://localhost.evil.example", "http://[::1]:3000", "http://127.0.0.1",
	"app://obsidian.md.evil.example", "app://obsidian.md/", "app://obsidian.md:1", "APP://OBSIDIAN.MD", "app://evil", "app://obsidian.md https://evil.example",
	"tauri://localhost:1", "tauri://localhost.evil.example", "http://tauri.localhost.evil.example", "http://tauri.localhost:81", "lsp://logseq.io.evil.example",
	"vscode-webview://", "vscode-webview://a/b", "vscode-webview://u@h", "vscode-webview:evil", "https://vscode-webview.evil.example", "vscode-webviews://a",
	"http://127.0.0.1:6807", "http://localhost:6806.evil.example", "moz-extension://0b1c", "chrome-extension://abcdefgh", "data:text/html", "blob:null", "about:blank",
}

// Whoever is neither a program of this machine, nor the page, nor a known editor
// is refused before anything else happens, and no page may read the answer.
func TestHostileRequestsAreRefused(t *testing.T) {
	p := start(t, "")
	file, _ := p.picture(t, "private.png")
	body := fmt.Sprintf(`{"list": [%q]}`, file)
	asks := []string{"POST /upload", "POST /delete", "POST /api/writing", "POST /api/upload?name=x.png", "GET /", "GET /api/state", "OPTIONS /upload"}
	count := 0
	refused := func(what, request string) {
		t.Helper()
		count++
		r := p.raw(t, request)
		// A Host that net/http itself finds malformed gets its 400.
		if r.status != http.StatusForbidden && r.status != http.StatusBadRequest {
			t.Errorf("%s: %d %.100s", what, r.status, r.body)
		}
		for name := range r.header {
			if strings.HasPrefix(name, "Access-Control") {
				t.Errorf("%s: has %s", what, name)
			}
		}
	}
	request := func(ask, headers string) string {
		return fmt.Sprintf("%s HTTP/1.1\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n%s\r\n%s", ask, len(body), headers, body)
	}
	for i, host := range hostileHosts {
		for n := range 3 {
			ask := asks[(i+n)%len(asks)]
			refused(ask+" Host "+host, request(ask, "Host: "+host+"\r\n"))
		}
	}
	for i, origin := range hostileOrigins {
		for n := range 3 {
			ask := asks[(i+n)%len(asks)]
			refused(ask+" Origin "+origin, request(ask, "Host: 127.0.0.1:PORT\r\nOrigin: "+origin+"\r\n"))
		}
	}
	const own = "Host: 127.0.0.1:PORT\r\n"
	for _, site := range []string{"cross-site", "same-site", "none, same-origin", "evil", "SAME-ORIGIN"} {
		refused("Sec-Fetch-Site "+site, request("POST /upload", own+"Sec-Fetch-Site: "+site+"\r\n"))
	}
	refused("two Origins", request("POST /upload", own+"Origin: app://obsidian.md\r\nOrigin: https://evil.example\r\n"))
	refused("two Sec-Fetch-Sites", request("POST /upload", own+"Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n"))
	for _, ask := range []string{"GET /api/state", "POST /api/writing", "GET /api/events", "GET /", "GET /page/main.js", "POST /api/settings"} {
		refused("an editor at "+ask, request(ask, own+"Origin: app://obsidian.md\r\n")) // the page is nobody else's
	}
	if count < 200 {
		t.Errorf("only %d requests", count)
	}
	if n := p.uploads(); n != 0 {
		t.Errorf("%d pictures were uploaded", n)
	}
	if p.State().Writing {
		t.Error("writing mode was turned on")
	}
	log := p.logged()
	if n := strings.Count(log, "https://evil.example"); n == 0 || !strings.Contains(log, "server_origins") {
		t.Errorf("the log does not say what would let an origin in:\n%s", log)
	}
	if n := strings.Count(log, "origin=https://evil.example\n"); n != 1 {
		t.Errorf("of the same origin the log tells %d times", n)
	}
	if n := strings.Count(log, "a request was refused"); n > 100 {
		t.Errorf("%d refusals are in the log", n)
	}
}

// What asks for too much, or for what is no picture, gets nothing and costs little.
func TestBombsAndTraversalsAreRefused(t *testing.T) {
	p := start(t, "")
	good, _ := p.picture(t, "good.png")
	fifo := filepath.Join(p.dir, "fifo.png")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/loop.png" {
			http.Redirect(w, r, "/loop.png", http.StatusFound)
			return
		}
		chunk := make([]byte, 1<<20)
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	const head = "Host: 127.0.0.1:PORT\r\nConnection: close\r\n"
	list := func(names ...string) string {
		body := `{"list": ["` + strings.Join(names, `", "`) + `"]}`
		return fmt.Sprintf("POST /upload HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
	}
	body := func(kind, body string) string {
		return fmt.Sprintf("POST /upload HTTP/1.1\r\n%sContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", head, kind, len(body), body)
	}
	deep := strings.Repeat(`{"list":`, 200_000)
	var empty strings.Builder
	for range 5000 {
		empty.WriteString("--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n")
	}
	for what, request := range map[string]string{
		"a device":            list("/dev/zero"),
		"a terminal":          list("/dev/stdin"),
		"a pipe":              list(fifo),
		"the memory":          list("/proc/self/mem"),
		"a folder":            list("/"),
		"passwords":           list("/etc/passwd"),
		"a good one and not":  list(good, "/etc/passwd"),
		"a relative path":     list("good.png"),
		"traversal":           list("/../../../../etc/passwd"),
		"another machine":     list("file://evil.example/" + good),
		"an endless page":     list(endless.URL + "/x.png"),
		"a loop":              list(endless.URL + "/loop.png"),
		"other schemes":       list("ftp://evil.example/x.png"),
		"a script":            list("javascript:alert(1)"),
		"too many":            list(strings.Split(strings.Repeat("/x.png,", 2000), ",")...),
		"deep JSON":           body("application/json", deep),
		"a long list":         body("application/json", `{"list": ["`+strings.Repeat("x", 2<<20)+`"]}`),
		"many empty parts":    body("multipart/form-data; boundary=b", empty.String()+"--b--\r\n"),
		"no boundary":         body("multipart/form-data", "--b\r\n\r\n--b--\r\n"),
		"a text as a picture": body("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"../../x.png\"\r\n\r\ntext\r\n--b--\r\n"),
		"a length that lies":  "POST /upload HTTP/1.1\r\n" + head + "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 99999999999\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.png\"\r\n\r\n" + strings.Repeat("x", 65<<20),
	} {
		t.Run(what, func(t *testing.T) {
			r := p.raw(t, request)
			if r.status != http.StatusOK || r.outcome.Success || r.outcome.Message == "" || r.outcome.Msg != r.outcome.Message || len(r.outcome.Result) != 0 {
				t.Errorf("%d %.300s", r.status, r.body)
			}
		})
	}
	b := p.browser(t)
	for _, path := range []string{
		"/page/../../etc/passwd", "/page/%2e%2e/%2e%2e/etc/passwd", "/page/..%2f..%2fetc%2fpasswd", "/page//etc/passwd", "//page/main.js", "/page/.", "/page/",
		"/.git/config", "/thumbnail/../api/state", "/thumbnail/..%2f..%2fconfig.json", "/original/%00", "/original/" + strings.Repeat("0", 64), "/original/" + strings.Repeat("0", 63),
		"/thumbnail/" + strings.Repeat("f", 100_000/4), "/api/pictures/-1", "/api/pictures/9999999999999999999999", "/api/nothing", "/page/main.js/x", `/page/..\..\x`,
	} {
		r := p.raw(t, "GET "+path+" HTTP/1.1\r\n"+head+"Cookie: "+b.cookie(t)+"\r\n\r\n")
		if r.status < 400 || strings.Contains(r.body, "root:") || strings.Contains(r.body, "server_port") {
			t.Errorf("%s: %d %.100s", path, r.status, r.body)
		}
	}
	if r := p.raw(t, "GET / HTTP/1.1\r\n"+head+"X: "+strings.Repeat("x", 100<<10)+"\r\n\r\n"); r.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of 100 kB: %d", r.status)
	}
	if n := p.uploads(); n != 0 {
		t.Errorf("%d pictures were uploaded", n)
	}
	if r := p.raw(t, list(good)); !r.outcome.Success {
		t.Errorf("after all that a good one fails: %s", r.body)
	}
}

// Only who has the token is let in, once; what is in the page's files or behind
// them needs the cookie.
func TestATokenLetsOneBrowserIn(t *testing.T) {
	p := start(t, "")
	address, err := p.s.Page()
	if err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(address, p.base)
	get := func(path, more string) reply {
		return p.raw(t, "GET "+path+" HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n"+more+"\r\n")
	}
	for _, wrong := range []string{"/open", "/open?token=", "/open?token=x", path + "x"} {
		if r := get(wrong, ""); r.status != http.StatusUnauthorized || r.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d", wrong, r.status)
		}
	}
	r := get(path, "")
	cookie := r.header.Get("Set-Cookie")
	if r.status != http.StatusSeeOther || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") {
		t.Fatalf("%d, cookie %q", r.status, cookie)
	}
	if r := get(path, ""); r.status != http.StatusUnauthorized {
		t.Errorf("a token lets a second one in: %d", r.status)
	}
	cookie, _, _ = strings.Cut(cookie, ";")
	for path, want := range map[string]string{"/": "text/html", "/page/main.js": "text/javascript", "/page/style.css": "text/css", "/api/state": "application/json"} {
		with := get(path, "Cookie: "+cookie+"\r\n")
		if with.status != http.StatusOK || !strings.HasPrefix(with.header.Get("Content-Type"), want) {
			t.Errorf("%s: %d %s", path, with.status, with.header.Get("Content-Type"))
		}
		if policy := with.header.Get("Content-Security-Policy"); path == "/" && (!strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe")) {
			t.Errorf("the policy is %q", policy)
		}
		for _, other := range []string{"", "Cookie: " + cookie + "x\r\n", "Cookie: bilipaste-PORT=\r\n"} {
			if without := get(path, other); without.status != http.StatusUnauthorized {
				t.Errorf("%s with %q: %d", path, other, without.status)
			}
		}
	}
	if strings.Contains(p.logged(), "token=") {
		t.Error("a token is in the log")
	}
}

// GET changes nothing: there is no GET for what does something.
func TestGetChangesNothing(t *testing.T) {
	p := start(t, "")
	b := p.browser(t)
	for _, path := range []string{"/upload", "/delete", "/api/writing", "/api/now", "/api/put-back", "/api/copy", "/api/again", "/api/forget", "/api/upload", "/api/retry", "/api/drop", "/api/stop", "/api/login/cancel", "/api/settings/check"} {
		if r := b.ask(t, "GET", path, "", nil); r.status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", path, r.status)
		}
	}
}

// A key, once it is set, is asked for wherever an editor can put it.
func TestTheKeyOfTheSettingsIsAskedFor(t *testing.T) {
	p := start(t, `, "server_key": "open sesame"`)
	file, _ := p.picture(t, "a.png")
	body := fmt.Sprintf(`{"list": [%q]}`, file)
	for headers, want := range map[string]int{
		"POST /upload HTTP/1.1\r\n":                                         401,
		"POST /upload?key=wrong HTTP/1.1\r\n":                               401,
		"POST /upload?key= HTTP/1.1\r\n":                                    401,
		"POST /delete HTTP/1.1\r\n":                                         401,
		"POST /upload HTTP/1.1\r\nAuthorization: Bearer wrong\r\n":          401,
		"POST /upload?key=open+sesame HTTP/1.1\r\n":                         200,
		"POST /upload?secret=open%20sesame HTTP/1.1\r\n":                    200,
		"POST /upload HTTP/1.1\r\nAuthorization: Bearer open sesame\r\n":    200,
		"POST /upload/ HTTP/1.1\r\nX-PicGo-Secret: open sesame\r\n":         200,
		"POST /heartbeat HTTP/1.1\r\n":                                      200,
		"POST /upload?picbed=folder&key=wrong HTTP/1.1\r\nX-PicGo: a\r\n":   401,
		"OPTIONS /upload HTTP/1.1\r\nOrigin: app://obsidian.md\r\n":         204,
		"POST /upload?key=wrong HTTP/1.1\r\nOrigin: app://obsidian.md\r\n":  401,
		"POST /upload?key=open+sesame HTTP/1.1\r\nOrigin: https://evil\r\n": 403,
	} {
		r := p.raw(t, headers+fmt.Sprintf("Host: localhost:PORT\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		if r.status != want {
			t.Errorf("%q: %d, want %d", headers, r.status, want)
		}
		if strings.Contains(r.body, "sesame") {
			t.Errorf("the key is in the answer: %s", r.body)
		}
	}
	if strings.Contains(p.logged(), "sesame") {
		t.Error("the key is in the log")
	}
}

// cookie is the browser's cookie as a header.
func (b *browser) cookie(t *testing.T) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.p.base, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(req.URL) {
		return c.Name + "=" + c.Value
	}
	t.Fatal("there is no cookie")
	return ""
}

// A picture that would take too much memory has no thumbnail; it is not tried twice.
func TestABombHasNoThumbnail(t *testing.T) {
	p := start(t, "")
	b := p.browser(t)
	header := binary.BigEndian.AppendUint32(nil, 60_000)
	header = append(binary.BigEndian.AppendUint32(header, 60_000), 8, 6, 0, 0, 0) // 14 GB of pixels
	var rows bytes.Buffer
	z := zlib.NewWriter(&rows)
	if _, err := z.Write(make([]byte, 1_000_000)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	data := container.AppendPNGChunk([]byte(container.PNGSignature), "IHDR", header)
	data = container.AppendPNGChunk(data, "IDAT", rows.Bytes())
	bomb := picture.Picture{Name: "bomb.png", Data: container.AppendPNGChunk(data, "IEND", nil), Format: picture.PNG, Width: 60_000, Height: 60_000}
	if _, err := p.Album().Keep(t.Context(), bomb, uploader.Destination{Host: "bilibili", Bucket: "live"}); err != nil {
		t.Fatal(err)
	}
	before := rss(t)
	for range 2 {
		if r := b.ask(t, "GET", "/thumbnail/"+picture.SumOf(bomb.Data).String(), "", nil); r.status != http.StatusNotFound {
			t.Errorf("%d, %d bytes", r.status, len(r.body))
		}
	}
	if after := rss(t); after > before+100 {
		t.Errorf("it took %.0f MB", after-before)
	}
}

// Who is refused again and again is told of once, and others as well.
func TestARefusalIsLoggedOnce(t *testing.T) {
	p := start(t, "")
	for _, sender := range []string{"Origin: https://a.example", "Origin: https://a.example", "Origin: https://b.example", "Origin: null", "Origin: null", "Sec-Fetch-Site: cross-site"} {
		for _, path := range []string{"/upload", "/"} {
			if r := p.raw(t, "POST "+path+" HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n"+sender+"\r\nContent-Length: 0\r\n\r\n"); r.status != http.StatusForbidden {
				t.Errorf("%s: %d", sender, r.status)
			}
		}
	}
	for range 2 {
		p.raw(t, "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
	}
	for want, n := range map[string]int{"a request was refused": 5, "origin=https://a.example": 1, "origin=https://b.example": 1, "host=evil.example": 1, "setting server_origins": 2} {
		if got := strings.Count(p.logged(), want); got != n {
			t.Errorf("%s: %d times, not %d:\n%s", want, got, n, p.logged())
		}
	}
	for i := range 2 * 100 { // as many as are remembered, and more
		p.raw(t, fmt.Sprintf("GET / HTTP/1.1\r\nHost: evil%d.example\r\nConnection: close\r\n\r\n", i))
	}
	if n := strings.Count(p.logged(), "a request was refused"); n != 100 {
		t.Errorf("the log was filled with %d lines", n)
	}
}
