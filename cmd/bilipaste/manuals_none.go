//go:build !manuals

package main

import "github.com/spf13/cobra"

// buildCommands are for building packages; the program that is shipped has none.
func (*cli) buildCommands() []*cobra.Command { return nil }
