//go:build unix

package durable_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"bilipaste/internal/durable"
)

func TestRightsAreWhatWasAskedForWhateverTheUmask(t *testing.T) {
	for _, mask := range []int{0, 0o077} {
		old := syscall.Umask(mask)
		t.Cleanup(func() { syscall.Umask(old) })
		dir := filepath.Join(t.TempDir(), "made")
		for _, want := range []fs.FileMode{0o600, 0o644} {
			if err := durable.Write(filepath.Join(dir, "file"), nil, want); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(filepath.Join(dir, "file")); err != nil || info.Mode() != want {
				t.Errorf("umask %o: %v, %v, not %v", mask, info.Mode(), err, want)
			}
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("umask %o: the folder has %v, %v", mask, info.Mode(), err)
		}
	}
}
