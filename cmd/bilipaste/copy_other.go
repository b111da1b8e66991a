//go:build !unix || darwin

package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

// copyText puts a text on the clipboard, which keeps it.
func (a *app) copyText(ctx context.Context, text string) error {
	clipboard, err := a.clipboard(ctx)
	if err != nil {
		return err
	}
	return errors.Join(clipboard.PutText(ctx, text), clipboard.Close())
}

func (a *app) holdCommands() []*cobra.Command { return nil }
