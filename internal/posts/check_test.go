package posts_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/picture"
	"bilipaste/internal/posts"
	"bilipaste/internal/web"
	"bilipaste/uploader"
)

// internet is other hosts, reached as /HOST/PATH of one server.
type internet struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func newInternet(t *testing.T) *internet {
	n := &internet{}
	png := []byte(drawn("x"))
	show := func(w http.ResponseWriter, r *http.Request, data []byte) {
		http.ServeContent(w, r, "a.png", time.Time{}, strings.NewReader(string(data)))
	}
	n.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		n.asked = append(n.asked, r.Method+" "+r.URL.Path)
		n.mu.Unlock()
		switch host, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); {
		case strings.HasPrefix(path, "gone"):
			w.WriteHeader(http.StatusNotFound)
		case strings.HasPrefix(path, "page"):
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html>not here</html>"))
		case path == "moved.png":
			http.Redirect(w, r, "/"+host+"/removed.png", http.StatusFound)
		case strings.HasPrefix(path, "same"):
			show(w, r, []byte(drawn("same")))
		case path == "refused.png" && r.Header.Get("Referer") != "":
			w.WriteHeader(http.StatusForbidden)
		case path == "closed.png":
			w.WriteHeader(http.StatusForbidden)
		case path == "down.png":
			w.WriteHeader(http.StatusBadGateway)
		case strings.HasPrefix(path, "nohead") && r.Method == http.MethodHead:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case path == "lies.png" && r.Method == http.MethodHead:
			w.WriteHeader(http.StatusForbidden)
		case host == "silent.example":
			panic(http.ErrAbortHandler)
		default:
			show(w, r, append(png, path...))
		}
	}))
	t.Cleanup(n.Close)
	return n
}

// RoundTrip leads every request to the server.
func (n *internet) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Host, "127.") && r.URL.Path == "/private.png" {
		return nil, web.ErrPrivate
	}
	to := r.Clone(r.Context())
	to.URL.Scheme, to.URL.Host, to.Host = "http", strings.TrimPrefix(n.URL, "http://"), ""
	to.URL.Path = "/" + r.URL.Host + r.URL.Path
	resp, err := http.DefaultTransport.RoundTrip(to)
	if err == nil {
		if at := resp.Header.Get("Location"); at != "" {
			resp.Header.Set("Location", "https:/"+at)
		}
		resp.Request = r
	}
	return resp, err
}

func (n *internet) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.asked)
}

func TestCheck(t *testing.T) {
	n := newInternet(t)
	kept, err := album.Open(t.Context(), filepath.Join(t.TempDir(), "album"), album.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = kept.Close() }()
	p, _ := picture.New("x", []byte(drawn("mine")))
	for url, size := range map[string]int64{"https://a.example/known.png": int64(len(drawn("x")) + len("known.png")), "https://a.example/other.png": 3, "https://s.example/same4.png": int64(len(drawn("same")))} {
		u := uploader.Upload{Picture: p, Given: picture.SumOf(p.Data), Sent: picture.SumOf(p.Data), How: "x", Link: uploader.Link{URL: url, Bytes: size, Made: time.Now()}}
		if err := kept.Record(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]posts.Life{
		"https://a.example/alive.png": posts.Alive, "https://a.example/known.png": posts.Alive, "https://a.example/nohead.png": posts.Alive, "https://a.example/lies.png": posts.Alive,
		"https://a.example/gone.png": posts.Gone, "https://a.example/page.png": posts.Placeholder, "https://a.example/moved.png": posts.Placeholder,
		"https://a.example/other.png": posts.Placeholder, "https://s.example/same1.png": posts.Placeholder, "https://s.example/same2.png": posts.Placeholder,
		"https://s.example/same3.png": posts.Placeholder, "https://s.example/same4.png": posts.Alive, "https://t.example/same1.png": posts.Alive, "https://t.example/same2.png": posts.Alive,
		"https://a.example/refused.png": posts.Refused, "https://a.example/closed.png": posts.Refused, "https://a.example/down.png": posts.Unreachable,
		"https://silent.example/a.png": posts.Unreachable, "https://127.0.0.1/private.png": posts.Private,
	}
	var urls []string
	for url := range want {
		urls = append(urls, url)
	}
	c := posts.Checker{Web: &posts.Web{Transport: n}, Album: kept, Referer: "https://blog.example/"}
	got, err := c.Check(t.Context(), urls, func() {})
	if err != nil {
		t.Fatal(err)
	}
	for url, life := range want {
		if got[url].Life != life {
			t.Errorf("%s is %+v, want %s", url, got[url], life)
		}
	}
	// Within a day nothing is asked again but what gave no answer.
	before := n.count()
	c.Referer = ""
	if again, err := c.Check(t.Context(), []string{"https://a.example/gone.png#center", "https://a.example/page.png", "https://a.example/alive.png"}, func() {}); err != nil ||
		n.count() != before || again["https://a.example/gone.png"].Life != posts.Gone || again["https://a.example/gone.png"].Since.IsZero() {
		t.Errorf("%v, %v, %d requests", again, err, n.count()-before)
	}
}

// A host is asked for one thing at a time, and not faster than its pace; a host
// that gives no answer is not asked for everything.
func TestCheckIsPolite(t *testing.T) {
	n := newInternet(t)
	c := posts.Checker{Web: &posts.Web{Transport: n, Pace: 50 * time.Millisecond}}
	started := time.Now()
	if _, err := c.Check(t.Context(), []string{"https://a.example/1.png", "https://a.example/2.png", "https://a.example/3.png"}, func() {}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(started); took < 100*time.Millisecond {
		t.Errorf("three requests took %v", took)
	}
	before := n.count()
	var urls []string
	for i := range 20 {
		urls = append(urls, fmt.Sprintf("https://silent.example/%d.png", i))
	}
	got, err := c.Check(t.Context(), urls, func() {})
	if err != nil || len(got) != 20 || n.count()-before > 12 {
		t.Errorf("%d answers, %d requests, %v", len(got), n.count()-before, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Check(ctx, urls, func() {}); err == nil {
		t.Error("it goes on")
	}
}

func TestFetchBounds(t *testing.T) {
	n := newInternet(t)
	w := &posts.Web{Transport: n}
	if p, err := w.Fetch(t.Context(), "https://a.example/x/alive.png"); err != nil || p.Format != picture.PNG || p.Name != "alive.png" {
		t.Errorf("%v, %v", p.Name, err)
	}
	for url, want := range map[string]string{
		"https://a.example/gone.png": "gone.png: a.example answers 404", "https://a.example/page.png": "page.png is in no picture format",
		"https://127.0.0.1/private.png": "private.png is at 127.0.0.1, which is not on the internet", "https://silent.example/a.png": "a.png: silent.example gives no",
	} {
		_, err := w.Fetch(t.Context(), url)
		if got := strings.Join(problems([]posts.Failure{{Err: err}}), ""); err == nil || !strings.Contains(got, want) {
			t.Errorf("%s: %s", url, got)
		}
	}
}
