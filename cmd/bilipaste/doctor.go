package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"bilipaste/internal/doctor"
	"bilipaste/internal/lang"
)

func (c *cli) doctorCommand() *cobra.Command {
	cmd := c.command("doctor", "doctor")
	// Broken settings are one of the things that it tells of.
	cmd.PersistentPreRunE = c.settleAnyway
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return c.doctor(cmd.Context()) }
	return cmd
}

// doctor prints a line for each part, and fails if one needs mending.
func (c *cli) doctor(ctx context.Context) error {
	sick := false
	for f := range doctor.Check(ctx, c.app, c.settings, c.bad, c.say) {
		sick = sick || !f.OK
		if c.json {
			c.print(f)
			continue
		}
		mark := c.say.Text("doctor.ok")
		if !f.OK {
			mark = c.say.Text("doctor.sick")
		}
		fmt.Fprintf(c.out, "[%s] %s: %s\n", mark, c.say.Text("doctor."+f.Part), lang.OneLine(f.Detail))
		if f.Hint != "" {
			fmt.Fprintf(c.out, "     %s: %s\n", c.say.Text("terminal.hint"), f.Hint)
		}
	}
	if sick {
		return told{errors.New("a part needs mending")}
	}
	return nil
}
