// Package writing is writing mode: what is copied becomes a link, ready to paste.
package writing

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/markup"
	"bilipaste/internal/picture"
	"bilipaste/internal/queue"
	"bilipaste/uploader"
	"bilipaste/watcher"
)

// Clipboard is where pictures come from and links go; *watcher.Watcher is one.
type Clipboard interface {
	Run(ctx context.Context, seen func(watcher.Clip)) error
	Replace(ctx context.Context, clip watcher.Clip, text string) error
}

// Notifier tells the user, by sound and notification, and does not wait for
// either; *notify.Notifier is one.
type Notifier interface {
	Done(ctx context.Context, title, body, icon string)
	Failed(ctx context.Context, title, body string)
	FailedAgain(ctx context.Context) // by sound alone
}

// Mode is writing mode. Its functions are asked for each clip, unless they say
// otherwise.
type Mode struct {
	Clipboard Clipboard
	Album     *album.Album
	Queue     *queue.Queue // Run runs it, too
	Notifier  Notifier
	To        func() uploader.Destination // where a new picture goes
	Many      func() int                  // a clip of more files than that is taken only if the user asks for it
	Markup    func() markup.Markup        // how links are written
	Language  func() *lang.Printer
	Report    func(Result)        // told of each clip when it is done with
	Late      func(queue.Outcome) // told of each picture that was copied earlier, when it was tried

	asked inbox[request]

	mu      sync.Mutex
	notable fault.Kind // of the outage that the user was notified of, 0 if there is none
}

// request is a clip that was copied, or that the user asks for.
type request struct {
	clip watcher.Clip
	done chan<- Result // nil: it was copied
}

// Result is what became of one clip.
type Result struct {
	Clip     watcher.Clip
	Pictures []Picture // none if the clip was left alone
	Asked    int       // so many files were copied that they are left alone until the user asks for them; else 0
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
	Err           error         // queue.ErrStopped: the user has given it up
	Waits         bool          // with Err: it goes up by itself, later
	NotKept       error         // why the album does not have it
}

// taken is a clip whose pictures are on their way.
type taken struct {
	request
	asked    int // see Result
	pictures chan sent
	at       time.Time // when it came
}

// sent is a picture of a clip, and its upload; nil if it cannot be read.
type sent struct {
	Picture
	job *queue.Job
}

// Run takes each clip that comes, one after the other, until ctx is done, and
// returns ctx's error, or the clipboard's. What is copied during an upload is
// in the album at once, and waits there for its turn.
func (m *Mode) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var turns inbox[taken]
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
			m.take(context.WithoutCancel(ctx), asked, &turns)
		}
	})
	parts.Go(func() { _ = m.Queue.Run(ctx, func(r queue.Round) { m.late(ctx, r) }) }) // ends with ctx alone
	for {
		turn, err := turns.pop(ctx)
		if err != nil {
			return err
		}
		m.paste(ctx, turn)
	}
}

// Take does with a clip as Run does with one that is copied, when it is its
// turn, however many files it is, and returns what became of it. The error is
// ctx's.
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

// take gives a clip its turn, and adds its pictures to the queue, where the
// first is sent while the others are still being read.
func (m *Mode) take(ctx context.Context, asked request, turns *inbox[taken]) {
	clip := asked.clip
	t := taken{request: asked, at: time.Now(), pictures: make(chan sent, max(1, len(clip.Files)))}
	t.clip.Data = nil
	defer close(t.pictures)
	if n := len(clip.Files); clip.Take == watcher.Files && asked.done == nil && n > m.Many() {
		t.asked = n
	}
	turns.push(t)
	if t.asked > 0 {
		return
	}
	to := m.To()
	for p, err := range Pictures(clip) {
		s := sent{Picture: Picture{Name: p.Name, Format: p.Format, Width: p.Width, Height: p.Height, Bytes: len(p.Data), Err: err}}
		if err == nil {
			s.job = m.Queue.Add(ctx, queue.Request{Picture: p, Sum: sumOf(p, clip), To: to, Copied: t.at})
		}
		t.pictures <- s
	}
}

// paste puts a clip's links in its place, when all are there.
func (m *Mode) paste(ctx context.Context, t taken) {
	r := Result{Clip: t.clip, Asked: t.asked}
	var links []string
	var outs []queue.Outcome
	for s := range t.pictures {
		var out queue.Outcome
		if s.job != nil {
			var err error
			if out, err = s.job.Wait(ctx); err != nil {
				return
			}
			s.Link, s.Err, s.Waits, s.NotKept = out.Link, out.Err, out.Waits, out.NotKept
		}
		if s.Err == nil {
			links = append(links, written(m.Markup(), s.Name, s.Link))
		}
		r.Pictures, outs = append(r.Pictures, s.Picture), append(outs, out)
	}
	if r.Text = strings.Join(links, "\n"); r.Text != "" {
		r.Pasted = m.Clipboard.Replace(ctx, t.clip, r.Text)
	}
	r.Took = time.Since(t.at)
	for i := range r.Pictures { // which is not waited for
		p := &r.Pictures[i]
		if p.Err == nil && !p.Link.Known { // else it says nothing of the host
			m.isOver()
		}
		if outs[i].Sum != (picture.Sum{}) && !errors.Is(p.Err, queue.ErrStopped) {
			p.Original, _ = m.Album.Original(ctx, outs[i].Sum)
		}
	}
	m.tell(ctx, r)
	m.Report(r)
	if t.done != nil {
		t.done <- r
	}
}

// Pictures reads the pictures that count of a clip, one at a time.
func Pictures(clip watcher.Clip) iter.Seq2[picture.Picture, error] {
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

// sumOf returns the sum of a picture of a clip, the zero one if it is not known.
func sumOf(p picture.Picture, clip watcher.Clip) picture.Sum {
	if len(p.Data) != len(clip.Data) || len(p.Data) == 0 || &p.Data[0] != &clip.Data[0] { // a file's, or put right
		return picture.Sum{}
	}
	return clip.Sum
}
