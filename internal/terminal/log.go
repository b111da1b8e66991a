package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"bilipaste/internal/lang"
)

// Log is the log of a command in a terminal: what its user should know, in the
// user's language, and each thing once.
type Log struct {
	out io.Writer
	say func() *lang.Printer

	mu   sync.Mutex
	said map[string]bool
}

// NewLog returns a log that writes to out what say says.
func NewLog(out io.Writer, say func() *lang.Printer) *Log {
	return &Log{out: out, say: say, said: map[string]bool{}}
}

// Enabled lets warnings and errors through.
func (l *Log) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle prints the record's error, where it has words for the user, or else
// its message.
func (l *Log) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(attr slog.Attr) bool {
		err, ok := attr.Value.Any().(error)
		if !ok {
			return true
		}
		what, _ := l.say().Error(err)
		if _, ok := errors.AsType[lang.Teller](err); ok {
			text = what
		} else {
			text += ": " + what
		}
		return false
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.said[text] {
		return nil
	}
	l.said[text] = true
	_, err := fmt.Fprintf(l.out, "bilipaste: %s\n", lang.OneLine(text))
	return err
}

// WithAttrs returns l: what is said does not depend on where.
func (l *Log) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup returns l.
func (l *Log) WithGroup(string) slog.Handler { return l }
