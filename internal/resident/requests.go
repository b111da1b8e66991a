package resident

import (
	"context"
	"errors"
	"os"
	"time"

	"bilipaste/internal/desktop"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/markup"
	"bilipaste/internal/queue"
	"bilipaste/internal/writing"
	"bilipaste/uploader"
	"bilipaste/watcher"
)

// SetWriting turns writing mode on or off. What is copied after it has returned
// is seen, or is not. The error, a lang.Teller, is that there is no clipboard.
func (r *Resident) SetWriting(on bool) error {
	if on && r.noClipboard != nil {
		return r.noClipboard
	}
	r.board.turn(on)
	if on {
		r.board.await(r.life)
	}
	r.change(func(s *State) { s.Writing = on })
	return nil
}

// ToggleWriting turns writing mode on if it is off, and off if it is on. The
// error is SetWriting's.
func (r *Resident) ToggleWriting() error {
	r.mu.Lock()
	on := !r.state.Writing
	if r.noClipboard == nil {
		r.state.Writing = on // who asks at the same moment turns it back
	}
	r.mu.Unlock()
	return r.SetWriting(on)
}

// AwaitWatching waits until writing mode sees what is copied.
func (r *Resident) AwaitWatching(ctx context.Context) { r.board.await(ctx) }

// UploadNow uploads what is on the clipboard, also with writing mode off, and
// puts the link in its place. The error is a lang.Teller: there is no picture on
// the clipboard, or it has no link; the result says what became of each.
func (r *Resident) UploadNow(ctx context.Context) (writing.Result, error) {
	clip, err := r.clipboard.Read(ctx)
	if err != nil {
		return writing.Result{}, err
	}
	if clip.Take == watcher.Nothing {
		return writing.Result{}, noPicture(clip)
	}
	result, err := r.mode.Take(ctx, clip)
	if err != nil {
		return result, err
	}
	var failures []error
	for _, p := range result.Pictures {
		failures = append(failures, p.Err)
	}
	return result, errors.Join(failures...)
}

// PutBack undoes the last replacement. One of an earlier run is known by its
// picture alone.
func (r *Resident) PutBack(ctx context.Context) error {
	r.mu.Lock()
	last, recent := r.last, r.state.Recent
	r.mu.Unlock()
	file := ""
	switch {
	case last != nil && last.Clip.Take == watcher.Files:
		return r.clipboard.PutFiles(ctx, last.Clip.Files)
	case last != nil:
		file = last.Pictures[0].Original
	case len(recent) > 0:
		var err error
		if file, err = r.album.Original(ctx, recent[0].Sum); err != nil {
			return err
		}
	default:
		return lang.Errorf("resident.nothing_to_put_back", nil, nil)
	}
	return r.putFile(ctx, file)
}

// CopyLink copies one of the recent links again, as links are written by now.
func (r *Resident) CopyLink(ctx context.Context, url string) error {
	text := url
	s := r.State()
	for _, e := range s.Recent {
		if e.Link.URL == url {
			l := r.open(e.Link)
			text = s.Settings.Markup.Write(markup.Picture{URL: l.URL, Name: e.Picture.Name, Width: l.Width, Height: l.Height})
		}
	}
	return r.clipboard.PutText(ctx, text)
}

// open returns a link as a browser can open it.
func (r *Resident) open(link uploader.Link) uploader.Link {
	if n, err := r.app.Network(); err == nil {
		return n.Open(link)
	}
	return link
}

// Retry uploads now what is pending, also what has failed for good.
func (r *Resident) Retry() { r.pending.WakeAll() }

// StopUploading gives up everything that is pending, also what is being sent.
// What was kept stays in the album. The error is a lang.Teller.
func (r *Resident) StopUploading(ctx context.Context) error {
	_, err := r.pending.Stop(ctx)
	r.Refresh()
	return err
}

// Dismiss notes that the user has read State.Bad and State.Err.
func (r *Resident) Dismiss() { r.change(func(s *State) { s.Bad, s.Err = nil, nil }) }

// ToggleAutostart has the program start when the user logs in, with the flags of
// this run, or not any more.
func (r *Resident) ToggleAutostart() error {
	on, err := desktop.AutostartEnabled()
	switch {
	case err != nil:
	case on:
		err = desktop.DisableAutostart()
	default:
		err = r.enableAutostart()
	}
	r.readAutostart()
	return err
}

// readAutostart takes in whether the program really starts at login.
func (r *Resident) readAutostart() {
	on, _ := desktop.AutostartEnabled()
	r.change(func(s *State) { s.Autostart = on })
}

func (r *Resident) enableAutostart() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	arguments, err := r.app.Arguments("tray")
	if err != nil {
		return err
	}
	return desktop.EnableAutostart(desktop.WithoutConsole(program), arguments...)
}

// OpenSettings opens the settings file, which is made if there is none.
func (r *Resident) OpenSettings(ctx context.Context) error {
	f, err := os.OpenFile(r.app.Source.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString("{\n}\n")
		err = errors.Join(err, f.Close())
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return desktop.Open(ctx, r.app.Source.File)
}

// IsCutOff tells whether the desktop on which the program was started has ended:
// its clipboard cannot be reached.
func (r *Resident) IsCutOff(ctx context.Context) bool {
	const limit = 2 * time.Second // one that takes longer is busy
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return r.clipboard.Reach(ctx) != nil && ctx.Err() == nil
}

// ShowItself tells the user that the program runs.
func (r *Resident) ShowItself() {
	r.notifier.Done(r.life, r.Language().Text("resident.running"), r.writingMode(), "")
}

// ShowWriting tells the user whether writing mode is on.
func (r *Resident) ShowWriting() { r.notifier.Show(r.life, "bilipaste", r.writingMode()) }

// writingMode says whether writing mode is on.
func (r *Resident) writingMode() string {
	if r.State().Writing {
		return r.Language().Text("resident.writing")
	}
	return r.Language().Text("resident.off")
}

// done takes in what became of a clip.
func (r *Resident) done(result writing.Result) {
	if len(result.Pictures) > 0 {
		r.change(func(s *State) {
			s.Err = nil
			for _, p := range result.Pictures {
				if p.Err != nil && !errors.Is(p.Err, queue.ErrStopped) {
					s.Err = p.Err
					s.SignedOut = s.SignedOut || fault.KindOf(p.Err) == fault.NotLoggedIn
				}
			}
			if result.Text != "" && result.Pasted == nil {
				r.last = &result
			}
		})
		r.Refresh()
	}
	r.listeners.post(Event{Clip: &result})
}

// uploaded takes in what became of a picture that was copied earlier.
func (r *Resident) uploaded(p queue.Outcome) {
	r.Refresh()
	if p.Err == nil {
		r.change(func(s *State) {
			if fault.Temporary(s.Err) != nil { // it is over
				s.Err = nil
			}
		})
	}
	r.listeners.post(Event{Uploaded: &p})
}

// Backend says how the clipboard is watched; "": there is none.
func (r *Resident) Backend() string { return r.clipboard.Backend() }
