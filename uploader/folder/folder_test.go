package folder_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
	"bilipaste/uploader/folder"
	"bilipaste/uploader/hosttest"
)

func newHost(t testing.TB, o folder.Options) *folder.Host {
	t.Helper()
	h, err := folder.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHost(t *testing.T) {
	var dir string
	const why = "nothing is asked by HTTP"
	without := map[string]string{"no secret told": "there is none", "link valid in Markdown": "tested below, since no answer can change it"}
	for _, name := range []string{"gateway prefix kept", "cancelled during", "400, 401, 403, 404, 451", "413", "429", "5xx", "somebody else's answer",
		"error code with 200", "odd answers", "endless answer", "connection cut", "no credential after a redirect", "a foreign host in the answer"} {
		without[name] = why
	}
	hosttest.Run(t, hosttest.Harness{
		New: func(t *testing.T, _ http.RoundTripper, _ *slog.Logger) uploader.Host {
			dir = t.TempDir()
			return newHost(t, folder.Options{Dir: dir, Prefix: "https://me.example/img"})
		},
		StandIn: func(*testing.T) http.Handler { return http.NotFoundHandler() },
		Fetch: func(t *testing.T, link uploader.Link) ([]byte, string) {
			name, ok := strings.CutPrefix(link.URL, "https://me.example/img/")
			data, err := os.ReadFile(filepath.Join(dir, name))
			if !ok || err != nil {
				t.Errorf("%s: %v", link.URL, err)
			}
			return data, picture.Sniff(data).Type()
		},
		Without: without,
	})
}

func TestNamesAndLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is 2000-01-01 here
		time.Sleep(31*24*time.Hour + 3*time.Hour + 4*time.Minute + 5*time.Second)
		day := time.Now().Local()
		date := strings.NewReplacer("DATE", day.Format("2006-01-02"), "YEAR", day.Format("2006"), "MONTH", day.Format("01"), "TIME", day.Format("150405"))
		root := t.TempDir()
		p := hosttest.Picture(t, picture.JPEG, 1)
		p.Name = "../../my house.jpg"
		for _, test := range []struct{ template, prefix, want string }{
			{"", "", `^my%20pictures%20%281%29/DATE-[0-9a-f]{12}\.jpg$`},
			{"{year}/{month}/{hash}", "/static/img/", `^/static/img/YEAR/MONTH/[0-9a-f]{12}\.jpg$`},
			{"图 {time}", "https://me.example", `^https://me\.example/%E5%9B%BE%20TIME\.jpg$`},
			{"a(b)[c]'{hash}", "../img", `^\.\./img/a%28b%29%5Bc%5D%27[0-9a-f]{12}\.jpg$`},
		} {
			h := newHost(t, folder.Options{Dir: filepath.Join(root, "my pictures (1)"), Template: test.template, Prefix: test.prefix})
			link, err := h.Upload(t.Context(), p)
			if want := date.Replace(test.want); err != nil || !regexp.MustCompile(want).MatchString(link.URL) {
				t.Errorf("%s: %q, %v", test.template, link.URL, err)
			}
		}
		found := 0
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				found++
				data, err := os.ReadFile(path)
				if err != nil || !bytes.Equal(data, p.Data) {
					t.Errorf("%s holds something else: %v", path, err)
				}
			}
			return err
		})
		if err != nil || found != 4 {
			t.Errorf("%d files, %v", found, err)
		}
	})
}

func TestNothingElseIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	h := newHost(t, folder.Options{Dir: dir, Template: "picture", Prefix: "i"})
	taken := filepath.Join(dir, "picture.png")
	if err := os.WriteFile(taken, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "picture-2.png")
	_ = os.Symlink(taken, other)
	if _, err := os.Lstat(other); err != nil { // no links here
		if err := os.Mkdir(other, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for seed, want := range map[int]string{1: "i/picture-3.png"} {
		p := hosttest.Picture(t, picture.PNG, seed)
		for range 2 { // the second time it is there
			if link, err := h.Upload(t.Context(), p); err != nil || link.URL != want {
				t.Errorf("%s, %v", link.URL, err)
			}
		}
	}
	if data, _ := os.ReadFile(taken); string(data) != "mine" {
		t.Error("a file was overwritten")
	}
	var writers sync.WaitGroup
	links := make([]string, 8)
	for i := range links {
		writers.Go(func() {
			link, err := newHost(t, folder.Options{Dir: dir, Template: "race", Prefix: "i"}).Upload(t.Context(), hosttest.Picture(t, picture.PNG, i/2))
			if err != nil {
				t.Error(err)
			}
			links[i] = link.URL
		})
	}
	writers.Wait()
	for i, link := range links {
		data, err := os.ReadFile(filepath.Join(dir, strings.TrimPrefix(link, "i/")))
		if err != nil || !bytes.Equal(data, hosttest.Picture(t, picture.PNG, i/2).Data) {
			t.Errorf("%s: %v", link, err)
		}
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".bilipaste-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := newHost(t, folder.Options{Dir: filepath.Join(file, "x")}).Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1))
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Kind != fault.Local || !strings.Contains(err.Error(), "folder") {
		t.Error(err)
	}
	for _, o := range []folder.Options{
		{}, {Dir: "x", Template: "../{hash}"}, {Dir: "x", Template: "/{hash}"}, {Dir: "x", Template: "{nosuch}"}, {Dir: "x", Template: "a\nb"},
		{Dir: "x", Template: "NUL"}, {Dir: "x", Template: "con/{hash}"}, {Dir: "x", Template: "lpt¹ .{hash}"},
		{Dir: "x", Template: "a./{hash}"}, {Dir: "x", Template: "a /{hash}"}, {Dir: "x", Template: "a:{hash}"},
		{Dir: "x", Template: "a//b"}, {Dir: "x", Prefix: "ftp://x/"}, {Dir: "x", Prefix: "javascript:x"}, {Dir: "x", Prefix: "https://x/?q"},
	} {
		if _, err := folder.New(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

// Windows ends a path at 260 characters, unless it is asked otherwise.
func TestALongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("0123456789/", 30))
	for _, template := range []string{"console/{date}.{hash}", "图片 {hash}/nul-{time}", "com{hash}", "conn.{hash}."} {
		link, err := newHost(t, folder.Options{Dir: dir, Template: template, Prefix: "i"}).Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1))
		if err != nil {
			t.Fatal(err)
		}
		name, err := url.PathUnescape(strings.TrimPrefix(link.URL, "i/"))
		if err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(data, hosttest.Picture(t, picture.PNG, 1).Data) {
			t.Errorf("%s: %v", template, err)
		}
	}
}
