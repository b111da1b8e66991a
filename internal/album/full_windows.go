package album

import (
	"errors"

	"golang.org/x/sys/windows"
)

// isFull tells whether err is that of a full disk, or of a quota.
func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}
