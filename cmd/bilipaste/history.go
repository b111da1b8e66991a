package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"bilipaste/internal/album"
	"bilipaste/internal/format"
	"bilipaste/internal/lang"
)

// defaultHistory is how many links "history" shows.
const defaultHistory = 20

func (a *app) historyCommand() *cobra.Command {
	cmd := a.command("history [WORDS]", "history")
	cmd.Args = cobra.ArbitraryArgs
	since := cmd.Flags().String("since", "", a.say.Text("cli.flag.since"))
	limit := cmd.Flags().Int("limit", defaultHistory, a.say.Text("cli.flag.limit"))
	number := cmd.Flags().Int64("copy", 0, a.say.Text("cli.flag.copy"))
	cmd.RunE = func(cmd *cobra.Command, words []string) error {
		if cmd.Flags().Changed("copy") {
			return a.copyLink(cmd.Context(), *number)
		}
		q, err := a.query(cmd, words, *since)
		if err != nil {
			return err
		}
		q.Limit = *limit
		return a.history(cmd.Context(), q)
	}

	export := a.command("export [WORDS]", "history_export")
	export.Args = cobra.ArbitraryArgs
	exportSince := export.Flags().String("since", "", a.say.Text("cli.flag.since"))
	export.RunE = func(cmd *cobra.Command, words []string) error {
		q, err := a.query(cmd, words, *exportSince)
		if err != nil {
			return err
		}
		return a.export(cmd.Context(), q)
	}

	forget := a.command("forget N...", "history_forget")
	forget.Args = args(1, -1)
	forget.RunE = func(cmd *cobra.Command, numbers []string) error { return a.forget(cmd.Context(), numbers) }

	cmd.AddCommand(export, forget)
	return cmd
}

// query is what the flags ask of the history. Of --host only what is given
// counts: the setting says where pictures go, not where they went.
func (a *app) query(cmd *cobra.Command, words []string, since string) (q album.Query, err error) {
	q.Words = words
	if cmd.Flags().Changed("host") {
		q.Host = a.config.Host
	}
	if since != "" {
		if q.Since, err = moment(since, time.Now()); err != nil {
			return q, usage("cli.bad_since", lang.Data{"Command": cmd.CommandPath(), "Value": since})
		}
	}
	return q, nil
}

var (
	span  = regexp.MustCompile(`^(\d{1,4})([hdw])$`)
	spans = map[string]time.Duration{"h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
)

// moment reads a day, such as 2026-11-22, or how long ago, such as 7d.
func moment(s string, now time.Time) (time.Time, error) {
	if parts := span.FindStringSubmatch(s); parts != nil {
		n, err := strconv.Atoi(parts[1])
		return now.Add(-time.Duration(n) * spans[parts[2]]), err
	}
	return time.ParseInLocation(time.DateOnly, s, now.Location())
}

// entries are the links of a query, such as a browser can open.
func (a *app) entries(ctx context.Context, q album.Query) iter.Seq2[album.Entry, error] {
	return func(yield func(album.Entry, error) bool) {
		kept, err := a.openAlbum(ctx)
		if err != nil {
			yield(album.Entry{}, err)
			return
		}
		for e, err := range kept.Each(ctx, q) {
			if a.gateway != nil {
				e.Link.URL = a.gateway.Open(e.Link.URL)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// one returns the link with a number.
func (a *app) one(ctx context.Context, number int64) (album.Entry, error) {
	for e, err := range a.entries(ctx, album.Query{IDs: []int64{number}}) {
		return e, err
	}
	return album.Entry{}, lang.Errorf("album.no_entry", lang.Data{"ID": number}, nil)
}

// linesTogether is for how many lines of a table the columns have one width.
const linesTogether = 500

// history prints links, the one that was used last first.
func (a *app) history(ctx context.Context, q album.Query) error {
	table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	lines := 0
	for e, err := range a.entries(ctx, q) {
		if err != nil {
			return errors.Join(err, table.Flush())
		}
		if lines++; a.json {
			a.printJSON(a.entry(e))
			continue
		}
		name := oneLine(e.Picture.Name)
		if !e.Dead.IsZero() {
			name = a.say.Text("cli.history.dead", lang.Data{"Name": name})
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", e.ID, e.Used.Local().Format("2006-01-02 15:04"), size(int(e.Bytes)), e.Link.Host, e.Link.URL, name)
		if lines%linesTogether == 0 {
			if err := table.Flush(); err != nil {
				return err
			}
		}
	}
	if lines == 0 && !a.json {
		fmt.Fprintln(a.err, a.say.Text("cli.history.none"))
	}
	return table.Flush()
}

// copyLink puts a link of the history on the clipboard, as the settings say
// that links are written.
func (a *app) copyLink(ctx context.Context, number int64) error {
	e, err := a.one(ctx, number)
	if err != nil {
		return err
	}
	text := a.config.Format.Write(format.Picture{URL: e.Link.URL, Name: e.Picture.Name, Width: e.Link.Width, Height: e.Link.Height})
	if err := a.copyText(ctx, text); err != nil {
		return err
	}
	if !e.Dead.IsZero() {
		fmt.Fprintf(a.err, "bilipaste: %s\n", a.say.Text("cli.history.is_dead", lang.Data{"URL": e.Link.URL}))
	}
	if a.json {
		a.printJSON(a.entry(e))
	} else {
		fmt.Fprintln(a.out, text)
	}
	return nil
}

// forget removes links from the history.
func (a *app) forget(ctx context.Context, numbers []string) error {
	ids, err := ids(numbers)
	if err != nil {
		return err
	}
	for _, id := range ids {
		e, err := a.one(ctx, id)
		if err == nil {
			err = a.album.Forget(ctx, id)
		}
		if err != nil {
			return err
		}
		if a.json {
			a.printJSON(a.entry(e))
		} else {
			fmt.Fprintln(a.out, a.say.Text("cli.history.forgotten", lang.Data{"ID": id, "Host": e.Link.Host, "URL": e.Link.URL}))
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
