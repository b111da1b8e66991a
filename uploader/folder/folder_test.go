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
	"runtime"
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
			{"u/{hash}", "my%20pics/100%", `^my%20pics/100%25/u/[0-9a-f]{12}\.jpg$`},
			{"v/{hash}", "HTTPS://me.example:8080/a%2Fb/é:1", `^https://me\.example:8080/a%2Fb/%C3%A9%3A1/v/[0-9a-f]{12}\.jpg$`},
			{"w/{hash}", "/", `^/w/[0-9a-f]{12}\.jpg$`},
			{"x/{hash}", "2026:1/img", `^2026%3A1/img/x/[0-9a-f]{12}\.jpg$`},
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
		if err != nil || found != 8 {
			t.Errorf("%d files, %v", found, err)
		}
	})
}

// A folder may have any name: it is no address.
func TestTheFoldersOwnNameIsNoAddress(t *testing.T) {
	root := t.TempDir()
	for name, want := range map[string]string{"a#b": "a%23b", "2026:1": "2026%3A1", "a?b": "a%3Fb", "my%20pics": "my%2520pics", "100%": "100%25", "javascript:x": "javascript%3Ax", "图": "%E5%9B%BE"} {
		if runtime.GOOS == "windows" && strings.ContainsAny(name, ":?") {
			continue // no folder's name there
		}
		link, err := newHost(t, folder.Options{Dir: filepath.Join(root, name), Template: "p"}).Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1))
		if err != nil || link.URL != want+"/p.png" {
			t.Errorf("%s: %q, %v", name, link.URL, err)
		}
		if _, err := os.Stat(filepath.Join(root, name, "p.png")); err != nil {
			t.Error(err)
		}
	}
}

// A link to the same picture elsewhere is not the picture: it may change.
func TestALinkIsNotThePicture(t *testing.T) {
	dir, p := t.TempDir(), hosttest.Picture(t, picture.PNG, 1)
	elsewhere := filepath.Join(t.TempDir(), "elsewhere.png")
	if err := os.WriteFile(elsewhere, p.Data, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = os.Symlink(elsewhere, filepath.Join(dir, "p.png"))
	if _, err := os.Lstat(filepath.Join(dir, "p.png")); err != nil {
		t.Skip("Windows has no links for everyone: ", err)
	}
	link, err := newHost(t, folder.Options{Dir: dir, Template: "p", Prefix: "i"}).Upload(t.Context(), p)
	if err != nil || link.URL != "i/p-2.png" {
		t.Errorf("%q, %v", link.URL, err)
	}
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
		{Dir: "x", Template: "Com7"}, {Dir: "x", Template: "aux .a.{hash}"}, {Dir: "x", Template: "CONIN$/{hash}"},
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
	for _, template := range []string{"console/{date}.{hash}", "图片 {hash}/nul-{time}", "com{hash}", "conn.{hash}.", "coma/com12{hash}", "lpt²3/com/{hash}"} {
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
