package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"bilipaste/internal/album"
)

func (a *app) albumCommand() *cobra.Command {
	path := a.command("path", "album_path")
	path.RunE = func(cmd *cobra.Command, _ []string) error {
		album, err := a.openAlbum(cmd.Context())
		if err == nil {
			fmt.Fprintln(a.out, album.Dir())
		}
		return err
	}
	return a.group("album", path)
}

// openAlbum opens the album, once; it is closed with the program.
func (a *app) openAlbum(ctx context.Context) (*album.Album, error) {
	if a.album != nil {
		return a.album, nil
	}
	dir, err := a.albumFolder()
	if err != nil {
		return nil, err
	}
	if a.album, err = album.Open(ctx, dir, album.Options{MaxSize: int64(a.config.AlbumMaxSize)}); err != nil {
		return nil, err
	}
	a.ends = append(a.ends, func() { _ = a.album.Close() })
	return a.album, nil
}

// albumFolder is where pictures and links are kept. Those of a stand-in are of
// no use to the real album.
func (a *app) albumFolder() (string, error) {
	if _, err := a.transport(); err != nil {
		return "", err
	}
	switch {
	case a.sandboxed:
		return filepath.Join(a.notes, "album"), nil
	case a.gateway != nil:
		return filepath.Join(a.data, "gateway", "album"), nil
	}
	return filepath.Join(a.data, "album"), nil
}
