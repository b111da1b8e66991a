package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"bilipaste/internal/album"
	"bilipaste/internal/picture"
)

// takeOver moves the pictures that an older version kept for a login, as files
// in a folder, into the album. What is no picture stays there.
func (a *app) takeOver(ctx context.Context, kept *album.Album) {
	dir := filepath.Join(a.notes, "waiting")
	entries, err := os.ReadDir(dir) // sorted, so in the order they came
	if err != nil {
		return // there never was one
	}
	for _, e := range entries {
		file := filepath.Join(dir, e.Name())
		_, name, _ := strings.Cut(e.Name(), "-") // after a number
		p, err := picture.Open(file)
		if err == nil {
			p.Name = name
			err = owe(ctx, kept, p)
		}
		if err == nil {
			err = os.Remove(file)
		}
		if err != nil {
			a.log.Warn("a picture that an older version kept was not taken over", "error", err)
		}
	}
	_ = os.Remove(dir) // once it is empty
}

// owe enters that a picture waits for its upload.
func owe(ctx context.Context, kept *album.Album, p picture.Picture) error {
	debt, err := kept.Keep(ctx, p)
	if err != nil {
		return err
	}
	return kept.Postpone(ctx, debt.ID, album.Failure{})
}
