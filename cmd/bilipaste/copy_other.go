//go:build !unix || darwin

package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

// copyText puts a text on the clipboard, which keeps it.
func (c *cli) copyText(ctx context.Context, text string) error {
	clipboard, err := c.app.Clipboard(ctx)
	if err != nil {
		return err
	}
	return errors.Join(clipboard.PutText(ctx, text), clipboard.Close())
}

func (c *cli) holdCommands() []*cobra.Command { return nil }
