package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"bilipaste/internal/control"
	"bilipaste/internal/desktop"
	"bilipaste/internal/lang"
	"bilipaste/internal/launch"
)

// serve answers editors and shows the page, until it is interrupted.
func (c *cli) serveCommand() *cobra.Command {
	cmd := c.command("serve", "serve")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return launch.Serve(cmd.Context(), c.app, func() {
			fmt.Fprintln(c.err, c.say.Text("cli.serve.ready", lang.Data{"Port": fmt.Sprint(c.settings.ServerPort)}))
		})
	}
	return cmd
}

// open opens the page of the running program.
func (c *cli) openCommand() *cobra.Command {
	cmd := c.command("open", "open")
	only := cmd.Flags().Bool("print", false, "cli.open.flag")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		answer, err := c.ask(cmd.Context(), control.Request{Do: control.Open})
		if err != nil {
			return err
		}
		switch {
		case c.json:
			c.print(map[string]string{"page": answer.Page})
			return nil
		case *only:
			fmt.Fprintln(c.out, answer.Page)
			return nil
		}
		err = desktop.Open(cmd.Context(), answer.Page)
		if err != nil && !errors.Is(err, cmd.Context().Err()) {
			return lang.Errorf("cli.open.failed", lang.Data{"Cause": err}, err)
		}
		return err
	}
	return cmd
}
