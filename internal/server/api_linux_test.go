package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	_ "image/jpeg"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/desktoptest"
	"bilipaste/internal/sandbox"
)

// shown is a picture as the page is told of it.
type shown struct {
	ID, Key                        int64
	Sum, Name, URL, Host, Bucket   string
	Width, Height                  int
	Thumbnail, Original            string
	Dead                           *time.Time
	Links                          []shown
	Texts                          map[string]string
	Text, Why, Message, Hint, Kind string
	Known                          bool
}

// stage is a line of an upload.
type stage struct {
	ID      int64
	Stage   string
	Sent    int64
	Bytes   int64
	Picture shown
	Waits   bool
	Error   struct{ Kind, Message string }
}

// stages are the lines of an answer.
func stages(t *testing.T, r reply) (all []stage) {
	t.Helper()
	if r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for line := range strings.Lines(r.body) {
		var s stage
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, s)
	}
	return all
}

// upload uploads a picture through the page, and returns its last stage.
func (b *browser) upload(t *testing.T, name string, data []byte) stage {
	t.Helper()
	all := stages(t, b.ask(t, "POST", "/api/upload?name="+name, string(data), nil))
	if all[0].Stage != "received" && len(all) > 1 {
		t.Errorf("it begins with %s", all[0].Stage)
	}
	return all[len(all)-1]
}

// history waits until the history has n pictures, and returns them.
func (b *browser) history(t *testing.T, n int, filter string) (all []shown) {
	t.Helper()
	desktoptest.Eventually(t, fmt.Sprintf("%d pictures", n), func() bool {
		var got struct{ Pictures []shown }
		b.must(t, "GET", "/api/pictures?"+filter, "", &got)
		all = got.Pictures
		return len(all) == n
	})
	return all
}

func TestAPictureGoesUpAndIsShown(t *testing.T) {
	p := start(t, "")
	b := p.browser(t)
	_, data := p.picture(t, "a.png")
	done := b.upload(t, "cat.png", data)
	if done.Stage != "done" || done.Picture.Known || !strings.HasPrefix(done.Picture.URL, "http") || done.Picture.Text != "![]("+done.Picture.URL+")" {
		t.Fatalf("%+v", done)
	}
	b.history(t, 1, "") // it is recorded beside
	if again := b.upload(t, "cat.png", data); !again.Picture.Known {
		t.Errorf("the second time it is sent again: %+v", again)
	}
	one := b.history(t, 1, "")[0]
	if one.Name != "cat.png" || one.Width != 30 || one.Height != 20 || one.URL != done.Picture.URL || one.Host != "bilibili" || one.Bucket != "live" {
		t.Errorf("%+v", one)
	}
	for _, path := range []string{one.Thumbnail, one.Original} {
		r := b.ask(t, "GET", path, "", nil)
		m, _, err := image.Decode(strings.NewReader(r.body))
		if err != nil || m.Bounds().Dx() != 30 || !strings.Contains(r.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v %s", path, r.status, err, r.header.Get("Cache-Control"))
		}
	}
	if r := b.ask(t, "GET", one.Original, "", nil); r.body != string(data) {
		t.Error("the original is not what was given")
	}
	var whole shown
	b.must(t, "GET", fmt.Sprintf("/api/pictures/%d", one.ID), "", &whole)
	if len(whole.Links) != 1 || whole.Texts["mine"] != done.Picture.Text || whole.Texts["url"] != one.URL {
		t.Errorf("%+v", whole)
	}

	b.must(t, "POST", "/api/copy", fmt.Sprintf(`{"ids": [%d], "format": "url"}`, one.ID), nil)
	if text, err := p.x.Paste(t, "UTF8_STRING"); err != nil || string(text) != one.URL {
		t.Errorf("copied: %q, %v", text, err)
	}
	b.must(t, "POST", "/api/put-back", fmt.Sprintf(`{"sum": %q}`, one.Sum), nil)
	if there, err := p.x.Paste(t, "image/png"); err != nil || !bytes.Equal(there, data) {
		t.Errorf("put back: %v", err)
	}

	lines := stages(t, b.ask(t, "POST", "/api/again", fmt.Sprintf(`{"ids": [%d]}`, one.ID), nil))
	if last := lines[len(lines)-1]; last.Stage != "done" || last.Picture.Known || last.ID != one.ID || p.uploads() != 2 {
		t.Errorf("again: %+v, %d uploads", last, p.uploads())
	}
	b.must(t, "POST", "/api/forget", fmt.Sprintf(`{"ids": [%d]}`, b.history(t, 1, "")[0].ID), nil)
	b.history(t, 0, "")
	if r := b.ask(t, "GET", one.Original, "", nil); r.status != http.StatusNotFound {
		t.Errorf("the original of what is forgotten: %d", r.status)
	}
}

// Real bytes are counted while they go to the host.
func TestAnUploadTellsOfItsBytes(t *testing.T) {
	p := start(t, "")
	b := p.browser(t)
	_, data := p.picture(t, "a.png")
	data = append(data[:len(data)-12], chunk(t, "ruSt", make([]byte, 3<<20))...)
	data = append(data, chunk(t, "IEND", nil)...)
	all := stages(t, b.ask(t, "POST", "/api/upload?name=a.png", string(data), nil))
	var last int64
	for _, s := range all[1 : len(all)-1] {
		if s.Stage != "sending" || s.Sent < last || s.Sent > s.Bytes {
			t.Errorf("%+v", s)
		}
		last = s.Sent
	}
	if end := all[len(all)-1]; end.Stage != "done" || len(all) < 3 || all[len(all)-2].Sent != all[len(all)-2].Bytes {
		t.Errorf("%+v", all)
	}
}

func TestPicturesArePagedFilteredAndCounted(t *testing.T) {
	p := start(t, "")
	b := p.browser(t)
	for i := range 5 {
		_, data := p.picture(t, "x.png")
		name := fmt.Sprintf("note-%d.png", i)
		if i == 3 {
			name = "图片.png"
		}
		if done := b.upload(t, name, data); done.Stage != "done" {
			t.Fatalf("%+v", done)
		}
	}
	all := b.history(t, 5, "")
	var names []string
	before := ""
	for {
		var page struct {
			Pictures []shown
			More     bool
		}
		b.must(t, "GET", "/api/pictures?limit=2"+before, "", &page)
		for _, one := range page.Pictures {
			names = append(names, one.Name)
			before = fmt.Sprintf("&before=%d", one.Key)
		}
		if !page.More {
			break
		}
	}
	if got := strings.Join(names, " "); got != "note-4.png 图片.png note-2.png note-1.png note-0.png" {
		t.Errorf("pages: %s", got)
	}
	b.history(t, 2, fmt.Sprintf("after=%d", all[2].Key))
	for filter, n := range map[string]int{
		"q=NOTE": 4, "q=图": 1, "q=png+note-2": 1, "q=nothing": 0, "host=bilibili": 5, "host=scdn": 0, "bucket=live": 5, "bucket=album": 0,
		"state=dead": 0, "state=alive": 5, "since=2020-01-01": 5, "since=2999-01-01": 0, "until=2020-01-01": 0, "until=2999-01-01": 5, "since=2020-01-01&q=note&host=bilibili": 4,
	} {
		b.history(t, n, filter)
		var months struct {
			Months []struct {
				Month string
				Count int
				Key   int64
			}
			Total int
		}
		b.must(t, "GET", "/api/months?"+filter, "", &months)
		if months.Total != n {
			t.Errorf("%s: %d in months, want %d", filter, months.Total, n)
		}
		if n > 0 {
			b.history(t, n, filter+fmt.Sprintf("&before=%d", months.Months[0].Key))
		}
	}
	for _, wrong := range []string{"before=x", "limit=x", "since=yesterday", "state=alive2"} {
		if r := b.ask(t, "GET", "/api/pictures?"+wrong, "", nil); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d", wrong, r.status)
		}
	}
}

// What cannot go up now is pending, and is shown, retried and dropped.
func TestWhatIsPendingIsShown(t *testing.T) {
	p := start(t, "")
	b := p.browser(t)
	_, data := p.picture(t, "a.png")
	p.host.Play(sandbox.CSRF, -1)
	failed := b.upload(t, "a.png", data)
	if failed.Stage != "failed" || failed.Error.Message == "" {
		t.Fatalf("%+v", failed)
	}
	var pending struct {
		Pending []struct {
			ID             int64
			Name, Why      string
			Thumbnail      string
			Failed         bool
			Width, Tries   int
			Bytes          int64
			Sending        bool
			Host, Original string
		}
	}
	b.must(t, "GET", "/api/pending", "", &pending)
	if len(pending.Pending) != 1 || pending.Pending[0].Name != "a.png" || pending.Pending[0].Why == "" {
		t.Fatalf("%+v", pending)
	}
	p.host.Play("", 0)
	b.must(t, "POST", "/api/retry", "{}", nil)
	b.history(t, 1, "")

	p.host.Play(sandbox.CSRF, -1)
	_, data = p.picture(t, "b.png")
	b.upload(t, "b.png", data)
	b.must(t, "GET", "/api/pending", "", &pending)
	if r := b.ask(t, "POST", "/api/drop", `{"ids": [99999]}`, nil); r.status != http.StatusConflict {
		t.Errorf("what is not pending is dropped: %d", r.status)
	}
	b.must(t, "POST", "/api/drop", fmt.Sprintf(`{"ids": [%d]}`, pending.Pending[0].ID), nil)
	b.must(t, "GET", "/api/pending", "", &pending)
	if len(pending.Pending) != 0 {
		t.Errorf("%+v", pending)
	}
}

func TestSettingsAreCheckedAndSecretsNotShown(t *testing.T) {
	p := start(t, `, "server_key": "swordfish", "proxy": "http://u:hunter2@127.0.0.1:9"`)
	b := p.browser(t)
	type setting struct {
		Key, Meaning, Kind, Value, Default string
		Choices                            []string
		Set                                bool
	}
	var all struct {
		File     string
		Settings []setting
	}
	r := b.ask(t, "GET", "/api/settings", "", &all)
	if strings.Contains(r.body, "swordfish") || strings.Contains(r.body, "hunter2") {
		t.Errorf("a secret is shown: %s", r.body)
	}
	by := map[string]setting{}
	for _, s := range all.Settings {
		by[s.Key] = s
		if s.Meaning == "" || strings.HasPrefix(s.Meaning, "config.") {
			t.Errorf("%s has no meaning", s.Key)
		}
	}
	if s := by["server_key"]; s.Kind != "secret" || !s.Set || s.Value != "" {
		t.Errorf("%+v", s)
	}
	if s := by["host"]; s.Kind != "choice" || s.Value != "bilibili" || s.Set || len(s.Choices) < 3 {
		t.Errorf("%+v", s)
	}
	for change, want := range map[string]int{
		`{"key": "bucket", "value": "album"}`: 200, `{"key": "bucket", "value": "nosuch"}`: 400, `{"key": "sound", "value": "loud"}`: 400,
		`{"key": "nosuch", "value": "x"}`: 400, `{"key": "server_port", "value": "80"}`: 400, `{"key": "server_origins", "value": "null"}`: 400,
		`{"key": "server_origins", "value": "file://"}`: 400, `{"key": "server_origins", "value": "https://*.example"}`: 400, `{"other": 1}`: 400, `[]`: 400, ``: 400,
	} {
		if r := b.ask(t, "POST", "/api/settings/check", change, nil); r.status != want || want != 200 && !strings.Contains(r.body, `"message"`) {
			t.Errorf("%s: %d %s", change, r.status, r.body)
		}
	}
	if got := p.State().Settings.Bucket; got != "live" {
		t.Errorf("a check has set the bucket to %s", got)
	}
	b.must(t, "POST", "/api/settings", `{"key": "bucket", "value": "album"}`, nil)
	if got := p.State().Settings.Bucket; got != "album" {
		t.Errorf("the bucket is %s", got)
	}
	if r := b.ask(t, "POST", "/api/settings", `{"key": "bucket", "value": "nosuch"}`, nil); r.status != 400 {
		t.Errorf("%d", r.status)
	}
	b.must(t, "POST", "/api/settings", `{"key": "server_key", "value": "opensesame"}`, nil)
	if got := p.State().Settings.ServerKey.Reveal(); got != "opensesame" {
		t.Error("the secret was not set")
	}
	if strings.Contains(p.logged(), "opensesame") {
		t.Error("the secret is in the log")
	}
	if data, err := os.ReadFile(all.File); err != nil || !bytes.Contains(data, []byte("opensesame")) {
		t.Errorf("the file: %v", err)
	}
}

// events yields the events that a page hears.
func (b *browser) events(t *testing.T) <-chan [2]string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.p.base+"/api/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Jar: b.Jar}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	all := make(chan [2]string, 1000)
	go func() {
		defer close(all)
		lines, event := bufio.NewScanner(resp.Body), ""
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				event = name
			} else if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				all <- [2]string{event, data}
			}
		}
	}()
	return all
}

// wait waits for an event that holds a text.
func wait(t *testing.T, all <-chan [2]string, event, text string) string {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case e, ok := <-all:
			if !ok {
				t.Fatalf("no event %s with %s: the end", event, text)
			}
			if e[0] == event && strings.Contains(e[1], text) {
				return e[1]
			}
		case <-timeout:
			t.Fatalf("no event %s with %s", event, text)
		}
	}
}

func TestWhatHappensIsToldAsItHappens(t *testing.T) {
	p := start(t, "")
	b := p.browser(t)
	all := b.events(t)
	wait(t, all, "state", `"writing":false`)
	b.must(t, "POST", "/api/writing", `{"on": true}`, nil)
	wait(t, all, "state", `"writing":true`)
	_, data := p.picture(t, "a.png")
	p.x.Copy(t, "image/png", data)
	clip := wait(t, all, "clip", `"pasted":true`)
	if !strings.Contains(clip, `"thumbnail":"/thumbnail/`) || !strings.Contains(clip, `"width":30`) {
		t.Errorf("the clip: %s", clip)
	}
	state := wait(t, all, "state", `"newest":1`)
	if !strings.Contains(state, `"first":{"signed_in":true,"writing":true,"picture":true,"done":false}`) {
		t.Errorf("the steps: %s", state)
	}
	b.must(t, "POST", "/api/first", `{}`, nil)
	wait(t, all, "state", `"done":true`)
}

func TestSigningInStepByStep(t *testing.T) {
	p := start(t, "")
	t.Setenv("BILIPASTE_SESSDATA", "") // for the login to count
	b := p.browser(t)
	p.host.Phone(time.Hour, time.Hour) // nobody scans
	all := b.events(t)
	wait(t, all, "state", "")
	b.must(t, "POST", "/api/login", "{}", nil)
	waiting := wait(t, all, "login", `"step":"waiting"`)
	var step struct{ Code string }
	if err := json.Unmarshal([]byte(waiting), &step); err != nil {
		t.Fatal(err)
	}
	code := b.ask(t, "GET", step.Code, "", nil)
	if code.status != 200 || code.header.Get("Content-Type") != "image/svg+xml" || !strings.HasPrefix(code.body, "<svg") || code.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the code: %d %v", code.status, code.header)
	}
	if r := b.ask(t, "POST", "/api/login", "{}", nil); r.status != http.StatusConflict {
		t.Errorf("a second login: %d", r.status)
	}
	b.must(t, "POST", "/api/login/cancel", "{}", nil)
	wait(t, all, "login", `"step":"cancelled"`)
	if r := b.ask(t, "GET", step.Code, "", nil); r.status != http.StatusNotFound {
		t.Errorf("the code of a login that is over: %d", r.status)
	}
	p.host.Phone(0, 0)
	b.must(t, "POST", "/api/login", "{}", nil)
	wait(t, all, "login", `"step":"done"`)
	var now struct{ Step, Account string }
	b.must(t, "GET", "/api/login", "", &now)
	if now.Step != "done" || now.Account != sandbox.Uname {
		t.Errorf("%+v", now)
	}
	if strings.Contains(p.logged(), "qrcode_key") {
		t.Error("the code is in the log")
	}
}
