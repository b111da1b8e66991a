package picgo_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bilipaste/internal/picgo"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// A gallery as PicGo 2.3 writes it, with what plugins leave out and add.
const gallery = `{"gallery": [
	{"fileName": "截图.png", "width": 640, "height": 400, "extname": ".png", "imgUrl": "https://i0.hdslb.com/bfs/live/3268bee1.png",
		"type": "bilibili", "id": "8e1e…", "createdAt": 1700000000000, "updatedAt": 1700000000000},
	{"fileName": "b.jpg", "imgUrl": "https://img.scdn.io/i/b.jpg", "type": "scdn", "createdAt": 1700000001000},
	{"fileName": "c", "imgUrl": "http://i.example.org/c?x=1", "width": "wide", "createdAt": 1700000002000, "more": {"deep": [1]}},
	{"fileName": "local", "imgUrl": "file:///tmp/a.png"}, {"fileName": "none"}, {}
], "__gallery_KEY__": {"8e1e…": 1}}`

func save(t *testing.T, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAGallerysLinksAreRead(t *testing.T) {
	links, err := picgo.Gallery(save(t, "picgo.db", zipped(t, gallery)))
	if err != nil || len(links) != 3 {
		t.Fatalf("%+v, %v", links, err)
	}
	at := time.Unix(1700000000, 0).UTC()
	for i, want := range []uploader.Link{
		{URL: "https://i0.hdslb.com/bfs/live/3268bee1.png", Host: "bilibili", Bucket: "live", Format: picture.PNG, Width: 640, Height: 400, Made: at},
		{URL: "https://img.scdn.io/i/b.jpg", Host: "scdn", Format: picture.JPEG, Made: at.Add(time.Second)},
		{URL: "http://i.example.org/c?x=1", Host: "i.example.org", Made: at.Add(2 * time.Second)},
	} {
		got := links[i].Link
		if got.URL != want.URL || got.Host != want.Host || got.Bucket != want.Bucket || got.Format != want.Format ||
			got.Width != want.Width || got.Height != want.Height || !got.Made.Equal(want.Made) {
			t.Errorf("%+v, not %+v", got, want)
		}
	}
	if links[0].Name != "截图.png" {
		t.Errorf("the name is %q", links[0].Name)
	}
}

func TestAnOlderGalleryIsPartOfTheSettings(t *testing.T) {
	links, err := picgo.Gallery(save(t, "data.json", []byte(`{"picBed": {}, "uploaded": [{"imgUrl": "https://i.example.org/a.gif"}]}`)))
	if err != nil || len(links) != 1 || links[0].Link.Format != picture.GIF {
		t.Fatalf("%+v, %v", links, err)
	}
}

func TestAGalleryThatIsNoneIsToldOf(t *testing.T) {
	for name, data := range map[string][]byte{
		"text": []byte("no gallery"), "cut": zipped(t, gallery)[:60], "list": []byte("[]"), "empty": nil,
	} {
		if links, err := picgo.Gallery(save(t, name, data)); err == nil {
			t.Errorf("%s: %+v", name, links)
		}
	}
	if _, err := picgo.Gallery(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there is read")
	}
}

func FuzzGallery(f *testing.F) {
	f.Add([]byte(gallery))
	f.Add([]byte(`{"gallery": [1, null, "x", {"imgUrl": 3}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "picgo.db")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		links, err := picgo.Gallery(file)
		for _, l := range links {
			if err != nil || l.Link.Host == "" || l.Link.URL == "" {
				t.Errorf("%+v, %v", l, err)
			}
		}
	})
}
