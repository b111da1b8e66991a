package watcher

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

const (
	// lookLimit is how long the folders of a clip's files may take to answer. One
	// on a network may never do.
	lookLimit = 5 * time.Second

	// maxLooks is how many clips may be looked at: those that were given up are
	// among them for as long as their folder does not answer.
	maxLooks = 8

	// A file that was changed just now may still be being written. It is once it
	// has not changed for settling, and is taken as it is after growing.
	settling, growing = 300 * time.Millisecond, 2 * time.Second
)

// errUnreachable says that a folder does not answer.
var errUnreachable = errors.New("the folder does not answer")

// headSize is how many of its first bytes tell whether something is a picture.
const headSize = 512

// within calls look, which uses foreign files, and returns what it does. After
// lookLimit, or when ctx is done, it gives look up, which nobody waits for then:
// the system does not let it be stopped.
func within[T any](ctx context.Context, w *Watcher, look func(context.Context) T) (found T, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	if w.looks.Add(1) > maxLooks {
		w.looks.Add(-1)
		return found, errUnreachable
	}
	done := make(chan T, 1)
	go func() {
		defer w.looks.Add(-1)
		done <- look(ctx)
	}()
	select {
	case found = <-done:
		return found, nil
	case <-ctx.Done():
		return found, errUnreachable
	}
}

// pictureFiles returns the paths of files, nil unless all are pictures. What a
// text names is not looked at where that would call another machine.
func (w *Watcher) pictureFiles(ctx context.Context, files []address, ofText bool) ([]string, error) {
	return within(ctx, w, func(ctx context.Context) []string {
		var paths []string
		for _, f := range files {
			path := f.path
			if ofText && isForeign(path) {
				return nil
			}
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && f.raw != "" {
				path = f.raw
			}
			if ctx.Err() != nil || !w.isPictureFile(ctx, path) {
				return nil
			}
			paths = append(paths, path)
		}
		return paths
	})
}

// isPictureFile reports whether path is a regular file that is a picture by its
// first bytes, once it is written.
func (w *Watcher) isPictureFile(ctx context.Context, path string) bool {
	// Opening a pipe would block: look first.
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	untilStill(ctx, path, info)
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, headSize)
	n, err := io.ReadFull(f, head)
	return (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) && w.options.IsPicture(head[:n])
}

// untilStill waits while a file is being written.
func untilStill(ctx context.Context, path string, info fs.FileInfo) {
	start := time.Now()
	for {
		since := time.Since(info.ModTime())
		if since >= settling || since < -growing || time.Since(start) >= growing {
			return
		}
		select {
		case <-time.After(settling - max(since, 0)):
		case <-ctx.Done():
			return
		}
		next, err := os.Stat(path)
		if err != nil || next.Size() == info.Size() && next.ModTime().Equal(info.ModTime()) {
			return
		}
		info = next
	}
}
