// Package watcher watches the clipboard: it tells of each new clip what counts
// of it and why, puts a text in its place, and puts a picture back.
package watcher

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"bilipaste/internal/lang"
	"bilipaste/internal/memory"
	"bilipaste/internal/picture"
)

// MaxClip is the largest content, in bytes, that is read from another program.
const MaxClip = 64 << 20

// Take is what counts of a clip.
type Take int

// What counts of a clip.
const (
	Nothing Take = iota // it is left alone
	Picture             // the picture's bytes
	Files               // copied picture files
)

// Clip is what the clipboard holds at one moment.
type Clip struct {
	Formats []string // as the program that copied names them
	Take    Take
	Why     Reason      // why that, and not something else
	Type    string      // Picture: the media type it was offered as, such as "image/png"; the bytes may be another
	Data    []byte      // Picture: the encoded image
	Sum     picture.Sum // of Data
	Files   []string    // Files: absolute paths, in the order they were copied

	offer offer // what Replace replaces
}

// Lost reports whether a picture or files were copied that could not be had, by
// the formats, or for all that is known.
func (c Clip) Lost() bool {
	switch c.Why {
	case Unanswered, Unreachable:
		return true
	case TooLarge, NotReadable, Superseded:
		p := decide(c.Formats)
		return p.take == Picture || p.why == IsFiles || len(p.others) > 0
	}
	return false
}

// Reason is why a clip counts or is left alone. Its text is the catalogue's
// message "watcher.why.REASON".
type Reason string

// Why a clip counts, or is left alone.
const (
	IsPicture   Reason = "picture"     // a picture and no text beside it
	IsFiles     Reason = "files"       // picture files, copied
	IsPath      Reason = "path"        // a text that is exactly the path of one picture file
	IsEmpty     Reason = "empty"       // nothing is offered
	IsOurs      Reason = "ours"        // Replace or a Put has put it there
	IsSecret    Reason = "secret"      // marked as a password
	IsCut       Reason = "cut"         // files to be moved, not copied
	OtherFiles  Reason = "other"       // files that are not all pictures
	TextBeside  Reason = "text"        // text, perhaps with a picture of it: a spreadsheet's cells, a page
	NoPicture   Reason = "no_picture"  // neither picture nor text
	TooLarge    Reason = "too_large"   // more than MaxClip
	Superseded  Reason = "superseded"  // another copy came before it could be read
	NotReadable Reason = "unreadable"  // the program that copied it does not hand it over, or is gone
	Unanswered  Reason = "unanswered"  // the program that copied it does not even say what it is
	Unreachable Reason = "unreachable" // the folder of the files does not answer
)

// ErrUnavailable says that this desktop has no clipboard that can be watched.
var ErrUnavailable = errors.New("no clipboard")

// ErrChanged says that the clipboard no longer holds the clip, and was left alone.
var ErrChanged = errors.New("the clipboard has changed")

// Watcher watches one desktop's clipboard, with Run, and reads and writes it,
// also without. Replace and the Puts may be called at any time, also from within
// Run's seen.
type Watcher struct {
	backend backend
	options Options
	looks   atomic.Int32 // at files, that are under way

	mu       sync.Mutex
	queue    []change      // changes that are not judged yet, the oldest first
	wake     chan struct{} // has a token when the queue has grown
	settled  chan struct{} // closed when the queue is empty
	attached chan struct{} // closed while what is copied is told
	latest   held          // the newest change that was judged
	texts    [2]string     // those that we have put on the clipboard last, the newest first

	replacing sync.Mutex    // held while a take-over is judged, and while the clipboard is written
	reading   chan struct{} // has a token while an offer is read
	release   *time.Timer   // gives back what pictures took
	ending    time.Duration // what a program needs to end once it has given its text

	comparable *time.Timer // ends the time for which a picture is held for comparison
}

// change is one change of the clipboard by another program.
type change struct {
	offer offer
	at    time.Time
}

// Options are what a Watcher asks for each clip.
type Options struct {
	IsPicture func(head []byte) bool // tells from its first 512 bytes whether something is a picture
	TextPaths func() bool            // whether a text is read to see if it is the path of a picture
	Coming    func()                 // told when a picture is about to be read, and must return at once; nil: nobody is
	Lost      func(error)            // told, after a while, that the clipboard cannot be reached, and with nil that it can again, or that Run ends; nil: nobody is
}

// Open connects to the clipboard. Where there is none it returns an error that
// wraps ErrUnavailable and names what was tried. A desktop that is only starting
// may take its time: what does not answer yet is tried for half a minute.
func Open(ctx context.Context, options Options) (*Watcher, error) {
	var tried []any
	for _, way := range ways() {
		b, err := way.patiently(ctx)
		if err == nil {
			return watch(b, options), nil
		}
		e, later := errors.AsType[notYet](err)
		if later {
			err = e.error
		}
		tried = append(tried, lang.Message{ID: "watcher.tried", Data: lang.Data{"Way": way.name, "Cause": err}})
		if later {
			break // the next way may show less of what is copied
		}
	}
	all := tried[0]
	for _, next := range tried[1:] {
		all = lang.Message{ID: "watcher.both", Data: lang.Data{"One": all, "Other": next}}
	}
	return nil, lang.Errorf("watcher.unavailable", lang.Data{"Tried": all}, ErrUnavailable)
}

// patiently opens a way, and tries again while that fails with notYet.
func (way way) patiently(ctx context.Context) (backend, error) {
	const limit, pause = 30 * time.Second, 200 * time.Millisecond
	for end := time.Now().Add(limit); ; {
		b, err := way.open(ctx)
		if _, later := errors.AsType[notYet](err); !later || time.Now().After(end) {
			return b, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// watch returns a Watcher of what b leads to.
func watch(b backend, options Options) *Watcher {
	w := &Watcher{backend: b, options: options}
	w.wake = make(chan struct{}, 1)
	w.settled = make(chan struct{})
	close(w.settled)
	w.attached = make(chan struct{})
	w.reading = make(chan struct{}, 1)
	w.ending = 300 * time.Millisecond
	w.release = time.AfterFunc(quiet, memory.Release)
	w.release.Stop()
	w.comparable = time.AfterFunc(time.Minute, w.forgetPicture)
	w.comparable.Stop()
	return w
}

// Backend names the way that leads to the clipboard, such as "X11 (XFixes)"; ""
// is None's.
func (w *Watcher) Backend() string { return w.backend.name() }

// Reach connects to the clipboard, if it is not connected. The error says why it
// cannot be reached, or is ctx's.
func (w *Watcher) Reach(ctx context.Context) error {
	_, _, err := w.backend.current(ctx)
	return err
}

// Run calls seen for each clip that another program puts on the clipboard from
// now on, in order, until ctx is done, and returns ctx's error. What is on the
// clipboard already does not count. seen must return soon. It survives the
// display server's end and goes on when that is back. One Run at a time.
func (w *Watcher) Run(ctx context.Context, seen func(Clip)) error {
	clips := make(chan Clip)
	defer w.forget()
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { w.listen(ctx) })
	running.Go(func() { w.judge(ctx, clips) })
	for {
		select {
		case clip := <-clips:
			seen(clip)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Attached waits until Run tells of what is copied, or until ctx is done, and
// then returns ctx's error.
func (w *Watcher) Attached(ctx context.Context) error {
	w.mu.Lock()
	attached := w.attached
	w.mu.Unlock()
	select {
	case <-attached:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// attach notes whether what is copied is told.
func (w *Watcher) attach(is bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.attached:
		if !is {
			w.attached = make(chan struct{})
		}
	default:
		if is {
			close(w.attached)
		}
	}
}

// listen queues what the backend tells, and connects again after the
// connection was lost.
func (w *Watcher) listen(ctx context.Context) {
	const soonest, latest = 100 * time.Millisecond, 5 * time.Second
	loss := loss{tell: w.options.Lost}
	defer loss.end()
	for pause := soonest; ; pause = min(2*pause, latest) {
		start := time.Now()
		err := w.backend.run(ctx, func() {
			w.attach(true)
			loss.end()
		}, w.changed)
		w.attach(false)
		if ctx.Err() != nil {
			return
		}
		if time.Since(start) > latest {
			pause = soonest
		}
		err = lang.Errorf("watcher.lost", lang.Data{"Cause": err}, err)
		if pause == soonest {
			slog.Warn("the clipboard is lost", "error", err)
		}
		loss.goesOn(err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// loss is a time without the clipboard.
type loss struct {
	tell  func(error) // nil: nobody is told
	since time.Time   // zero: it is there
	told  bool
}

// goesOn notes that the clipboard cannot be reached, and why. A display server
// that is started again is waited for before that is told.
func (l *loss) goesOn(why error) {
	const patience = 10 * time.Second
	if l.since.IsZero() {
		l.since = time.Now()
	}
	if l.tell != nil && !l.told && time.Since(l.since) >= patience {
		l.told = true
		l.tell(why)
	}
}

// end notes that the clipboard is there, or that nobody looks any more.
func (l *loss) end() {
	l.since = time.Time{}
	if l.told {
		l.told = false
		l.tell(nil)
	}
}

// changed queues an offer. It returns at once.
func (w *Watcher) changed(o offer) {
	w.mu.Lock()
	if len(w.queue) == 0 {
		w.settled = make(chan struct{})
	}
	w.queue = append(w.queue, change{o, time.Now()})
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// judge reads what was queued and hands it on, until ctx is done.
func (w *Watcher) judge(ctx context.Context, clips chan<- Clip) {
	for {
		next, ok := w.next()
		if !ok {
			select {
			case <-w.wake:
			case <-ctx.Done():
				return
			}
			continue
		}
		clip := w.clipOf(ctx, next.offer)
		if ctx.Err() != nil {
			return
		}
		if isNew := w.settle(ctx, next, clip, w.bringsBack(ctx, next.offer, clip)); !isNew {
			continue
		}
		select {
		case clips <- clip:
		case <-ctx.Done():
			return
		}
	}
}

// quiet is how long after the last picture nothing more is expected.
const quiet = 5 * time.Second

// spent has the memory given back that a picture of this size took, once things
// are quiet: an idle program collects no garbage for minutes.
func (w *Watcher) spent(size int) {
	if size > 0 {
		w.release.Reset(quiet)
	}
}

// next returns the oldest change in the queue and leaves it there.
func (w *Watcher) next() (change, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return change{}, false
	}
	return w.queue[0], true
}

// forget empties the queue: what is not judged when Run ends is let pass.
func (w *Watcher) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) > 0 {
		w.queue = nil
		close(w.settled)
	}
}

// Close ends it. Where a clipboard manager runs, what we put on the clipboard is
// handed over to it first, and so outlives the program. Run must have returned.
func (w *Watcher) Close() error {
	w.comparable.Stop()
	w.release.Stop()
	return w.backend.close()
}
