package convert

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime/debug"
	"time"
)

// memory is what a conversion takes at most, in bytes, the picture given and
// one copy of it included. With the rest of the program it stays under 400 MB.
const memory = 350e6

// timeLimit is how long a conversion may take.
var timeLimit = 30 * time.Second // a variable for its test

// maxBlocks is how many blocks of 64 samples a JPEG's scans may go through
// together: a decoder goes through all of them again for each scan.
const maxBlocks = 64 << 20

// budget is the memory that a conversion may still take, in bytes. What was
// taken does not come back: when it is freed is not ours to know.
type budget int64

func newBudget(data []byte) *budget {
	left := budget(memory - 2*int64(len(data)))
	return &left
}

// take takes n bytes, or returns ErrMemory. Before much is taken, what an
// earlier conversion left is given back: the collector would let both stand.
func (b *budget) take(n int64) error {
	if n < 0 || int64(*b) < n {
		return ErrMemory
	}
	*b -= budget(n)
	const much = 32 << 20
	if n > much {
		debug.FreeOSMemory()
	}
	return nil
}

// bounded returns a context that ends after the time limit, with ErrTime.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, timeLimit, ErrTime)
}

// why returns the one error that says why a conversion stopped.
func why(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, ErrTooLarge): // a writer's, wrapped
		return ErrTooLarge
	}
	return err
}

// reader reads until ctx is done.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(p)
}

// readParts returns a reader of parts, one after another, until ctx is done.
func readParts(ctx context.Context, parts ...[]byte) io.Reader {
	readers := make([]io.Reader, len(parts))
	for i, p := range parts {
		readers[i] = bytes.NewReader(p)
	}
	return &reader{ctx, io.MultiReader(readers...)}
}

// pages keeps what is written until ctx is done, up to limit bytes, past which
// it fails with ErrTooLarge. It never copies to make room.
type pages struct {
	ctx   context.Context
	limit int
	full  [][]byte
	last  []byte
}

func (p *pages) Write(data []byte) (int, error) {
	const size = 1 << 20
	if p.limit -= len(data); p.limit < 0 {
		return 0, ErrTooLarge
	}
	for rest := data; len(rest) > 0; {
		if p.ctx.Err() != nil {
			return 0, context.Cause(p.ctx)
		}
		if len(p.last) == cap(p.last) {
			p.full, p.last = append(p.full, p.last), make([]byte, 0, size)
		}
		n := min(len(rest), cap(p.last)-len(p.last))
		p.last, rest = append(p.last, rest[:n]...), rest[n:]
	}
	return len(data), nil
}

// join returns what was written, with more at at, which is on the first page.
func (p *pages) join(more []byte, at int) []byte {
	all := append(p.full[:len(p.full):len(p.full)], p.last)
	if len(more) > 0 {
		first := 0
		for len(all[first]) == 0 {
			first++
		}
		all = append([][]byte{all[first][:at], more, all[first][at:]}, all[first+1:]...)
	}
	return bytes.Join(all, nil)
}

// limited keeps what is written: until ctx is done, and up to limit bytes,
// past which it fails with ErrTooLarge.
type limited struct {
	ctx   context.Context
	data  []byte
	limit int
}

// newLimited returns one, if there is memory for it.
func newLimited(ctx context.Context, limit int, left *budget) (*limited, error) {
	if err := left.take(int64(max(0, limit))); err != nil {
		return nil, err
	}
	return &limited{ctx: ctx, limit: max(0, limit), data: make([]byte, 0, max(0, limit))}, nil
}

func (l *limited) Write(p []byte) (int, error) {
	if l.ctx.Err() != nil {
		return 0, context.Cause(l.ctx)
	}
	if len(l.data)+len(p) > l.limit {
		return 0, ErrTooLarge
	}
	l.data = append(l.data, p...)
	return len(p), nil
}
