package resident

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"bilipaste/internal/desktop"
	"bilipaste/internal/lang"
)

// OpenHelp opens the help in the user's language.
func (r *Resident) OpenHelp(ctx context.Context) error {
	text := r.Language().Text("resident.help", lang.Data{
		"Version": r.app.Version, "Settings": r.app.Source.File, "Log": r.app.LogFile(),
	})
	file := filepath.Join(r.app.Dirs.State, "help.txt")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return fmt.Errorf("help: %w", err)
	}
	return desktop.Open(ctx, file)
}
