//go:build !unix || darwin

package launch

import (
	"context"
	"errors"
	"io"

	"bilipaste/internal/app"
)

// HoldCommand is the command that would hold a text: here the clipboard does.
const HoldCommand = ""

// Copy puts a text on the clipboard, which keeps it. Its error is the clipboard's.
func Copy(ctx context.Context, a *app.App, _ io.Writer, text string) error {
	clipboard, err := a.Clipboard(ctx, app.NoTexts, nil, nil)
	if err != nil {
		return err
	}
	return errors.Join(clipboard.PutText(ctx, text), clipboard.Close())
}

// Hold does nothing: nobody asks for it here.
func Hold(context.Context, *app.App, io.Reader, io.Writer) error { return nil }
