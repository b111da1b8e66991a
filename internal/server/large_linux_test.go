package server_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/desktoptest"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// fill enters n pictures into the album, one for each half an hour before now,
// and originals of the newest ones.
func (p *program) fill(t testing.TB, n, originals int) {
	t.Helper()
	links := make([]album.Foreign, n)
	now := time.Now()
	for i := range links {
		name := fmt.Sprintf("picture-%d.png", i) // the first is the newest
		links[i] = album.Foreign{Name: name, Link: uploader.Link{
			URL: fmt.Sprintf("https://i0.hdslb.com/bfs/live/%040x.png", i), Made: now.Add(-time.Duration(i) * 30 * time.Minute),
			Host: "bilibili", Bucket: "live", Format: picture.PNG, Width: 400, Height: 300,
		}}
	}
	if _, err := p.Album().Import(t.Context(), links); err != nil {
		t.Fatal(err)
	}
	newest, err := p.Album().History(t.Context(), album.Query{Limit: originals})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range newest {
		m := image.NewPaletted(image.Rect(0, 0, 400, 300), color.Palette{color.Gray{uint8(i)}, color.RGBA{uint8(i >> 3), 90, 160, 255}})
		for j := range m.Pix {
			m.Pix[j] = uint8(j / 400 / (1 + i%50) % 2)
		}
		var data bytes.Buffer
		if err := png.Encode(&data, m); err != nil {
			t.Fatal(err)
		}
		file := p.Album().File(e.Sum, picture.PNG)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(os.Getenv("BILIPASTE_HOME"), "*", "album", "album.db"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	db, err := sql.Open("sqlite", files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), "UPDATE pictures SET kept = 1 WHERE id <= ?", originals); err != nil {
		t.Fatal(err)
	}
	p.Refresh()
}

// scrolled scrolls through all pictures in so many steps, and returns the most
// nodes that the page had.
func (v *page) scrolled(t testing.TB, steps int) (nodes int) {
	t.Helper()
	for i := range steps {
		var n int
		v.Eval(t, fmt.Sprintf(`(async () => {
			scrollTo(0, (document.documentElement.scrollHeight - innerHeight) * %d / %d);
			for (let n = 0; n < 2; n++) await new Promise(requestAnimationFrame);
			return document.querySelectorAll("*").length;
		})()`, i, steps-1), &n)
		nodes = max(nodes, n)
	}
	return nodes
}

// However many pictures there are, the page has few nodes, and all can be reached.
func TestThePageOfALargeAlbum(t *testing.T) {
	p := start(t, "")
	p.fill(t, 400, 60)
	v := p.open(t, desktoptest.StartBrowser(t, "chromium", false))
	v.Await(t, "document.querySelector('#total').textContent === '400 pictures' && document.querySelector('#grid .cell img')?.naturalWidth === 320")
	if nodes := v.scrolled(t, 20); nodes > 1000 {
		t.Errorf("%d nodes", nodes)
	}
	v.Eval(t, "document.querySelector('#grid').focus()", nil)
	v.Press(t, desktoptest.KeyEnd)
	v.Await(t, "document.querySelector('#grid .cell.current .name')?.textContent === 'picture-399.png'")
	v.Press(t, desktoptest.KeyControl, "a")
	v.Await(t, "document.querySelector('#selection').textContent.startsWith('400 selected')")
	v.Press(t, "/")
	v.Type(t, "picture-39")
	v.Await(t, "document.querySelector('#total').textContent === '11 pictures' && document.querySelectorAll('#grid .cell').length === 11")
}

// BenchmarkPage says how the page does with 100,000 pictures. It runs once.
func BenchmarkPage(b *testing.B) {
	if os.Getenv("BILIPASTE_BENCH") == "" {
		b.Skip("BILIPASTE_BENCH is not set")
	}
	for _, name := range browsers {
		b.Run(name, func(b *testing.B) {
			p := start(b, "")
			p.fill(b, 100_000, 2000)
			browser := desktoptest.StartBrowser(b, name, false)
			var v *page
			for b.Loop() {
				v = p.open(b, browser)
			}
			v.Await(b, "document.querySelector('#grid .cell img')?.naturalWidth === 320")
			for unit, expression := range map[string]string{
				"ms-painted":    `performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0`,
				"ms-pictures":   `performance.getEntriesByType("resource").find((e) => e.name.includes("/api/pictures"))?.responseEnd ?? 0`,
				"ms-counted":    `performance.getEntriesByType("resource").find((e) => e.name.includes("/api/months"))?.responseEnd ?? 0`,
				"ms-thumbnails": `performance.getEntriesByType("resource").find((e) => e.name.includes("/thumbnail/"))?.responseEnd ?? 0`,
			} {
				var at float64
				v.Eval(b, expression, &at)
				b.ReportMetric(at, unit)
			}
			v.Await(b, "[...document.querySelectorAll('#grid .cell img')].slice(0, 6).every((e) => e.complete)")
			for _, search := range []struct{ unit, word string }{{"ms-found-many", "hdslb"}, {"ms-found-one", "picture-4321.png"}, {"ms-found-letter", "p"}} {
				var took float64
				v.Eval(b, fmt.Sprintf(`(async () => {
					performance.clearResourceTimings();
					const search = document.querySelector("#search");
					const find = async (word) => {
						const begun = performance.now();
						search.value = word;
						search.dispatchEvent(new Event("input", {bubbles: true}));
						while (!performance.getEntriesByType("resource").some((e) => e.startTime >= begun && e.responseEnd > 0 && e.name.includes("/api/pictures")))
							await new Promise((done) => setTimeout(done, 1));
						await new Promise(requestAnimationFrame);
						const took = performance.now() - begun;
						await new Promise((done) => setTimeout(done, 1000));
						return took;
					};
					const took = await find(%q);
					await find("");
					return took;
				})()`, search.word), &took)
				b.ReportMetric(took, search.unit)
			}
			before := rss(b)
			nodes := v.scrolled(b, 400)
			b.ReportMetric(float64(nodes), "nodes")
			b.ReportMetric(before, "MB-before")
			b.ReportMetric(rss(b), "MB-scrolled")
		})
	}
}

// rss is this process's memory in MB.
func rss(t testing.TB) float64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	kB, err := strconv.Atoi(string(regexp.MustCompile(`VmRSS:\s*(\d+)`).FindSubmatch(status)[1]))
	if err != nil {
		t.Fatal(err)
	}
	return float64(kB) / 1000
}
