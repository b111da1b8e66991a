// Package durable writes files that are whole at every moment and outlive a
// power cut. On Windows it waits while another program has one open.
package durable

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// unfinished is the name of a file that is being written.
const unfinished = ".bilipaste-*.new"

// Write puts data into a file's place: whoever reads sees what was there
// before or all of data, and what Write has returned for is on the disk. A
// folder that is missing is made for its owner alone. The error is the file
// system's; the file is as it was then.
func Write(file string, data []byte, perm fs.FileMode) error {
	return write(file, data, perm, true)
}

// Replace puts data into a file's place as Write does, but a power cut may
// bring back what was there before, or leave the file empty.
func Replace(file string, data []byte, perm fs.FileMode) error {
	return write(file, data, perm, false)
}

func write(file string, data []byte, perm fs.FileMode, sync bool) error {
	dir := filepath.Dir(file)
	if err := MakeFolder(dir); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, unfinished) // 0600 from birth
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	if err == nil && perm != 0o600 {
		err = temp.Chmod(perm)
	}
	if err == nil && sync {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err == nil {
		err = patiently(func() error { return os.Rename(temp.Name(), file) })
	}
	if err != nil {
		return errors.Join(err, Remove(temp.Name()))
	}
	if !sync {
		return nil
	}
	return SyncFolder(dir)
}

// Tidy removes from a folder what Writes and Replaces have left that were killed,
// except what is younger than age. What cannot be removed stays.
func Tidy(dir string, age time.Duration) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if ours, _ := filepath.Match(unfinished, e.Name()); !ours || !e.Type().IsRegular() {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) >= age {
			_ = Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// Sync makes what was written to a file outlive a power cut. Its name is the
// folder's: see SyncFolder.
func Sync(file string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Read returns what is in a file, also in one that is just being written anew.
func Read(file string) (data []byte, err error) {
	err = patiently(func() error {
		data, err = os.ReadFile(file)
		return err
	})
	return data, err
}

// Holds tells whether a file holds just data, and is no link to one. The error
// is the file system's, also where there is no file.
func Holds(file string, data []byte) (bool, error) {
	info, err := os.Lstat(file)
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() || info.Size() != int64(len(data)) {
		return false, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	part := make([]byte, 64<<10) // not all at once: a picture may be large
	for len(data) > 0 {
		n, err := f.Read(part[:min(len(part), len(data))])
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		if n == 0 || !bytes.Equal(part[:n], data[:n]) {
			return false, nil
		}
		data = data[n:]
	}
	return true, nil
}

// Remove removes a file, also one that is just being read.
func Remove(file string) error {
	return patiently(func() error { return os.Remove(file) })
}

// MakeFolder makes a folder and those above it, for their owner alone. A folder
// that it has made outlives a power cut.
func MakeFolder(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrNotExist) {
		if err = MakeFolder(filepath.Dir(dir)); err != nil {
			return err
		}
		err = os.Mkdir(dir, 0o700)
	}
	if err == nil {
		return SyncFolder(filepath.Dir(dir))
	}
	if info, statErr := os.Stat(dir); statErr == nil && info.IsDir() {
		return nil // whatever Mkdir says of a folder that is there
	}
	return err
}
