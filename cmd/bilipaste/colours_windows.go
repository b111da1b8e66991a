package main

import (
	"io"
	"os"

	"golang.org/x/sys/windows"
)

// allowColours makes a console understand colours, as terminals do.
func allowColours(w io.Writer) {
	f, ok := w.(*os.File)
	if !ok {
		return
	}
	var mode uint32
	if console := windows.Handle(f.Fd()); windows.GetConsoleMode(console, &mode) == nil {
		_ = windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) // a code without colours is still a code
	}
}
