// Package launch starts the running program with its faces. It is the one place
// that knows which faces there are.
package launch

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"

	"bilipaste/internal/app"
	"bilipaste/internal/control"
	"bilipaste/internal/desktop"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/notify"
	"bilipaste/internal/resident"
	"bilipaste/internal/server"
	"bilipaste/internal/terminal"
	"bilipaste/tray"
)

// ErrTold is an error that the user was told of where it happened.
var ErrTold = errors.New("told already")

// Tray runs the program in the tray until its user quits it, or ctx is done.
// Where it runs already that is shown, and told of by complain. It must be
// called from the main goroutine.
func Tray(ctx context.Context, a *app.App, complain func(error)) error {
	instance, err := claim(ctx, Scope(a))
	if errors.Is(err, control.ErrRunning) {
		complain(err)
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = instance.Close() }()
	ctx, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	instance.Leave = func() { leave(errLeft) }
	first := isFirst(a)
	log := &lumberjack.Logger{Filename: a.LogFile(), MaxSize: 1, MaxBackups: 1}
	defer func() { _ = log.Close() }()
	a.Log = slog.New(slog.NewTextHandler(log, nil))
	slog.SetDefault(a.Log)

	settings, _ := a.Settings()
	r, err := resident.New(ctx, a, settings.WritingMode)
	if err != nil {
		tell(ctx, a, err)
		return err
	}
	s, err := newServer(a, r)
	if err != nil {
		return err
	}
	instance.Page = s.Page
	page := func(ctx context.Context) error {
		address, err := s.Page()
		if err != nil {
			return err
		}
		return desktop.Open(ctx, address)
	}
	var others []func(context.Context) error
	if first {
		a.Log.Info("first run")
		r.Greet()
		others = append(others, func(ctx context.Context) error { // the menu still has it where that fails
			if err := page(ctx); err != nil && ctx.Err() == nil {
				a.Log.Info("the page was not opened", "error", err)
			}
			return nil
		})
	}
	events := r.Listen()
	face := tray.NewFace(r, a.Dirs.State, page, complain)
	instance.Shown = face.Shown
	others = append(others, s.Run, func(ctx context.Context) error {
		return events.Run(ctx, func(e resident.Event) { record(a.Log, e) })
	})
	err = together(ctx, r, face.Run, instance, others...)
	if errors.Is(context.Cause(ctx), errLeft) {
		a.Log.Info("the desktop has ended, and another bilipaste begins")
		return nil
	}
	return err
}

// errLeft is the end of a program that gives way to another.
var errLeft = errors.New("left to another")

// claim makes this program the one instance of a scope. If there is one already,
// it is asked to show itself, and the error is control.ErrRunning; one whose desktop
// has ended, as at the login before, gives way instead.
func claim(ctx context.Context, at control.Scope) (*control.Instance, error) {
	instance, err := control.Claim(at)
	if !errors.Is(err, control.ErrRunning) {
		return instance, err
	}
	answer, asked := control.Ask(ctx, at, control.Request{Do: control.Show})
	if asked != nil {
		return nil, asked
	}
	if !answer.Left {
		return nil, err
	}
	const limit, pause = 10 * time.Second, 50 * time.Millisecond
	for end := time.Now().Add(limit); ; {
		instance, err = control.Claim(at)
		if !errors.Is(err, control.ErrRunning) || time.Now().After(end) {
			return instance, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Serve answers editors and shows the page, with neither a tray nor, as long as
// nobody turns it on, writing mode, until ctx is done. It needs no desktop. It
// returns ctx's error, or why it cannot start. Once it answers, ready is called.
func Serve(ctx context.Context, a *app.App, ready func()) error {
	settings, err := a.Settings()
	if err != nil {
		return err
	}
	instance, err := control.Claim(Scope(a))
	switch {
	case errors.Is(err, control.ErrRunning):
		return lang.Errorf("launch.serve_twice", nil, err)
	case err != nil:
		return err
	}
	defer func() { _ = instance.Close() }()
	r, err := resident.NewAnywhere(ctx, a, settings.WritingMode)
	if err != nil {
		return err
	}
	s, err := newServer(a, r)
	if err != nil {
		return err
	}
	instance.Page = s.Page
	return together(ctx, r, func(ctx context.Context) error {
		if err := s.Listen(ctx); err != nil {
			return err
		}
		ready()
		return s.Run(ctx)
	}, instance)
}

// newServer returns the face for editors and the page.
func newServer(a *app.App, r *resident.Resident) (*server.Server, error) {
	n, err := a.Network()
	if err != nil {
		return nil, err
	}
	return server.New(r, server.Options{
		Thumbnails: filepath.Join(n.State, "thumbnails"), Marks: n.State, Version: a.Version, Log: a.Log,
	}), nil
}

// isFirst tells whether the program was never used in the tray: there are neither
// settings nor a log.
func isFirst(a *app.App) bool {
	for _, file := range []string{a.Source.File, a.LogFile()} {
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	return true
}

// Watch runs the program in a terminal, with writing mode on, until ctx is
// done. It returns ctx's error, or why it cannot start.
func Watch(ctx context.Context, a *app.App, out, errOut io.Writer, json bool) error {
	settings, err := a.Settings()
	if err != nil {
		return err
	}
	if _, err := a.Uploader(settings, nil); err != nil {
		return err
	}
	instance, err := control.Claim(Scope(a))
	switch {
	case errors.Is(err, control.ErrRunning):
		return lang.Errorf("launch.watch_twice", nil, err)
	case err != nil:
		return err
	}
	defer func() { _ = instance.Close() }()
	r, err := resident.New(ctx, a, true)
	if err != nil {
		return err
	}
	s, err := newServer(a, r)
	if err != nil {
		return err
	}
	instance.Page = s.Page
	return together(ctx, r, terminal.New(r, out, errOut, json).Run, instance, s.Run)
}

// Now uploads what is on the clipboard by a program that runs for that alone.
// The pasted text stays on the clipboard after its end, as with Copy.
func Now(ctx context.Context, a *app.App, errOut io.Writer) (control.Answer, error) {
	r, err := resident.New(ctx, a, false)
	if err != nil {
		return control.Answer{}, err
	}
	var answer control.Answer
	err = together(ctx, r, func(ctx context.Context) error {
		result, err := r.UploadNow(ctx)
		if result.Text != "" && result.Pasted == nil {
			err = errors.Join(err, Copy(ctx, a, errOut, result.Text))
		}
		answer = control.Answer{Links: control.Links(result), Error: fault.Tell(r.Language(), err)}
		return nil
	}, nil)
	return answer, err
}

// Clipboard uploads what is on the clipboard, which stays as it is, by a program
// that runs for that alone.
func Clipboard(ctx context.Context, a *app.App) (control.Answer, error) {
	r, err := resident.New(ctx, a, false)
	if err != nil {
		return control.Answer{}, err
	}
	var answer control.Answer
	err = together(ctx, r, func(ctx context.Context) error {
		links, err := control.Clipboard(ctx, r)
		answer = control.Answer{Links: links, Error: fault.Tell(r.Language(), err)}
		return nil
	}, nil)
	return answer, err
}

// together runs the program, the face that the user sees, which ends it, and
// others that serve it.
func together(ctx context.Context, r *resident.Resident, face func(context.Context) error, instance *control.Instance, others ...func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var parts sync.WaitGroup
	var ended error
	parts.Go(func() { ended = r.Run(ctx) })
	if instance != nil {
		parts.Go(func() { _ = instance.Run(ctx, r) }) // these end with ctx alone
	}
	for _, other := range others {
		parts.Go(func() { _ = other(ctx) })
	}
	err := face(ctx)
	r.Quit()
	stop()
	parts.Wait()
	if errors.Is(ended, context.Canceled) {
		ended = nil
	}
	return errors.Join(err, ended)
}

// tell shows why the program cannot start: started at login, it has no terminal
// to say so.
func tell(ctx context.Context, a *app.App, err error) {
	settings, _ := a.Settings()
	p := app.Printer(settings)
	what, hint := p.Error(err)
	if hint != "" {
		what += "\n" + hint
	}
	a.Log.Error("not started", "error", err)
	n := notify.New(settings.Sound, settings.Notify, a.Log)
	n.Failed(ctx, p.Text("resident.not_started"), what)
	n.Wait()
}

// record notes in the log what happened.
func record(log *slog.Logger, e resident.Event) {
	switch {
	case e.Clip != nil:
		r := e.Clip
		log.Info("clip", "why", r.Clip.Why, "pictures", len(r.Pictures), "failed", r.Failed(), "took", r.Took, "formats", r.Clip.Formats)
		for _, p := range r.Pictures {
			if p.Err != nil {
				log.Warn("no link", "error", p.Err)
			}
		}
	case e.Uploaded != nil && e.Uploaded.Err != nil:
		log.Warn("still pending", "error", e.Uploaded.Err)
	case e.Uploaded != nil:
		log.Info("uploaded later", "host", e.Uploaded.Link.Host)
	case e.Told != nil && e.Told.Err != nil:
		log.Warn("told", "what", e.Told.Title, "error", e.Told.Err)
	}
}

// Scope is what one bilipaste runs in: the user's folder and this desktop session.
func Scope(a *app.App) control.Scope {
	return control.Scope{Dir: a.Dirs.State, Session: desktop.Session()}
}
