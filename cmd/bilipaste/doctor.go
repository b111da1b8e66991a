package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"bilipaste/internal/doctor"
	"bilipaste/internal/lang"
)

func (c *cli) doctorCommand() *cobra.Command {
	cmd := c.command("doctor", "doctor")
	// Broken settings are one of the things that it tells of.
	cmd.PersistentPreRunE = c.settleAnyway
	report := cmd.Flags().String("report", "", "cli.flag.report")
	cmd.Flags().Lookup("report").NoOptDefVal = "bilipaste-report.txt"
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *report != "" {
			return c.report(cmd.Context(), *report)
		}
		return c.doctor(cmd.Context())
	}
	return cmd
}

// report writes what a bug report needs into a file, and prints its name.
func (c *cli) report(ctx context.Context, file string) error {
	var text bytes.Buffer
	err := doctor.Report(ctx, &text, c.app, c.settings, c.bad)
	if err == nil {
		err = os.WriteFile(file, text.Bytes(), 0o600)
	}
	if err != nil {
		return lang.Errorf("config.unwritable", lang.Data{"File": file, "Cause": err}, err)
	}
	fmt.Fprintln(c.out, file)
	fmt.Fprintln(c.err, c.say.Text("doctor.read_it"))
	return nil
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
