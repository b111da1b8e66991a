package album

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// owner is this Album as the one who is at a pending upload: a file with a name
// that is used once, locked for as long as the process lives. A process that is
// killed loses the lock, and so its uploads, at once.
type owner struct {
	name string
	lock *flock.Flock
}

// me returns this Album's owner.
func (a *Album) me() (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.own != nil {
		return a.own.name, nil
	}
	own, err := newOwner(a.owners())
	if err != nil {
		return "", err
	}
	a.own = own
	return own.name, nil
}

func (a *Album) owners() string { return filepath.Join(a.dir, "owners") }

func newOwner(dir string) (*owner, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	sweep(dir)
	for {
		o := &owner{name: rand.Text()}
		file := filepath.Join(dir, o.name)
		o.lock = flock.New(file, flock.SetPermissions(0o600))
		ours, err := o.lock.TryLock()
		if err != nil {
			return nil, err
		}
		if ours { // unless another's sweep came between the file and its lock
			locked, err := o.lock.Stat()
			there, statErr := os.Stat(file)
			if err == nil && statErr == nil && os.SameFile(locked, there) {
				return o, nil
			}
		}
		_ = o.lock.Close()
	}
}

// end gives the lock back.
func (o *owner) end() error {
	_ = os.Remove(o.lock.Path()) // on Windows, only after it is closed
	err := o.lock.Close()
	_ = os.Remove(o.lock.Path())
	return err
}

// sweep removes what killed processes left.
func sweep(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		living(dir, e.Name())
	}
}

// living tells whether the owner with this name lives, and removes the file of
// one that does not.
func living(dir, name string) bool {
	o := owner{name, flock.New(filepath.Join(dir, name), flock.SetFlag(os.O_RDONLY))}
	ours, err := o.lock.TryLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false
	case err == nil && ours:
		_ = o.end()
		return false
	}
	_ = o.lock.Close()
	return true
}
