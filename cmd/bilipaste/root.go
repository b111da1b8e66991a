package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bilipaste/internal/lang"
	"bilipaste/internal/launch"
)

// rootCommand builds the whole command line.
func (c *cli) rootCommand() *cobra.Command {
	root := c.command("bilipaste", "root")
	root.Args = cobra.ArbitraryArgs // so that RunE may name an unknown command
	showVersion := root.Flags().Bool("version", false, "cli.flag.version")
	root.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) > 0:
			return usage("cli.unknown_command", lang.Data{"Command": args[0]})
		case *showVersion:
			c.printVersion()
			return nil
		}
		return c.tray(cmd.Context())
	}
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Name() == cobra.ShellCompRequestCmd {
			c.describe(root)
		}
		if cmd == root {
			return c.settleAnyway(cmd, args)
		}
		return c.settle(cmd.Flags())
	}
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.SetFlagErrorFunc(flagError)

	flags := root.PersistentFlags()
	flags.String("config", "", "cli.flag.config")
	flags.String("host", "", "cli.flag.host")
	flags.String("bucket", "", "cli.flag.bucket")
	flags.String("format", "", "cli.flag.format")
	flags.Bool("json", false, "cli.flag.json")
	flags.Bool("sandbox", false, "cli.flag.sandbox")

	root.AddCommand(c.trayCommand(), c.watchCommand(), c.uploadCommand(), c.writingCommand(), c.nowCommand(), c.putBackCommand(), c.openCommand(), c.serveCommand(), c.loginCommand(), c.logoutCommand(), c.statusCommand(), c.infoCommand(), c.dynamicCommand(), c.doctorCommand(),
		c.historyCommand(), c.migrateCommand(), c.checkCommand(), c.queueCommand(), c.albumCommand(), c.configCommand(), c.sandboxCommand(), c.versionCommand())
	if launch.HoldCommand != "" {
		root.AddCommand(c.holdCommand())
	}
	root.AddCommand(c.buildCommands()...)
	c.standard(root)
	return root
}

// command starts a command whose texts are the catalogue's "cli.ID.short" and
// "cli.ID.long": their ids, as flags have them too, until describe.
func (c *cli) command(use, id string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: "cli." + id + ".short", Long: "cli." + id + ".long",
		Args: args(0, 0),
	}
}

// group is a command that only has commands of its own.
func (c *cli) group(name string, commands ...*cobra.Command) *cobra.Command {
	cmd := c.command(name, name)
	cmd.Args = cobra.ArbitraryArgs // so that RunE may name an unknown command
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage("cli.unknown_command", lang.Data{"Command": name + " " + args[0]})
		}
		return cmd.Help()
	}
	cmd.AddCommand(commands...)
	return cmd
}

// args takes from least to most arguments; most < 0 is any number.
func args(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage("cli.too_few", lang.Data{"Command": cmd.CommandPath()})
		case most >= 0 && len(args) > most:
			return usage("cli.too_many", lang.Data{"Command": cmd.CommandPath(), "Argument": args[most]})
		}
		return nil
	}
}

// usage is an error in how the program was called.
func usage(id string, data lang.Data) error {
	if data["Command"] == nil {
		data["Command"] = "bilipaste"
	}
	return usageError{lang.Errorf(id, data, nil)}
}

// flagError says pflag's errors in the user's language.
func flagError(cmd *cobra.Command, err error) error {
	data := lang.Data{"Command": cmd.CommandPath(), "Flag": err.Error()}
	var missing *pflag.NotExistError
	var valueless *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case errors.As(err, &missing):
		data["Flag"] = dashes(missing.GetSpecifiedName())
		return usage("cli.unknown_flag", data)
	case errors.As(err, &valueless):
		data["Flag"] = dashes(valueless.GetSpecifiedName())
		return usage("cli.flag_value", data)
	case errors.As(err, &invalid):
		data["Flag"] = dashes(invalid.GetFlag().Name)
		data["Value"] = invalid.GetValue()
		return usage("cli.bad_value", data)
	}
	return usage("cli.bad_flag", data)
}

func dashes(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// settleAnyway is settle for a command that itself tells of broken settings.
func (c *cli) settleAnyway(cmd *cobra.Command, _ []string) error {
	if err := c.settle(cmd.Flags()); c.bad == nil || !errors.Is(err, c.bad) {
		return err
	}
	return nil
}

// standard adds the commands and flags of every program with cobra: help, completion.
func (c *cli) standard(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.SetHelpCommand(c.helpCommand(root))
	root.InitDefaultHelpCmd()
	root.SetHelpFunc(c.help)
	var each func(*cobra.Command)
	each = func(cmd *cobra.Command) {
		cmd.Flags().BoolP("help", "h", false, "cli.flag.help")
		cmd.DisableFlagsInUseLine = true
		if p := cmd.Parent(); p != nil && p.Name() == "completion" {
			cmd.Short, cmd.Long = "cli.completion.shell", "cli.completion.shell"
			if f := cmd.Flags().Lookup("no-descriptions"); f != nil {
				f.Usage = "cli.flag.no_descriptions"
			}
		}
		if cmd.Name() == "completion" {
			cmd.Short, cmd.Long = "cli.completion.short", "cli.completion.long"
		}
		for _, sub := range cmd.Commands() {
			each(sub)
		}
	}
	each(root)
}

// describe puts the texts of all commands and flags, once one is to be shown, in
// the place of their ids: most runs show none.
func (c *cli) describe(cmd *cobra.Command) {
	data := lang.Data{"Shell": cmd.Name()} // of a completion script
	cmd.Short, cmd.Long = c.say.Text(cmd.Short, data), c.say.Text(cmd.Long, data)
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { f.Usage = c.say.Text(f.Usage) })
	for _, sub := range cmd.Commands() {
		c.describe(sub)
	}
}

func (c *cli) helpCommand(root *cobra.Command) *cobra.Command {
	help := c.command("help [COMMAND]", "help")
	help.Args = cobra.ArbitraryArgs
	help.PersistentPreRunE = func(*cobra.Command, []string) error { return nil } // helps with broken settings too
	help.RunE = func(_ *cobra.Command, args []string) error {
		cmd, rest, err := root.Find(args)
		if err != nil || len(rest) > 0 {
			return usage("cli.unknown_command", lang.Data{"Command": strings.Join(args, " ")})
		}
		return cmd.Help()
	}
	return help
}

// help tells what a command does, and how it is called.
func (c *cli) help(cmd *cobra.Command, _ []string) {
	c.describe(cmd.Root())
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%s\n\n", strings.TrimRight(cmd.Long, "\n"))
	title := func(id string) { fmt.Fprintf(out, "%s:\n", c.say.Text("cli.help."+id)) }
	flags := func(id string, set *pflag.FlagSet) {
		if set.HasAvailableFlags() {
			fmt.Fprintln(out)
			title(id)
			fmt.Fprint(out, set.FlagUsages())
		}
	}
	title("usage")
	if cmd.Runnable() && cmd.HasParent() {
		fmt.Fprintln(out, " ", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(out, "  %s COMMAND\n\n", cmd.CommandPath())
		title("commands")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(out, "  %-*s %s\n", sub.NamePadding(), sub.Name(), sub.Short)
			}
		}
	}
	flags("flags", cmd.LocalFlags())
	flags("global", cmd.InheritedFlags())
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(out, "\n%s\n", c.say.Text("cli.help.more"))
	}
}

// settingsFile finds --config before the command line is parsed, since its
// language is that of the settings; "" if it is not given.
func settingsFile(args []string) string {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	file := flags.String("config", "", "")
	_ = flags.Parse(args) // cobra tells of what is wrong
	return *file
}
