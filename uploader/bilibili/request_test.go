package bilibili_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/sandbox"
	"bilipaste/uploader"
	"bilipaste/uploader/bilibili"
	"bilipaste/uploader/hosttest"
)

// serve starts a sandbox, and returns it with the way to it.
func serve(t testing.TB) (*sandbox.Server, *sandbox.Gateway) {
	t.Helper()
	host := sandbox.New()
	if err := host.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	gateway, err := sandbox.NewGateway(host.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		gateway.CloseIdleConnections()
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	return host, gateway
}

var quiet = slog.New(slog.DiscardHandler)

// The request as it goes over the wire, read with no help of net/http's client side.
func TestTheRequestIsExact(t *testing.T) {
	p := hosttest.Picture(t, picture.JPEG, 1)
	p.Name = "C:\\Users\\me\\私人.jpg"
	var head, body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		names := []string{}
		for name := range r.Header {
			names = append(names, name+": "+strings.Join(r.Header[name], " | "))
		}
		slices.Sort(names)
		head = fmt.Sprintf("%s %s\nLength %d %v\n%s", r.Method, r.URL, r.ContentLength, r.TransferEncoding, strings.Join(names, "\n"))
		data, _ := io.ReadAll(r.Body)
		if int64(len(data)) != r.ContentLength {
			t.Errorf("%d bytes, said were %d", len(data), r.ContentLength)
		}
		body = string(data)
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer server.Close()
	gateway, err := sandbox.NewGateway(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer gateway.CloseIdleConnections()
	_, _ = bucket(t, gateway, quiet).Upload(t.Context(), p)

	boundary := regexp.MustCompile(`boundary=(\w+)`).FindStringSubmatch(head)
	if boundary == nil {
		t.Fatal(head)
	}
	wantBody := strings.ReplaceAll("--B\r\nContent-Disposition: form-data; name=\"bucket\"\r\n\r\nlive\r\n"+
		"--B\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n"+sandbox.BiliJct+"\r\n"+
		"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"image.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n", "--B", "--"+boundary[1]) +
		string(p.Data) + "\r\n--" + boundary[1] + "--\r\n"
	if body != wantBody {
		t.Errorf("body:\n%.600q\nwant:\n%.600q", body, wantBody)
	}
	wantHead := fmt.Sprintf(`POST /api.bilibili.com/x/upload/web/image
Length %d []
Accept-Encoding: gzip
Content-Length: %[1]d
Content-Type: multipart/form-data; boundary=%[2]s
Cookie: SESSDATA=%[3]s; bili_jct=%[4]s
Referer: https://www.bilibili.com/
User-Agent: Mozilla/5.0 (`, len(wantBody), boundary[1], sandbox.SESSDATA, sandbox.BiliJct)
	if !strings.HasPrefix(head, wantHead) || strings.Contains(head, "Go-http-client") {
		t.Errorf("head:\n%s\nwant:\n%s", head, wantHead)
	}
}

func TestBuckets(t *testing.T) {
	host, gateway := serve(t)
	client := account.NewClient(gateway, session(t), account.NewGate(t.TempDir(), 0, quiet))
	names := bilibili.Buckets()
	if len(names) != 13 {
		t.Errorf("%d buckets", len(names))
	}
	for _, name := range names {
		b, err := bilibili.NewBucket(client, name, false)
		if err != nil {
			t.Fatal(err)
		}
		link, err := b.Upload(t.Context(), hosttest.Picture(t, picture.WebP, 1))
		if err != nil || link.Bucket != name || !strings.HasPrefix(link.URL, "https://i0.hdslb.com/bfs/"+name+"/") {
			t.Errorf("%s: %+v, %v", name, link, err)
		}
	}
	for _, name := range []string{"", "Live", "nosuch", "../live", "a b"} {
		_, err := bilibili.NewBucket(client, name, false)
		if err == nil {
			t.Errorf("%q is taken", name)
			continue
		}
		if what, hint := lang.New(lang.Chinese).Error(err); !strings.Contains(what, "openplatform") || hint == "" {
			t.Errorf("%q, %q", what, hint)
		}
	}
	for _, name := range []string{"", "../live", "a b", "a\r\nb", strings.Repeat("a", 65)} {
		if _, err := bilibili.NewBucket(client, name, true); err == nil {
			t.Errorf("%q is taken as unlisted", name)
		}
	}
	b, err := bilibili.NewBucket(client, "medialist", true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Upload(t.Context(), hosttest.Picture(t, picture.PNG, 1)); fault.KindOf(err) != fault.Rejected {
		t.Errorf("an unlisted bucket: %v", err)
	}
	if last := host.Requests()[len(host.Requests())-1]; last.Bucket != "medialist" {
		t.Errorf("the last request is for %q", last.Bucket)
	}
}

func TestTheLargestPicture(t *testing.T) {
	host, gateway := serve(t)
	up := uploader.Uploader{Host: bucket(t, gateway, quiet), Prepare: uploader.Prepare{KeepMetadata: true, RefuseLarge: true}}
	if _, err := up.Upload(t.Context(), hosttest.PNG(t, 15_000_000)); err != nil {
		t.Error(err)
	}
	sent := len(host.Requests())
	_, err := up.Upload(t.Context(), hosttest.PNG(t, 15_000_001))
	if fault.KindOf(err) != fault.TooLarge || len(host.Requests()) != sent {
		t.Errorf("%v, after %d requests", err, len(host.Requests())-sent)
	}
	// the stand-in's own limit, past ours
	if _, err := bucket(t, gateway, quiet).Upload(t.Context(), hosttest.PNG(t, 15_000_001)); fault.KindOf(err) != fault.TooLarge {
		t.Error(err)
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	connections := map[string]bool{}
	host := sandbox.New()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		host.ServeHTTP(w, r)
	}))
	defer server.Close()
	gateway, err := sandbox.NewGateway(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer gateway.CloseIdleConnections()
	b := bucket(t, gateway, quiet)
	for i := range 5 {
		if _, err := b.Upload(t.Context(), hosttest.Picture(t, picture.PNG, i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(connections) != 1 {
		t.Errorf("%d connections for 5 uploads", len(connections))
	}
}

// upload200kB and upload12MB, through the sandbox, for a person to read.
func BenchmarkUpload(b *testing.B) {
	for _, size := range []int{200_000, 12_000_000} {
		b.Run(fmt.Sprintf("%dkB", size/1000), func(b *testing.B) {
			_, gateway := serve(b)
			up := uploader.Uploader{Host: bucket(b, gateway, quiet)}
			p := hosttest.PNG(b, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := up.Upload(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkClient is the client alone: the other end only counts.
func BenchmarkClient(b *testing.B) {
	p := hosttest.PNG(b, 12_000_000)
	up := uploader.Uploader{Host: bucket(b, direct{says(`{"code":0,"data":{"location":"http://i0.hdslb.com/bfs/live/a.png"}}`)}, quiet)}
	b.SetBytes(int64(len(p.Data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := up.Upload(b.Context(), p); err != nil {
			b.Fatal(err)
		}
	}
}
