package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"bilipaste/internal/lang"
)

// notes is the log of a command in a terminal: what its user should know, in
// the user's language, and each thing once.
type notes struct {
	app *app

	mu   sync.Mutex
	said map[string]bool
}

// Enabled lets warnings and errors through.
func (n *notes) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle prints the record's error, where it has words for the user, or else
// its message.
func (n *notes) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(attr slog.Attr) bool {
		err, ok := attr.Value.Any().(error)
		if !ok {
			return true
		}
		what, _ := n.app.say.Error(err)
		if _, ok := errors.AsType[lang.Teller](err); ok {
			text = what
		} else {
			text += ": " + what
		}
		return false
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.said[text] {
		return nil
	}
	n.said[text] = true
	_, err := fmt.Fprintf(n.app.err, "bilipaste: %s\n", oneLine(text))
	return err
}

// WithAttrs returns n: what is said does not depend on where.
func (n *notes) WithAttrs([]slog.Attr) slog.Handler { return n }

// WithGroup returns n.
func (n *notes) WithGroup(string) slog.Handler { return n }
