package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is stamped by a release's build.
var version = ""

func (c *cli) versionCommand() *cobra.Command {
	cmd := c.command("version", "version")
	cmd.RunE = func(*cobra.Command, []string) error {
		c.printVersion()
		return nil
	}
	return cmd
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
