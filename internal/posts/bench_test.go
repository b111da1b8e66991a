package posts_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bilipaste/internal/album"
	"bilipaste/internal/lang"
	"bilipaste/internal/posts"
	"bilipaste/internal/queue"
	"bilipaste/uploader"
)

// text is a post with five pictures.
func text(i int) string {
	return fmt.Sprintf("---\ntitle: %d\ncover: /img/%d.png\n---\n\n", i, 5*i) +
		strings.Repeat("A paragraph with *emphasis*, `code`, a [link](https://a.example/) and more words than anybody wants to read.\n\n", 50) +
		fmt.Sprintf("![a](/img/%d.png) ![](../static/img/%d.png)\n\n<img src=\"/img/%d.png\">\n\n![r]\n\n[r]: /img/%d.png\n", 5*i+1, 5*i+2, 5*i+3, 5*i+4)
}

// BenchmarkFind is how fast the pictures of posts are found.
func BenchmarkFind(b *testing.B) {
	data := []byte(text(1))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		d, err := posts.Parse("a.md", data)
		if err != nil {
			b.Fatal(err)
		}
		if mentions, err := posts.Find(d); err != nil || len(mentions) != 5 {
			b.Fatal(mentions, err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "posts/s")
}

// BenchmarkPlan plans the migration of 1,000 posts with 5,000 pictures.
func BenchmarkPlan(b *testing.B) {
	dir := b.TempDir()
	write := func(name, text string) {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	write("hugo.toml", "")
	for i := range 1000 {
		write(fmt.Sprintf("content/%d.md", i), text(i))
	}
	for i := range 5000 {
		write(fmt.Sprintf("static/img/%d.png", i), drawn(fmt.Sprint(i)))
	}
	kept, err := album.Open(b.Context(), filepath.Join(b.TempDir(), "album"), album.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = kept.Close() }()
	way := &uploader.Uploader{Host: &host{got: map[string]int{}}, Ledger: kept}
	q := &queue.Queue{
		Album: kept, Way: func(uploader.Destination) (*uploader.Uploader, error) { return way, nil },
		Language: func() *lang.Printer { return lang.New(lang.English) }, Log: slog.New(slog.DiscardHandler),
	}
	for b.Loop() {
		site, err := posts.NewSite([]string{dir}, nil)
		if err != nil {
			b.Fatal(err)
		}
		files, err := posts.Posts([]string{dir})
		if err != nil {
			b.Fatal(err)
		}
		m := posts.Migration{Site: site, Album: kept, Sender: &posts.Sender{Queue: q, To: uploader.Destination{Host: "stand-in"}}, Local: true}
		plan, err := m.Plan(b.Context(), files)
		if err != nil {
			b.Fatal(err)
		}
		if n, _ := plan.Count(posts.New); n != 5000 || len(plan.Posts) != 1000 {
			b.Fatalf("%d pictures in %d posts", n, len(plan.Posts))
		}
		b.SetBytes(plan.Bytes)
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "posts/s")
}
