package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"bilipaste/internal/album"
	"bilipaste/internal/app"
	"bilipaste/internal/desktop"
	"bilipaste/internal/fault"
	"bilipaste/internal/format"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/terminal"
	"bilipaste/internal/writing"
	"bilipaste/uploader"
)

func (c *cli) uploadCommand() *cobra.Command {
	cmd := c.command("upload FILE... | -", "upload")
	cmd.Args = args(1, -1)
	again := cmd.Flags().Bool("again", false, c.say.Text("cli.flag.again"))
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		return c.upload(cmd.Context(), desktop.Expand(files), *again)
	}
	return cmd
}

// upload prints one line for each file, in their order: its link, or a blank
// line. What is known is not sent, unless it is asked for again. After a missing
// login or a refusal no further file is sent. What came from standard input and
// was not sent is in the queue.
func (c *cli) upload(ctx context.Context, files []string, again bool) error {
	kept, err := c.app.Album(ctx, c.settings)
	if err != nil {
		kept = nil
		c.complain(lang.Errorf("cli.no_album", lang.Data{"Cause": err}, err))
	}
	up, stop := c.uploader(ctx, kept) // after stop nothing more is sent
	failed := stop                    // what the exit status tells
	switch {
	case stop == nil:
		up.Pipeline.Again = again
	case !isNoLogin(stop):
		return stop
	case !c.json:
		c.complain(stop)
	}
	bar := terminal.NewProgress(c.err, c.say.Text("cli.uploading"), len(files))
	for _, file := range files {
		picture, err := await(ctx, func() (picture.Picture, error) { return c.open(file) })
		var entry *album.Pending
		if err == nil && file == "-" { // nobody else may have it
			entry = c.enqueue(ctx, kept, picture, up)
		}
		known := err == nil && stop != nil
		var link uploader.Link
		switch {
		case known:
			err = stop
		case err == nil:
			link, err = up.Upload(ctx, picture)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		waits := err != nil && entry != nil
		if waits {
			payer := writing.Payer{Album: kept, Language: c.language, Log: c.app.Log}
			payer.Postpone(ctx, *entry, err)
		}
		bar.Clear()
		c.printLink(file, picture, link, err)
		switch {
		case c.json:
		case err != nil && !known:
			c.complain(err)
		case link.Differs:
			fmt.Fprintf(c.err, "bilipaste: %s: %s\n", file, c.say.Text("terminal.differs"))
		}
		if waits && !c.json {
			fmt.Fprintln(c.err, c.say.Text("cli.upload.kept"))
		}
		switch fault.KindOf(err) {
		case fault.NotLoggedIn, fault.Refused:
			failed, stop = err, err
		default:
			failed = cmp.Or(failed, err)
		}
		bar.Next()
	}
	bar.Clear()
	if failed != nil {
		return told{failed}
	}
	return nil
}

// enqueue enters that a picture's upload is pending, until it ends. It returns nil
// where that cannot be entered, and the user is told.
func (c *cli) enqueue(ctx context.Context, kept *album.Album, p picture.Picture, up *app.Uploader) *album.Pending {
	if kept == nil { // of which the user was told
		return nil
	}
	entry, err := kept.Keep(ctx, p, up.To())
	if err != nil {
		c.complain(err)
		return nil
	}
	return &entry
}

// open reads a file, or standard input for "-".
func (c *cli) open(file string) (picture.Picture, error) {
	if file == "-" {
		return picture.Read("", c.in, -1)
	}
	return picture.Open(file)
}

// uploaded is a line of "upload --json".
type uploaded struct {
	File string `json:"file"`
	*uploader.Link
	Format picture.Format `json:"format,omitempty"`
	Width  int            `json:"width,omitempty"`
	Height int            `json:"height,omitempty"`
	Bytes  int            `json:"bytes,omitempty"`
	Notes  []string       `json:"notes,omitempty"`
	Error  *fault.Told    `json:"error,omitempty"`
}

func (c *cli) printLink(file string, p picture.Picture, link uploader.Link, err error) {
	switch {
	case c.json:
		line := uploaded{File: file, Format: p.Format, Width: p.Width, Height: p.Height, Bytes: len(p.Data), Error: fault.Tell(c.say, err)}
		if err == nil {
			line.Link = &link
			line.Format, line.Width, line.Height, line.Bytes = link.Format, link.Width, link.Height, int(link.Bytes)
			line.Notes = terminal.Notes(c.say, link)
		}
		c.print(line)
	case err != nil:
		fmt.Fprintln(c.out)
	default:
		f := format.URL
		if c.formatGiven {
			f = c.settings.Format
		}
		fmt.Fprintln(c.out, f.Write(format.Picture{URL: link.URL, Name: p.Name, Width: link.Width, Height: link.Height}))
		for _, note := range terminal.Notes(c.say, link) {
			fmt.Fprintf(c.err, "%s: %s\n", terminal.OneLine(cmp.Or(p.Name, file)), note)
		}
	}
}
