package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"gopkg.in/natefinch/lumberjack.v2"

	"bilipaste/internal/account"
	"bilipaste/internal/album"
	"bilipaste/internal/config"
	"bilipaste/internal/desktop"
	"bilipaste/internal/fault"
	"bilipaste/internal/format"
	"bilipaste/internal/lang"
	"bilipaste/internal/notify"
	"bilipaste/internal/writing"
	"bilipaste/tray"
	"bilipaste/watcher"
)

func (a *app) trayCommand() *cobra.Command {
	cmd := a.command("tray", "tray")
	cmd.PersistentPreRunE = a.settleAnyway // it tells of broken settings in the tray
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.runTray(cmd.Context()) }
	return cmd
}

// runTray is the program in the tray, until its user quits it.
func (a *app) runTray(ctx context.Context) error {
	d := &daemon{app: a, writing: a.config.WritingMode, switched: make(chan struct{}), again: []string{"tray"}}
	if a.fileGiven {
		file, err := filepath.Abs(a.file)
		if err != nil {
			return err
		}
		d.again = append(d.again, "--config", file)
	}
	instance, err := desktop.Claim(ctx, a.state, d.showItself)
	switch {
	case errors.Is(err, desktop.ErrRunning):
		a.complain(err)
		return nil
	case err != nil:
		return err
	}
	defer func() { _ = instance.Close() }()
	a.logToFile()
	d.board, err = a.clipboard(ctx)
	if err != nil {
		return err
	}
	kept, err := a.openAlbum(ctx)
	if err != nil { // started at login, it has no terminal to say so
		d.ctx, d.printer, d.notifier = ctx, a.say, notify.New(a.config.Sound, a.config.Notify, a.log)
		d.fail("cli.tray.not_started", err)
		d.notifier.Wait()
		return errors.Join(err, d.board.Close())
	}
	ctx, d.quit = context.WithCancel(ctx)
	d.ctx = ctx
	d.tray = tray.New(d.do, d.notice)
	d.payer = &writing.Payer{
		Album: kept, Uploader: late{d}, Notifier: d, Format: d.format, Language: d.language, Report: d.paid, Log: a.log,
	}
	d.apply(a.config, a.configErr)
	mode := writing.Mode{
		Clipboard: d, Album: kept, Uploader: d, Payer: d.payer, Notifier: d, To: d.to,
		Format: d.format, Language: d.language, Report: d.report,
	}
	d.work.Go(func() { _ = mode.Run(ctx) })
	d.work.Go(func() { _ = d.payer.Run(ctx) })
	d.work.Go(func() { d.logged("album", kept.Watch(ctx, d.look)) })
	d.work.Go(func() { d.logged("settings", config.Watch(ctx, a.file, d.reload)) })
	d.work.Go(func() { d.logged("logins", config.Watch(ctx, a.loginMark(), d.loggedIn)) })
	d.work.Go(d.tend)
	// What starting took is given back: an idle program collects no garbage.
	started := time.AfterFunc(3*time.Second, debug.FreeOSMemory)
	defer started.Stop()

	// The desktop's libraries want the main goroutine. Nothing waits for them.
	err = d.tray.Run(ctx)
	d.quit()
	d.work.Wait()
	d.notifier.Wait()
	return errors.Join(err, d.board.Close())
}

// logFile is where the tray program writes what a terminal would show.
func (a *app) logFile() string { return filepath.Join(a.state, "bilipaste.log") }

// logToFile makes the log a file that is kept small.
func (a *app) logToFile() {
	file := &lumberjack.Logger{Filename: a.logFile(), MaxSize: 1, MaxBackups: 1}
	a.ends = append(a.ends, func() { _ = file.Close() })
	a.log = slog.New(slog.NewTextHandler(file, nil))
	slog.SetDefault(a.log)
}

// daemon is the tray program while it runs: it is the clipboard, the uploader
// and the notifier of writing mode, so that each may change meanwhile.
type daemon struct {
	*app
	again []string        // the arguments with which it starts at login
	ctx   context.Context // the program's life
	quit  context.CancelFunc
	board *watcher.Watcher
	tray  *tray.Tray
	work  sync.WaitGroup
	payer *writing.Payer

	mu          sync.Mutex
	settings    config.Config
	links       linker
	noLinks     error // why there is no linker: half a session, a bucket that is none
	notifier    *notify.Notifier
	printer     *lang.Printer
	writing     bool
	switched    chan struct{} // closed when writing changes
	seen        func(watcher.Clip)
	uploads     int
	trouble     error // of the last clip
	badSettings error
	recent      []album.Entry   // the newest first
	pending     []album.Pending // what is not uploaded yet
	last        *writing.Result // what was replaced last
	account     string
	signedOut   bool // and pictures may go to Bilibili: the menu offers a login
	signingIn   bool
}

// show makes the tray say how things are. d.mu is held.
func (d *daemon) show() {
	s := tray.State{
		Language: d.printer, Writing: d.writing, Uploads: d.uploads, Err: cmp.Or(d.badSettings, d.trouble), PutBack: d.last != nil || len(d.recent) > 0 && d.recent[0].Kept,
		Host: d.settings.Host, Hosts: hostNames(), Bucket: d.settings.Bucket, Buckets: buckets(d.settings),
		Format: d.settings.Format.String(), Formats: format.Names(),
		Sound: d.settings.Sound, Notify: d.settings.Notify, Account: d.account,
	}
	s.LogIn = d.signedOut && !d.signingIn && needsAccount(d.settings)
	s.Waiting, s.Failed = count(d.pending)
	for _, e := range d.recent {
		s.Links = append(s.Links, tray.Link{Time: e.Used, Name: e.Picture.Name, URL: e.Link.URL})
	}
	s.Autostart, _ = desktop.AutostartEnabled()
	d.tray.Show(s)
}

// change changes what is under the lock, and shows it.
func (d *daemon) change(how func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	how()
	d.show()
}

// apply takes settings over; err is what is wrong with the file, whose last
// good settings then go on. What is under way goes on with the old ones.
func (d *daemon) apply(c config.Config, err error) {
	d.mu.Lock()
	old := d.settings
	d.config, d.settings = c, c
	d.links, d.noLinks = d.uploader()
	d.links.Ledger = d.album
	d.badSettings = cmp.Or(err, d.noLinks)
	if d.notifier == nil || c.Sound != old.Sound || c.Notify != old.Notify {
		d.notifier = notify.New(c.Sound, c.Notify, d.log)
	}
	d.printer = d.app.printer(c)
	d.show()
	err = d.badSettings
	about := d.links.about
	d.mu.Unlock()
	for _, m := range about {
		p := d.language()
		d.Done(d.ctx, p.Text("cli.about_host"), p.Say(m), "")
	}
	if err != nil {
		d.fail("cli.tray.settings_broken", err)
	}
}

// reload takes over what the settings file says by now.
func (d *daemon) reload() {
	c, err := loadSettings(d.file)
	if err != nil {
		d.mu.Lock()
		c = d.settings
		d.mu.Unlock()
	}
	d.apply(c, err)
	d.payer.Wake()
}

// set saves one setting; what it changes is taken over like any other change.
func (d *daemon) set(key, value string) {
	if err := config.Save(d.file, key, value); err != nil {
		d.fail("cli.tray.not_saved", err)
		return
	}
	d.reload()
}

// fail tells the user of something that went wrong.
func (d *daemon) fail(title string, err error) {
	p := d.language()
	what, hint := p.Error(err)
	if hint != "" {
		what += "\n" + hint
	}
	d.log.Warn("told", "what", title, "error", err)
	d.Failed(d.ctx, p.Text(title), what)
}

// logged logs an error that nothing can be done about, unless it is the end.
func (d *daemon) logged(what string, err error) {
	if err != nil && d.ctx.Err() == nil {
		d.log.Error("a part has ended", "part", what, "error", err)
	}
}

// notice tells why there is no icon.
func (d *daemon) notice(err error) {
	d.complain(err)
	d.fail("cli.tray.no_icon", err)
}

// showItself is what a second start asks for.
func (d *daemon) showItself() {
	d.mu.Lock()
	p, writing := d.printer, d.writing
	d.mu.Unlock()
	if p == nil {
		return // it has only just begun
	}
	body := "tray.tooltip.off"
	if writing {
		body = "tray.tooltip.writing"
	}
	d.Done(d.ctx, p.Text("cli.tray.running"), p.Text(body), "")
}

// tend finds out who is signed in, and once an hour keeps the session alive.
func (d *daemon) tend() {
	for hours := time.NewTicker(time.Hour); ; {
		d.mu.Lock()
		client := d.client
		known := d.account != ""
		d.mu.Unlock()
		if client != nil && !known {
			d.askAccount(client)
		}
		if err := d.tendSession(d.ctx, client); err != nil {
			d.change(func() { d.trouble = err })
			d.fail("cli.tray.session", err)
		}
		select {
		case <-hours.C:
		case <-d.ctx.Done():
			hours.Stop()
			return
		}
	}
}

// loggedIn is called after a login by another process.
func (d *daemon) loggedIn() {
	d.mu.Lock()
	client := d.client
	d.mu.Unlock()
	if client != nil {
		d.askAccount(client)
	}
}

func (d *daemon) askAccount(client *account.Client) {
	account, err := client.User(d.ctx)
	switch {
	case err == nil:
		d.signedIn(account)
	case fault.KindOf(err) == fault.NotLoggedIn:
		d.change(func() { d.signedOut = true })
	default:
		d.log.Info("the account is not known", "error", err)
	}
}

// helpFile writes the help in the user's language.
func (d *daemon) helpFile() (string, error) {
	text := d.language().Text("cli.tray.help", lang.Data{"Version": programVersion(), "Settings": d.file, "Log": d.logFile()})
	file := filepath.Join(d.state, "help.txt")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("help: %w", err)
	}
	return file, nil
}
