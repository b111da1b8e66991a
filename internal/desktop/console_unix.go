//go:build unix

package desktop

import (
	"io"
	"os"
)

// Messages returns where messages for the user go. end is called when all is
// said, and told whether the program failed.
func Messages() (w io.Writer, end func(failed bool)) { return os.Stderr, func(bool) {} }

// WithoutConsole returns the program: here none opens a console.
func WithoutConsole(program string) string { return program }

// AllowColours has nothing to do: terminals understand colours.
func AllowColours(io.Writer) {}

// Expand returns the files that args name: the shell has seen to patterns.
func Expand(args []string) []string { return args }
