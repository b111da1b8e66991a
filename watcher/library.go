//go:build darwin

package watcher

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"sync"
	"time"

	"golang.design/x/clipboard"

	"bilipaste/internal/lang"
)

// ways lists the ways to the clipboard.
func ways() []way {
	return []way{
		{"golang.design/x/clipboard", openLibrary},
	}
}

// library is the clipboard of macOS, through golang.design/x/clipboard. It
// compiles and follows the same contract, but is not tried on a real machine;
// and the library has limits that it passes on: it looks once a second, shows no
// mark of a password manager, reads what changed before it can be judged, and
// cannot write under a condition.
type library struct {
	seed maphash.Seed

	mu      sync.Mutex
	written uint64 // of what we put there last: the sum of how it reads
}

// errClosed says that the library has stopped watching.
var errClosed = errors.New("the library has stopped watching")

func openLibrary(context.Context) (backend, error) {
	if err := clipboard.Init(); err != nil {
		return nil, lang.Errorf("watcher.library", lang.Data{"Cause": err}, err)
	}
	return &library{seed: maphash.MakeSeed()}, nil
}

func (l *library) name() string { return "golang.design/x/clipboard" }

func (l *library) run(ctx context.Context, attached func(), changed func(offer)) error {
	// One copy is told once for each format, all at about the same time.
	const together = 100 * time.Millisecond
	events := clipboard.Watch(ctx)
	attached()
	var pending *libraryOffer
	var tell <-chan time.Time
	for {
		select {
		case e, ok := <-events:
			switch {
			case !ok && ctx.Err() != nil:
				return ctx.Err()
			case !ok:
				return errClosed
			case l.isOurs(l.sum(e.Bytes)):
				continue
			}
			if pending == nil {
				pending = &libraryOffer{l, e.Format, l.sum(e.Bytes)}
				tell = time.After(together)
			}
		case <-tell:
			changed(pending)
			pending = nil
		}
	}
}

func (l *library) sum(data []byte) uint64 { return maphash.Bytes(l.seed, data) }

func (l *library) isOurs(sum uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return sum == l.written
}

func (l *library) current(ctx context.Context) (offer, Reason, error) {
	formats, err := clipboard.Formats(ctx)
	if err != nil {
		return nil, "", lang.Errorf("watcher.library", lang.Data{"Cause": err}, err)
	}
	if len(formats) == 0 {
		return nil, IsEmpty, nil
	}
	data, err := clipboard.Read(ctx, formats[0])
	if err != nil {
		return nil, "", lang.Errorf("watcher.library", lang.Data{"Cause": err}, err)
	}
	o := &libraryOffer{l, formats[0], l.sum(data)}
	if l.isOurs(o.sum) {
		return nil, IsOurs, nil
	}
	return o, "", nil
}

func (l *library) put(ctx context.Context, onlyIf offer, c content) error {
	if was, ok := onlyIf.(*libraryOffer); ok {
		now, err := clipboard.Read(ctx, was.format)
		if err != nil || l.sum(now) != was.sum {
			return ErrChanged
		}
	}
	// The system may give it back in other bytes, by which it is known then. No
	// event is looked at before these are.
	l.mu.Lock()
	defer l.mu.Unlock()
	format, err := clipboard.FmtText, error(nil)
	switch {
	case c.mediaType == "image/png":
		format = clipboard.FmtImage
		_, err = clipboard.Write(ctx, format, c.picture)
	case c.mediaType != "":
		return lang.Errorf("watcher.png_only", lang.Data{"Type": c.mediaType}, nil)
	case c.files != nil:
		format = clipboard.FmtFiles
		_, err = clipboard.WriteFiles(ctx, c.files)
	default:
		_, err = clipboard.Write(ctx, format, []byte(c.text))
	}
	if err != nil {
		return err
	}
	data, err := clipboard.Read(ctx, format)
	l.written = l.sum(data)
	return err
}

// close does nothing: the system keeps what is copied by itself.
func (l *library) close() error { return nil }

// libraryOffer is what was on the clipboard when the library told of a change.
type libraryOffer struct {
	library *library
	format  clipboard.Format // the format that it told of
	sum     uint64           // of the content in it
}

func (o *libraryOffer) formats(ctx context.Context) ([]string, error) {
	formats, err := clipboard.Formats(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range formats {
		names = append(names, f.MIME())
	}
	return names, nil
}

func (o *libraryOffer) read(ctx context.Context, format string, limit int, _ io.Writer) ([]byte, error) {
	f := clipboard.Register(format)
	for _, known := range []clipboard.Format{clipboard.FmtText, clipboard.FmtImage, clipboard.FmtFiles} {
		if known.MIME() == format {
			f = known
		}
	}
	data, err := clipboard.Read(ctx, f)
	if len(data) > limit {
		return nil, errTooLarge
	}
	return data, err
}
