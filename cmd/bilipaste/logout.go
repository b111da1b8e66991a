package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"bilipaste/internal/app"
	"bilipaste/internal/lang"
)

func (c *cli) logoutCommand() *cobra.Command {
	cmd := c.command("logout", "logout")
	local := cmd.Flags().Bool("local", false, "cli.flag.local")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return c.logout(cmd.Context(), *local) }
	return cmd
}

// logout ends the session that is kept: at Bilibili and here, or only here.
func (c *cli) logout(ctx context.Context, local bool) error {
	sign := c.app.LoginAccount
	switch {
	case c.app.Sandboxed:
		sign = c.app.Account
	case app.InEnvironment():
		return lang.Errorf("cli.logout.environment", nil, nil)
	}
	client, err := sign(c.settings)
	switch {
	case err != nil:
		return err
	case local && !c.app.Sandboxed:
		return c.farewell("cli.logout.forgotten", client.Forget(ctx))
	}
	return c.farewell("cli.logout.done", client.Logout(ctx))
}

// farewell tells that nobody is signed in any more, or who still is.
func (c *cli) farewell(id string, err error) error {
	if err != nil {
		return err
	}
	fmt.Fprintln(c.out, c.say.Text(id))
	if c.app.Sandboxed {
		return nil
	}
	if next, err := c.app.StoredSession(c.settings); err == nil && !next.IsZero() {
		fmt.Fprintln(c.err, c.say.Text("cli.logout.remains", lang.Data{"Location": c.sessionLocation(true)}))
	}
	return nil
}
