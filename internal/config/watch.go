package config

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"bilipaste/internal/lang"
)

// settled is how long the file must be left alone: editors write it in steps.
const settled = 100 * time.Millisecond

// Watch calls changed whenever the settings file has changed, until ctx is
// done, and returns ctx's error. Its folder is made if there is none.
func Watch(ctx context.Context, file string, changed func()) error {
	failed := func(err error) error {
		return lang.Errorf("config.unwatched", lang.Data{"File": file, "Cause": cause(err)}, err)
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return failed(err)
	}
	defer func() { _ = w.Close() }()
	// Editors and Save put a new file in the old one's place: the folder tells
	// of that. So does that of the file that a link leads to.
	names := map[string]bool{filepath.Clean(file): true}
	if target, err := filepath.EvalSymlinks(file); err == nil {
		names[target] = true
	}
	for name := range names {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return failed(err)
		}
		if err := w.Add(filepath.Dir(name)); err != nil {
			return failed(err)
		}
	}
	quiet := time.NewTimer(0)
	quiet.Stop()
	for {
		select {
		case e := <-w.Events:
			if names[filepath.Clean(e.Name)] {
				quiet.Reset(settled)
			}
		case <-quiet.C:
			changed()
		case _, ok := <-w.Errors: // too many changes at once: look at the file
			if ok {
				quiet.Reset(settled)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
