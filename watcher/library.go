//go:build darwin || windows

package watcher

import (
	"context"
	"errors"
	"hash/maphash"
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

// library is the clipboard of macOS, and for now of Windows, through
// golang.design/x/clipboard. It compiles and follows the same contract, but is
// not tried on a real machine; and the library has limits that it passes on:
// it looks once a second on macOS, shows no mark of a password manager, reads
// what changed before it can be judged, and cannot write under a condition.
type library struct {
	seed maphash.Seed

	mu      sync.Mutex
	written string // our text that was put there last
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

func (l *library) run(ctx context.Context, changed func(offer)) error {
	// One copy is told once for each format, all at about the same time.
	const together = 100 * time.Millisecond
	events := clipboard.Watch(ctx)
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
			case e.Format == clipboard.FmtText && l.isOurs(string(e.Bytes)):
				continue
			}
			if pending == nil {
				pending = &libraryOffer{l, e.Format, maphash.Bytes(l.seed, e.Bytes)}
				tell = time.After(together)
			}
		case <-tell:
			changed(pending)
			pending = nil
		}
	}
}

func (l *library) isOurs(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return text == l.written && text != ""
}

func (l *library) replace(ctx context.Context, o offer, text string) error {
	was := o.(*libraryOffer)
	now, err := clipboard.Read(ctx, was.format)
	if err != nil || maphash.Bytes(l.seed, now) != was.sum {
		return ErrChanged
	}
	l.mu.Lock()
	l.written = text
	l.mu.Unlock()
	_, err = clipboard.Write(ctx, clipboard.FmtText, []byte(text))
	return err
}

// close does nothing: both systems keep a text by themselves.
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

func (o *libraryOffer) read(ctx context.Context, format string, limit int) ([]byte, error) {
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
