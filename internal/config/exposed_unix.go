//go:build unix

package config

import (
	"os"
	"syscall"

	"bilipaste/internal/lang"
)

// Exposed tells whether others than the user may write the settings file: nil,
// or a lang.Teller. They could lead requests elsewhere.
func Exposed(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return nil // who reads it tells
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if info.Mode().Perm()&0o022 == 0 && (!ok || owner.Uid == 0 || int(owner.Uid) == os.Getuid()) {
		return nil
	}
	return lang.Errorf("config.exposed", lang.Data{"File": file}, nil)
}
