// Package resident is the one running program of a user: writing mode, the
// pending uploads, the settings as they are by now, the account. Faces show its
// State and pass requests on; it knows none of them.
package resident

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/app"
	"bilipaste/internal/config"
	"bilipaste/internal/lang"
	"bilipaste/internal/markup"
	"bilipaste/internal/memory"
	"bilipaste/internal/notify"
	"bilipaste/internal/queue"
	"bilipaste/internal/writing"
	"bilipaste/watcher"
)

// Resident is the running program. It is safe for concurrent use.
type Resident struct {
	app       *app.App
	clipboard *watcher.Watcher

	noClipboard error  // why there is none; nil: there is
	board       *board // the clipboard as writing mode sees it
	album       *album.Album
	notifier    *notify.Notifier
	mode        *writing.Mode
	pending     *queue.Queue
	listeners   listeners
	coming      chan struct{} // holds a token when a picture is about to be read

	quit context.CancelCauseFunc
	life context.Context // until Run's end

	mu       sync.Mutex
	uploader uploading
	state    State
	last     *writing.Result // what was replaced last
}

// errQuit is the end that the user asked for.
var errQuit = errors.New("the user has quit")

// State is how things are. It is a value of its own: nothing changes it.
type State struct {
	Settings config.Config
	Language *lang.Printer

	Writing bool // writing mode is on
	Uploads int  // under way
	Waiting int  // pictures that go up by themselves, later
	Failed  int  // pictures that wait for the user

	Bad     error         // what is wrong with the settings; nil: nothing
	Lost    error         // why writing mode does not see what is copied; nil: it does, or is off
	Err     error         // what else the user should look at
	Recent  []album.Entry // the links that were used last, the newest first
	Changes int           // grows whenever the album has changed
	PutBack bool          // there is a picture to put back

	Account   string // who is signed in; "": nobody, or nobody knows yet
	SignedOut bool   // nobody is, although pictures may go to Bilibili
	SigningIn bool
	Autostart bool // the program starts when the user logs in
}

// New returns the program with the clipboard and the album open. writingMode
// says whether writing mode is on. The error is the clipboard's or the album's:
// a lang.Teller.
func New(ctx context.Context, a *app.App, writingMode bool) (*Resident, error) {
	return open(ctx, a, writingMode, false)
}

// NewAnywhere is New for a machine that may have no desktop. Where there is no
// clipboard it goes on without: writing mode stays off, and what asks for the
// clipboard fails with the error that New would have.
func NewAnywhere(ctx context.Context, a *app.App, writingMode bool) (*Resident, error) {
	return open(ctx, a, writingMode, true)
}

func open(ctx context.Context, a *app.App, writingMode, anywhere bool) (*Resident, error) {
	settings, bad := a.Settings()
	r := &Resident{app: a, notifier: notify.New(settings.Sound, settings.Notify, a.Log), coming: make(chan struct{}, 1)}
	clipboard, err := a.Clipboard(ctx, r.textPaths, r.pictureComes, r.clipboardLost)
	switch {
	case anywhere && errors.Is(err, watcher.ErrUnavailable):
		a.Log.Info("there is no clipboard", "error", err)
		clipboard, r.noClipboard, writingMode = watcher.None(err), err, false
	case err != nil:
		return nil, err
	}
	r.clipboard, r.board = clipboard, newBoard(clipboard, writingMode)
	if r.album, err = a.Album(ctx, settings); err != nil {
		return nil, errors.Join(err, clipboard.Close())
	}
	r.state.Writing = writingMode
	r.life, r.quit = context.WithCancelCause(context.WithoutCancel(ctx))
	r.pending = &queue.Queue{
		Album: r.album, Way: r.way, Shown: r.open, Language: r.Language, Log: a.Log,
		Active: func(n int) { r.change(func(s *State) { s.Uploads = n }) },
	}
	r.mode = &writing.Mode{
		Clipboard: r.board, Album: r.album, Queue: r.pending, Notifier: r.notifier, To: r.chosen, Many: r.many,
		Markup: r.markup, Language: r.Language, Report: r.done, Late: r.uploaded,
	}
	r.apply(settings, bad)
	return r, nil
}

// Run is the program's life: until ctx is done, and then it returns ctx's
// error, or until Quit, and then it returns nil.
func (r *Resident) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, r.clipboard.Close()) }()
	stop := context.AfterFunc(ctx, func() { r.quit(ctx.Err()) })
	defer stop()
	r.Refresh()

	var parts sync.WaitGroup
	parts.Go(func() { _ = r.mode.Run(r.life) }) // it ends with that alone
	parts.Go(func() { r.ended("album", r.album.Watch(r.life, r.Refresh)) })
	parts.Go(func() { r.ended("settings", config.Watch(r.life, r.app.Source.File, r.reload)) })
	parts.Go(func() { r.ended("logins", r.watchLogins()) })
	parts.Go(r.tendAccount)
	parts.Go(r.tendLinks)
	parts.Go(r.getReady)
	parts.Go(r.readAutostart)
	// What starting took is given back: an idle program collects no garbage.
	started := time.AfterFunc(3*time.Second, memory.Release)
	defer started.Stop()

	parts.Wait()
	r.notifier.Wait()
	if err := context.Cause(r.life); !errors.Is(err, errQuit) {
		return err
	}
	return nil
}

// ended logs that a part has ended before the program.
func (r *Resident) ended(part string, err error) {
	if err != nil && r.life.Err() == nil {
		r.app.Log.Error("a part has ended", "part", part, "error", err)
	}
}

// Quit ends Run.
func (r *Resident) Quit() { r.quit(errQuit) }

// State returns how things are now.
func (r *Resident) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state
	s.PutBack = r.last != nil || len(s.Recent) > 0 && s.Recent[0].Kept
	return s
}

// Listen returns a listener of all events from now on.
func (r *Resident) Listen() *Listener { return r.listeners.listen() }

// change changes the state, and tells of it.
func (r *Resident) change(how func(*State)) {
	r.mu.Lock()
	how(&r.state)
	r.mu.Unlock()
	r.listeners.post(Event{})
}

// Language returns what says things to the user.
func (r *Resident) Language() *lang.Printer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Language
}

func (r *Resident) markup() markup.Markup {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Settings.Markup
}

func (r *Resident) textPaths() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Settings.TextPaths
}

func (r *Resident) many() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Settings.ManyFiles
}

// Tell notifies the user of an error, under the title of a message.
func (r *Resident) Tell(title string, err error) {
	p := r.Language()
	what, hint := p.Error(err)
	if hint != "" {
		what += "\n" + hint
	}
	r.app.Log.Debug("told", "what", title, "error", err)
	r.notifier.Failed(r.life, p.Text(title), what)
	r.listeners.post(Event{Told: &Notice{Title: p.Text(title), Body: what, Err: err}})
}

// Greet tells a new user where the program is, and what to do next.
func (r *Resident) Greet() {
	p := r.Language()
	r.notifier.Show(r.life, p.Text("resident.first"), p.Text("resident.first.next"))
}

// Announce notifies the user of something that is no error.
func (r *Resident) Announce(title, body string) {
	r.notifier.Done(r.life, title, body, "")
	r.listeners.post(Event{Told: &Notice{Title: title, Body: body}})
}

// Refresh takes in what the album holds by now.
func (r *Resident) Refresh() {
	recent, err := r.album.History(r.life, album.Query{Limit: 10})
	pending, pendingErr := r.album.Pending(r.life)
	if err := cmp.Or(err, pendingErr); err != nil {
		r.ended("recent links", err)
		return
	}
	r.change(func(s *State) {
		s.Recent = recent
		s.Changes++
		s.Waiting, s.Failed = album.Count(pending)
	})
}
