package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is stamped by a release's build.
var version = ""

func (a *app) versionCommand() *cobra.Command {
	cmd := a.command("version", "version")
	cmd.RunE = func(*cobra.Command, []string) error {
		a.printVersion()
		return nil
	}
	return cmd
}

func (a *app) printVersion() {
	v := programVersion()
	if a.json {
		a.printJSON(map[string]string{"version": v, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
		return
	}
	fmt.Fprintf(a.out, "bilipaste %s %s/%s %s\n", v, runtime.GOOS, runtime.GOARCH, runtime.Version())
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
