package server_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/desktoptest"
	"bilipaste/internal/sandbox"
)

// browsers are those that the page is seen in.
var browsers = []string{"chromium", "firefox"}

// page is the page in a real browser.
type page struct {
	*desktoptest.Browser
	p *program
}

// open lets a browser in, and waits until the page has begun.
func (p *program) open(t testing.TB, b *desktoptest.Browser) *page {
	t.Helper()
	address, err := p.s.Page()
	if err != nil {
		t.Fatal(err)
	}
	b.Open(t, address)
	b.Await(t, "document.title.endsWith('bilipaste') && document.querySelector('#total').textContent")
	return &page{b, p}
}

// drop drops picture files of a megabyte on the page, as a file manager does.
func (v *page) drop(t testing.TB, names ...string) {
	t.Helper()
	type file struct{ Name, Data string }
	var files []file
	for _, name := range names {
		_, data := v.p.picture(t, name)
		data = append(data[:len(data)-12], chunk(t, "ruSt", make([]byte, 1<<20))...)
		data = append(data, chunk(t, "IEND", nil)...)
		files = append(files, file{name, base64.StdEncoding.EncodeToString(data)})
	}
	given, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	v.Eval(t, `(() => {
		const transfer = new DataTransfer();
		for (const f of `+string(given)+`)
			transfer.items.add(new File([Uint8Array.from(atob(f.Data), (c) => c.charCodeAt(0))], f.Name, {type: "image/png"}));
		for (const type of ["dragenter", "dragover", "drop"])
			document.querySelector("main").dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true, dataTransfer: transfer}));
	})()`, nil)
}

// tiles waits until these pictures, and no others, are shown, the newest first,
// each with its thumbnail.
func (v *page) tiles(t testing.TB, names ...string) {
	t.Helper()
	want, _ := json.Marshal(names) // of strings it has no error
	v.Await(t, `JSON.stringify([...document.querySelectorAll("#grid .cell:not(.waiting)")].map((e) => e.querySelector("img")?.naturalWidth === 30 && e.querySelector(".name").textContent)) === `+
		fmt.Sprintf("%q", want))
}

// tile selects the cell of a picture.
func (v *page) tile(t testing.TB, name string) string {
	t.Helper()
	var id string
	v.Eval(t, fmt.Sprintf(`[...document.querySelectorAll("#grid .cell")].find((e) => e.querySelector(".name")?.textContent === %q).id`, name), &id)
	return "#" + id
}

// pasted waits until another program gets a text from the clipboard.
func (v *page) pasted(t testing.TB, want string) {
	t.Helper()
	desktoptest.Eventually(t, "the clipboard holds "+want, func() bool {
		got, err := v.p.x.Paste(t, "UTF8_STRING")
		return err == nil && string(got) == want
	})
}

func TestThePageInBrowsers(t *testing.T) {
	for _, name := range browsers {
		t.Run(name, func(t *testing.T) {
			t.Setenv("BILIPASTE_SESSDATA", "")
			t.Setenv("BILIPASTE_BILI_JCT", "")
			p := startAsIs(t, "")
			p.host.Phone(2*time.Second, 3*time.Second)
			v := p.open(t, desktoptest.StartBrowser(t, name, false))
			v.signsIn(t)
			v.uploads(t)
			v.searches(t)
			v.copies(t)
			v.looksCloser(t)
			v.retries(t)
			v.forgets(t)
			v.saves(t)
			v.standsAloof(t)
		})
	}
}

func (v *page) signsIn(t testing.TB) {
	t.Helper()
	v.Save(t, v.Name+"-first")
	v.Click(t, "#first .bar button", 1)
	v.Await(t, "document.querySelector('#account img.code')?.naturalWidth > 0")
	v.Save(t, v.Name+"-code")
	v.Await(t, fmt.Sprintf("document.querySelector('#account').textContent.includes('Signed in as %s')", sandbox.Uname))
	v.Click(t, "nav a[href='#pictures']", 1)
}

func (v *page) uploads(t testing.TB) {
	t.Helper()
	v.Eval(t, `(() => {
		window.progress = [];
		new MutationObserver((all) => window.progress.push(...all.map((m) => m.target.value ?? 0)))
			.observe(document.querySelector("#uploads"), {attributes: true, childList: true, subtree: true});
	})()`, nil)
	v.drop(t, "one.png")
	v.tiles(t, "one.png")
	v.Await(t, "window.progress.some((n) => n > 0)") // bytes that went to the host
	v.drop(t, "two.png")
	v.tiles(t, "two.png", "one.png")
	file, _ := v.p.picture(t, "three.png")
	v.Choose(t, "#where input[type=file]", file)
	v.tiles(t, "three.png", "two.png", "one.png")
	v.Save(t, v.Name+"-pictures")
	if n := v.p.uploads(); n != 3 {
		t.Errorf("the host was sent %d pictures", n)
	}
}

func (v *page) searches(t testing.TB) {
	t.Helper()
	v.Press(t, "/")
	v.Type(t, "TWO")
	v.tiles(t, "two.png")
	v.Eval(t, "document.querySelector('#search').select()", nil)
	v.Press(t, desktoptest.KeyDelete)
	v.tiles(t, "three.png", "two.png", "one.png")
	v.filter(t, "state", "dead")
	v.Await(t, "!document.querySelector('#empty').hidden && document.querySelectorAll('#grid .cell').length === 0")
	v.filter(t, "state", "")
	v.filter(t, "host", "bilibili")
	v.tiles(t, "three.png", "two.png", "one.png")
	v.filter(t, "host", "")
}

func (v *page) filter(t testing.TB, what, value string) {
	t.Helper()
	v.Eval(t, fmt.Sprintf(`(() => {
		const e = document.querySelector("#filter-%s");
		e.value = "%s";
		e.dispatchEvent(new Event("input", {bubbles: true}));
	})()`, what, value), nil)
}

func (v *page) copies(t testing.TB) {
	t.Helper()
	links := map[string]string{}
	for _, e := range v.p.State().Recent {
		links[e.Picture.Name] = "![](" + v.p.Shown(e.Link).URL + ")"
	}
	v.Click(t, v.tile(t, "two.png"), 1)
	v.Press(t, "c")
	v.pasted(t, links["two.png"])
	v.Click(t, v.tile(t, "one.png"), 1)
	v.Click(t, v.tile(t, "three.png"), 1)
	v.Save(t, v.Name+"-selected")
	v.Click(t, "#selection button", 1)
	v.pasted(t, links["two.png"]+"\n"+links["one.png"]+"\n"+links["three.png"])
	v.Press(t, desktoptest.KeyEscape)
	v.Await(t, "document.querySelector('#selection').hidden")
}

func (v *page) looksCloser(t testing.TB) {
	t.Helper()
	v.Click(t, v.tile(t, "three.png"), 2)
	v.Await(t, "document.querySelector('#viewer .large img')?.naturalWidth === 30 && document.querySelectorAll('#viewer table tr').length === 5")
	v.Save(t, v.Name+"-viewer")
	v.Click(t, "#viewer tr:nth-of-type(2) button", 1)
	v.Await(t, "document.querySelector('#toasts').textContent.includes('on the clipboard')")
	v.Press(t, desktoptest.KeyRight)
	v.Await(t, "document.querySelector('#viewer h2').textContent === 'two.png'")
	v.Press(t, desktoptest.KeyEscape)
	v.Await(t, "!document.querySelector('#viewer').open")
}

func (v *page) retries(t testing.TB) {
	t.Helper()
	v.p.host.Play(sandbox.CSRF, -1)
	v.drop(t, "four.png")
	v.Click(t, "nav a[href='#now']", 1)
	v.Await(t, "document.querySelector('#pending .pending .name')?.textContent === 'four.png' && document.querySelector('#pending .note')")
	v.Save(t, v.Name+"-now")
	v.p.host.Play("", 0)
	v.Click(t, "#pending button", 1)
	v.Await(t, "document.querySelector('#pending').hidden")
	v.Click(t, "nav a[href='#pictures']", 1)
	v.tiles(t, "four.png", "three.png", "two.png", "one.png")
}

func (v *page) forgets(t testing.TB) {
	t.Helper()
	v.Press(t, desktoptest.KeyEscape)
	v.Click(t, v.tile(t, "four.png"), 1)
	v.Press(t, desktoptest.KeyDelete)
	v.Await(t, "document.querySelector('#confirm').open")
	v.Click(t, "#confirm button.danger", 1)
	v.tiles(t, "three.png", "two.png", "one.png")
}

func (v *page) saves(t testing.TB) {
	t.Helper()
	v.Click(t, "nav a[href='#settings']", 1)
	v.Await(t, "document.querySelector('#setting-server_port')")
	v.Click(t, "#setting-server_port", 1)
	v.Type(t, "80")
	v.Await(t, "document.querySelector('#setting-server_port').getAttribute('aria-invalid') === 'true' && document.querySelector('#setting-server_port-wrong').textContent")
	v.Save(t, v.Name+"-settings")
	v.Eval(t, `(() => {
		const e = document.querySelector("#setting-format");
		e.value = "html";
		e.dispatchEvent(new Event("change", {bubbles: true}));
	})()`, nil)
	desktoptest.Eventually(t, "the format is HTML", func() bool { return v.p.State().Settings.Markup.String() == "html" })
}

// standsAloof sees that another page that is open in the browser uploads nothing.
func (v *page) standsAloof(t testing.TB) {
	t.Helper()
	_, data := v.p.picture(t, "theirs.png")
	v.p.x.Copy(t, "image/png", data)
	before, target := v.p.uploads(), v.p.base+"/upload"
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><form method="post" action=%q><input name="x"></form>`, target)
	}))
	defer evil.Close()
	v.Open(t, evil.URL)
	v.Eval(t, fmt.Sprintf(`fetch(%q, {method: "POST", mode: "no-cors", credentials: "include"}).catch(() => null)`, target), nil)
	v.Eval(t, fmt.Sprintf(`fetch(%q, {method: "POST", body: "{}"}).then(() => "read", () => null)`, target), nil)
	v.Eval(t, fmt.Sprintf(`navigator.sendBeacon(%q)`, target), nil)
	v.Eval(t, `void document.forms[0].submit()`, nil)
	v.Await(t, fmt.Sprintf(`location.href === %q && document.body.innerText`, target))
	var answer string
	v.Eval(t, "document.body.innerText", &answer)
	if !strings.Contains(answer, "success") || !strings.Contains(answer, "false") {
		t.Errorf("%s", answer)
	}
	if n := v.p.uploads(); n != before {
		t.Errorf("%d pictures went up for another page", n-before)
	}
	if n := strings.Count(v.p.logged(), `sent it; if that is an editor of yours, add its origin to the setting server_origins" origin=`+evil.URL); n != 1 {
		t.Errorf("the log tells of it %d times: %s", n, v.p.logged())
	}
}

func TestThePageInTheDark(t *testing.T) {
	for _, name := range browsers {
		t.Run(name, func(t *testing.T) {
			p := start(t, "")
			v := p.open(t, desktoptest.StartBrowser(t, name, true))
			v.drop(t, "one.png", "two.png")
			v.Await(t, "document.querySelectorAll('#grid .cell img').length === 2")
			var ground string
			v.Eval(t, "getComputedStyle(document.body).backgroundColor", &ground)
			if ground != "rgb(18, 24, 30)" {
				t.Errorf("the ground is %s", ground)
			}
			for _, view := range []string{"pictures", "now", "settings"} {
				v.Click(t, "nav a[href='#"+view+"']", 1)
				v.Await(t, "!document.querySelector('#"+view+"').hidden")
				v.Save(t, name+"-dark-"+view)
			}
		})
	}
}
