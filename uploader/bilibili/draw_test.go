package bilibili_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
	"bilipaste/internal/picture"
	"bilipaste/internal/sandbox"
	"bilipaste/uploader"
	"bilipaste/uploader/bilibili"
)

func blank(t testing.TB, w, h int) picture.Picture {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	p, err := picture.New("x.png", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDrawSaysWhatIsStored(t *testing.T) {
	for _, odd := range []sandbox.Odd{"", sandbox.DrawOld} {
		host, gateway := serve(t)
		host.Play(odd, 1)
		p := blank(t, 30, 20)
		link, err := draw(t, gateway, quiet, "daily").Upload(t.Context(), p)
		if err != nil || link.Width != 30 || link.Height != 20 || link.Host != "draw" || !strings.Contains(link.URL, strconv.Itoa(sandbox.Mid)) {
			t.Errorf("%q: %+v, %v", odd, link, err)
		}
		if size := int64(len(p.Data)); odd == "" && link.Bytes != size || odd != "" && link.Bytes != 0 {
			t.Errorf("%q: %d bytes, sent were %d", odd, link.Bytes, size)
		}
		if r := host.Requests()[0]; strings.Join(r.Fields, " ") != "category biz csrf file_up" || r.File != "image.png" {
			t.Errorf("%+v", r)
		}
	}
}

func TestDrawTakesLargePicturesOnlyUnlessDaily(t *testing.T) {
	host, gateway := serve(t)
	for _, category := range []string{"draw", "cos"} {
		d := draw(t, gateway, quiet, category)
		for _, size := range [][2]int{{420, 900}, {900, 420}, {30, 20}} {
			if _, err := d.Upload(t.Context(), blank(t, size[0], size[1])); fault.KindOf(err) != fault.NotTaken {
				t.Errorf("%s, %v: %v", category, size, err)
			}
		}
		if n := len(host.Requests()); n > 0 && category == "draw" {
			t.Errorf("%d requests", n)
		}
		if _, err := d.Upload(t.Context(), blank(t, 421, 421)); err != nil {
			t.Errorf("%s: %v", category, err)
		}
	}
	client := account.NewClient(gateway, session(t), nil)
	for _, bad := range [][2]string{{"", "new_dyn"}, {"photo", "new_dyn"}, {"daily", ""}, {"daily", "a b"}} {
		if _, err := bilibili.NewDraw(client, bad[0], bad[1]); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestDrawKnowsBothGenerationsOfCodes(t *testing.T) {
	for code, want := range map[int]string{
		-4: "not_logged_in", -101: "not_logged_in", -2: "rejected.parameters", 4100001: "rejected.parameters",
		-3: "rejected.picture", -7: "rejected.picture", -1: "rejected", 4125014: "rejected", -111: "not_logged_in.csrf",
	} {
		answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"code":` + strconv.Itoa(code) + `,"message":"x","data":{}}`))
		})
		server := httptest.NewServer(answer)
		gateway, err := sandbox.NewGateway(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		_, err = draw(t, gateway, quiet, "daily").Upload(t.Context(), blank(t, 9, 9))
		gateway.CloseIdleConnections()
		server.Close()
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || strings.TrimSuffix(e.Kind.String()+"."+e.Why, ".") != want || e.Host != "draw" || e.Code != code {
			t.Errorf("%d: %+v", code, err)
		}
	}
}

func TestADrawLinkExpires(t *testing.T) {
	host, gateway := serve(t)
	link, err := draw(t, gateway, quiet, "daily").Upload(t.Context(), blank(t, 9, 9))
	if err != nil {
		t.Fatal(err)
	}
	if got := status(t, gateway, link.URL); got != http.StatusOK {
		t.Errorf("at once: %d", got)
	}
	host.Advance(46 * time.Minute)
	if got := status(t, gateway, link.URL); got != http.StatusNotFound {
		t.Errorf("after 46 minutes: %d", got)
	}
}

func status(t testing.TB, transport http.RoundTripper, link string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestLinksInEveryForm(t *testing.T) {
	for stored, want := range map[string]string{
		"https://i0.hdslb.com/bfs/a.png": "https://i0.hdslb.com/bfs/a.png", "http://i1.hdslb.com/bfs/a.png": "https://i1.hdslb.com/bfs/a.png",
		"//archive.biliimg.com/bfs/a.png": "https://archive.biliimg.com/bfs/a.png", "http://i0.hdslb.com/a": "https://i0.hdslb.com/a",
		"http://i0.hdslb.com/": "", "": "", "ftp://i0.hdslb.com/bfs/a.png": "", "http://evil.example/bfs/a.png": "", "http://i0.hdslb.com:1/bfs/a.png": "",
		"http://u@i0.hdslb.com/bfs/a.png": "", "http://[::1": "",
	} {
		body := `{"code":0,"data":{"location":"` + stored + `","image_url":"` + stored + `"}}`
		for _, host := range []uploader.Host{bucket(t, direct{says(body)}, quiet), draw(t, direct{says(body)}, quiet, "daily")} {
			link, err := host.Upload(t.Context(), blank(t, 9, 9))
			if link.URL != want || (err == nil) != (want != "") || err != nil && fault.KindOf(err) != fault.BrokenAnswer {
				t.Errorf("%s, %s: %q, %v", host.Name(), stored, link.URL, err)
			}
		}
	}
}
