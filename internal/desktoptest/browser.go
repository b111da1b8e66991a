//go:build unix

package desktoptest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// Browser is a real browser with one window that no screen shows, driven by
// WebDriver BiDi. Its methods fail the test if the browser refuses.
type Browser struct {
	Name    string // "chromium" or "firefox"
	conn    *websocket.Conn
	last    int    // number of the command that was sent last
	context string // the window's
}

// browserLimit is how long a browser may take for one command, its start included.
const browserLimit = 30 * time.Second

// StartBrowser starts "chromium" or "firefox" with a profile of its own, which
// tells pages that its user likes the dark theme or the light one, and ends it
// with the test.
func StartBrowser(t testing.TB, name string, dark bool) *Browser {
	t.Helper()
	b := &Browser{Name: name}
	var address string
	switch name {
	case "chromium":
		address = startChromium(t, dark)
	case "firefox":
		address = startFirefox(t, dark)
	default:
		t.Fatalf("no browser is called %s", name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), browserLimit)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, address, nil) //nolint:bodyclose // the library closes it
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(64 << 20) // screenshots
	b.conn = conn
	if name == "firefox" { // chromedriver has begun one
		b.command(t, "session.new", map[string]any{"capabilities": struct{}{}}, nil)
	}
	var tree struct{ Contexts []struct{ Context string } }
	b.command(t, "browsingContext.getTree", map[string]any{"maxDepth": 0}, &tree)
	b.context = tree.Contexts[0].Context
	b.command(t, "browsingContext.setViewport", map[string]any{"context": b.context, "viewport": map[string]int{"width": 1280, "height": 900}}, nil)
	return b
}

func startFirefox(t testing.TB, dark bool) (address string) {
	t.Helper()
	Need(t, "firefox-esr")
	dir := browserDir(t)
	scheme := 1
	if dark {
		scheme = 0
	}
	prefs := fmt.Sprintf(`user_pref("layout.css.prefers-color-scheme.content-override", %d);
user_pref("app.update.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
`, scheme)
	if err := os.WriteFile(filepath.Join(dir, "user.js"), []byte(prefs), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("firefox-esr", "--headless", "--no-remote", "--profile", dir, "--remote-debugging-port", "0", "about:blank")
	cmd.Env = append(os.Environ(), "HOME="+dir, "MOZ_CRASHREPORTER_DISABLE=1")
	said := startGroup(t, cmd)
	return awaited(t, said, `WebDriver BiDi listening on (ws://\S+)`) + "/session"
}

func startChromium(t testing.TB, dark bool) (address string) {
	t.Helper()
	Need(t, "chromedriver", "chromium")
	dir := browserDir(t)
	cmd := exec.Command("chromedriver", "--port=0")
	cmd.Env = append(os.Environ(), "HOME="+dir)
	driver := "http://127.0.0.1:" + awaited(t, startGroup(t, cmd), `started successfully on port (\d+)`)
	scheme := "1"
	if dark {
		scheme = "0"
	}
	args := []string{
		"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--no-first-run", "--user-data-dir=" + filepath.Join(dir, "profile"),
		"--blink-settings=preferredColorScheme=" + scheme,
	}
	body, err := json.Marshal(map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"webSocketUrl": true, "goog:chromeOptions": map[string]any{"args": args},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: browserLimit}
	resp, err := client.Post(driver+"/session", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Value struct {
			Capabilities struct{ WebSocketURL string }
			Message      string
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Value.Capabilities.WebSocketURL == "" {
		t.Fatalf("chromedriver: %v %s", err, answer.Value.Message)
	}
	return answer.Value.Capabilities.WebSocketURL
}

// browserDir is a folder that may still be written to when it is removed.
func browserDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// startGroup starts a program, which is killed at the test's end with all that
// it has started, and returns what it says.
func startGroup(t testing.TB, cmd *exec.Cmd) io.Reader {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = write, write
	err = cmd.Start()
	_ = write.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		_ = read.Close()
	})
	return read
}

// awaited returns what a program says where the pattern has its group, and goes
// on reading, so that the program never waits.
func awaited(t testing.TB, said io.Reader, pattern string) string {
	t.Helper()
	found := make(chan string, 1)
	go func() {
		wanted, lines := regexp.MustCompile(pattern), bufio.NewScanner(said)
		var all []string
		for lines.Scan() {
			if m := wanted.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
				break
			}
			all = append(all, lines.Text())
		}
		select {
		case found <- "": // it has ended
			t.Log(strings.Join(all, "\n"))
		default:
			_, _ = io.Copy(io.Discard, said)
		}
	}()
	select {
	case text := <-found:
		if text != "" {
			return text
		}
		t.Fatalf("it has ended, and not said %s", pattern)
	case <-time.After(browserLimit):
		t.Fatalf("it does not say %s", pattern)
	}
	return ""
}

// command carries a command out.
func (b *Browser) command(t testing.TB, method string, params, into any) {
	t.Helper()
	if err := b.try(t, method, params, into); err != nil {
		t.Fatalf("%s: %s: %v", b.Name, method, err)
	}
}

func (b *Browser) try(t testing.TB, method string, params, into any) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), browserLimit)
	defer cancel()
	b.last++
	message, err := json.Marshal(map[string]any{"id": b.last, "method": method, "params": params})
	if err != nil {
		return err
	}
	if err := b.conn.Write(ctx, websocket.MessageText, message); err != nil {
		return err
	}
	for {
		_, data, err := b.conn.Read(ctx)
		if err != nil {
			return err
		}
		var answer struct {
			ID      int
			Type    string
			Error   string
			Message string
			Result  json.RawMessage
		}
		switch err := json.Unmarshal(data, &answer); {
		case err != nil:
			return err
		case answer.ID != b.last: // an event
		case answer.Type == "error":
			return fmt.Errorf("%s: %s", answer.Error, answer.Message)
		case into != nil:
			return json.Unmarshal(answer.Result, into)
		default:
			return nil
		}
	}
}

// Open loads a page, and returns when all of it is there.
func (b *Browser) Open(t testing.TB, address string) {
	t.Helper()
	b.command(t, "browsingContext.navigate", map[string]string{"context": b.context, "url": address, "wait": "complete"}, nil)
}

// Eval returns what a JavaScript expression is worth in the page, decoded from
// JSON; a promise is waited for. It counts as done by the user.
func (b *Browser) Eval(t testing.TB, expression string, into any) {
	t.Helper()
	if err := b.eval(t, expression, into); err != nil {
		t.Fatalf("%s: %s: %v", b.Name, expression, err)
	}
}

func (b *Browser) eval(t testing.TB, expression string, into any) error {
	t.Helper()
	var result struct {
		Type             string
		ExceptionDetails struct{ Text string }
		Result           struct{ Value string }
	}
	err := b.try(t, "script.evaluate", map[string]any{
		"expression":   "(async () => JSON.stringify((await (" + expression + ")) ?? null))()",
		"target":       map[string]string{"context": b.context},
		"awaitPromise": true, "userActivation": true,
	}, &result)
	switch {
	case err != nil:
		return err
	case result.Type == "exception":
		return fmt.Errorf("%s", result.ExceptionDetails.Text)
	case into == nil:
		return nil
	}
	return json.Unmarshal([]byte(result.Result.Value), into)
}

// Await waits until a JavaScript expression is true, and fails the test if it
// is not within 10 s.
func (b *Browser) Await(t testing.TB, expression string) {
	t.Helper()
	var last error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var holds bool
		if last = b.eval(t, "Boolean("+expression+")", &holds); last == nil && holds {
			return
		}
	}
	var text string
	_ = b.eval(t, "document.body.innerText.slice(0, 2000)", &text)
	t.Fatalf("%s: not within 10 s: %s (%v). The page says:\n%s", b.Name, expression, last, text)
}

// element returns the first element that a selector is for.
func (b *Browser) element(t testing.TB, selector string) any {
	t.Helper()
	var found struct{ Nodes []struct{ SharedID string } }
	b.command(t, "browsingContext.locateNodes", map[string]any{
		"context": b.context, "locator": map[string]string{"type": "css", "value": selector}, "maxNodeCount": 1,
	}, &found)
	if len(found.Nodes) == 0 {
		t.Fatalf("%s: nothing is %s", b.Name, selector)
	}
	return map[string]string{"sharedId": found.Nodes[0].SharedID}
}

// Click clicks with the mouse on the element that a CSS selector is for, as
// often as times says.
func (b *Browser) Click(t testing.TB, selector string, times int) {
	t.Helper()
	b.Eval(t, "document.querySelector("+quoted(selector)+").scrollIntoView({block: 'nearest'})", nil)
	actions := []any{map[string]any{"type": "pointerMove", "x": 0, "y": 0, "origin": map[string]any{"type": "element", "element": b.element(t, selector)}}}
	for range times {
		actions = append(actions, map[string]any{"type": "pointerDown", "button": 0}, map[string]any{"type": "pointerUp", "button": 0})
	}
	b.act(t, map[string]any{"type": "pointer", "id": "mouse", "actions": actions})
}

// Keys of Press that are no characters.
const (
	KeyControl = "\ue009"
	KeyEscape  = "\ue00c"
	KeyRight   = "\ue014"
	KeyDelete  = "\ue017"
	KeyEnd     = "\ue010"
)

// Press presses keys, and lets them go in the opposite order: each a character
// or one of the Key constants.
func (b *Browser) Press(t testing.TB, keys ...string) {
	t.Helper()
	var actions []any
	for _, k := range keys {
		actions = append(actions, map[string]any{"type": "keyDown", "value": k})
	}
	for i := range keys {
		actions = append(actions, map[string]any{"type": "keyUp", "value": keys[len(keys)-1-i]})
	}
	b.act(t, map[string]any{"type": "key", "id": "keyboard", "actions": actions})
}

// Type presses the key of each character of a text.
func (b *Browser) Type(t testing.TB, text string) {
	t.Helper()
	for _, c := range text {
		b.Press(t, string(c))
	}
}

func (b *Browser) act(t testing.TB, source any) {
	t.Helper()
	b.command(t, "input.performActions", map[string]any{"context": b.context, "actions": []any{source}}, nil)
}

// Choose chooses files in the file field that a CSS selector is for.
func (b *Browser) Choose(t testing.TB, selector string, files ...string) {
	t.Helper()
	b.command(t, "input.setFiles", map[string]any{"context": b.context, "element": b.element(t, selector), "files": files}, nil)
}

// Save keeps what the window shows as NAME.png in the folder $BILIPASTE_SHOTS,
// if that is set, for a person to look at.
func (b *Browser) Save(t testing.TB, name string) {
	t.Helper()
	dir := os.Getenv("BILIPASTE_SHOTS")
	if dir == "" {
		return
	}
	var shot struct{ Data string }
	b.command(t, "browsingContext.captureScreenshot", map[string]string{"context": b.context}, &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func quoted(text string) string {
	data, _ := json.Marshal(text) // of a string it has no error
	return string(data)
}
