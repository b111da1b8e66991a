package picgo

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// maxGallery is the largest gallery that is read, in bytes of its JSON.
const maxGallery = 256 << 20

// Gallery reads the links that PicGo or PicList has made: those in file, or in
// all galleries that are found where file is "". What is no link on the web is
// left out. The error is a lang.Teller: there is no gallery, or it cannot be read.
func Gallery(file string) ([]album.Foreign, error) {
	if file != "" {
		return gallery(file)
	}
	var links []album.Foreign
	found, files := false, galleries()
	for _, file := range files {
		some, err := gallery(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found, links = true, append(links, some...)
	}
	if !found {
		return nil, lang.Errorf("picgo.no_gallery", lang.Data{"Files": strings.Join(files, ", ")}, nil)
	}
	return links, nil
}

// galleries are where the galleries are: beside the configurations, and before
// PicGo 2.3 within them.
func galleries() []string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil
	}
	return []string{
		filepath.Join(dir, "picgo", "picgo.db"), filepath.Join(dir, "picgo", "data.json"),
		filepath.Join(dir, "piclist", "piclist.db"), filepath.Join(dir, "piclist", "data.json"),
	}
}

func gallery(file string) ([]album.Foreign, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, lang.Errorf("picgo.unreadable", lang.Data{"File": file, "Cause": err}, err)
	}
	defer func() { _ = f.Close() }()
	var links []album.Foreign
	data, err := io.ReadAll(io.LimitReader(f, maxGallery))
	if err == nil {
		links, err = parseGallery(data)
	}
	if err != nil {
		return nil, lang.Errorf("picgo.unreadable", lang.Data{"File": file, "Cause": err}, err)
	}
	return links, nil
}

// upload is one entry of a gallery. Plugins add fields, and leave some out.
type upload struct {
	Name    string  `json:"fileName"`
	URL     string  `json:"imgUrl"`
	Width   float64 `json:"width"`
	Height  float64 `json:"height"`
	Created float64 `json:"createdAt"` // milliseconds since 1970
}

// parseGallery reads a gallery: JSON, which PicGo 2.3 and later, and PicList,
// compress by gzip.
func parseGallery(data []byte) ([]album.Foreign, error) {
	if z, err := gzip.NewReader(bytes.NewReader(data)); err == nil {
		if data, err = io.ReadAll(io.LimitReader(z, maxGallery)); err != nil {
			return nil, err
		}
	}
	var kept struct {
		Gallery  []json.RawMessage `json:"gallery"`
		Uploaded []json.RawMessage `json:"uploaded"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &kept); err != nil {
		return nil, err
	}
	var links []album.Foreign
	for _, entry := range append(kept.Gallery, kept.Uploaded...) {
		var u upload
		// Of an entry with a field of another kind the others count.
		if err := json.Unmarshal(entry, &u); err != nil {
			if _, odd := errors.AsType[*json.UnmarshalTypeError](err); !odd {
				return nil, err
			}
		}
		if link, ok := u.link(); ok {
			links = append(links, album.Foreign{Name: u.Name, Link: link})
		}
	}
	return links, nil
}

func (u upload) link() (uploader.Link, bool) {
	at, err := url.Parse(u.URL)
	if err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "" {
		return uploader.Link{}, false
	}
	link := uploader.Link{URL: u.URL, Host: at.Hostname(), Made: time.UnixMilli(int64(u.Created)).UTC()}
	if u.Width > 0 && u.Height > 0 && u.Width < 1<<20 && u.Height < 1<<20 {
		link.Width, link.Height = int(u.Width), int(u.Height)
	}
	// The hosts that are ours, too, by their names.
	parts := strings.Split(at.Path, "/")
	switch {
	case strings.HasSuffix(link.Host, ".hdslb.com") && len(parts) > 3 && parts[1] == "bfs":
		link.Host, link.Bucket = "bilibili", parts[2]
	case link.Host == "img.scdn.io":
		link.Host = "scdn"
	}
	switch ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(at.Path), ".")); ext {
	case "png", "gif", "webp":
		link.Format = picture.Format(ext)
	case "jpg", "jpeg":
		link.Format = picture.JPEG
	}
	return link, true
}
