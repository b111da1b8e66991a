package posts_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"bilipaste/internal/album"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/posts"
	"bilipaste/internal/queue"
	"bilipaste/uploader"
)

// host is a host that counts how often it gets each picture.
type host struct {
	mu     sync.Mutex
	got    map[string]int // by the link
	refuse error
}

func (h *host) Name() string { return "stand-in" }

func (h *host) Limits() uploader.Limits {
	return uploader.Limits{Formats: []picture.Format{picture.PNG}, Bytes: 1 << 20}
}

func (h *host) Destination() (uploader.Destination, bool) {
	return uploader.Destination{Host: h.Name()}, true
}

func (h *host) Upload(_ context.Context, p picture.Picture) (uploader.Link, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse != nil {
		return uploader.Link{}, h.refuse
	}
	link := "https://i.example/" + picture.SumOf(p.Data).String() + ".png"
	h.got[link]++
	return uploader.Link{URL: link, Host: h.Name()}, nil
}

// rig is a blog, an album and a host.
type rig struct {
	*testing.T
	dir   string
	album *album.Album
	host  *host
	queue *queue.Queue
}

func newRig(t *testing.T, files map[string]string) *rig {
	t.Helper()
	r := &rig{T: t, dir: t.TempDir(), host: &host{got: map[string]int{}}}
	for name, text := range files {
		r.write(name, text)
	}
	var err error
	if r.album, err = album.Open(t.Context(), filepath.Join(t.TempDir(), "album"), album.Options{}); err != nil {
		t.Fatal(err)
	}
	way := &uploader.Uploader{Host: r.host, Ledger: r.album}
	r.queue = &queue.Queue{
		Album: r.album, Way: func(uploader.Destination) (*uploader.Uploader, error) { return way, nil }, OnlyOwn: true,
		Language: func() *lang.Printer { return lang.New(lang.English) }, Log: slog.New(slog.DiscardHandler),
	}
	ctx, stop := context.WithCancel(t.Context())
	var sender sync.WaitGroup
	sender.Go(func() { _ = r.queue.Run(ctx, nil) })
	t.Cleanup(func() {
		stop()
		sender.Wait()
		_ = r.album.Close()
	})
	return r
}

func (r *rig) write(name, text string) {
	r.Helper()
	if strings.HasSuffix(name, ".png") {
		text = drawn(text)
	}
	file := filepath.Join(r.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		r.Fatal(err)
	}
}

// drawn is a picture that only its name tells from others.
func drawn(name string) string {
	m := image.NewGray(image.Rect(0, 0, 64, 1))
	for i, c := range []byte(name) {
		m.Set(i, 0, color.Gray{Y: c})
	}
	var b bytes.Buffer
	_ = png.Encode(&b, m)
	return b.String()
}

// link is where the picture of a name is, or would be.
func link(name string) string {
	return "https://i.example/" + picture.SumOf([]byte(drawn(name))).String() + ".png"
}

func (r *rig) read(name string) string {
	r.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(name)))
	if err != nil {
		r.Fatal(err)
	}
	return string(data)
}

// migration is that of the whole blog.
func (r *rig) migration() *posts.Migration {
	r.Helper()
	site, err := posts.NewSite([]string{r.dir}, nil)
	if err != nil {
		r.Fatal(err)
	}
	return &posts.Migration{
		Site: site, Album: r.album, Sender: &posts.Sender{Queue: r.queue, To: uploader.Destination{Host: "stand-in"}}, Local: true,
		Fetch: func(context.Context, string) (picture.Picture, error) {
			return picture.Picture{}, errors.New("the web was asked")
		},
	}
}

func (r *rig) plan(m *posts.Migration) *posts.Plan {
	r.Helper()
	files, err := posts.Posts([]string{r.dir})
	if err != nil {
		r.Fatal(err)
	}
	plan, err := m.Plan(r.Context(), files)
	if err != nil {
		r.Fatal(err)
	}
	return plan
}

func (r *rig) migrate(m *posts.Migration) posts.Result {
	r.Helper()
	result, err := m.Run(r.Context(), r.plan(m), func(*posts.Picture) {})
	if err != nil {
		r.Fatal(err)
	}
	return result
}

// problems are what failed, in English.
func problems(failures []posts.Failure) (all []string) {
	for _, f := range failures {
		what, _ := lang.New(lang.English).Error(f.Err)
		all = append(all, fmt.Sprintf("%s:%d %s: %s", filepath.Base(f.File), f.Line, f.Address, what))
	}
	return all
}

// all reads every file of a folder.
func all(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			data, readErr := os.ReadFile(file)
			files[file], err = string(data), readErr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// The shapes of blogs that were counted, rebuilt: pictures stand where each
// generator looks for them.
func TestBlogs(t *testing.T) {
	for name, blog := range map[string]struct {
		files map[string]string
		post  string
		want  string
	}{
		"Zola": {
			map[string]string{"config.toml": "base_url = 'https://a.example'", "static/img/猫 1.png": "a", "content/p/b.png": "b",
				"content/p/index.md": "+++\n[extra]\nimage = \"/img/猫 1.png\"\n+++\n![](/img/%E7%8C%AB%201.png)\n![](b.png)"},
			"content/p/index.md", "+++\n[extra]\nimage = \"<a>\"\n+++\n![](<a>)\n![](<b>)",
		},
		"Astro": {
			map[string]string{"astro.config.mjs": "export default { base: '/blog' }", "src/content/posts/a.md": "---\nimage: ../assets/a.png\n---\n![](../assets/a.png) ![](/b.png) ![](@/assets/c.png) ![](/blog/b.png)",
				"src/content/assets/a.png": "a", "public/b.png": "b", "src/assets/c.png": "c"},
			"src/content/posts/a.md", "---\nimage: <a>\n---\n![](<a>) ![](<b>) ![](<c>) ![](<b>)",
		},
		"Hexo": {
			map[string]string{"_config.yml": "root: /blog/", "source/_posts/p.md": "---\ncover: /img/a.png\nphotos:\n- b.png\n---\n{% asset_img b.png 10 \"t\" %} ![](b.png) ![](p/b.png)",
				"source/img/a.png": "a", "source/_posts/p/b.png": "b"},
			"source/_posts/p.md", "---\ncover: <a>\nphotos:\n- <b>\n---\n{% img <b> 10 \"t\" %} ![](<b>) ![](<b>)",
		},
		"Hugo": {
			map[string]string{"hugo.toml": "", "content/p/index.md": "{{< figure src=\"a.png\" title=\"t\" >}}\n\n![](/img/b.png)",
				"content/p/a.png": "a", "static/img/b.png": "b"},
			"content/p/index.md", "{{< figure src=\"<a>\" title=\"t\" >}}\n\n![](<b>)",
		},
		"Jekyll": {
			map[string]string{"_config.yml": "baseurl: /b", "_posts/a.md": "![]({{ site.baseurl }}/assets/a.png) ![]({{ '/assets/a.png' | relative_url }})", "assets/a.png": "a"},
			"_posts/a.md", "![](<a>) ![](<a>)",
		},
		"Obsidian": {
			map[string]string{".obsidian/app.json": "{}", "n/a.md": "![[a b.png|300]] ![[x/same.png]] ![t|20](deep/c.png)", "files/deep/a b.png": "a", "x/same.png": "x", "y/same.png": "y", "z/deep/c.png": "c"},
			"n/a.md", "![|300](<a>) ![](<x>) ![t|20](<c>)",
		},
		"Typora": {
			map[string]string{"p/a.md": "---\ntypora-root-url: ../img\n---\n![](/a.png) <img src=\"..\\img\\a.png\" style=\"zoom:50%;\" />", "img/a.png": "a"},
			"p/a.md", "---\ntypora-root-url: ../img\n---\n![](<a>) <img src=\"<a>\" style=\"zoom:50%;\" />",
		},
		"docsify": {
			map[string]string{".nojekyll": "", "notes/a.md": "<div align=\"center\"> <img src=\"index_files/a.png\" width=\"300px\"> </div><br>", "notes/index_files/a.png": "a"},
			"notes/a.md", "<div align=\"center\"> <img src=\"<a>\" width=\"300px\"> </div><br>",
		},
	} {
		r := newRig(t, blog.files)
		before := all(t, r.dir)
		result := r.migrate(r.migration())
		if len(result.Failures) > 0 {
			t.Errorf("%s: %v", name, problems(result.Failures))
		}
		want := strings.NewReplacer("<a>", link("a"), "<b>", link("b"), "<c>", link("c"), "<x>", link("x")).Replace(blog.want)
		if got := r.read(blog.post); got != want {
			t.Errorf("%s: the post is now\n%s\nwant\n%s", name, got, want)
		}
		for link, n := range r.host.got {
			if n != 1 {
				t.Errorf("%s: %s was sent %d times", name, link, n)
			}
		}
		if again := r.migrate(r.migration()); again.Posts != 0 || again.Run != 0 {
			t.Errorf("%s: the second time: %+v", name, again)
		}
		if u, err := posts.Undo(t.Context(), r.album, result.Run); err != nil || len(u.Left) > 0 || fmt.Sprint(all(t, r.dir)) != fmt.Sprint(before) {
			t.Errorf("%s: taken back: %+v, %v", name, u, err)
		}
	}
}

// What cannot be moved stays, is named with its line, and keeps nothing else
// from being moved.
func TestWhatStays(t *testing.T) {
	r := newRig(t, map[string]string{
		".obsidian/x": "", "a.md": "![](ok.png)\n![](none.png)\n![](text.png.jpg)\n![](../outside.png)\n![[same.png]]\n![]({{ page.x | y }}/z.png)\n![](data:image/png;base64,AAAA)\n![](https://b.example/c.png)\n![](v.svg)",
		"ok.png": "ok", "x/same.png": "1", "y/same.png": "2", "text.png.jpg": "no picture", "v.svg": "<svg/>",
		"caf.md": "caf\xe9 ![](ok.png)", "fm.md": "---\na: [\n---\n![](ok.png)", "ro.md": "![](ok.png)",
	})
	if err := os.WriteFile(filepath.Join(filepath.Dir(r.dir), "outside.png"), []byte(drawn("o")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(r.dir, "ro.md"), 0o444); err != nil {
		t.Fatal(err)
	}
	result := r.migrate(r.migration())
	want := []string{
		"a.md:2 none.png: there is no file none.png", "a.md:3 text.png.jpg: text.png.jpg is in no picture format", "a.md:4 ../outside.png: ", "a.md:5 same.png: ",
		"a.md:6 {{ page.x | y }}/z.png: ", "a.md:9 v.svg: v.svg: stand-in does not take SVG", "caf.md:0 : ", "fm.md:0 : the front matter", "ro.md:0 : ",
	}
	got := problems(result.Failures)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("failed:\n%s", strings.Join(got, "\n"))
			break
		}
	}
	if text := r.read("a.md"); !strings.HasPrefix(text, "![]("+link("ok")+")\n![](none.png)\n") || strings.Count(text, "i.example") != 1 {
		t.Errorf("a.md is now %s", text)
	}
	if r.read("fm.md") != "---\na: [\n---\n![]("+link("ok")+")" || r.read("ro.md") != "![](ok.png)" {
		t.Errorf("fm.md, ro.md: %s, %s", r.read("fm.md"), r.read("ro.md"))
	}
}

// One picture in forty posts, by three spellings, is sent once; after a refusal
// nothing more is sent, and the next run goes on.
func TestOneUploadForAllPosts(t *testing.T) {
	files := map[string]string{"static/图 a.png": "a", "static/copy.png": "a"}
	for i := range 40 {
		files[fmt.Sprintf("content/%02d.md", i)] = "![](/图%20a.png) ![](</图 a.png>) ![](../static/copy.png)"
	}
	files["hugo.toml"] = ""
	r := newRig(t, files)
	r.host.refuse = &fault.Error{Kind: fault.Refused}
	m := r.migration()
	if _, err := m.Run(t.Context(), r.plan(m), func(*posts.Picture) {}); fault.KindOf(err) != fault.Refused {
		t.Errorf("refused: %v", err)
	}
	r.host.mu.Lock()
	r.host.refuse = nil
	r.host.mu.Unlock()
	m = r.migration()
	if n, _ := r.plan(m).Count(posts.New); n != 1 {
		t.Errorf("%d new pictures in the plan", n)
	}
	result := r.migrate(m)
	if result.Posts != 40 || result.Mentions != 120 || len(r.host.got) != 1 || r.host.got[link("a")] != 1 {
		t.Errorf("%+v, sent: %v", result, r.host.got)
	}
}

func TestRemoteAndDataURIs(t *testing.T) {
	data := "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	r := newRig(t, map[string]string{"a.md": "![](https://old.example/a.png#center) ![](//img.old.example/b.png) ![](https://other.example/c.png) <img src=\"" + data + "\">"})
	m := r.migration()
	m.Local, m.DataURIs = false, true
	m.From = func(u *url.URL) bool { return posts.HostMatches("old.example", u) }
	var asked []string
	m.Fetch = func(_ context.Context, address string) (picture.Picture, error) {
		asked = append(asked, address)
		return picture.New(address, []byte(drawn(address)))
	}
	result := r.migrate(m)
	a, b := "https://old.example/a.png", "https://img.old.example/b.png"
	if got := fmt.Sprint(asked); got != fmt.Sprint([]string{a, b}) || result.Mentions != 3 {
		t.Errorf("asked %s, %+v", got, result)
	}
	text := r.read("a.md")
	if !strings.HasPrefix(text, "![]("+link(a)+"#center) ![]("+link(b)+") ![](https://other.example/c.png) <img src=\"https://i.example/") {
		t.Errorf("the post is now %s", text)
	}
}

// The author's own changes survive taking a run back: elsewhere they stay, and
// at the mention itself they are named.
func TestUndoAfterEdits(t *testing.T) {
	r := newRig(t, map[string]string{"p.md": "top\n\n![x](a.png) ![[b.png|300]]\n\n![x](./a.png) <img src=c.png>\n", "a.png": "a", "b.png": "b", "c.png": "c"})
	r.migrate(r.migration())
	text := r.read("p.md")
	text = strings.Replace(text, "top", "a new top, and "+link("a"), 1)
	text = strings.Replace(text, link("c"), "https://mine.example/c.png", 1)
	r.write("p.md", text+"end")
	u, err := posts.Undo(t.Context(), r.album, 0)
	if want := "a new top, and " + link("a") + "\n\n![x](a.png) ![[b.png|300]]\n\n![x](./a.png) <img src=https://mine.example/c.png>\nend"; err != nil || r.read("p.md") != want {
		t.Errorf("%v, taken back:\n%s\nwant\n%s", err, r.read("p.md"), want)
	}
	if len(u.Left) != 1 || !strings.Contains(u.Left[0].Address, link("c")) || u.Mentions != 3 {
		t.Errorf("%+v", u)
	}
	if _, err := posts.Undo(t.Context(), r.album, 0); err == nil {
		t.Error("it can be taken back twice")
	}
}

// A link stays a link: what it leads to changes. What is changed while the
// migration runs is not overwritten.
func TestLinksAndChangesMeanwhile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a right of their own on Windows")
	}
	r := newRig(t, map[string]string{"real/p.md.txt": "![](a.png)", "real/a.png": "a", "a.png": "a", "b.md": "![](a.png)"})
	if err := os.Symlink(filepath.Join("real", "p.md.txt"), filepath.Join(r.dir, "p.md")); err != nil {
		t.Fatal(err)
	}
	m := r.migration()
	plan := r.plan(m)
	r.write("b.md", "new text ![](a.png)")
	if _, err := m.Run(t.Context(), plan, func(*posts.Picture) {}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(filepath.Join(r.dir, "p.md")); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("p.md is %v, %v", info, err)
	}
	if got := r.read("real/p.md.txt") + r.read("b.md"); got != "![]("+link("a")+")new text ![]("+link("a")+")" {
		t.Error(got)
	}
}
