package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"bilipaste/internal/lang"

	"github.com/spf13/cobra"
)

func (c *cli) infoCommand() *cobra.Command {
	cmd := c.command("info NAME|ID|URL", "info")
	cmd.Args = args(1, 1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return c.info(cmd.Context(), args[0]) }
	return cmd
}

// info prints what img.scdn.io shows to everybody of a picture.
func (c *cli) info(ctx context.Context, what string) error {
	host, err := c.app.SCDN(c.settings)
	if err != nil {
		return err
	}
	info, err := host.Info(ctx, what)
	if err != nil {
		return err
	}
	if c.json {
		c.print(info)
		return nil
	}
	accessed := c.say.Text("cli.info.never")
	if info.LastAccessed != nil {
		accessed = *info.LastAccessed
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, row := range []struct {
		id    string
		value any
	}{
		{"cli.info.url", info.URL}, {"cli.info.id", info.ID}, {"cli.info.original", info.Original}, {"cli.info.sizes", info.Sizes},
		{"cli.info.hash", info.Hash}, {"cli.info.uploaded", info.Uploaded}, {"cli.info.accessed", accessed},
		{"cli.info.uploader", info.Uploader}, {"cli.info.location", info.Location}, {"cli.info.tags", strings.Join(info.Tags, ", ")},
		{"cli.info.protected", c.say.Text(map[bool]string{true: "cli.info.yes", false: "cli.info.no"}[info.Protected])},
	} {
		fmt.Fprintf(table, "%s\t%s\n", c.say.Text(row.id), lang.OneLine(fmt.Sprint(row.value)))
	}
	return table.Flush()
}
