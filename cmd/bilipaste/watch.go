package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"bilipaste/internal/config"
	"bilipaste/internal/desktop"
	"bilipaste/internal/fault"
	"bilipaste/internal/format"
	"bilipaste/internal/lang"
	"bilipaste/internal/notify"
	"bilipaste/internal/writing"
	"bilipaste/watcher"
)

func (a *app) watchCommand() *cobra.Command {
	cmd := a.command("watch", "watch")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.watch(cmd.Context()) }
	return cmd
}

// watch is writing mode in a terminal: a line for each clip, until it is interrupted.
func (a *app) watch(ctx context.Context) (err error) {
	up, err := a.uploader()
	if err != nil {
		return err
	}
	instance, err := desktop.Claim(ctx, a.state, func() {})
	switch {
	case errors.Is(err, desktop.ErrRunning):
		return lang.Errorf("cli.watch_twice", nil, err)
	case err != nil:
		return err
	}
	defer func() { _ = instance.Close() }()
	clipboard, err := a.clipboard(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clipboard.Close()) }()
	kept, err := a.openAlbum(ctx)
	if err != nil {
		return err
	}
	up.Ledger = kept
	notifier := notify.New(a.config.Sound, a.config.Notify, a.log)
	defer notifier.Wait()
	defer a.tendSessionHourly(ctx, a.client, notifier)()
	payer := &writing.Payer{
		Album: kept, Uploader: up, Notifier: notifier, Format: a.format, Language: a.language,
		Report: a.printPaid, Log: a.log,
	}
	mode := writing.Mode{
		Clipboard: clipboard, Album: kept, Uploader: up, Payer: payer, Notifier: notifier, To: up.to,
		Format: a.format, Language: a.language, Report: a.printResult,
	}
	fmt.Fprintln(a.err, a.say.Text("cli.watching", lang.Data{
		"Clipboard": clipboard.Backend(), "Host": a.config.Host, "Bucket": bucketOf(a.config),
	}))
	a.tellAbout(up)
	ctx, stop := context.WithCancel(ctx)
	var parts sync.WaitGroup
	defer parts.Wait()
	defer stop()
	parts.Go(func() { _ = payer.Run(ctx) }) // it ends with ctx
	parts.Go(func() {
		if err := config.Watch(ctx, a.loginMark(), payer.Wake); ctx.Err() == nil {
			a.log.Warn("a login is not noticed", "error", err)
		}
	})
	return mode.Run(ctx)
}

func (a *app) format() format.Format   { return a.config.Format }
func (a *app) language() *lang.Printer { return a.say }

// clipped is a line of "watch --json".
type clipped struct {
	Time     time.Time        `json:"time"`
	Why      watcher.Reason   `json:"why"`
	Pictures []clippedPicture `json:"pictures"`
	Late     bool             `json:"late,omitempty"` // it was copied earlier; the clipboard is left alone
	Pasted   bool             `json:"pasted"`
	Text     string           `json:"text,omitempty"`
	Took     float64          `json:"took_ms"`
	Error    *failure         `json:"error,omitempty"` // why nothing was pasted
}

type clippedPicture struct {
	Name  string   `json:"name,omitempty"`
	URL   string   `json:"url,omitempty"`
	Known bool     `json:"known,omitempty"` // nothing was sent
	Notes []string `json:"notes,omitempty"`
	Waits bool     `json:"waits,omitempty"` // it goes up by itself, later
	Error *failure `json:"error,omitempty"`
}

// printPaid prints what became of a picture that was copied earlier. That it
// still waits is no news.
func (a *app) printPaid(p writing.Paid) {
	switch name := p.Entry.Picture.Name; {
	case p.Waits:
	case a.json:
		a.printJSON(clipped{Time: time.Now(), Why: watcher.IsPicture, Late: true, Pictures: []clippedPicture{
			{Name: name, URL: p.Link.URL, Known: p.Link.Known, Notes: a.notesOf(p.Link), Error: a.failure(p.Err)},
		}})
	case p.Err != nil:
		what, _ := a.say.Error(p.Err)
		a.printLine(a.say.Text("writing.late_failed", lang.Data{"Count": 1}) + ": " + what)
	default:
		a.printLine(a.say.Text("writing.late", lang.Data{"Count": 1}) + " → " + p.Link.URL)
	}
}

// printLine prints a line of "watch", with the time.
func (a *app) printLine(text string) {
	fmt.Fprintln(a.out, time.Now().Format(time.TimeOnly)+"  "+oneLine(text))
}

func (a *app) printResult(r writing.Result) {
	if !a.json {
		a.printLine(a.describe(r))
		return
	}
	line := clipped{
		Time: time.Now(), Why: r.Clip.Why, Pictures: []clippedPicture{}, Text: r.Text, Pasted: r.Text != "" && r.Pasted == nil,
		Took: float64(r.Took.Microseconds()) / 1000, Error: a.failure(r.Pasted),
	}
	for _, p := range r.Pictures {
		line.Pictures = append(line.Pictures, clippedPicture{p.Name, p.Link.URL, p.Link.Known, a.notesOf(p.Link), p.Waits, a.failure(p.Err)})
	}
	a.printJSON(line)
}

// describe says in one line what became of a clip.
func (a *app) describe(r writing.Result) string {
	why := a.say.Text("watcher.why." + string(r.Clip.Why))
	if len(r.Pictures) == 0 {
		return a.say.Text("cli.left_alone", lang.Data{"Why": why})
	}
	var what, links, wrong []string
	for _, p := range r.Pictures {
		what = append(what, a.say.Text("cli.picture", lang.Data{
			"Name": p.Name, "Format": strings.ToUpper(string(p.Format)), "Width": p.Width, "Height": p.Height,
			"Size": size(p.Bytes),
		}))
		if p.Err == nil {
			links = append(links, p.Link.URL)
			wrong = append(wrong, a.notesOf(p.Link)...)
			if p.Link.Differs {
				wrong = append(wrong, a.say.Text("cli.differs"))
			}
			continue
		}
		text, hint := a.say.Error(p.Err)
		wrong = append(wrong, text)
		if hint != "" && (!p.Waits || fault.KindOf(p.Err) == fault.NotLoggedIn) {
			wrong = append(wrong, hint)
		}
		if p.Waits {
			wrong = append(wrong, a.say.Text("cli.waits"))
		}
	}
	if errors.Is(r.Pasted, watcher.ErrChanged) {
		wrong = append(wrong, a.say.Text("cli.changed"))
	} else if r.Pasted != nil {
		text, _ := a.say.Error(r.Pasted)
		wrong = append(wrong, text)
	}
	line := strings.Join(what, ", ")
	if len(links) > 0 {
		line += " → " + strings.Join(links, " ")
	}
	line += fmt.Sprintf(" (%d ms)", r.Took.Milliseconds())
	if len(wrong) > 0 {
		line += " — " + strings.Join(wrong, "; ")
	}
	return line
}

func size(bytes int) string {
	switch {
	case bytes == 0:
		return ""
	case bytes < 1e6:
		return fmt.Sprintf("%d kB", (bytes+999)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}

// oneLine keeps a file's name from breaking the line or the terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
