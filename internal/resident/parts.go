package resident

import (
	"context"
	"sync"
	"time"

	"bilipaste/internal/app"
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

// way is the way of a pending upload to its destination, by the settings as they
// are by now.
func (r *Resident) way(to uploader.Destination) (*uploader.Uploader, error) {
	r.mu.Lock()
	by, err := r.uploader.by, r.uploader.err
	r.mu.Unlock()
	if by == nil {
		return nil, err
	}
	return by.Way(to)
}

// chosen is where a new picture goes.
func (r *Resident) chosen() uploader.Destination {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.uploader.by == nil { // once that is mended
		return app.Destination(r.state.Settings)
	}
	return r.uploader.by.Destination()
}

// pictureComes has the connection to the host opened, while the picture is still
// being read.
func (r *Resident) pictureComes() {
	select {
	case r.coming <- struct{}{}:
	default: // it is being opened
	}
}

// clipboardLost takes in that the clipboard cannot be reached, or, with nil, that
// it can again.
func (r *Resident) clipboardLost(err error) {
	r.change(func(s *State) { s.Lost = err })
	if err != nil {
		r.Tell("resident.clipboard", err)
	}
}

// getReady opens connections, until the program's end.
func (r *Resident) getReady() {
	for {
		select {
		case <-r.coming:
		case <-r.life.Done():
			return
		}
		r.mu.Lock()
		by := r.uploader.by
		r.mu.Unlock()
		if by != nil {
			by.GetReady(r.life)
		}
	}
}
