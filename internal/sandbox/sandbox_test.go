package sandbox_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"

	"bilipaste/internal/picture"
	"bilipaste/internal/sandbox"
	"bilipaste/uploader/hosttest"
)

// attempt is an upload, made by hand; the zero values are those that pass.
type attempt struct {
	header  map[string]string // "" removes
	method  string
	parts   [][2]string // name and value; "file" is the picture
	file    string      // the file part's Content-Disposition
	declare string
	data    []byte
	chunked bool
}

func (a attempt) do(t *testing.T, h http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	if a.parts == nil {
		a.parts = [][2]string{{"bucket", "live"}, {"csrf", sandbox.BiliJct}, {"file", ""}}
	}
	if a.file == "" {
		a.file = `form-data; name="file"; filename="image.png"`
	}
	if a.declare == "" {
		a.declare = "image/png"
	}
	if a.data == nil {
		a.data = hosttest.Picture(t, picture.PNG, 1).Data
	}
	if a.method == "" {
		a.method = http.MethodPost
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, part := range a.parts {
		if part[0] != "file" {
			if err := form.WriteField(part[0], part[1]); err != nil {
				t.Fatal(err)
			}
			continue
		}
		w, err := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {a.file}, "Content-Type": {a.declare}})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(a.data)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), a.method, "/api.bilibili.com/x/upload/web/image", &body)
	if a.chunked {
		r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)")
	r.Header.Set("Cookie", "SESSDATA="+sandbox.SESSDATA+"; bili_jct="+sandbox.BiliJct)
	for name, value := range a.header {
		if r.Header.Del(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// The stand-in takes nothing that the real host is not known to take.
func TestUploadsAreCheckedStrictly(t *testing.T) {
	decoded := strings.NewReplacer("%2C", ",", "%2A", "*").Replace(sandbox.SESSDATA)
	csrf, bucket, file := [2]string{"csrf", sandbox.BiliJct}, [2]string{"bucket", "live"}, [2]string{"file", ""}
	cookie := func(sessdata, jct string) map[string]string {
		return map[string]string{"Cookie": "SESSDATA=" + sessdata + "; bili_jct=" + jct}
	}
	for name, test := range map[string]struct {
		attempt
		want string // the HTTP status and the code
	}{
		"good":                   {attempt{}, "200 0"},
		"good, with a directory": {attempt{parts: [][2]string{bucket, csrf, {"dir", "cover"}, file}}, "200 0"},
		"good, from bilibili":    {attempt{header: map[string]string{"Referer": "https://www.bilibili.com/", "Origin": "https://t.bilibili.com"}}, "200 0"},
		"no cookie":              {attempt{header: map[string]string{"Cookie": ""}}, "200 -101"},
		"decoded cookie":         {attempt{header: cookie(decoded, sandbox.BiliJct)}, "200 -101"},
		"quoted cookie":          {attempt{header: cookie(`"`+sandbox.SESSDATA+`"`, sandbox.BiliJct)}, "200 -101"},
		"other bili_jct":         {attempt{header: cookie(sandbox.SESSDATA, "x")}, "200 -111"},
		"other csrf":             {attempt{parts: [][2]string{bucket, {"csrf", "x"}, file}}, "200 -111"},
		"no csrf":                {attempt{parts: [][2]string{bucket, file}}, "200 -111"},
		"program":                {attempt{header: map[string]string{"User-Agent": "curl/8.5"}}, "412"},
		"Go":                     {attempt{header: map[string]string{"User-Agent": "Go-http-client/1.1"}}, "412"},
		"nameless":               {attempt{header: map[string]string{"User-Agent": ""}}, "412"},
		"foreign referer":        {attempt{header: map[string]string{"Referer": "https://example.com/"}}, "403"},
		"look-alike referer":     {attempt{header: map[string]string{"Referer": "https://evilbilibili.com/"}}, "403"},
		"foreign origin":         {attempt{header: map[string]string{"Origin": "https://example.com"}}, "403"},
		"GET":                    {attempt{method: http.MethodGet}, "405"},
		"chunked":                {attempt{chunked: true}, "411"},
		"form of another type":   {attempt{header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, "200 -400"},
		"file first":             {attempt{parts: [][2]string{file, bucket, csrf}}, "200 -400"},
		"two files":              {attempt{parts: [][2]string{bucket, csrf, file, file}}, "200 -400"},
		"no file":                {attempt{parts: [][2]string{bucket, csrf}}, "200 -400"},
		"file without a name":    {attempt{file: `form-data; name="file"`}, "200 -400"},
		"other bucket":           {attempt{parts: [][2]string{{"bucket", "medialist"}, csrf, file}}, "200 -400"},
		"declared octet-stream":  {attempt{declare: "application/octet-stream"}, "200 -400"},
		"declared otherwise":     {attempt{declare: "image/jpeg"}, "200 -400"},
		"gif":                    {attempt{declare: "image/gif", data: hosttest.Picture(t, picture.GIF, 1).Data}, "200 -400"},
		"text":                   {attempt{data: []byte("hello")}, "200 -400"},
		"15 MB":                  {attempt{data: hosttest.PNG(t, 15_000_000).Data}, "200 0"},
		"15 MB and a byte":       {attempt{data: hosttest.PNG(t, 15_000_001).Data}, "200 -617"},
		"20 MB":                  {attempt{data: hosttest.PNG(t, 20_000_000).Data}, "200 -617"},
	} {
		w := test.do(t, sandbox.New())
		got := fmt.Sprint(w.Code)
		if w.Code == http.StatusOK {
			var envelope struct{ Code int }
			if err := json.Unmarshal(w.Body.Bytes(), &envelope); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			got += fmt.Sprint(" ", envelope.Code)
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s: %.200s", name, got, test.want, w.Body)
		}
	}
}

func TestAnswersAreCompressedAsTheRequestAllows(t *testing.T) {
	plain := attempt{}.do(t, sandbox.New())
	if plain.Header().Get("Content-Encoding") != "" {
		t.Error("compressed for nobody")
	}
	zipped := attempt{header: map[string]string{"Accept-Encoding": "gzip"}}.do(t, sandbox.New())
	z, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || !bytes.Equal(text, plain.Body.Bytes()) {
		t.Errorf("%s, %v", text, err)
	}
	br := attempt{header: map[string]string{"Accept-Encoding": "gzip, br"}}.do(t, sandbox.New())
	if br.Header().Get("Content-Encoding") != "br" || br.Body.Len() != plain.Body.Len()+4 {
		t.Errorf("%v", br.Header())
	}
}

func TestPicturesAreServedAsBilibiliDoes(t *testing.T) {
	host := sandbox.New()
	var stored struct {
		Data struct{ Location, ETag string }
	}
	if err := json.Unmarshal(attempt{}.do(t, host).Body.Bytes(), &stored); err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(stored.Data.Location, "http:/")
	for name, test := range map[string]struct {
		method, path, header, value string
		want                        int
	}{
		"GET":          {"GET", path, "", "", 200},
		"HEAD":         {"HEAD", path, "", "", 200},
		"other name":   {"GET", strings.Replace(path, "i0", "i2", 1), "", "", 200},
		"other size":   {"GET", path + "@100w.webp", "", "", 200},
		"bilibili":     {"GET", path, "Referer", "https://t.bilibili.com/1", 200},
		"foreign":      {"GET", path, "Referer", "https://blog.example/", 403},
		"cookie":       {"GET", path, "Cookie", "a=b", 400},
		"POST":         {"POST", path, "", "", 405},
		"no such":      {"GET", strings.Replace(path, "live", "album", 1), "", "", 404},
		"no such host": {"GET", strings.Replace(path, "i0", "i9", 1), "", "", 404},
	} {
		r := httptest.NewRequestWithContext(t.Context(), test.method, test.path, nil)
		if test.header != "" {
			r.Header.Set(test.header, test.value)
		}
		w := httptest.NewRecorder()
		host.ServeHTTP(w, r)
		if w.Code != test.want {
			t.Errorf("%s: %d, want %d", name, w.Code, test.want)
		}
		if w.Code == 200 && (w.Header().Get("Content-Type") != "image/png" || w.Header().Get("ETag") != `"`+stored.Data.ETag+`"`) {
			t.Errorf("%s: %v", name, w.Header())
		}
	}
	w := httptest.NewRecorder()
	host.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if page := w.Body.String(); !strings.Contains(page, `src="`+strings.TrimPrefix(path, "/")+`"`) || !strings.Contains(page, "no-referrer") {
		t.Error(page)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	host := sandbox.New()
	paths := []string{}
	data := hosttest.PNG(t, 15_000_000).Data
	for i := range 15 { // 15 MB each, of 200 MiB
		data[1000] = byte(i) // in the chunk that viewers skip
		var stored struct{ Data struct{ Location string } }
		answer := attempt{data: data}.do(t, host).Body.Bytes()
		if err := json.Unmarshal(answer, &stored); err != nil || stored.Data.Location == "" {
			t.Fatalf("%s, %v", answer, err)
		}
		paths = append(paths, strings.TrimPrefix(stored.Data.Location, "http:/"))
	}
	for i, path := range paths {
		w := httptest.NewRecorder()
		host.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodHead, path, nil))
		if want := map[bool]int{true: 404, false: 200}[i < 2]; w.Code != want {
			t.Errorf("picture %d: %d, want %d", i, w.Code, want)
		}
	}
	for range 2000 {
		host.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodHead, "/x/y", nil))
	}
	if n := len(host.Requests()); n > 1000 {
		t.Errorf("%d requests are kept", n)
	}
}

func TestOddities(t *testing.T) {
	for _, odd := range sandbox.Odds() {
		if got, times, err := sandbox.ParseOdd(string(odd)); got != odd || times != 0 || err != nil {
			t.Errorf("%s: %s, %d, %v", odd, got, times, err)
		}
		if got, times, err := sandbox.ParseOdd(string(odd) + ":2"); got != odd || times != 2 || err != nil {
			t.Errorf("%s:2: %s, %d, %v", odd, got, times, err)
		}
	}
	for _, text := range []string{"", "nosuch", "cut:", "cut:0", "cut:-1", "cut:x", ":1"} {
		if _, _, err := sandbox.ParseOdd(text); err == nil || !strings.Contains(err.Error(), "oddity") {
			t.Errorf("%q: %v", text, err)
		}
	}
	host := sandbox.New()
	host.Play(sandbox.ServerErr, 2)
	for i, want := range []bool{false, false, true, true} {
		if ok := strings.Contains(attempt{}.do(t, host).Body.String(), "location"); ok != want {
			t.Errorf("upload %d: %v", i, ok)
		}
	}
}

// A page of the web whose name leads to this machine is not answered.
func TestOnlyThisMachineIsAnswered(t *testing.T) {
	s := sandbox.New()
	if err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for host, want := range map[string]int{
		"": 200, "localhost": 200, "localhost:80": 200, "127.0.0.1": 200, "[::1]:9": 200,
		"evil.example": 421, "evil.example:80": 421, "127.0.0.1.evil.example": 421, "10.0.0.1": 421,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %s", host, resp.Status)
		}
	}
}
