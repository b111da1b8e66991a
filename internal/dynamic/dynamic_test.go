package dynamic_test

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/album"
	"bilipaste/internal/dynamic"
	"bilipaste/internal/lang"
	"bilipaste/internal/sandbox"
	"bilipaste/uploader/bilibili"
)

// bench is a stand-in, and what is sent to it.
type bench struct {
	host *sandbox.Server
	dir  string // of documents, the album and the gate

	mu       sync.Mutex
	requests []sent
	answer   func(path string) (status int, body string) // in the stand-in's place; body "" for none
}

// sent is a request that was sent.
type sent struct {
	method, path, query, mediaType, body string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return &bench{host: sandbox.New(), dir: t.TempDir()}
}

// RoundTrip hands a request to the stand-in, with no network between.
func (b *bench) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	path := r.URL.Host + r.URL.Path
	b.mu.Lock()
	b.requests = append(b.requests, sent{r.Method, path, r.URL.RawQuery, r.Header.Get("Content-Type"), string(body)})
	answer := b.answer
	b.mu.Unlock()
	if answer != nil {
		if status, text := answer(path); text != "" {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}, nil
		}
	}
	in := r.Clone(r.Context())
	in.URL.Path = "/" + path
	in.Body = io.NopCloser(bytes.NewReader(body))
	in.ContentLength = int64(len(body))
	out := httptest.NewRecorder()
	if cut := serve(b.host, out, in); cut {
		return nil, io.ErrUnexpectedEOF
	}
	return out.Result(), nil
}

// serve tells whether the connection was cut.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (cut bool) {
	defer func() {
		if what := recover(); what == http.ErrAbortHandler { //nolint:errorlint // it is what was thrown
			cut = true
		} else if what != nil {
			panic(what)
		}
	}()
	h.ServeHTTP(w, r)
	return false
}

// to returns the requests to a path.
func (b *bench) to(path string) (all []sent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.requests {
		if strings.HasSuffix(r.path, path) {
			all = append(all, r)
		}
	}
	return all
}

const (
	publishing = "/create/dyn"
	uploading  = "/upload_bfs"
	voting     = "/x/vote/create"
)

// rest lets the gate forget that something was published.
func (b *bench) rest(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(b.dir, "gate")); err != nil {
		t.Fatal(err)
	}
}

// publisher is what publishes in a process that has just started.
func (b *bench) publisher(t *testing.T) *dynamic.Publisher {
	t.Helper()
	session, err := account.NewSession(sandbox.SESSDATA, sandbox.BiliJct)
	if err != nil {
		t.Fatal(err)
	}
	p := &dynamic.Publisher{Lock: filepath.Join(b.dir, "lock")}
	p.Client = account.NewClient(b, session, account.NewGate(filepath.Join(b.dir, "gate"), 0, slog.New(slog.DiscardHandler)))
	if p.Draw, err = bilibili.NewDraw(p.Client, "daily", "new_dyn"); err != nil {
		t.Fatal(err)
	}
	if p.Choices, err = bilibili.NewDraw(p.Client, "daily", "vote"); err != nil {
		t.Fatal(err)
	}
	if p.Album, err = album.Open(context.Background(), filepath.Join(b.dir, "album"), album.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Album.Close() })
	return p
}

// picture makes a picture's file, in the format that its name ends in.
func (b *bench) picture(t *testing.T, name string, width, height int) {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, width, height))
	for i := range m.Pix {
		m.Pix[i] = byte(i * len(name) * 7)
	}
	var data bytes.Buffer
	err := png.Encode(&data, m)
	if strings.HasSuffix(name, ".jpg") {
		data.Reset()
		err = jpeg.Encode(&data, m, nil)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(b.dir, name), data.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a document that is written as text.
func (b *bench) open(t *testing.T, p *dynamic.Publisher, text string) (*dynamic.Post, error) {
	t.Helper()
	d, _, err := dynamic.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p.Open(t.Context(), d, b.dir)
}

// publish publishes a document that is written as text, as a new process.
func (b *bench) publish(t *testing.T, text string, again bool) (dynamic.Result, error) {
	t.Helper()
	p := b.publisher(t)
	defer func() { _ = p.Album.Close() }()
	post, err := b.open(t, p, text)
	if err != nil {
		return dynamic.Result{}, err
	}
	defer post.Close()
	if err := p.Look(t.Context(), post); err != nil {
		return dynamic.Result{}, err
	}
	return p.Publish(t.Context(), post, again)
}

// message returns the id of an error's message.
func message(err error) string {
	if err == nil {
		return ""
	}
	if t, ok := err.(lang.Teller); ok { //nolint:errorlint // the outermost
		return t.Tell().ID
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return message(joined.Unwrap()[0])
	}
	return err.Error()
}

func TestEverythingAtOnce(t *testing.T) {
	b := newBench(t)
	b.picture(t, "sea.jpg", 640, 480)
	b.picture(t, "boat.png", 30, 20)
	at := time.Now().Add(24 * time.Hour).Truncate(time.Minute)
	got, err := b.publish(t, `---
title: 周末
topic: 摄影
at: `+at.Format("2006-01-02 15:04")+`
comments: curated
---
和 @someone(20020001) 去了海边 [doge][no] #周末#
![](sea.jpg)
![](boat.png)
`+"```vote 下次去哪 (7d, max 1)\n- 山\n- 湖\n```\n好", false)
	if err != nil {
		t.Fatal(err)
	}
	all := b.host.Dynamics()
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	d := all[0]
	if d.Text != "和 @someone 去了海边 [doge][no] #周末#\n下次去哪\n好" || d.Title != "周末" || d.Topic != 4321 || !d.At.Equal(at) ||
		d.Comments != "curated" || len(d.Pictures) != 2 || d.Vote != 4000001 {
		t.Errorf("%+v", d)
	}
	if got.ID == "" || got.URL != "https://t.bilibili.com/"+got.ID || got.Vote != "4000001" {
		t.Errorf("%+v", got)
	}
}

// A number above 2^53 stays as it is, whatever is beside it in the answer.
func TestNumbersAreTexts(t *testing.T) {
	for body, want := range map[string]string{
		`{"dyn_id":1017368201543680003,"dyn_id_str":"1017368201543680003","fake_card":{"ModuleItem":1,"dyn_id_str":"7"}}`: "1017368201543680003",
		`{"dyn_id":1017368201543680003}`:                        "1017368201543680003",
		`{"dyn_id_str":1017368201543680003}`:                    "1017368201543680003",
		`{"dyn_id_str":"","dyn_id":1017368201543680003}`:        "1017368201543680003",
		`{"dynamic_id_str":"1017368201543680003","errmsg":"x"}`: "1017368201543680003",
	} {
		b := newBench(t)
		b.answer = func(path string) (int, string) {
			if strings.HasSuffix(path, publishing) {
				return 200, `{"code":0,"message":"0","ttl":1,"data":` + body + `}`
			}
			return 0, ""
		}
		if got, err := b.publish(t, "a", false); err != nil || got.ID != want {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

// Each code is said in words, with what to do, and without secrets.
func TestCodesInWords(t *testing.T) {
	say := lang.New(lang.English)
	for code, want := range map[string]string{
		"4126021": "the account has no phone number", "-352": "risk control", "-400": "does not understand", "-403": "does not accept the content",
		"4100000": "does not let this account", "4100001": "does not understand", "4101001": "does not understand", "-102": "does not let this account",
		"4101132": "no such dynamic", "4101144": "not your own", "4101152": "shows it to nobody", "5100001": "does not accept the vote",
		"4120015": "with the draft", "500003": "with the draft", "500104": "a mention", "500404": "no such dynamic", "500406": "not your own",
		"2001": "does not understand", "-101": "not logged in", "-111": "does not accept bili_jct", "-412": "refuses for now", "-509": "trouble", "-799": "trouble",
		"4101131": "says no (4101131): SAID",
	} {
		b := newBench(t)
		b.answer = func(path string) (int, string) {
			if strings.HasSuffix(path, publishing) {
				return 200, `{"code":` + code + `,"message":"SAID ` + sandbox.BiliJct + `","data":{}}`
			}
			return 0, ""
		}
		_, err := b.publish(t, "a", false)
		if err == nil {
			t.Errorf("%s: no error", code)
			continue
		}
		what, hint := say.Error(err)
		if !strings.Contains(what, want) || strings.Contains(what+hint, sandbox.BiliJct) {
			t.Errorf("%s: %s / %s", code, what, hint)
		}
		if other := map[string]bool{"4101132": true, "4101144": true, "4101152": true, "500404": true, "500406": true, "4101131": true}; hint == "" && !other[code] {
			t.Errorf("%s: no hint", code)
		}
		if n := len(b.to(publishing)); n != 1 {
			t.Errorf("%s: asked %d times", code, n)
		}
		// It was refused, so another attempt may be made, and need not look.
		b.answer = nil
		b.rest(t)
		if _, err := b.publish(t, "a", false); err != nil || len(b.host.Dynamics()) != 1 || len(b.to("/feed/space")) != 0 {
			t.Errorf("%s, again: %v", code, err)
		}
	}
}
