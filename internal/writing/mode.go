// Package writing is writing mode: what is copied becomes a link, ready to paste.
package writing

import (
	"context"
	"iter"
	"strings"
	"sync"
	"time"

	"bilipaste/internal/format"
	"bilipaste/internal/lang"
	"bilipaste/uploader"
	"bilipaste/watcher"
)

// Clipboard is where pictures come from and links go; *watcher.Watcher is one.
type Clipboard interface {
	Run(ctx context.Context, seen func(watcher.Clip)) error
	Replace(ctx context.Context, clip watcher.Clip, text string) error
}

// Uploader makes links; *uploader.Uploader is one.
type Uploader interface {
	Upload(ctx context.Context, p uploader.Picture) (uploader.Link, error)
}

// Notifier tells the user, by sound and notification, and does not wait for
// either; *notify.Notifier is one.
type Notifier interface {
	Done(ctx context.Context, title, body, icon string)
	Failed(ctx context.Context, title, body string)
}

// Mode is writing mode.
type Mode struct {
	Clipboard Clipboard
	Uploader  Uploader
	Notifier  Notifier
	Format    func() format.Format // how links are written; asked for each clip
	Language  func() *lang.Printer // asked for each clip
	Icon      string               // a file that may hold the picture a notification shows; "": none
	Report    func(Result)         // told of each clip when it is done with
}

// Result is what became of one clip.
type Result struct {
	Clip     watcher.Clip
	Pictures []Picture // none if the clip was left alone
	Text     string    // what was to be pasted: the links that were made, one a line
	Pasted   error     // nil: Text is on the clipboard; watcher.ErrChanged: that held something newer
	Took     time.Duration
}

// Picture is what became of one picture of a clip.
type Picture struct {
	Name          string // the file's, or "" for picture data
	Format        uploader.Format
	Width, Height int           // pixels
	Bytes         int           // the encoded image's size
	Link          uploader.Link // where it is, unless Err
	Err           error
}

// Run takes each clip that comes, one after the other, until ctx is done, and
// returns ctx's error, or the clipboard's.
func (m *Mode) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	clips := newQueue()
	var watching sync.WaitGroup
	defer watching.Wait()
	watching.Go(func() { cancel(m.Clipboard.Run(ctx, clips.push)) })
	for {
		clip, err := clips.pop(ctx)
		if err != nil {
			return err
		}
		m.take(ctx, clip)
	}
}

// take is the main job: from a clip to its links on the clipboard.
func (m *Mode) take(ctx context.Context, clip watcher.Clip) {
	start := time.Now()
	r := Result{Clip: clip}
	r.Clip.Data = nil
	var links []string
	for p, err := range m.pictures(clip) {
		done := Picture{Name: p.Name, Format: p.Format, Width: p.Width, Height: p.Height, Bytes: len(p.Data), Err: err}
		if err == nil {
			done.Link, done.Err = m.Uploader.Upload(ctx, p)
		}
		if ctx.Err() != nil {
			return
		}
		if done.Err == nil {
			links = append(links, m.Format().Write(format.Picture{URL: done.Link.URL, Name: p.Name, Width: done.Link.Width, Height: done.Link.Height}))
		}
		r.Pictures = append(r.Pictures, done)
	}
	if r.Text = strings.Join(links, "\n"); r.Text != "" {
		r.Pasted = m.Clipboard.Replace(ctx, clip, r.Text)
	}
	r.Took = time.Since(start)
	m.tell(ctx, clip, r)
	m.Report(r)
}

// pictures reads the pictures that count of a clip, one at a time.
func (m *Mode) pictures(clip watcher.Clip) iter.Seq2[uploader.Picture, error] {
	return func(yield func(uploader.Picture, error) bool) {
		switch clip.Take {
		case watcher.Picture:
			yield(uploader.NewPicture("", clip.Data))
		case watcher.Files:
			for _, file := range clip.Files {
				if !yield(uploader.OpenPicture(file)) {
					return
				}
			}
		}
	}
}
