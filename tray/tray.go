// Package tray is the program's icon in the system tray, and its menu.
package tray

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"bilipaste/internal/lang"
)

// State is what the user sees. The zero State is a menu with writing mode off.
type State struct {
	Language *lang.Printer // nil: English
	Writing  bool          // writing mode is on
	Uploads  int           // under way
	Waiting  int           // pictures that go up by themselves, later
	Failed   int           // pictures that wait for the user
	Err      error         // what the user should look at; nil: nothing
	PutBack  bool          // there is a picture to put back
	Links    []Link        // the newest first; ten are shown

	// What is chosen, as the settings name it, and of what; twenty are shown.
	Host    string
	Hosts   []string // a choice of one is not shown
	Bucket  string
	Buckets []string // none: the host has no buckets
	Markup  string
	Markups []string

	Sound, Notify bool
	Autostart     bool // the program really starts at login

	Account string // who is signed in; "": nobody, or nobody knows yet
	LogIn   bool   // nobody is, and LogIn can be asked for
}

// Link is a link that was made.
type Link struct {
	Time time.Time
	Name string // the picture's, "" where it has none
	URL  string
}

// Action is what the user asked for with a click.
type Action struct {
	Verb  Verb
	Value string // the host, bucket or markup that was chosen, as State named it, or a link's URL
}

// Verb is a kind of action. That of quitting is not among them: it ends Run.
type Verb string

// The actions. A Toggle is of what the program holds now, not of what State said.
const (
	ToggleWriting   Verb = "toggle writing mode"
	UploadNow       Verb = "upload now"
	PutBack         Verb = "put back"
	UploadPending   Verb = "upload what is pending" // now, also what has failed
	StopUploading   Verb = "stop uploading"         // and give up what is pending
	CopyLink        Verb = "copy link"
	ChooseHost      Verb = "choose host"
	ChooseBucket    Verb = "choose bucket"
	ChooseMarkup    Verb = "choose markup"
	ToggleSound     Verb = "toggle sound"
	ToggleNotify    Verb = "toggle notifications"
	ToggleAutostart Verb = "toggle autostart"
	LogIn           Verb = "log in"
	OpenPage        Verb = "open page"
	OpenSettings    Verb = "open settings"
	Help            Verb = "help"
	Dismiss         Verb = "dismiss" // the user has read State.Err

	quit Verb = "quit"
)

// patience is how long after a login a desktop may take to show its tray
// before its absence is worth a word.
const patience = 10 * time.Second

// Tray is the icon and its menu.
type Tray struct {
	do       func(Action)
	notice   func(error)
	patience time.Duration
	shown    atomic.Bool // a desktop shows the icon

	changed chan struct{} // capacity 1: state is another
	told    chan struct{} // capacity 1: calls is not empty

	mu      sync.Mutex
	state   State
	calls   []func() // what the program has still to be told, in order
	noticed bool     // it was told why there is no icon
}

// New returns a tray that passes each click to do, and to notice, at most once,
// why there is no icon: an error with words for the user. Both are called from
// one goroutine, in order, and should return soon: the tray goes on while one
// of them runs, but what comes next waits for it, and so does Run's end.
func New(do func(Action), notice func(error)) *Tray {
	return &Tray{
		do: do, notice: notice, patience: patience,
		changed: make(chan struct{}, 1), told: make(chan struct{}, 1),
	}
}

// Show makes the icon, its tooltip and the menu say s, as soon as they can; of
// several states the latest wins. It may be called at any time from any
// goroutine and does not wait. The caller must not change s's slices afterwards.
func (t *Tray) Show(s State) {
	t.mu.Lock()
	t.state = s
	t.mu.Unlock()
	wake(t.changed)
}

// Shown tells whether a desktop shows the icon.
func (t *Tray) Shown() bool { return t.shown.Load() }

// Run shows the icon until the user chooses to quit, or logs out, and then
// returns nil, or until ctx is done, and then returns ctx's error. Where there
// can be no icon it waits for the same end. It can run once in a process, and
// must be called from the main goroutine.
func (t *Tray) Run(ctx context.Context) error {
	// Windows delivers the icon's messages to the thread that made it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	running, end := context.WithCancel(ctx)
	var owned sync.WaitGroup
	defer owned.Wait()
	defer end()
	owned.Go(func() { t.deliver(running) })

	t.show(running, end)
	return ctx.Err()
}

// deliver makes the calls that are queued, until ctx is done and all are made.
func (t *Tray) deliver(ctx context.Context) {
	for {
		select {
		case <-t.told:
		case <-ctx.Done():
		}
		last := ctx.Err() != nil // asked first: nothing comes later
		for _, call := range t.queued() {
			call()
		}
		if last {
			return
		}
	}
}

// queued returns the calls that are queued, and empties the queue.
func (t *Tray) queued() []func() {
	t.mu.Lock()
	defer t.mu.Unlock()
	calls := t.calls
	t.calls = nil
	return calls
}

// tell queues a call to the program.
func (t *Tray) tell(call func()) {
	t.mu.Lock()
	t.calls = append(t.calls, call)
	t.mu.Unlock()
	wake(t.told)
}

// act has the program do what was clicked. It does not wait; end ends Run.
func (t *Tray) act(a Action, end func()) {
	switch a.Verb {
	case "": // a line that only shows something
	case quit:
		end()
	default:
		t.tell(func() { t.do(a) })
	}
}

// without tells the program why there is no icon, once.
func (t *Tray) without(why error) {
	t.mu.Lock()
	again := t.noticed
	t.noticed = true
	t.mu.Unlock()
	if !again {
		t.tell(func() { t.notice(why) })
	}
}

func (t *Tray) current() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state
}

func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
