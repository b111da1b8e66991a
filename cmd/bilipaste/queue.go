package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"bilipaste/internal/album"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/writing"
)

func (a *app) queueCommand() *cobra.Command {
	list := a.command("list", "queue_list")
	list.RunE = func(cmd *cobra.Command, _ []string) error { return a.queueList(cmd.Context()) }

	run := a.command("run", "queue_run")
	run.RunE = func(cmd *cobra.Command, _ []string) error { return a.queueRun(cmd.Context()) }

	drop := a.command("drop N... | --all", "queue_drop")
	drop.Args = args(0, -1)
	all := drop.Flags().Bool("all", false, a.say.Text("cli.flag.all"))
	drop.RunE = func(cmd *cobra.Command, numbers []string) error {
		if *all == (len(numbers) > 0) {
			return usage("cli.queue.which", lang.Data{"Command": cmd.CommandPath()})
		}
		return a.queueDrop(cmd.Context(), numbers)
	}
	return a.group("queue", list, run, drop)
}

// waiting is a line of "queue list --json".
type waiting struct {
	N      int64     `json:"n"`
	Since  time.Time `json:"since"`
	Name   string    `json:"name,omitempty"`
	Bytes  int64     `json:"bytes"`
	SHA256 string    `json:"sha256"`
	Taken  bool      `json:"uploading,omitempty"`
	Tries  int       `json:"tries,omitempty"`
	Why    string    `json:"why,omitempty"`
	Again  time.Time `json:"again,omitzero"`
	Failed bool      `json:"failed,omitempty"`
}

func (a *app) printPending(d album.Pending) {
	line := waiting{
		N: d.ID, Since: d.Since.UTC(), Name: d.Picture.Name, Bytes: d.Bytes, SHA256: d.Sum.String(),
		Taken: d.Taken, Tries: d.Tries, Why: d.Why, Failed: d.Failed,
	}
	if !d.Again.IsZero() {
		line.Again = d.Again.UTC()
	}
	a.printJSON(line)
}

// queueList prints what is pending, in the order in which it came.
func (a *app) queueList(ctx context.Context) error {
	kept, err := a.openAlbum(ctx)
	if err != nil {
		return err
	}
	entries, err := kept.Pending(ctx)
	if err != nil {
		return err
	}
	if a.json {
		for _, d := range entries {
			a.printPending(d)
		}
		return nil
	}
	if len(entries) == 0 {
		fmt.Fprintln(a.err, a.say.Text("cli.queue.none"))
	}
	table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, d := range entries {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\n", d.ID, d.Since.Local().Format("2006-01-02 15:04"), size(int(d.Bytes)), a.stateOf(d), oneLine(d.Picture.Name))
	}
	return table.Flush()
}

// stateOf says what a pending upload waits for.
func (a *app) stateOf(d album.Pending) string {
	switch {
	case d.Taken:
		return a.say.Text("cli.queue.uploading")
	case d.Failed:
		return a.say.Text("cli.queue.failed", lang.Data{"Why": oneLine(d.Why)})
	case d.Why != "":
		return a.say.Text("cli.queue.later", lang.Data{"Why": oneLine(d.Why)})
	}
	return a.say.Text("cli.queue.waits")
}

// queueRun uploads what is pending, also what has failed for good, and prints a
// link for each. It stops at a failure that will pass.
func (a *app) queueRun(ctx context.Context) error {
	up, err := a.uploader()
	if err != nil {
		return err
	}
	kept, err := a.openAlbum(ctx)
	if err != nil {
		return err
	}
	up.Ledger = kept
	if err := a.tendSession(ctx, a.client); err != nil && fault.KindOf(err) != fault.NotLoggedIn {
		a.complain(err)
	}
	a.tellAbout(up)
	payer := &writing.Payer{Album: kept, Uploader: up, Language: a.language, Log: a.log}
	var failed error
	err = payer.Pay(ctx, true, func(p writing.Paid) {
		if a.json {
			line := uploaded{File: p.Entry.Picture.Name, Error: a.failure(p.Err)}
			if p.Err == nil {
				line.Link, line.Notes = &p.Link, a.notesOf(p.Link)
			}
			a.printJSON(line)
		} else if p.Err == nil {
			fmt.Fprintln(a.out, p.Link.URL)
		} else if !p.Waits {
			a.complain(p.Err)
		}
		failed = cmp.Or(failed, p.Err)
	})
	if err != nil && (!a.json || !errors.Is(failed, err)) {
		return err
	}
	if failed != nil {
		return told{failed}
	}
	return nil
}

// queueDrop gives pending uploads up, all of them without numbers.
func (a *app) queueDrop(ctx context.Context, numbers []string) error {
	drop, err := ids(numbers)
	if err != nil {
		return err
	}
	kept, err := a.openAlbum(ctx)
	if err != nil {
		return err
	}
	if len(numbers) == 0 {
		entries, err := kept.Pending(ctx)
		if err != nil {
			return err
		}
		for _, d := range entries {
			drop = append(drop, d.ID)
		}
	}
	if err := kept.Drop(ctx, drop...); err != nil {
		return err
	}
	fmt.Fprintln(a.err, a.say.Text("cli.queue.dropped", lang.Data{"Count": len(drop)}))
	return nil
}
