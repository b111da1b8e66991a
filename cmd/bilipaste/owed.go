package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"bilipaste/internal/lang"
	"bilipaste/internal/writing"
	"bilipaste/uploader"
)

// owed keeps the pictures that were copied while nobody was signed in, as files
// in a folder, and uploads them once somebody is, the oldest first. That nobody
// is signed in is notified once; after that a sound is enough.
type owed struct {
	writing.Uploader
	writing.Notifier
	quietly func(ctx context.Context, title, body string) // tells of a failure by sound alone
	dir     string
	paid    func(uploader.Picture, uploader.Link) // told of each that went up late
	log     *slog.Logger

	paying sync.Mutex
	work   sync.WaitGroup

	mu   sync.Mutex
	last int64 // the newest file's number
	kept bool  // the last picture was
	told bool  // of that
}

// longestName is what is kept of a picture's name, in bytes, with the number
// before it short enough for any file system.
const longestName = 120

// Upload uploads p. Where nobody is signed in it keeps p, and the error says so.
func (o *owed) Upload(ctx context.Context, p uploader.Picture) (uploader.Link, error) {
	link, err := o.Uploader.Upload(ctx, p)
	o.mu.Lock()
	o.kept = uploader.KindOf(err) == uploader.NotLoggedIn
	o.told = o.told && err != nil
	o.mu.Unlock()
	switch {
	case err == nil:
		o.work.Go(func() { o.pay(ctx) })
	case uploader.KindOf(err) == uploader.NotLoggedIn && ctx.Err() == nil:
		if failed := o.keep(p); failed != nil {
			return link, lang.Errorf("cli.not_kept", lang.Data{"Cause": err, "Why": failed}, err)
		}
		return link, lang.Errorf("cli.kept", lang.Data{"Cause": err}, err)
	}
	return link, err
}

// Failed tells of a failure, and of pictures that were kept only once.
func (o *owed) Failed(ctx context.Context, title, body string) {
	o.mu.Lock()
	again := o.kept && o.told
	o.told = o.kept
	o.mu.Unlock()
	if again {
		o.quietly(ctx, title, body)
		return
	}
	o.Notifier.Failed(ctx, title, body)
}

// keep writes p into the folder: there as a whole, or not at all.
func (o *owed) keep(p uploader.Picture) error {
	base := ""
	if p.Name != "" {
		base = filepath.Base(p.Name)
		base = strings.ToValidUTF8(base[max(0, len(base)-longestName):], "")
	}
	o.mu.Lock()
	o.last = max(o.last+1, time.Now().UnixNano())
	name := filepath.Join(o.dir, fmt.Sprintf("%020d-%s", o.last, base))
	o.mu.Unlock()
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(o.dir, ".new-*") // 0600
	if err != nil {
		return err
	}
	_, err = temp.Write(p.Data)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

// pay uploads what was kept, until there is nothing more or an upload fails
// for a reason that will pass. A picture that can never go up is left there.
func (o *owed) pay(ctx context.Context) {
	o.paying.Lock()
	defer o.paying.Unlock()
	entries, err := os.ReadDir(o.dir) // sorted, so in the order they came
	if err != nil {
		return // nothing was ever kept
	}
	for _, e := range entries {
		_, name, ok := strings.Cut(e.Name(), "-")
		if !ok || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		file := filepath.Join(o.dir, e.Name())
		p, err := uploader.OpenPicture(file)
		if err == nil {
			p.Name = name
			var link uploader.Link
			if link, err = o.Uploader.Upload(ctx, p); err == nil {
				o.paid(p, link)
				err = os.Remove(file)
			}
		}
		if err == nil {
			continue
		}
		o.log.Warn("a picture that was kept has no link yet", "error", err)
		switch uploader.KindOf(err) {
		case uploader.NotLoggedIn, uploader.Refused, uploader.Passing:
			return
		}
	}
}
