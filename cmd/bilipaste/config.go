package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"bilipaste/internal/app"
	"bilipaste/internal/config"
	"bilipaste/internal/lang"
)

func (c *cli) configCommand() *cobra.Command {
	get := c.command("get [KEY]", "config_get")
	get.Args = args(0, 1)
	get.RunE = func(_ *cobra.Command, args []string) error { return c.configGet(args) }

	set := c.command("set KEY [VALUE]", "config_set")
	set.Args = args(1, 2)
	set.RunE = func(cmd *cobra.Command, args []string) error { return c.configSet(cmd.Context(), args) }

	path := c.command("path", "config_path")
	path.RunE = func(*cobra.Command, []string) error {
		// So that a file can be copied there at once.
		if err := os.MkdirAll(filepath.Dir(c.app.Source.File), 0o700); err != nil {
			return lang.Errorf("config.unwritable", lang.Data{"File": c.app.Source.File, "Cause": err}, err)
		}
		fmt.Fprintln(c.out, c.app.Source.File)
		return nil
	}
	// A broken file must not stand in the way of mending it.
	path.PersistentPreRunE = func(*cobra.Command, []string) error { return c.nowhere }

	return c.group("config", get, set, path)
}

func (c *cli) configGet(args []string) error {
	if len(args) == 1 {
		value, err := c.settings.Get(args[0])
		if err != nil {
			return usageError{err}
		}
		if c.json {
			c.print(map[string]string{args[0]: value})
		} else {
			fmt.Fprintln(c.out, value)
		}
		return nil
	}
	all := map[string]string{}
	for _, key := range config.Keys() {
		value, _ := c.settings.Get(key)
		all[key] = value
		if !c.json {
			fmt.Fprintf(c.out, "%s = %s\n", key, value)
		}
	}
	if c.json {
		c.print(all)
	}
	return nil
}

// configSet saves one setting. A secret is read from standard input: arguments
// are seen by every program of the machine, and kept by the shell.
func (c *cli) configSet(ctx context.Context, args []string) error {
	key := args[0]
	if _, err := c.settings.Get(key); err != nil {
		return usageError{err}
	}
	var value string
	switch secret := config.IsSecret(key); {
	case len(args) == 2 && config.HoldsSecret(key, args[1]):
		return usage("cli.secret_argument", lang.Data{"Key": key})
	case len(args) == 2:
		value = args[1]
	case secret && c.terminal() != nil:
		text, err := c.askSecret(ctx, c.terminal(), key)
		if err != nil {
			return err
		}
		value = strings.TrimSpace(text)
	case secret:
		text, err := await(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(c.in, 64<<10)) })
		if err != nil {
			return err
		}
		value = strings.TrimSpace(string(text))
	default:
		return usage("cli.too_few", lang.Data{"Command": "bilipaste config set"})
	}
	changed := c.settings
	if err := changed.Set(key, value); err != nil {
		return usageError{err}
	}
	if err := app.CheckHosts(changed); err != nil {
		return usageError{err}
	}
	return config.Save(c.app.Source.File, key, value)
}
