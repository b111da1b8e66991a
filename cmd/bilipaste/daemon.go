package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"time"

	"bilipaste/internal/desktop"
	"bilipaste/internal/format"
	"bilipaste/internal/lang"
	"bilipaste/internal/writing"
	"bilipaste/tray"
	"bilipaste/uploader"
	"bilipaste/uploader/bilibili"
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
func (d *daemon) Upload(ctx context.Context, p uploader.Picture) (uploader.Link, error) {
	var links linker
	var err error
	d.change(func() {
		d.uploads++
		links, err = d.links, d.noLinks
	})
	defer d.change(func() { d.uploads-- })
	if err != nil {
		return uploader.Link{}, err
	}
	return links.Upload(ctx, p)
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

// failQuietly tells of a failure by sound alone.
func (d *daemon) failQuietly(ctx context.Context, title, body string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.quiet.Failed(ctx, title, body)
}

// paid tells of a picture that went up late: the clipboard is left alone.
func (d *daemon) paid(p uploader.Picture, link uploader.Link) {
	picture := format.Picture{URL: link.URL, Name: p.Name, Width: link.Width, Height: link.Height}
	d.change(func() { d.remember(picture) })
	d.Done(d.ctx, d.language().Text("cli.paid"), d.format().Write(picture), "")
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

// remember puts a link first among the recent ones. d.mu is held.
func (d *daemon) remember(p format.Picture) {
	const most = 10
	l := recentLink{tray.Link{Time: time.Now(), Name: p.Name, URL: p.URL}, p}
	d.recent = append([]recentLink{l}, d.recent[:min(len(d.recent), most-1)]...)
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
				d.signedOut = d.signedOut || uploader.KindOf(p.Err) == uploader.NotLoggedIn
				d.log.Warn("no link", "error", p.Err)
				continue
			}
			d.remember(format.Picture{URL: p.Link.URL, Name: p.Name, Width: p.Link.Width, Height: p.Link.Height})
		}
		if r.Text != "" && r.Pasted == nil {
			d.last = &r.Clip
		}
	})
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

// putBack undoes the last replacement.
func (d *daemon) putBack() error {
	d.mu.Lock()
	clip := d.last
	d.mu.Unlock()
	switch {
	case clip == nil:
		return nil
	case clip.Take == watcher.Files:
		return d.board.PutFiles(d.ctx, clip.Files)
	}
	data, err := os.ReadFile(d.lastPicture())
	if err != nil {
		return err
	}
	return d.board.PutPicture(d.ctx, uploader.Sniff(data).Type(), data)
}

// copyLink copies one of the recent links again, as it is pasted by now.
func (d *daemon) copyLink(url string) error {
	d.mu.Lock()
	text := url
	for _, l := range d.recent {
		if l.URL == url {
			text = d.settings.Format.Write(l.picture)
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
			err = desktop.EnableAutostart(program, d.again...)
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
	_, account, err := a.loginOn(d.ctx, &codeScreen{app: &a, open: true, tell: func(step bilibili.LoginStep) {
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
func (d *daemon) signedIn(account bilibili.Account) {
	d.work.Go(func() { d.waiting.pay(d.ctx) })
	d.change(func() {
		d.account, d.signedOut = account.Name, false
		if uploader.KindOf(d.trouble) == uploader.NotLoggedIn {
			d.trouble = nil
		}
	})
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
