package watcher

import "context"

// None returns the Watcher of a desktop without a clipboard: Run waits for
// nothing, and all else fails with err.
func None(err error) *Watcher { return watch(none{err}, Options{}) }

// none is no clipboard.
type none struct{ err error }

func (none) name() string { return "" }

func (none) run(ctx context.Context, _ func(), _ func(offer)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (n none) current(context.Context) (offer, Reason, error) { return nil, "", n.err }
func (n none) put(context.Context, offer, content) error      { return n.err }
func (none) close() error                                     { return nil }
