package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strconv"

	"bilipaste/internal/account"
	"bilipaste/internal/album"
	"bilipaste/internal/desktop"
	"bilipaste/internal/fault"
	"bilipaste/internal/format"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/writing"
	"bilipaste/tray"
	"bilipaste/uploader"
	"bilipaste/watcher"
)

// Run passes on what is copied while writing mode is on. While it is off the
// clipboard is not looked at.
func (d *daemon) Run(ctx context.Context, seen func(watcher.Clip)) error {
	d.mu.Lock()
	d.seen = seen
	d.mu.Unlock()
	for {
		d.mu.Lock()
		on, switched := d.writing, d.switched
		d.mu.Unlock()
		if on {
			watching, stop := context.WithCancel(ctx)
			go func() {
				defer stop()
				select {
				case <-switched:
				case <-watching.Done():
				}
			}()
			_ = d.board.Run(watching, seen) // ends with its context alone
			stop()
		}
		select {
		case <-switched:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Replace puts the links in the clip's place.
func (d *daemon) Replace(ctx context.Context, clip watcher.Clip, text string) error {
	return d.board.Replace(ctx, clip, text)
}

// Upload uploads p to where the settings say by now.
func (d *daemon) Upload(ctx context.Context, p picture.Picture) (uploader.Link, error) {
	d.change(func() { d.uploads++ })
	defer d.change(func() { d.uploads-- })
	return late{d}.Upload(ctx, p)
}

// late is the daemon as the uploader of what is pending. The icon does not show
// that: it would be restless for as long as an outage lasts.
type late struct{ *daemon }

// Upload uploads p to where the settings say by now.
func (l late) Upload(ctx context.Context, p picture.Picture) (uploader.Link, error) {
	l.mu.Lock()
	links, err := l.links, l.noLinks
	l.mu.Unlock()
	if err != nil {
		return uploader.Link{}, err
	}
	return links.Upload(ctx, p)
}

// to is where a new picture goes.
func (d *daemon) to() uploader.Place {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.noLinks != nil {
		return uploader.Place{Host: d.settings.Host, Bucket: bucketOf(d.settings)}
	}
	return d.links.to()
}

// Done tells of a success.
func (d *daemon) Done(ctx context.Context, title, body, icon string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notifier.Done(ctx, title, body, icon)
}

// Failed tells of a failure.
func (d *daemon) Failed(ctx context.Context, title, body string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notifier.Failed(ctx, title, body)
}

// FailedAgain tells by sound alone of a failure that goes on.
func (d *daemon) FailedAgain(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notifier.FailedAgain(ctx)
}

// paid takes in what became of a picture that was copied earlier.
func (d *daemon) paid(p writing.Paid) {
	d.look()
	if p.Err != nil {
		d.log.Warn("pending", "error", p.Err)
		return
	}
	d.log.Info("uploaded late", "host", p.Link.Host)
	d.change(func() {
		if fault.Temporary(d.trouble) != nil { // it is over
			d.trouble = nil
		}
	})
}

// look has the tray show what the album holds by now.
func (d *daemon) look() {
	recent, err := d.album.History(d.ctx, album.Query{Limit: 10})
	pending, pendingErr := d.album.Pending(d.ctx)
	if err := cmp.Or(err, pendingErr); err != nil {
		d.logged("recent links", err)
		return
	}
	d.change(func() { d.recent, d.pending = recent, pending })
}

func (d *daemon) format() format.Format {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.settings.Format
}

func (d *daemon) language() *lang.Printer {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.printer
}

// report remembers what became of a clip.
func (d *daemon) report(r writing.Result) {
	d.log.Info("clip", "why", r.Clip.Why, "pictures", len(r.Pictures), "failed", r.Failed(), "took", r.Took)
	if len(r.Pictures) == 0 {
		return
	}
	d.change(func() {
		d.trouble = nil
		for _, p := range r.Pictures {
			if p.Err != nil {
				d.trouble = p.Err
				d.signedOut = d.signedOut || fault.KindOf(p.Err) == fault.NotLoggedIn
				d.log.Warn("no link", "error", p.Err)
			}
		}
		if r.Text != "" && r.Pasted == nil {
			d.last = &r
		}
	})
	d.look()
}

// do does what was clicked. What may take a while goes on by itself.
func (d *daemon) do(action tray.Action) {
	later := func(title string, task func() error) {
		d.work.Go(func() {
			if err := task(); err != nil && d.ctx.Err() == nil {
				d.fail(title, err)
			}
		})
	}
	d.mu.Lock()
	s := d.settings
	d.mu.Unlock()
	switch action.Verb {
	case tray.ToggleWriting:
		d.change(func() {
			d.writing = !d.writing
			close(d.switched)
			d.switched = make(chan struct{})
		})
	case tray.UploadNow:
		later("cli.tray.not_uploaded", d.uploadNow)
	case tray.UploadPending:
		d.payer.WakeAll()
	case tray.PutBack:
		later("cli.tray.not_put_back", d.putBack)
	case tray.CopyLink:
		later("cli.tray.not_copied", func() error { return d.copyLink(action.Value) })
	case tray.ChooseHost:
		d.set("host", action.Value)
	case tray.ChooseBucket:
		d.set("bucket", action.Value)
	case tray.ChooseFormat:
		d.set("format", action.Value)
	case tray.ToggleSound:
		d.set("sound", strconv.FormatBool(!s.Sound))
	case tray.ToggleNotify:
		d.set("notify", strconv.FormatBool(!s.Notify))
	case tray.ToggleAutostart:
		later("cli.tray.no_autostart", d.toggleAutostart)
	case tray.LogIn:
		later("cli.tray.not_signed_in", d.logIn)
	case tray.OpenSettings:
		later("cli.tray.not_opened", d.openSettings)
	case tray.Help:
		later("cli.tray.not_opened", d.openHelp)
	case tray.Dismiss:
		d.change(func() { d.trouble, d.badSettings = nil, nil })
	}
}

// uploadNow takes what is on the clipboard, also with writing mode off.
func (d *daemon) uploadNow() error {
	clip, err := d.board.Read(d.ctx)
	if err != nil {
		return err
	}
	if clip.Take == watcher.Nothing {
		return lang.Errorf("cli.tray.no_picture", lang.Data{"Why": lang.Message{ID: "watcher.why." + string(clip.Why)}}, nil)
	}
	d.mu.Lock()
	seen := d.seen
	d.mu.Unlock()
	if seen != nil {
		seen(clip)
	}
	return nil
}

// putBack undoes the last replacement. One of an earlier run is known by its
// picture alone.
func (d *daemon) putBack() error {
	d.mu.Lock()
	last, recent := d.last, d.recent
	d.mu.Unlock()
	file := ""
	switch {
	case last != nil && last.Clip.Take == watcher.Files:
		return d.board.PutFiles(d.ctx, last.Clip.Files)
	case last != nil:
		file = last.Pictures[0].Original
	case len(recent) > 0:
		var err error
		if file, err = d.album.Original(d.ctx, recent[0].Sum); err != nil {
			return err
		}
	default:
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return d.board.PutPicture(d.ctx, picture.Sniff(data).Type(), data)
}

// copyLink copies one of the recent links again, as it is pasted by now.
func (d *daemon) copyLink(url string) error {
	d.mu.Lock()
	text := url
	for _, e := range d.recent {
		if e.Link.URL == url {
			l := opened(d.gateway, e.Link)
			text = d.settings.Format.Write(format.Picture{URL: l.URL, Name: e.Picture.Name, Width: l.Width, Height: l.Height})
		}
	}
	d.mu.Unlock()
	return d.board.PutText(d.ctx, text)
}

func (d *daemon) toggleAutostart() error {
	on, err := desktop.AutostartEnabled()
	switch {
	case err != nil:
	case on:
		err = desktop.DisableAutostart()
	default:
		var program string
		if program, err = os.Executable(); err == nil {
			err = desktop.EnableAutostart(withoutConsole(program), d.again...)
		}
	}
	d.change(func() {}) // the mark shows what is really there
	return err
}

// logIn signs in with a QR code, which the system's viewer shows.
func (d *daemon) logIn() error {
	d.mu.Lock()
	busy := d.signingIn
	d.signingIn = true
	a := *d.app // its settings may change meanwhile
	d.show()
	d.mu.Unlock()
	if busy {
		return nil
	}
	defer d.change(func() { d.signingIn = false })
	_, account, err := a.loginOn(d.ctx, &codeScreen{app: &a, open: true, tell: func(step account.LoginStep) {
		d.log.Info("login", "state", step.State)
	}})
	if err != nil {
		return err
	}
	d.signedIn(account)
	d.Done(d.ctx, d.language().Text("cli.tray.signed_in", lang.Data{"Name": account.Name}), "", "")
	return nil
}

// signedIn notes who is signed in.
func (d *daemon) signedIn(account account.User) {
	d.change(func() {
		d.account, d.signedOut = account.Name, false
		if fault.KindOf(d.trouble) == fault.NotLoggedIn {
			d.trouble = nil
		}
	})
	d.payer.Wake()
}

// openSettings opens the settings file, which is made if there is none.
func (d *daemon) openSettings() error {
	f, err := os.OpenFile(d.file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString("{\n}\n")
		err = errors.Join(err, f.Close())
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return desktop.Open(d.ctx, d.file)
}

func (d *daemon) openHelp() error {
	file, err := d.helpFile()
	if err != nil {
		return err
	}
	return desktop.Open(d.ctx, file)
}
