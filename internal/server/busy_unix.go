//go:build unix

package server

import (
	"errors"
	"syscall"
)

// isBusy tells whether err is that somebody has the port already.
func isBusy(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
