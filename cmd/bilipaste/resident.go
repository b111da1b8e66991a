package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"bilipaste/internal/app"
	"bilipaste/internal/control"
	"bilipaste/internal/fault"
	"bilipaste/internal/launch"
	"bilipaste/internal/markup"
)

func (c *cli) trayCommand() *cobra.Command {
	cmd := c.command("tray", "tray")
	cmd.PersistentPreRunE = c.settleAnyway // it tells of broken settings in the tray
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return c.tray(cmd.Context()) }
	return cmd
}

// tray is the program in the tray, until its user quits it.
func (c *cli) tray(ctx context.Context) error { return launch.Tray(ctx, c.app, c.complain) }

// watch is writing mode in this terminal, until it is interrupted.
func (c *cli) watchCommand() *cobra.Command {
	cmd := c.command("watch", "watch")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		err := launch.Watch(cmd.Context(), c.app, c.out, c.err, c.json)
		if errors.Is(err, app.ErrUnusable) {
			return usageError{err}
		}
		return err
	}
	return cmd
}

// writing asks the running program for writing mode.
func (c *cli) writingCommand() *cobra.Command {
	ask := func(value string) *cobra.Command {
		cmd := c.command(value, "writing_"+value)
		cmd.RunE = func(cmd *cobra.Command, _ []string) error {
			answer, err := c.ask(cmd.Context(), control.Request{Do: control.Writing, Value: value})
			if err != nil {
				return err
			}
			switch {
			case c.json:
				c.print(map[string]bool{"writing": answer.Writing})
			case answer.Writing:
				fmt.Fprintln(c.out, "on")
			default:
				fmt.Fprintln(c.out, "off")
			}
			return nil
		}
		return cmd
	}
	return c.group("writing", ask("on"), ask("off"), ask("toggle"), ask("status"))
}

// now uploads what is on the clipboard: by the running program if there is one.
func (c *cli) nowCommand() *cobra.Command {
	cmd := c.command("now", "now")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		answer, err := control.Ask(cmd.Context(), launch.Scope(c.app), control.Request{Do: control.Now})
		if errors.Is(err, control.ErrNotRunning) {
			answer, err = launch.Now(cmd.Context(), c.app, c.err)
		}
		if err != nil {
			return err
		}
		as := markup.URL
		if c.markupGiven {
			as = c.settings.Markup
		}
		for _, l := range answer.Links {
			if c.json {
				c.print(l)
				continue
			}
			fmt.Fprintln(c.out, as.Write(markup.Picture{URL: l.URL, Name: l.Name, Width: l.Width, Height: l.Height}))
		}
		return c.failed(answer)
	}
	return cmd
}

func (c *cli) putBackCommand() *cobra.Command {
	cmd := c.command("put-back", "put_back")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		_, err := c.ask(cmd.Context(), control.Request{Do: control.PutBack})
		return err
	}
	return cmd
}

// ask asks the running program.
func (c *cli) ask(ctx context.Context, r control.Request) (control.Answer, error) {
	answer, err := control.Ask(ctx, launch.Scope(c.app), r)
	return answer, cmp.Or(err, c.failed(answer))
}

// failed tells the user why the running program could not do what was asked, and
// returns it as an error that was told.
func (c *cli) failed(a control.Answer) error {
	if a.Error == nil {
		return nil
	}
	if c.json {
		c.print(map[string]*fault.Told{"error": a.Error})
	} else {
		c.complain(a.Error)
	}
	return told{a.Error}
}

// holdCommand is how a text that a command has copied outlives it.
func (c *cli) holdCommand() *cobra.Command {
	cmd := &cobra.Command{Use: launch.HoldCommand, Hidden: true, Args: args(0, 0)}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return launch.Hold(cmd.Context(), c.app, c.in, c.out) }
	return cmd
}
