package resident

import (
	"context"
	"sync"
	"time"

	"bilipaste/internal/app"
	"bilipaste/internal/picture"
	"bilipaste/internal/writing"
	"bilipaste/uploader"
	"bilipaste/watcher"
)

// board is the clipboard of writing mode: while that is off, nothing that is
// copied is looked at.
type board struct {
	clipboard *watcher.Watcher

	mu       sync.Mutex
	on       bool
	switched chan struct{} // closed when on changes
}

var _ writing.Clipboard = (*board)(nil)

func newBoard(w *watcher.Watcher, on bool) *board {
	return &board{clipboard: w, on: on, switched: make(chan struct{})}
}

// turn turns it on or off.
func (b *board) turn(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.on != on {
		b.on = on
		close(b.switched)
		b.switched = make(chan struct{})
	}
}

// attachLimit is how long a clipboard may take until it tells of what is copied.
// One that takes longer is lost, of which the log tells.
const attachLimit = 2 * time.Second

// await waits until what is copied is seen.
func (b *board) await(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, attachLimit)
	defer cancel()
	_ = b.clipboard.Attached(ctx)
}

// Run passes on what is copied while it is on, until ctx is done.
func (b *board) Run(ctx context.Context, seen func(watcher.Clip)) error {
	for {
		b.mu.Lock()
		on, switched := b.on, b.switched
		b.mu.Unlock()
		if on {
			watching, stop := context.WithCancel(ctx)
			go func() {
				defer stop()
				select {
				case <-switched:
				case <-watching.Done():
				}
			}()
			_ = b.clipboard.Run(watching, seen) // ends with its context alone
			stop()
		}
		select {
		case <-switched:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Replace puts the links in the clip's place.
func (b *board) Replace(ctx context.Context, clip watcher.Clip, text string) error {
	return b.clipboard.Replace(ctx, clip, text)
}

// links is the uploader of the settings as they are by now.
type links struct{ r *Resident }

// Upload uploads p to where the settings say by now.
func (l links) Upload(ctx context.Context, p picture.Picture) (uploader.Link, error) {
	l.r.mu.Lock()
	up, err := l.r.uploader.by, l.r.uploader.err
	l.r.mu.Unlock()
	if up == nil {
		return uploader.Link{}, err
	}
	return up.Upload(ctx, p)
}

// fresh is links for what was just copied: State counts it. What was copied
// earlier would keep an icon restless for as long as an outage lasts.
type fresh struct{ r *Resident }

// Upload uploads p to where the settings say by now.
func (f fresh) Upload(ctx context.Context, p picture.Picture) (uploader.Link, error) {
	f.r.change(func(s *State) { s.Uploads++ })
	defer f.r.change(func(s *State) { s.Uploads-- })
	return links(f).Upload(ctx, p)
}

// destination is where a new picture goes.
func (r *Resident) destination() uploader.Place {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.uploader.by == nil { // once that is mended
		return uploader.Place{Host: r.state.Settings.Host, Bucket: app.BucketOf(r.state.Settings)}
	}
	return r.uploader.by.To()
}
