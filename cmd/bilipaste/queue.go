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
	"bilipaste/internal/queue"
	"bilipaste/internal/terminal"
)

func (c *cli) queueCommand() *cobra.Command {
	list := c.command("list", "queue_list")
	list.RunE = func(cmd *cobra.Command, _ []string) error { return c.queueList(cmd.Context()) }

	run := c.command("run", "queue_run")
	run.RunE = func(cmd *cobra.Command, _ []string) error { return c.queueRun(cmd.Context()) }

	drop := c.command("drop N... | --all", "queue_drop")
	drop.Args = args(0, -1)
	all := drop.Flags().Bool("all", false, "cli.flag.all")
	drop.RunE = func(cmd *cobra.Command, numbers []string) error {
		if *all == (len(numbers) > 0) {
			return usage("cli.queue.which", lang.Data{"Command": cmd.CommandPath()})
		}
		return c.queueDrop(cmd.Context(), numbers)
	}
	return c.group("queue", list, run, drop)
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

func (c *cli) printPending(d album.Pending) {
	line := waiting{
		N: d.ID, Since: d.Since.UTC(), Name: d.Picture.Name, Bytes: d.Bytes, SHA256: d.Sum.String(),
		Taken: d.Taken, Tries: d.Tries, Why: d.Why, Failed: d.Failed,
	}
	if !d.Again.IsZero() {
		line.Again = d.Again.UTC()
	}
	c.print(line)
}

// queueList prints what is pending, in the order in which it came.
func (c *cli) queueList(ctx context.Context) error {
	kept, err := c.app.Album(ctx, c.settings)
	if err != nil {
		return err
	}
	entries, err := kept.Pending(ctx)
	if err != nil {
		return err
	}
	if c.json {
		for _, d := range entries {
			c.printPending(d)
		}
		return nil
	}
	if len(entries) == 0 {
		fmt.Fprintln(c.err, c.say.Text("cli.queue.none"))
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, d := range entries {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\n", d.ID, d.Since.Local().Format("2006-01-02 15:04"), terminal.Size(d.Bytes), c.stateOf(d), lang.OneLine(d.Picture.Name))
	}
	return table.Flush()
}

// stateOf says what a pending upload waits for.
func (c *cli) stateOf(d album.Pending) string {
	switch {
	case d.Taken:
		return c.say.Text("cli.queue.uploading")
	case d.Failed:
		return c.say.Text("cli.queue.failed", lang.Data{"Why": lang.OneLine(d.Why)})
	case d.Why != "":
		return c.say.Text("cli.queue.later", lang.Data{"Why": lang.OneLine(d.Why)})
	}
	return c.say.Text("cli.queue.waits")
}

// queueRun uploads what is pending, also what has failed for good, and prints a
// link for each. It stops at a failure that will pass.
func (c *cli) queueRun(ctx context.Context) error {
	kept, err := c.app.Album(ctx, c.settings)
	if err != nil {
		return err
	}
	up, err := c.uploader(ctx, kept)
	if err != nil {
		return err
	}
	q := c.queue(kept)
	q.Way, q.Shown = up.Way, up.Open
	var failed error
	err = q.Drain(ctx, func(p queue.Outcome) {
		if c.json {
			line := uploaded{File: p.Entry.Picture.Name, Error: fault.Tell(c.say, p.Err)}
			if p.Err == nil {
				line.Link, line.Notes = &p.Link, terminal.Notes(c.say, p.Link)
			}
			c.print(line)
		} else if p.Err == nil {
			fmt.Fprintln(c.out, p.Link.URL)
		} else if !p.Waits {
			c.complain(p.Err)
		}
		failed = cmp.Or(failed, p.Err)
	})
	if err != nil && (!c.json || !errors.Is(failed, err)) {
		return err
	}
	if failed != nil {
		return told{failed}
	}
	return nil
}

// queueDrop gives entries up, all of them without numbers.
func (c *cli) queueDrop(ctx context.Context, numbers []string) error {
	drop, err := ids(numbers)
	if err != nil {
		return err
	}
	kept, err := c.app.Album(ctx, c.settings)
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
	fmt.Fprintln(c.err, c.say.Text("cli.queue.dropped", lang.Data{"Count": len(drop)}))
	return nil
}
