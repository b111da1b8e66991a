//go:build unix

package album

import (
	"errors"
	"syscall"
)

// isFull tells whether err is that of a full disk, or of a quota.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
