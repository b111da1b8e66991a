package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"bilipaste/internal/album"
	"bilipaste/internal/lang"
)

func (a *app) albumCommand() *cobra.Command {
	path := a.command("path", "album_path")
	path.RunE = func(*cobra.Command, []string) error {
		dir, err := a.albumFolder()
		if err != nil {
			return err
		}
		// So that one can go there at once, also where the album is damaged.
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return lang.Errorf("album.unwritable", lang.Data{"Folder": dir, "Cause": err}, err)
		}
		fmt.Fprintln(a.out, dir)
		return nil
	}
	verify := a.command("verify", "album_verify")
	verify.RunE = func(cmd *cobra.Command, _ []string) error { return a.albumVerify(cmd.Context()) }
	return a.group("album", path, verify)
}

// albumVerify checks every original, and mends what it can. What is lost makes
// it fail.
func (a *app) albumVerify(ctx context.Context) error {
	dir, err := a.albumFolder()
	if err != nil {
		return err
	}
	r, err := album.Verify(ctx, dir, album.Options{MaxSize: int64(a.config.AlbumMaxSize)})
	if err != nil {
		return err
	}
	lost := len(r.Missing) + len(r.Changed)
	if a.json {
		a.printJSON(r)
	} else {
		a.printReport(r)
	}
	if lost > 0 || r.Rescue.File != "" {
		return told{lang.Errorf("cli.album.lost", lang.Data{"Count": lost}, nil)}
	}
	return nil
}

func (a *app) printReport(r album.Report) {
	line := func(id string, data lang.Data) { fmt.Fprintln(a.out, a.say.Text(id, data)) }
	if r.Rescue.File != "" {
		line("cli.album.rescued", lang.Data{"File": r.Rescue.File, "Pictures": r.Rescue.Pictures, "Links": r.Rescue.Links, "Pending": r.Rescue.Pending})
	}
	for _, f := range r.Missing {
		line("cli.album.missing", lang.Data{"File": f.File, "Name": oneLine(f.Name), "URL": f.URL})
	}
	for _, f := range r.Changed {
		line("cli.album.changed", lang.Data{"File": f.File, "Name": oneLine(f.Name), "URL": f.URL})
	}
	for _, file := range r.Strange {
		line("cli.album.strange", lang.Data{"File": file})
	}
	if r.Adopted > 0 {
		line("cli.album.adopted", lang.Data{"Count": r.Adopted})
	}
	line("cli.album.whole", lang.Data{"Count": r.Whole, "Size": size(int(r.Bytes))})
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
