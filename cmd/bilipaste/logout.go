package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"bilipaste/internal/account"
	"bilipaste/internal/lang"
)

func (a *app) logoutCommand() *cobra.Command {
	cmd := a.command("logout", "logout")
	local := cmd.Flags().Bool("local", false, a.say.Text("cli.flag.local"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.logout(cmd.Context(), *local) }
	return cmd
}

// logout ends the session that is kept: at Bilibili and here, or only here.
func (a *app) logout(ctx context.Context, local bool) error {
	switch {
	case a.sandboxed:
		client, err := a.bilibili()
		if err != nil {
			return err
		}
		return a.farewell("cli.logout.done", client.Logout(ctx))
	case inEnvironment():
		return lang.Errorf("cli.logout.environment", nil, nil)
	}
	transport, err := a.transport()
	if err != nil {
		return err
	}
	client, err := a.keptClient(transport, account.NewGate(a.notes, a.config.Pace, a.log))
	switch {
	case err != nil:
		return err
	case local:
		return a.farewell("cli.logout.forgotten", client.Forget(ctx))
	}
	return a.farewell("cli.logout.done", client.Logout(ctx))
}

// farewell tells that nobody is signed in any more, or who still is.
func (a *app) farewell(id string, err error) error {
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out, a.say.Text(id))
	if a.sandboxed {
		return nil
	}
	if next, err := account.LoadSession(a.kept); err == nil && !next.IsZero() {
		fmt.Fprintln(a.err, a.say.Text("cli.logout.remains", lang.Data{"Place": a.whereKept()}))
	}
	return nil
}
