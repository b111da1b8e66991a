package watcher

import (
	"context"
	"errors"
	"io"
)

// backend is one platform's way to the clipboard.
type backend interface {
	// name names it for people, such as "X11".
	name() string

	// run tells of each change that another program makes, in order, until ctx
	// is done (it returns ctx's error) or the connection is lost (any other
	// error). It may be called again and then connects anew.
	// attached is called when the telling begins. changed returns at once.
	run(ctx context.Context, attached func(), changed func(offer)) error

	// current returns what another program has put on the clipboard, and if
	// there is nothing, nil and the reason: IsEmpty or IsOurs.
	current(ctx context.Context) (offer, Reason, error)

	// put puts c on the clipboard if that still holds onlyIf; else it returns
	// ErrChanged and leaves the clipboard alone. A nil onlyIf means whatever
	// it holds.
	put(ctx context.Context, onlyIf offer, c content) error

	// close hands what we put there over to a clipboard manager, where one
	// runs, and disconnects.
	close() error
}

// offer is what one program has put on the clipboard. One offer is read at a time.
type offer interface {
	// formats lists the formats, as the program names them; with an error,
	// those that are known all the same.
	formats(ctx context.Context) ([]string, error)

	// read returns the content in one of the formats, at most limit bytes
	// (else errTooLarge). What comes in parts it writes to seen, unless that is
	// nil, while the next part is on its way.
	read(ctx context.Context, format string, limit int, seen io.Writer) ([]byte, error)
}

// errRefused says that the program offers no such format, whatever its list says.
var errRefused = errors.New("the program that copied it refuses")

// errSilent says that the program does not hand over what it copied.
var errSilent = errors.New("the program that copied it does not answer")

// errTooLarge says that a content is larger than the limit.
var errTooLarge = errors.New("too large")

// errSuperseded says that another copy came before the content was read.
var errSuperseded = errors.New("superseded by another copy")

// signed is an offer that knows which program made it. Where an offer does not,
// only its time tells a clipboard manager's take-over from a copy.
type signed interface {
	offer

	// from says who made it, seen from the offer before it.
	from(before offer) origin
}

// mortal is an offer that tells of its program's end.
type mortal interface {
	offer

	// left is closed when the program has ended, with nothing copied since.
	left() <-chan struct{}

	// replaced is closed when something else was copied.
	replaced() <-chan struct{}
}

// origin is who made an offer, seen from the offer before it.
type origin int

const (
	unknown     origin = iota // another program, or nobody knows
	sameProgram               // the same program again
	heir                      // a clipboard manager, or a program that stepped in when the one before had ended
)

// notYet is the error of a display server that is there and is not ready:
// whether it has a clipboard for us cannot be told.
type notYet struct{ error }

func (e notYet) Unwrap() error { return e.error }

// way is a backend that may be there on this platform.
type way struct {
	name string
	open func(context.Context) (backend, error)
}
