package posts_test

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/picture"
	"bilipaste/internal/posts"
	"bilipaste/uploader"
)

// keep puts a picture into the album that was at an address.
func (r *rig) keep(name, url string) {
	r.Helper()
	p, err := picture.New(name, []byte(drawn(name)))
	if err != nil {
		r.Fatal(err)
	}
	sum := picture.SumOf(p.Data)
	u := uploader.Upload{
		To: uploader.Destination{Host: "bilibili", Bucket: "live"}, At: uploader.Destination{Host: "bilibili", Bucket: "live"}, Picture: p, Given: sum, Sent: sum, How: "x",
		Link: uploader.Link{URL: url, Made: time.Now(), Bytes: int64(len(p.Data))},
	}
	if err := r.album.Record(r.Context(), u); err != nil {
		r.Fatal(err)
	}
}

// What is dead is mended from the album, whatever bucket and processing the post
// has; what has no original is named.
func TestMend(t *testing.T) {
	const bfs = "https://i0.hdslb.com/bfs/"
	name := strings.Repeat("ab", 20) + ".png"
	r := newRig(t, map[string]string{
		"a.md": "![](" + bfs + "live/" + name + "@300w.webp#c) <img src=\"//i0.hdslb.com/bfs/album/" + name + "\">\n![](https://i0.hdslb.com/bfs/live/alive.png)\n![](https://gone.example/x.png)",
		"b.md": "no picture",
	})
	r.keep("one", bfs+"live/"+name)
	site, err := posts.NewSite([]string{r.dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := posts.Mending{Site: site, Album: r.album, Sender: &posts.Sender{Queue: r.queue, To: uploader.Destination{Host: "stand-in"}}}
	files, _ := posts.Posts([]string{r.dir})
	before := r.read("a.md")
	dead := []string{bfs + "live/" + name, bfs + "album/" + name, "https://gone.example/x.png"}
	result, err := m.Mend(t.Context(), dead, files, func() {})
	if err != nil || result.Posts != 1 || result.Mentions != 2 {
		t.Fatalf("%+v, %v", result, err)
	}
	want := "![](" + link("one") + "#c) <img src=\"" + link("one") + "\">\n![](https://i0.hdslb.com/bfs/live/alive.png)\n![](https://gone.example/x.png)"
	if got := r.read("a.md"); got != want {
		t.Errorf("mended:\n%s\nwant\n%s", got, want)
	}
	if got := problems(result.Failures); len(got) != 1 || !strings.HasPrefix(got[0], "a.md:3 https://gone.example/x.png: the album has no original") {
		t.Errorf("failed: %q", got)
	}
	if entries, err := r.album.History(t.Context(), album.Query{Life: album.Dead}); err != nil || len(entries) != 1 {
		t.Errorf("dead in the album: %v, %v", entries, err)
	}
	if r.host.got[link("one")] != 1 {
		t.Errorf("sent: %v", r.host.got)
	}
	if _, err := posts.Undo(t.Context(), r.album, 0); err != nil || r.read("a.md") != before {
		t.Errorf("taken back: %v\n%s", err, r.read("a.md"))
	}
}

// What the album has of a picture on another host is sent without asking that.
func TestTheAlbumsOriginalIsTaken(t *testing.T) {
	r := newRig(t, map[string]string{"a.md": "![](https://old.example/a.png)"})
	r.keep("old", "https://old.example/a.png")
	m := r.migration() // its Fetch fails
	m.From = func(*url.URL) bool { return true }
	if result := r.migrate(m); len(result.Failures) > 0 || r.read("a.md") != "![]("+link("old")+")" {
		t.Errorf("%v\n%s", problems(result.Failures), r.read("a.md"))
	}
}

// Two migrations of one blog at once: each mention is changed, and each picture is
// sent, once.
func TestTwoMigrationsAtOnce(t *testing.T) {
	files := map[string]string{}
	for i := range 30 {
		files[fmt.Sprintf("p%02d.md", i)] = fmt.Sprintf("![](%d.png) ![](%d.png)", i, (i+1)%30)
		files[fmt.Sprintf("%d.png", i)] = fmt.Sprint(i)
	}
	r := newRig(t, files)
	var both sync.WaitGroup
	for range 2 {
		m := r.migration()
		plan := r.plan(m)
		both.Go(func() {
			if _, err := m.Run(context.WithoutCancel(t.Context()), plan, func(*posts.Picture) {}); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	for i := range 30 {
		want := fmt.Sprintf("![](%s) ![](%s)", link(fmt.Sprint(i)), link(fmt.Sprint((i+1)%30)))
		if got := r.read(fmt.Sprintf("p%02d.md", i)); got != want {
			t.Errorf("%d: %s", i, got)
		}
	}
	for url, n := range r.host.got {
		if n != 1 {
			t.Errorf("%s was sent %d times", url, n)
		}
	}
}

func TestUncommitted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("on Windows git is another program's part")
	}
	r := newRig(t, map[string]string{"committed.md": "a", "edited.md": "a", "中 文.md": "a"})
	for _, command := range []string{"init -q", "add -A", "-c user.name=x -c user.email=x@example.com commit -qm x"} {
		git := exec.CommandContext(t.Context(), "git", append([]string{"-C", r.dir}, strings.Fields(command)...)...)
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	r.write("edited.md", "b")
	r.write("中 文.md", "b")
	r.write("new.md", "b")
	files, _ := posts.Posts([]string{r.dir})
	got := map[string]bool{}
	for _, file := range posts.Uncommitted(t.Context(), files) {
		got[filepath.Base(file)] = true
	}
	if len(got) != 3 || got["committed.md"] {
		t.Errorf("uncommitted: %v", got)
	}
}
