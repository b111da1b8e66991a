//go:build unix

package main

import (
	"io"
	"os"
)

// messages returns where messages for the user go. end is called with the exit
// status when all is said.
func messages() (w io.Writer, end func(status int)) { return os.Stderr, func(int) {} }

// withoutConsole returns the program: here none opens a console.
func withoutConsole(program string) string { return program }

// allowColours has nothing to do: terminals understand colours.
func allowColours(io.Writer) {}

// expanded returns the files that args name: the shell has seen to patterns.
func expanded(args []string) []string { return args }
