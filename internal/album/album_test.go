package album_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// open opens the album in a folder for as long as the test lasts.
func open(t *testing.T, dir string) *album.Album {
	t.Helper()
	a, err := album.Open(t.Context(), dir, album.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// drawn makes a picture that no other number has.
func drawn(t testing.TB, n int) picture.Picture {
	t.Helper()
	img := image.NewGray16(image.Rect(0, 0, 4, 4))
	for i := range 4 {
		img.SetGray16(i, 0, color.Gray16{Y: uint16(n >> (16 * i))})
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.NoCompression} // so that all have the same size
	if err := encoder.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	p, err := picture.New("", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var live = uploader.Destination{Host: "bilibili", Bucket: "live"}

// upload is an upload of a picture, with a link of its own.
func upload(p picture.Picture) uploader.Upload {
	sum := picture.SumOf(p.Data)
	return uploader.Upload{To: live, At: live, Picture: p, Given: sum, How: "strip", Sent: sum, Link: uploader.Link{
		URL: "https://i0.hdslb.com/bfs/live/" + sum.String()[:40] + ".png", Host: live.Host, Bucket: live.Bucket,
		Made: time.Now(), Format: p.Format, Width: p.Width, Height: p.Height, Bytes: int64(len(p.Data)),
	}}
}

// pending returns the pending uploads.
func pending(t testing.TB, a *album.Album) []album.Pending {
	t.Helper()
	entries, err := a.Pending(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestKeptPictureIsPendingUntilItIsRecorded(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	p := drawn(t, 1)
	p.Name = "a.png"
	d, err := a.Keep(t.Context(), p, live)
	if err != nil {
		t.Fatal(err)
	}
	file, err := a.Original(t.Context(), d.Sum)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, p.Data) {
		t.Errorf("the original is not what was kept: %v", err)
	}
	if want := filepath.Join(dir, "originals", d.Sum.String()[:2], d.Sum.String()+".png"); file != want {
		t.Errorf("the original is %s, not %s", file, want)
	}
	if entries := pending(t, a); len(entries) != 1 || !entries[0].Taken || entries[0].Picture.Name != "a.png" || entries[0].ID != d.ID {
		t.Errorf("pending: %+v", entries)
	}
	if _, err := a.Take(t.Context(), d.ID); !errors.Is(err, album.ErrTaken) {
		t.Errorf("what is being uploaded was taken: %v", err)
	}
	if err := a.Record(t.Context(), upload(p)); err != nil {
		t.Fatal(err)
	}
	if entries := pending(t, a); len(entries) != 0 {
		t.Errorf("still pending: %+v", entries)
	}
	if _, err := a.Take(t.Context(), d.ID); !errors.Is(err, album.ErrNotPending) {
		t.Errorf("what was recorded was taken: %v", err)
	}
	link, ok, err := a.Known(t.Context(), live, d.Sum, "strip")
	if err != nil || !ok || link.URL != upload(p).Link.URL || link.Width != 4 {
		t.Errorf("known: %+v, %v, %v", link, ok, err)
	}
	entries, err := a.History(t.Context(), album.Query{Words: []string{"A.PN"}})
	if err != nil || len(entries) != 1 || entries[0].Link.URL != link.URL || !entries[0].Kept {
		t.Errorf("history: %+v, %v", entries, err)
	}
}

// holdsFiles fails unless the album has so many originals on the disk, each
// under its own sum.
func holdsFiles(t *testing.T, a *album.Album, want int) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(filepath.Join(a.Dir(), "originals"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && d.IsDir() {
			return nil
		}
		n++
		data, err := os.ReadFile(path)
		if sum := picture.SumOf(data).String(); err != nil || !strings.HasPrefix(d.Name(), sum+".") {
			t.Errorf("%s holds %s, %v", path, sum, err)
		}
		return nil
	})
	if err != nil || n != want {
		t.Errorf("%d originals are on the disk, not %d (%v)", n, want, err)
	}
}
