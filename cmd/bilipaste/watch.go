package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"bilipaste/internal/desktop"
	"bilipaste/internal/format"
	"bilipaste/internal/lang"
	"bilipaste/internal/notify"
	"bilipaste/internal/writing"
	"bilipaste/uploader"
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
	notifier := notify.New(a.config.Sound, a.config.Notify, a.log)
	defer notifier.Wait()
	defer a.tendSessionHourly(ctx, a.client, notifier)()
	quiet := notify.New(a.config.Sound, false, a.log)
	defer quiet.Wait()
	waiting := &owed{
		Uploader: up, Notifier: notifier, quietly: quiet.Failed,
		dir: a.owedFolder(), log: a.log,
	}
	waiting.paid = func(p uploader.Picture, link uploader.Link) {
		text := a.config.Format.Write(format.Picture{URL: link.URL, Name: p.Name, Width: link.Width, Height: link.Height})
		notifier.Done(ctx, a.say.Text("cli.paid"), text, "")
		if !a.json {
			fmt.Fprintln(a.out, time.Now().Format(time.TimeOnly)+"  "+oneLine(a.say.Text("cli.paid")+" → "+link.URL))
		}
	}
	waiting.work.Go(func() { waiting.pay(ctx) })
	defer waiting.work.Wait()
	mode := writing.Mode{
		Clipboard: clipboard, Uploader: waiting, Notifier: waiting,
		Format:   func() format.Format { return a.config.Format },
		Language: func() *lang.Printer { return a.say },
		Icon:     a.lastPicture(),
		Report:   a.printResult,
	}
	fmt.Fprintln(a.err, a.say.Text("cli.watching", lang.Data{
		"Clipboard": clipboard.Backend(), "Host": a.config.Host, "Bucket": bucketOf(a.config),
	}))
	a.tellAbout(up)
	return mode.Run(ctx)
}

// clipped is a line of "watch --json".
type clipped struct {
	Time     time.Time        `json:"time"`
	Why      watcher.Reason   `json:"why"`
	Pictures []clippedPicture `json:"pictures"`
	Pasted   bool             `json:"pasted"`
	Text     string           `json:"text,omitempty"`
	Took     float64          `json:"took_ms"`
	Error    *failure         `json:"error,omitempty"` // why nothing was pasted
}

type clippedPicture struct {
	Name  string   `json:"name,omitempty"`
	URL   string   `json:"url,omitempty"`
	Notes []string `json:"notes,omitempty"`
	Error *failure `json:"error,omitempty"`
}

func (a *app) printResult(r writing.Result) {
	if !a.json {
		fmt.Fprintln(a.out, time.Now().Format(time.TimeOnly)+"  "+oneLine(a.describe(r)))
		return
	}
	line := clipped{
		Time: time.Now(), Why: r.Clip.Why, Pictures: []clippedPicture{}, Text: r.Text, Pasted: r.Text != "" && r.Pasted == nil,
		Took: float64(r.Took.Microseconds()) / 1000, Error: a.failure(r.Pasted),
	}
	for _, p := range r.Pictures {
		line.Pictures = append(line.Pictures, clippedPicture{p.Name, p.Link.URL, a.notesOf(p.Link), a.failure(p.Err)})
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
		if hint != "" {
			wrong = append(wrong, hint)
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
