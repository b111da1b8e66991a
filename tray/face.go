package tray

import (
	"cmp"
	"context"
	"path/filepath"
	"strconv"
	"sync"

	"bilipaste/internal/account"
	"bilipaste/internal/app"
	"bilipaste/internal/markup"
	"bilipaste/internal/qr"
	"bilipaste/internal/resident"
)

// Face is the running program's face in the tray.
type Face struct {
	r      *resident.Resident
	tray   *Tray
	events *resident.Listener
	state  string // the folder for the picture of a login's code
	page   func(context.Context) error
	notice func(error)

	ctx  context.Context // until Run's end
	work sync.WaitGroup  // what clicks have started
}

// NewFace returns the face of r. A login's code is put into the folder state to
// be shown; page opens the page. notice is told why there is no icon, beside the user.
func NewFace(r *resident.Resident, state string, page func(context.Context) error, notice func(error)) *Face {
	f := &Face{r: r, events: r.Listen(), state: state, page: page, notice: notice}
	f.tray = New(f.do, func(err error) {
		notice(err)
		r.Tell("tray.not_shown", err)
	})
	return f
}

// Run shows the icon until the user quits or ctx is done, and returns what
// Tray.Run returns. Like that it must be called from the main goroutine.
func (f *Face) Run(ctx context.Context) error {
	var end context.CancelFunc
	f.ctx, end = context.WithCancel(ctx)
	defer f.work.Wait()
	defer end()
	f.show()
	f.work.Go(func() { _ = f.events.Run(f.ctx, func(resident.Event) { f.show() }) })
	return f.tray.Run(ctx)
}

// Shown tells whether the user can see the icon.
func (f *Face) Shown() bool { return f.tray.Shown() }

// show makes the tray say how things are.
func (f *Face) show() {
	s := f.r.State()
	t := State{
		Language: s.Language, Writing: s.Writing, Uploads: s.Uploads, Waiting: s.Waiting, Failed: s.Failed,
		Err: cmp.Or(s.Bad, s.Lost, s.Err), PutBack: s.PutBack,
		Host: s.Settings.Host, Hosts: app.HostNames(), Bucket: s.Settings.Bucket, Buckets: app.Buckets(s.Settings),
		Markup: s.Settings.Markup.String(), Markups: markup.Names(),
		Sound: s.Settings.Sound, Notify: s.Settings.Notify,
		Account: s.Account, Autostart: s.Autostart, LogIn: s.SignedOut && !s.SigningIn && app.NeedsAccount(s.Settings),
	}
	for _, e := range s.Recent {
		t.Links = append(t.Links, Link{Time: e.Used, Name: e.Picture.Name, URL: e.Link.URL})
	}
	f.tray.Show(t)
}

// do does what was clicked. What may take a while goes on by itself; what went
// wrong is told under a title.
func (f *Face) do(action Action) {
	later := func(title string, task func(context.Context) error) {
		f.work.Go(func() {
			if err := task(f.ctx); err != nil && f.ctx.Err() == nil {
				f.r.Tell(title, err)
			}
		})
	}
	set := func(key, value string) {
		if err := f.r.Set(key, value); err != nil {
			f.r.Tell("tray.not_saved", err)
		}
	}
	settings := f.r.State().Settings
	switch action.Verb {
	case ToggleWriting:
		_ = f.r.ToggleWriting() // the tray has a clipboard
	case UploadNow:
		later("tray.not_uploaded", f.uploadNow)
	case UploadPending:
		f.r.Retry()
	case StopUploading:
		later("tray.not_stopped", f.r.StopUploading)
	case PutBack:
		later("tray.not_put_back", f.r.PutBack)
	case CopyLink:
		later("tray.not_copied", func(ctx context.Context) error { return f.r.CopyLink(ctx, action.Value) })
	case ChooseHost:
		set("host", action.Value)
	case ChooseBucket:
		set("bucket", action.Value)
	case ChooseMarkup:
		set("format", action.Value)
	case ToggleSound:
		set("sound", strconv.FormatBool(!settings.Sound))
	case ToggleNotify:
		set("notify", strconv.FormatBool(!settings.Notify))
	case ToggleAutostart:
		later("tray.no_autostart", func(context.Context) error { return f.r.ToggleAutostart() })
	case LogIn:
		later("tray.not_signed_in", f.logIn)
	case OpenPage:
		later("tray.not_opened", f.page)
	case OpenSettings:
		later("tray.not_opened", f.r.OpenSettings)
	case Help:
		later("tray.not_opened", f.r.OpenHelp)
	case Dismiss:
		f.r.Dismiss()
	}
}

// uploadNow uploads what is on the clipboard. Of pictures that have no link
// writing mode itself has told.
func (f *Face) uploadNow(ctx context.Context) error {
	result, err := f.r.UploadNow(ctx)
	if len(result.Pictures) > 0 {
		return nil
	}
	return err
}

// logIn signs in with a QR code, which the system's viewer shows.
func (f *Face) logIn(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	viewer := qr.Viewer{File: filepath.Join(f.state, "login-code.png"), Failed: stop}
	defer viewer.Close()
	defer stop(nil)
	return f.r.LogIn(ctx, func(step account.LoginStep) error {
		if step.State != account.LoginWaiting {
			return nil
		}
		return viewer.Show(ctx, step.Code)
	})
}
