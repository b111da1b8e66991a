// Package writing is writing mode: what is copied becomes a link, ready to paste.
package writing

import (
	"context"
	"iter"
	"strings"
	"sync"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/format"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
	"bilipaste/watcher"
)

// Clipboard is where pictures come from and links go; *watcher.Watcher is one.
type Clipboard interface {
	Run(ctx context.Context, seen func(watcher.Clip)) error
	Replace(ctx context.Context, clip watcher.Clip, text string) error
}

// Uploader makes links, and records them; *uploader.Uploader is one.
type Uploader interface {
	Upload(ctx context.Context, p picture.Picture) (uploader.Link, error)
}

// Notifier tells the user, by sound and notification, and does not wait for
// either; *notify.Notifier is one.
type Notifier interface {
	Done(ctx context.Context, title, body, icon string)
	Failed(ctx context.Context, title, body string)
	FailedAgain(ctx context.Context) // by sound alone
}

// Mode is writing mode.
type Mode struct {
	Clipboard Clipboard
	Album     *album.Album // where pictures are before they are sent
	Uploader  Uploader
	Payer     *Payer // of what cannot be uploaded at once
	Notifier  Notifier
	To        func() uploader.Place // where a new picture goes
	Format    func() format.Format  // how links are written; asked for each clip
	Language  func() *lang.Printer  // asked for each clip
	Report    func(Result)          // told of each clip when it is done with

	asked queue[request] // clips that Take was given
}

// request is a clip that is waited for, or one that was copied.
type request struct {
	clip watcher.Clip
	done chan<- Result // nil: nobody waits
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
	Format        picture.Format
	Width, Height int           // pixels
	Bytes         int           // the encoded image's size
	Original      string        // its file in the album, "" if it is not there
	Link          uploader.Link // where it is, unless Err
	Err           error
	Waits         bool // with Err: it goes up by itself, later
}

// taken is a clip whose pictures are in the album, and not in memory any more.
type taken struct {
	request
	pictures []kept
	at       time.Time // when it came
	took     time.Duration
}

// kept is a picture of a clip, and its entry in the queue, unless that could not
// be made.
type kept struct {
	Picture
	entry album.Pending
}

// Run takes each clip that comes, one after the other, until ctx is done, and
// returns ctx's error, or the clipboard's. What is copied during an upload is
// in the album at once, and waits there for its turn.
func (m *Mode) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var turns queue[taken]
	var parts sync.WaitGroup
	defer parts.Wait()
	parts.Go(func() {
		cancel(m.Clipboard.Run(ctx, func(clip watcher.Clip) { m.asked.push(request{clip: clip}) }))
	})
	parts.Go(func() {
		for {
			asked, err := m.asked.pop(ctx)
			if err != nil {
				return
			}
			turns.push(m.keep(context.WithoutCancel(ctx), asked)) // it takes a moment
		}
	})
	var latest failure
	for {
		turn, err := turns.pop(ctx)
		if err != nil {
			return err
		}
		if ctx.Err() == nil {
			m.upload(ctx, turn, &latest)
		}
	}
}

// Take does with a clip as Run does with one that is copied, when it is its
// turn, and returns what became of it. The error is ctx's.
func (m *Mode) Take(ctx context.Context, clip watcher.Clip) (Result, error) {
	done := make(chan Result, 1)
	m.asked.push(request{clip, done})
	select {
	case r := <-done:
		return r, nil
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// keep puts a clip's pictures into the album, where their uploads are pending.
func (m *Mode) keep(ctx context.Context, asked request) taken {
	start := time.Now()
	clip := asked.clip
	var pictures []kept
	for p, err := range m.pictures(clip) {
		k := kept{Picture: Picture{Name: p.Name, Format: p.Format, Width: p.Width, Height: p.Height, Bytes: len(p.Data), Err: err}}
		if err == nil {
			k.entry, k.Err = m.Album.Keep(ctx, p, m.To())
		}
		if k.Err == nil {
			k.Original, k.Err = m.Album.Original(ctx, k.entry.Sum)
		}
		pictures = append(pictures, k)
	}
	asked.clip.Data = nil
	return taken{asked, pictures, start, time.Since(start)}
}

// failure is why a picture waits, and when that was found.
type failure struct {
	err   error
	found time.Time
}

// upload makes a clip's pictures links on the clipboard. After one that waits
// the others of its clip are not tried but wait, too, and so do the clips that
// came before its failure was found, unless that may be with one picture alone.
func (m *Mode) upload(ctx context.Context, t taken, latest *failure) {
	start := time.Now()
	if t.at.After(latest.found) || isTrouble(latest.err) {
		latest.err = nil
	}
	r := Result{Clip: t.clip}
	var links []string
	for _, p := range t.pictures {
		if p.Err == nil {
			found := latest.found
			if p.Err = latest.err; p.Err == nil {
				p.Link, p.Err = m.send(ctx, p)
				found = time.Now()
			}
			if ctx.Err() != nil {
				return
			}
			if p.Waits = m.Payer.tried(ctx, p.entry, p.Link, p.Err); p.Waits {
				*latest = failure{p.Err, found}
			}
		}
		if p.Err == nil {
			links = append(links, written(m.Format(), p.Name, p.Link))
		}
		r.Pictures = append(r.Pictures, p.Picture)
	}
	if r.Text = strings.Join(links, "\n"); r.Text != "" {
		r.Pasted = m.Clipboard.Replace(ctx, t.clip, r.Text)
	}
	r.Took = t.took + time.Since(start)
	m.tell(ctx, r)
	m.Report(r)
	if t.done != nil {
		t.done <- r
	}
}

// send uploads a picture's original.
func (m *Mode) send(ctx context.Context, p kept) (uploader.Link, error) {
	original, err := picture.Open(p.Original)
	if err != nil {
		return uploader.Link{}, err
	}
	original.Name = p.Name
	return m.Uploader.Upload(ctx, original)
}

// pictures reads the pictures that count of a clip, one at a time.
func (m *Mode) pictures(clip watcher.Clip) iter.Seq2[picture.Picture, error] {
	return func(yield func(picture.Picture, error) bool) {
		switch clip.Take {
		case watcher.Picture:
			yield(picture.New("", clip.Data))
		case watcher.Files:
			for _, file := range clip.Files {
				if !yield(picture.Open(file)) {
					return
				}
			}
		}
	}
}
