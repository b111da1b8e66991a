package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"bilipaste/internal/config"
	"bilipaste/internal/lang"
)

func (a *app) configCommand() *cobra.Command {
	get := a.command("get [KEY]", "config_get")
	get.Args = args(0, 1)
	get.RunE = func(_ *cobra.Command, args []string) error { return a.configGet(args) }

	set := a.command("set KEY [VALUE]", "config_set")
	set.Args = args(1, 2)
	set.RunE = func(cmd *cobra.Command, args []string) error { return a.configSet(cmd.Context(), args) }

	path := a.command("path", "config_path")
	path.RunE = func(*cobra.Command, []string) error {
		// So that a file can be copied there at once.
		if err := os.MkdirAll(filepath.Dir(a.file), 0o700); err != nil {
			return lang.Errorf("config.unwritable", lang.Data{"File": a.file, "Cause": err}, err)
		}
		fmt.Fprintln(a.out, a.file)
		return nil
	}
	// A broken file must not stand in the way of mending it.
	path.PersistentPreRunE = func(*cobra.Command, []string) error { return nil }

	return a.group("config", get, set, path)
}

func (a *app) configGet(args []string) error {
	if len(args) == 1 {
		value, err := a.config.Get(args[0])
		if err != nil {
			return usageError{err}
		}
		if a.json {
			a.printJSON(map[string]string{args[0]: value})
		} else {
			fmt.Fprintln(a.out, value)
		}
		return nil
	}
	all := map[string]string{}
	for _, key := range config.Keys() {
		value, _ := a.config.Get(key)
		all[key] = value
		if !a.json {
			fmt.Fprintf(a.out, "%s = %s\n", key, value)
		}
	}
	if a.json {
		a.printJSON(all)
	}
	return nil
}

// configSet saves one setting. A secret is read from standard input: arguments
// are seen by every program of the machine, and kept by the shell.
func (a *app) configSet(ctx context.Context, args []string) error {
	key := args[0]
	if _, err := a.config.Get(key); err != nil {
		return usageError{err}
	}
	var value string
	switch secret := config.IsSecret(key); {
	case secret && len(args) == 2:
		return usage("cli.secret_argument", lang.Data{"Key": key})
	case len(args) == 2:
		value = args[1]
	case secret:
		text, err := await(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(a.in, 64<<10)) })
		if err != nil {
			return err
		}
		value = strings.TrimSpace(string(text))
	default:
		return usage("cli.too_few", lang.Data{"Command": "bilipaste config set"})
	}
	changed := a.config
	if err := changed.Set(key, value); err != nil {
		return usageError{err}
	}
	if err := checkHosts(changed); err != nil {
		return usageError{err}
	}
	return config.Save(a.file, key, value)
}
