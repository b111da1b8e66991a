package server

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"bilipaste/internal/durable"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/picture/convert"
)

const (
	thumbnailSide = 320       // pixels
	thumbnailsMax = 256 << 20 // bytes on the disk; past it the oldest half goes
)

// thumbnails are the small pictures, in a folder, named by the sums of their
// originals. They can be made again at any time.
type thumbnails struct {
	dir    string
	making chan struct{} // one at a time: each takes memory

	mu    sync.Mutex
	bytes int64 // on the disk; -1: nobody has looked
}

func newThumbnails(dir string) *thumbnails {
	return &thumbnails{dir: dir, making: make(chan struct{}, 1), bytes: -1}
}

func (t *thumbnails) file(sum picture.Sum) string {
	name := sum.String()
	return filepath.Join(t.dir, name[:2], name)
}

// get returns a small picture, which it makes of the original if there is none.
// An empty one says that none can be made.
func (t *thumbnails) get(ctx context.Context, sum picture.Sum, original string) ([]byte, error) {
	file := t.file(sum)
	if small, err := os.ReadFile(file); err == nil {
		return small, nil
	}
	select {
	case t.making <- struct{}{}:
		defer func() { <-t.making }()
	case <-ctx.Done(): // the page has scrolled on
		return nil, ctx.Err()
	}
	if small, err := os.ReadFile(file); err == nil {
		return small, nil
	}
	data, err := os.ReadFile(original)
	if err != nil {
		return nil, err
	}
	small, err := convert.Thumbnail(ctx, data, thumbnailSide)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil { // nor later
		small = nil
	}
	return small, t.keep(file, small)
}

func (t *thumbnails) keep(file string, small []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	if err := durable.Write(file, small, 0o600); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bytes >= 0 {
		t.bytes += int64(len(small))
	}
	if t.bytes < 0 || t.bytes > thumbnailsMax {
		t.makeRoom()
	}
	return nil
}

// makeRoom counts what is on the disk, and removes the oldest half of too much.
// t.mu is held.
func (t *thumbnails) makeRoom() {
	type one struct {
		file  string
		bytes int64
		made  time.Time
	}
	var all []one
	t.bytes = 0
	_ = filepath.WalkDir(t.dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // it is another's matter
		}
		if info, err := d.Info(); err == nil {
			all = append(all, one{file, info.Size(), info.ModTime()})
			t.bytes += info.Size()
		}
		return nil
	})
	if t.bytes <= thumbnailsMax {
		return
	}
	slices.SortFunc(all, func(a, b one) int { return a.made.Compare(b.made) })
	for _, o := range all {
		if t.bytes <= thumbnailsMax/2 {
			return
		}
		if os.Remove(o.file) == nil {
			t.bytes -= o.bytes
		}
	}
}

// forever is for what is named by its own sum.
const forever = "private, max-age=31536000, immutable"

func (s *Server) thumbnail(w http.ResponseWriter, r *http.Request) (any, error) {
	sum, err := parseSum(r.PathValue("sum"))
	if err != nil {
		return nil, err
	}
	original, err := s.r.Album().Original(r.Context(), sum)
	if err != nil {
		return nil, statusError{http.StatusNotFound, err}
	}
	small, err := s.thumbs.get(r.Context(), sum, original)
	if err != nil {
		return nil, err
	}
	if len(small) == 0 {
		return nil, notFound()
	}
	sendPicture(w, small, picture.Sniff(small).Type())
	return streamed{}, nil
}

// browsers show these formats.
var shownByBrowsers = []picture.Format{picture.PNG, picture.JPEG, picture.WebP, picture.GIF, picture.BMP, picture.AVIF, picture.ICO}

func (s *Server) original(w http.ResponseWriter, r *http.Request) (any, error) {
	sum, err := parseSum(r.PathValue("sum"))
	if err != nil {
		return nil, err
	}
	file, err := s.r.Album().Original(r.Context(), sum)
	if err != nil {
		return nil, statusError{http.StatusNotFound, err}
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound()
	}
	if err != nil {
		return nil, err
	}
	format := picture.Sniff(data)
	if !slices.Contains(shownByBrowsers, format) {
		return nil, statusError{http.StatusUnsupportedMediaType, lang.Errorf("server.not_shown", nil, nil)}
	}
	sendPicture(w, data, format.Type())
	return streamed{}, nil
}

func sendPicture(w http.ResponseWriter, data []byte, mediaType string) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Cache-Control", forever)
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox") // where it is opened by itself
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeLimit))
	_, _ = w.Write(data) // to a browser that still wants it
}

func parseSum(text string) (picture.Sum, error) {
	sum, err := picture.ParseSum(text)
	if err != nil {
		return sum, notFound()
	}
	return sum, nil
}

// smallable are the formats of which small pictures can be made.
var smallable = []picture.Format{picture.PNG, picture.JPEG, picture.WebP, picture.GIF, picture.BMP, picture.TIFF}

// thumbnailOf is the address of a picture's small one, "" where it has none.
func thumbnailOf(format picture.Format, sum string) string {
	if !slices.Contains(smallable, format) {
		return ""
	}
	return "/thumbnail/" + sum
}

// originalOf is the address of an original, "" where no browser shows it.
func originalOf(format picture.Format, sum string) string {
	if !slices.Contains(shownByBrowsers, format) {
		return ""
	}
	return "/original/" + sum
}

// sumOfFile is the sum that an original's file is named by.
func sumOfFile(file string) string {
	name := filepath.Base(file)
	return name[:len(name)-len(filepath.Ext(name))]
}
