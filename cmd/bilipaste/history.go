package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"bilipaste/internal/album"
	"bilipaste/internal/app"
	"bilipaste/internal/lang"
	"bilipaste/internal/launch"
	"bilipaste/internal/markup"
	"bilipaste/internal/picgo"
	"bilipaste/internal/regex"
	"bilipaste/internal/terminal"
)

// defaultHistory is how many links "history" shows.
const defaultHistory = 20

func (c *cli) historyCommand() *cobra.Command {
	cmd := c.command("history [WORDS]", "history")
	cmd.Args = cobra.ArbitraryArgs
	since := cmd.Flags().String("since", "", "cli.flag.since")
	limit := cmd.Flags().Int("limit", defaultHistory, "cli.flag.limit")
	number := cmd.Flags().Int64("copy", 0, "cli.flag.copy")
	cmd.RunE = func(cmd *cobra.Command, words []string) error {
		if cmd.Flags().Changed("copy") {
			return c.copyLink(cmd.Context(), *number)
		}
		q, err := c.query(cmd, words, *since)
		if err != nil {
			return err
		}
		q.Limit = *limit
		return c.history(cmd.Context(), q)
	}

	export := c.command("export [WORDS]", "history_export")
	export.Args = cobra.ArbitraryArgs
	exportSince := export.Flags().String("since", "", "cli.flag.since")
	export.RunE = func(cmd *cobra.Command, words []string) error {
		q, err := c.query(cmd, words, *exportSince)
		if err != nil {
			return err
		}
		return c.export(cmd.Context(), q)
	}

	forget := c.command("forget N...", "history_forget")
	forget.Args = args(1, -1)
	forget.RunE = func(cmd *cobra.Command, numbers []string) error { return c.forget(cmd.Context(), numbers) }

	imported := c.command("import [FILE...]", "history_import")
	imported.Args = cobra.ArbitraryArgs
	imported.RunE = func(cmd *cobra.Command, files []string) error { return c.importLinks(cmd.Context(), files) }

	cmd.AddCommand(export, forget, imported)
	return cmd
}

// query is what the flags ask of the history. Of --host only what is given
// counts: the setting says where pictures go, not where they went.
func (c *cli) query(cmd *cobra.Command, words []string, since string) (q album.Query, err error) {
	q.Words = words
	if cmd.Flags().Changed("host") {
		q.Host = c.settings.Host
	}
	if since != "" {
		if q.Since, err = moment(since, time.Now()); err != nil {
			return q, usage("cli.bad_since", lang.Data{"Command": cmd.CommandPath(), "Value": since})
		}
	}
	return q, nil
}

var (
	span  = regex.Lazy(`^(\d{1,4})([hdw])$`)
	spans = map[string]time.Duration{"h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
)

// moment reads a day, such as 2026-11-22, or how long ago, such as 7d.
func moment(s string, now time.Time) (time.Time, error) {
	if parts := span().FindStringSubmatch(s); parts != nil {
		n, err := strconv.Atoi(parts[1])
		return now.Add(-time.Duration(n) * spans[parts[2]]), err
	}
	return time.ParseInLocation(time.DateOnly, s, now.Location())
}

// links is the history, with links such as a browser can open.
type links struct {
	album   *album.Album
	network *app.Network
}

func (c *cli) links(ctx context.Context) (links, error) {
	kept, err := c.app.Album(ctx, c.settings)
	if err != nil {
		return links{}, err
	}
	n, err := c.app.Network()
	return links{kept, n}, err
}

// each yields the links of a query.
func (l links) each(ctx context.Context, q album.Query) iter.Seq2[album.Entry, error] {
	return func(yield func(album.Entry, error) bool) {
		for e, err := range l.album.Each(ctx, q) {
			e.Link = l.network.Open(e.Link)
			if !yield(e, err) {
				return
			}
		}
	}
}

// one returns the link with a number.
func (l links) one(ctx context.Context, number int64) (album.Entry, error) {
	for e, err := range l.each(ctx, album.Query{IDs: []int64{number}}) {
		return e, err
	}
	return album.Entry{}, lang.Errorf("album.no_entry", lang.Data{"ID": number}, nil)
}

// linesTogether is for how many lines of a table the columns have one width.
const linesTogether = 500

// history prints links, the one that was used last first.
func (c *cli) history(ctx context.Context, q album.Query) error {
	all, err := c.links(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	lines := 0
	for e, err := range all.each(ctx, q) {
		if err != nil {
			return errors.Join(err, table.Flush())
		}
		if lines++; c.json {
			c.print(all.entry(e))
			continue
		}
		name := lang.OneLine(e.Picture.Name)
		if !e.Dead.IsZero() {
			name = c.say.Text("cli.history.dead", lang.Data{"Name": name})
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", e.ID, e.Used.Local().Format("2006-01-02 15:04"), terminal.Size(e.Bytes), e.Link.Host, e.Link.URL, name)
		if lines%linesTogether == 0 {
			if err := table.Flush(); err != nil {
				return err
			}
		}
	}
	if lines == 0 && !c.json {
		fmt.Fprintln(c.err, c.say.Text("cli.history.none"))
	}
	return table.Flush()
}

// copyLink puts a link of the history on the clipboard, as the settings say
// that links are written.
func (c *cli) copyLink(ctx context.Context, number int64) error {
	all, err := c.links(ctx)
	if err != nil {
		return err
	}
	e, err := all.one(ctx, number)
	if err != nil {
		return err
	}
	text := c.settings.Markup.Write(markup.Picture{URL: e.Link.URL, Name: e.Picture.Name, Width: e.Link.Width, Height: e.Link.Height})
	if err := launch.Copy(ctx, c.app, c.err, text); err != nil {
		return err
	}
	if !e.Dead.IsZero() {
		fmt.Fprintf(c.err, "bilipaste: %s\n", c.say.Text("cli.history.is_dead", lang.Data{"URL": e.Link.URL}))
	}
	if c.json {
		c.print(all.entry(e))
	} else {
		fmt.Fprintln(c.out, text)
	}
	return nil
}

// importLinks enters the links of PicGo's and PicList's galleries: of files, or
// of those that are found where none is named.
func (c *cli) importLinks(ctx context.Context, files []string) error {
	if len(files) == 0 {
		files = []string{""}
	}
	var links []album.Foreign
	for _, file := range files {
		some, err := picgo.Gallery(file)
		if err != nil {
			return err
		}
		links = append(links, some...)
	}
	kept, err := c.app.Album(ctx, c.settings)
	if err != nil {
		return err
	}
	added, err := kept.Import(ctx, links)
	if err != nil {
		return err
	}
	if c.json {
		c.print(map[string]int{"added": added, "known": len(links) - added})
		return nil
	}
	fmt.Fprintln(c.out, c.say.Text("cli.history.imported", lang.Data{"Count": added, "Known": len(links) - added}))
	return nil
}

// forget removes links from the history.
func (c *cli) forget(ctx context.Context, numbers []string) error {
	ids, err := ids(numbers)
	if err != nil {
		return err
	}
	all, err := c.links(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		e, err := all.one(ctx, id)
		if err == nil {
			err = all.album.Forget(ctx, id)
		}
		if err != nil {
			return err
		}
		if c.json {
			c.print(all.entry(e))
		} else {
			fmt.Fprintln(c.out, c.say.Text("cli.history.forgotten", lang.Data{"ID": id, "Host": e.Link.Host, "URL": e.Link.URL}))
		}
	}
	return nil
}

// ids reads the numbers of links, or of pending uploads.
func ids(numbers []string) ([]int64, error) {
	var ids []int64
	for _, s := range numbers {
		id, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, usage("cli.bad_number", lang.Data{"Value": s})
		}
		ids = append(ids, id)
	}
	return ids, nil
}
