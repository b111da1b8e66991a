//go:build unix

package desktop

import (
	"os"
	"path/filepath"
)

// writeAutostart puts the entry in its place, whole or not at all.
func writeAutostart(file, entry string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	next := file + ".new"
	if err := os.WriteFile(next, []byte(entry), 0o644); err != nil {
		return err
	}
	return os.Rename(next, file)
}

func disableAutostart() error {
	file, err := autostartFile()
	if err != nil {
		return err
	}
	return os.Remove(file)
}
