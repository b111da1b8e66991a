package server

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bilipaste/internal/picture"
)

// Past the bound the oldest half goes, and what is missing then is made again.
func TestThumbnailsHaveABound(t *testing.T) {
	dir := t.TempDir()
	var picturePNG bytes.Buffer
	if err := png.Encode(&picturePNG, image.NewGray(image.Rect(0, 0, 640, 480))); err != nil {
		t.Fatal(err)
	}
	original := filepath.Join(t.TempDir(), "original.png")
	if err := os.WriteFile(original, picturePNG.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	thumbs := newThumbnails(dir)
	const each = 1 << 20
	now := time.Now()
	for i := range thumbnailsMax/each + 1 { // files with holes: they take no room
		file := thumbs.file(picture.SumOf(fmt.Append(nil, i)))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(file, each); err != nil {
			t.Fatal(err)
		}
		if at := now.Add(time.Duration(i-1000) * time.Minute); os.Chtimes(file, at, at) != nil {
			t.Fatal("no times")
		}
	}
	newest := picture.SumOf([]byte("newest"))
	small, err := thumbs.get(t.Context(), newest, original)
	if err != nil || len(small) == 0 {
		t.Fatal(len(small), err)
	}
	var bytes int64
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			info, err := d.Info()
			if err != nil {
				return err
			}
			bytes += info.Size()
		}
		return err
	})
	if err != nil || bytes > thumbnailsMax/2 || bytes < thumbnailsMax/2-2*each {
		t.Errorf("%d MiB are left, %v", bytes>>20, err)
	}
	for i, there := range map[int]bool{0: false, 100: false, 200: true, thumbnailsMax / each: true} {
		if _, err := os.Stat(thumbs.file(picture.SumOf(fmt.Append(nil, i)))); (err == nil) != there {
			t.Errorf("number %d: %v", i, err)
		}
	}
	if _, err := os.Stat(thumbs.file(newest)); err != nil {
		t.Error(err)
	}
	if again, err := thumbs.get(t.Context(), picture.SumOf(fmt.Append(nil, 0)), original); err != nil || len(again) == 0 || len(again) == each {
		t.Errorf("what went is not made again: %d, %v", len(again), err)
	}
}
