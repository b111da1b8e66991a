package server

import (
	"errors"

	"golang.org/x/sys/windows"
)

// isBusy tells whether err is that somebody has the port already: Windows says
// that access is denied where they want it for themselves.
func isBusy(err error) bool {
	return errors.Is(err, windows.WSAEADDRINUSE) || errors.Is(err, windows.WSAEACCES)
}
