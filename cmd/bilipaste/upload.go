package main

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"bilipaste/internal/album"
	"bilipaste/internal/app"
	"bilipaste/internal/desktop"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/markup"
	"bilipaste/internal/picture"
	"bilipaste/internal/queue"
	"bilipaste/internal/terminal"
	"bilipaste/uploader"
)

func (c *cli) uploadCommand() *cobra.Command {
	cmd := c.command("upload FILE... | -", "upload")
	again := cmd.Flags().Bool("again", false, "cli.flag.again")
	asPicGo := cmd.Flags().Bool("picgo", false, "cli.flag.picgo")
	cmd.Args = func(cmd *cobra.Command, files []string) error {
		if *asPicGo {
			return nil // without a file it is the clipboard
		}
		return args(1, -1)(cmd, files)
	}
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		files = desktop.Expand(files)
		if *asPicGo {
			return c.uploadAsPicGo(cmd.Context(), files, *again)
		}
		return c.upload(cmd.Context(), files, *again, c.shower())
	}
	return cmd
}

// shower returns what prints one line for each file: its link, or a blank line.
func (c *cli) shower() func(added, queue.Outcome) {
	said, notKept := map[fault.Kind]bool{}, false
	return func(f added, out queue.Outcome) {
		c.printLink(f.name, f.picture, out.Link, out.Err)
		switch kind := fault.KindOf(out.Err); {
		case c.json || kind != 0 && said[kind]: // of what stands in the way it is told once
		case out.Err != nil:
			c.complain(out.Err)
			said[kind] = shut[kind]
		case out.Link.Differs:
			fmt.Fprintf(c.err, "bilipaste: %s: %s\n", lang.OneLine(f.name), c.say.Text("terminal.differs"))
		}
		if out.NotKept != nil && (f.name == "-" || out.Err == nil && !notKept) { // of files once: the user has them
			notKept = true
			c.complain(out.NotKept)
		} else if f.name == "-" && out.Err != nil && out.Entry.ID != 0 && !c.json {
			fmt.Fprintln(c.err, c.say.Text("cli.upload.kept"))
		}
	}
}

// upload tells show what became of each file, in their order. What is known is
// not sent, unless it is asked for again. After a missing login or a refusal no
// further file is sent. What came from standard input and was not sent stays in
// the queue. The error of a file was told by show.
func (c *cli) upload(ctx context.Context, files []string, again bool, show func(added, queue.Outcome)) error {
	kept, err := c.app.Album(ctx, c.settings)
	if err != nil {
		kept = nil
		c.complain(lang.Errorf("cli.no_album", lang.Data{"Cause": err}, err))
	}
	q := c.queue(kept)
	up, failed := c.uploader(ctx, kept) // what the exit status tells
	switch {
	case failed == nil:
		up.Pipeline.Again = again
		q.Way, q.Shown = up.Way, up.Open
	case !isNoLogin(failed):
		return failed
	default:
		q.Way = func(uploader.Destination) (*uploader.Uploader, error) { return nil, failed }
	}
	q.OnlyOwn = true
	ctx, stop := context.WithCancel(ctx)
	var sender sync.WaitGroup
	sender.Go(func() { _ = q.Run(ctx, nil) }) // it ends with ctx
	defer sender.Wait()
	defer stop()

	bar := terminal.NewProgress(c.err, c.say.Text("terminal.uploading"), len(files))
	started := time.Now() // for all of them: what stands in the way of one does so for the rest
	for f, err := range c.added(ctx, q, files, app.Destination(c.settings), started) {
		if err != nil {
			return err
		}
		out, err := queue.Outcome{Err: f.err}, error(nil)
		if f.job != nil {
			if out, err = f.job.Wait(ctx); err != nil {
				return err
			}
		}
		bar.Clear()
		show(f, out)
		if failed = cmp.Or(failed, out.Err); shut[fault.KindOf(out.Err)] {
			failed = out.Err
		}
		bar.Next()
	}
	bar.Clear()
	if failed != nil {
		return told{failed}
	}
	return nil
}

// shut are the kinds of error with which a host takes nothing for now.
var shut = map[fault.Kind]bool{fault.NotLoggedIn: true, fault.Refused: true}

// queue returns the queue of this command, which has no way yet.
func (c *cli) queue(kept *album.Album) *queue.Queue {
	return &queue.Queue{Album: kept, Language: c.language, Log: c.app.Log}
}

// added is a file that is in the queue.
type added struct {
	name    string
	picture picture.Picture
	err     error // why it is not
	job     *queue.Job
}

// added adds files to the queue, each while the one before is being sent. The
// error is ctx's.
func (c *cli) added(ctx context.Context, q *queue.Queue, files []string, to uploader.Destination, started time.Time) iter.Seq2[added, error] {
	return func(yield func(added, error) bool) {
		add := func(file string) (added, error) {
			p, err := await(ctx, func() (picture.Picture, error) { return c.open(file) })
			if ctx.Err() != nil {
				return added{}, ctx.Err()
			}
			f := added{name: file, picture: p, err: err}
			if err == nil {
				// What came from standard input nobody else may have.
				f.job = q.Add(ctx, queue.Request{Picture: p, To: to, Copied: started, Passing: file != "-"})
			}
			return f, nil
		}
		next, err := add(files[0])
		for i := range files {
			f, failed := next, err
			if i+1 < len(files) && failed == nil {
				next, err = add(files[i+1])
			}
			if !yield(f, failed) || failed != nil {
				return
			}
		}
	}
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
		as := markup.URL
		if c.markupGiven {
			as = c.settings.Markup
		}
		fmt.Fprintln(c.out, as.Write(markup.Picture{URL: link.URL, Name: p.Name, Width: link.Width, Height: link.Height}))
		for _, note := range terminal.Notes(c.say, link) {
			fmt.Fprintf(c.err, "%s: %s\n", lang.OneLine(cmp.Or(p.Name, file)), note)
		}
	}
}
