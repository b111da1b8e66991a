//go:build unix

package durable

import (
	"errors"
	"os"
	"syscall"
)

func patiently(call func() error) error { return call() }

// SyncFolder makes a new name in a folder outlive a power cut, where the file
// system can.
func SyncFolder(dir string) error {
	f, err := os.Open(dir)
	if errors.Is(err, os.ErrPermission) {
		return nil // a folder that is written but not read
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
