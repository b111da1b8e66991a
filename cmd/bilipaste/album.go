package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"bilipaste/internal/album"
	"bilipaste/internal/app"
	"bilipaste/internal/lang"
	"bilipaste/internal/terminal"
)

func (c *cli) albumCommand() *cobra.Command {
	path := c.command("path", "album_path")
	path.RunE = func(*cobra.Command, []string) error {
		dir, err := c.app.AlbumFolder()
		if err != nil {
			return err
		}
		// So that one can go there at once, also where the album is damaged.
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return lang.Errorf("album.unwritable", lang.Data{"Folder": dir, "Cause": err}, err)
		}
		fmt.Fprintln(c.out, dir)
		return nil
	}
	verify := c.command("verify", "album_verify")
	verify.RunE = func(cmd *cobra.Command, _ []string) error { return c.albumVerify(cmd.Context()) }
	return c.group("album", path, verify)
}

// albumVerify checks every original, and mends what it can. What is lost makes
// it fail.
func (c *cli) albumVerify(ctx context.Context) error {
	dir, err := c.app.AlbumFolder()
	if err != nil {
		return err
	}
	r, err := album.Verify(ctx, dir, app.AlbumOptions(c.settings))
	if err != nil {
		return err
	}
	lost := len(r.Missing) + len(r.Changed)
	if c.json {
		c.print(r)
	} else {
		c.printReport(r)
	}
	if lost > 0 || r.Rescue.File != "" {
		return told{lang.Errorf("cli.album.lost", lang.Data{"Count": lost}, nil)}
	}
	return nil
}

func (c *cli) printReport(r album.Report) {
	line := func(id string, data lang.Data) { fmt.Fprintln(c.out, c.say.Text(id, data)) }
	if r.Rescue.File != "" {
		line("cli.album.rescued", lang.Data{"File": r.Rescue.File, "Pictures": r.Rescue.Pictures, "Links": r.Rescue.Links, "Pending": r.Rescue.Pending})
	}
	for _, f := range r.Missing {
		line("cli.album.missing", lang.Data{"File": f.File, "Name": lang.OneLine(f.Name), "URL": f.URL})
	}
	for _, f := range r.Changed {
		line("cli.album.changed", lang.Data{"File": f.File, "Name": lang.OneLine(f.Name), "URL": f.URL})
	}
	for _, file := range r.Strange {
		line("cli.album.strange", lang.Data{"File": file})
	}
	if r.Adopted > 0 {
		line("cli.album.adopted", lang.Data{"Count": r.Adopted})
	}
	line("cli.album.whole", lang.Data{"Count": r.Whole, "Size": terminal.Size(r.Bytes)})
}
