package album

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settled is how long after a change Watch tells of it, and of those that came
// meanwhile.
const settled = 200 * time.Millisecond

// Watch calls changed once it watches, and then soon after any process has
// changed the album, until ctx is done, and returns ctx's error. Between changes
// it does nothing. Another error is a lang.Teller.
func (a *Album) Watch(ctx context.Context, changed func()) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return a.failed(ctx, err)
	}
	defer func() { _ = w.Close() }()
	if err := w.Add(a.dir); err != nil {
		return a.failed(ctx, err)
	}
	changed()
	soon := time.NewTimer(0)
	soon.Stop()
	waiting := false
	for {
		select {
		case e := <-w.Events:
			if name := filepath.Base(e.Name); !waiting && strings.HasPrefix(name, "album.db") {
				waiting = true
				soon.Reset(settled)
			}
		case _, ok := <-w.Errors: // too many changes at once: look
			if !ok {
				continue
			}
			waiting = true
			soon.Reset(settled)
		case <-soon.C:
			waiting = false
			changed()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
