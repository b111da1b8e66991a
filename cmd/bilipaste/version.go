package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"bilipaste/internal/lang"
	"bilipaste/internal/release"
)

// Stamped by a release's build.
var (
	version  = ""
	homepage = "" // the page of the project, whose releases are at homepage/releases
)

func (c *cli) versionCommand() *cobra.Command {
	cmd := c.command("version", "version")
	check := cmd.Flags().Bool("check", false, "cli.flag.check")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *check {
			return c.checkVersion(cmd.Context())
		}
		c.printVersion()
		return nil
	}
	return cmd
}

// checkVersion tells whether there is a newer release.
func (c *cli) checkVersion(ctx context.Context) error {
	n, err := c.app.Network()
	if err != nil {
		return err
	}
	n.SetProxy(c.settings.Proxy)
	newest, err := release.Newest(ctx, n.Transport, homepage)
	if err != nil {
		return err
	}
	newer := newest.Newer(programVersion())
	if c.json {
		c.print(map[string]any{"version": programVersion(), "newest": newest, "newer": newer})
		return nil
	}
	id := "cli.version.newest"
	if newer {
		id = "cli.version.newer"
	}
	fmt.Fprintln(c.out, c.say.Text(id, lang.Data{"Version": programVersion(), "Newest": newest.Version, "Page": newest.Page}))
	return nil
}

func (c *cli) printVersion() {
	v := programVersion()
	if c.json {
		c.print(map[string]string{"version": v, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
		return
	}
	fmt.Fprintf(c.out, "bilipaste %s %s/%s %s\n", v, runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// programVersion is the stamped version, else what the build knows of its commit.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
