package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"bilipaste/internal/album"
	"bilipaste/internal/fault"
	"bilipaste/internal/format"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/writing"
	"bilipaste/uploader"
)

func (a *app) uploadCommand() *cobra.Command {
	cmd := a.command("upload FILE... | -", "upload")
	cmd.Args = args(1, -1)
	again := cmd.Flags().Bool("again", false, a.say.Text("cli.flag.again"))
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		return a.upload(cmd.Context(), expanded(files), *again)
	}
	return cmd
}

// upload prints one line for each file, in their order: its link, or a blank
// line. What is known is not sent, unless it is asked for again. After a missing
// login or a refusal no further file is sent. What came from standard input and
// was not sent is in the queue.
func (a *app) upload(ctx context.Context, files []string, again bool) error {
	up, stop := a.uploader() // after stop nothing more is sent
	failed := stop           // what the exit status tells
	switch fault.KindOf(stop) {
	case fault.NotLoggedIn:
		if !a.json {
			a.complain(stop)
		}
	default:
		if stop != nil {
			return stop
		}
	}
	if err := a.tendSession(ctx, a.client); err != nil && fault.KindOf(err) != fault.NotLoggedIn {
		a.complain(err)
	}
	a.tellAbout(up)
	up.Again = again
	if kept, err := a.openAlbum(ctx); err == nil {
		up.Ledger = kept
	} else {
		a.complain(lang.Errorf("cli.no_album", lang.Data{"Cause": err}, err))
	}
	bar := a.progress(len(files))
	for _, file := range files {
		picture, err := await(ctx, func() (picture.Picture, error) { return a.open(file) })
		var entry *album.Pending
		if err == nil && file == "-" { // nobody else may have it
			entry = a.enqueue(ctx, picture, up.to())
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
			payer := writing.Payer{Album: a.album, Language: a.language, Log: a.log}
			payer.Postpone(ctx, *entry, err)
		}
		bar.clear()
		a.printLink(file, picture, link, err)
		switch {
		case a.json:
		case err != nil && !known:
			a.complain(err)
		case link.Differs:
			fmt.Fprintf(a.err, "bilipaste: %s: %s\n", file, a.say.Text("cli.differs"))
		}
		if waits && !a.json {
			fmt.Fprintln(a.err, a.say.Text("cli.upload.kept"))
		}
		switch fault.KindOf(err) {
		case fault.NotLoggedIn, fault.Refused:
			failed, stop = err, err
		default:
			failed = cmp.Or(failed, err)
		}
		bar.next()
	}
	bar.clear()
	if failed != nil {
		return told{failed}
	}
	return nil
}

// enqueue enters that a picture's upload is pending, until it ends. It returns nil
// where that cannot be entered, and the user is told.
func (a *app) enqueue(ctx context.Context, p picture.Picture, to uploader.Place) *album.Pending {
	if a.album == nil { // of which the user was told
		return nil
	}
	entry, err := a.album.Keep(ctx, p, to)
	if err != nil {
		a.complain(err)
		return nil
	}
	return &entry
}

// open reads a file, or standard input for "-".
func (a *app) open(file string) (picture.Picture, error) {
	if file == "-" {
		return picture.Read("", a.in, -1)
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
	Error  *failure       `json:"error,omitempty"`
}

// failure is an error in --json.
type failure struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func (a *app) failure(err error) *failure {
	if err == nil {
		return nil
	}
	f := failure{Kind: "other"}
	if k := fault.KindOf(err); k != 0 {
		f.Kind = k.String()
	}
	f.Message, f.Hint = a.say.Error(err)
	return &f
}

func (a *app) printLink(file string, p picture.Picture, link uploader.Link, err error) {
	switch {
	case a.json:
		line := uploaded{File: file, Format: p.Format, Width: p.Width, Height: p.Height, Bytes: len(p.Data), Error: a.failure(err)}
		if err == nil {
			line.Link = &link
			line.Format, line.Width, line.Height, line.Bytes = link.Format, link.Width, link.Height, int(link.Bytes)
			line.Notes = a.notesOf(link)
		}
		a.printJSON(line)
	case err != nil:
		fmt.Fprintln(a.out)
	default:
		f := format.URL
		if a.formatGiven {
			f = a.config.Format
		}
		fmt.Fprintln(a.out, f.Write(format.Picture{URL: link.URL, Name: p.Name, Width: link.Width, Height: link.Height}))
		for _, note := range a.notesOf(link) {
			fmt.Fprintf(a.err, "%s: %s\n", oneLine(cmp.Or(p.Name, file)), note)
		}
	}
}

// notesOf says what the user has to know of a link.
func (a *app) notesOf(link uploader.Link) []string {
	var notes []string
	for _, n := range link.Notes {
		notes = append(notes, a.say.Say(n))
	}
	return notes
}

// printJSON prints v on one line.
func (a *app) printJSON(v any) {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // nothing that is given cannot be encoded; a broken pipe ends the program
}

// progress shows how far it is, for more than one file and on a terminal only.
type progress struct{ bar *progressbar.ProgressBar }

func (a *app) progress(files int) progress {
	f, ok := a.err.(*os.File)
	if files < 2 || !ok || !term.IsTerminal(int(f.Fd())) {
		return progress{}
	}
	bar := progressbar.NewOptions(files, progressbar.OptionSetWriter(io.Writer(f)),
		progressbar.OptionSetDescription(a.say.Text("cli.uploading")), progressbar.OptionShowCount(),
		progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(false), progressbar.OptionClearOnFinish())
	_ = bar.RenderBlank()
	return progress{bar}
}

func (p progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

func (p progress) next() {
	if p.bar != nil {
		_ = p.bar.Add(1)
	}
}
