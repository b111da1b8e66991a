// Package terminal shows the running program in a terminal: a line for each clip.
// What every command prints for people goes through it, too.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"bilipaste/internal/app"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/queue"
	"bilipaste/internal/resident"
	"bilipaste/internal/writing"
	"bilipaste/uploader"
	"bilipaste/watcher"
)

// Face is the running program's face in a terminal.
type Face struct {
	r        *resident.Resident
	events   *resident.Listener
	out, err io.Writer
	json     bool
}

// New returns the face of r. Results go to out, in JSON or for people, and what
// is said to people beside them to err.
func New(r *resident.Resident, out, err io.Writer, json bool) *Face {
	return &Face{r: r, events: r.Listen(), out: out, err: err, json: json}
}

// Run prints a line for each clip and each picture that was copied earlier,
// until ctx is done, and returns ctx's error.
func (f *Face) Run(ctx context.Context) error {
	r := f.r
	r.AwaitWatching(ctx)
	s := r.State()
	fmt.Fprintln(f.err, s.Language.Text("terminal.watching", lang.Data{
		"Clipboard": r.Backend(), "Host": s.Settings.Host, "Bucket": app.BucketOf(s.Settings),
	}))
	return f.events.Run(ctx, func(e resident.Event) {
		switch {
		case e.Clip != nil:
			f.clip(*e.Clip)
		case e.Uploaded != nil:
			f.uploaded(*e.Uploaded)
		case e.Told != nil && e.Told.Err != nil:
			Complain(f.err, r.Language(), e.Told.Err)
		case e.Told != nil:
			fmt.Fprintf(f.err, "bilipaste: %s\n", lang.OneLine(e.Told.Text()))
		}
	})
}

// clipped is a line of "watch --json".
type clipped struct {
	Time     time.Time        `json:"time"`
	Why      watcher.Reason   `json:"why"`
	Pictures []clippedPicture `json:"pictures"`
	Late     bool             `json:"late,omitempty"` // it was copied earlier; the clipboard is left alone
	Pasted   bool             `json:"pasted"`
	Text     string           `json:"text,omitempty"`
	Took     float64          `json:"took_ms"`
	Error    *fault.Told      `json:"error,omitempty"` // why nothing was pasted
}

type clippedPicture struct {
	Name  string      `json:"name,omitempty"`
	URL   string      `json:"url,omitempty"`
	Known bool        `json:"known,omitempty"` // nothing was sent
	Notes []string    `json:"notes,omitempty"`
	Waits bool        `json:"waits,omitempty"` // it goes up by itself, later
	Error *fault.Told `json:"error,omitempty"`
}

// uploaded prints what became of a picture that was copied earlier. That it
// still waits is no news.
func (f *Face) uploaded(p queue.Outcome) {
	say := f.r.Language()
	switch name := p.Entry.Picture.Name; {
	case p.Waits:
	case f.json:
		JSON(f.out, clipped{Time: time.Now(), Why: watcher.IsPicture, Late: true, Pictures: []clippedPicture{
			{Name: name, URL: p.Link.URL, Known: p.Link.Known, Notes: Notes(say, p.Link), Error: fault.Tell(say, p.Err)},
		}})
	case p.Err != nil:
		what, _ := say.Error(p.Err)
		f.line(say.Text("writing.late_failed", lang.Data{"Count": 1}) + ": " + what)
	default:
		f.line(say.Text("writing.late", lang.Data{"Count": 1}) + " → " + p.Link.URL)
	}
}

// line prints a line of "watch", with the time.
func (f *Face) line(text string) {
	fmt.Fprintln(f.out, time.Now().Format(time.TimeOnly)+"  "+lang.OneLine(text))
}

func (f *Face) clip(r writing.Result) {
	say := f.r.Language()
	if !f.json {
		f.line(f.describe(r))
		return
	}
	line := clipped{
		Time: time.Now(), Why: r.Clip.Why, Pictures: []clippedPicture{}, Text: r.Text, Pasted: r.Text != "" && r.Pasted == nil,
		Took: float64(r.Took.Microseconds()) / 1000, Error: fault.Tell(say, r.Pasted),
	}
	for _, p := range r.Pictures {
		line.Pictures = append(line.Pictures, clippedPicture{p.Name, p.Link.URL, p.Link.Known, Notes(say, p.Link), p.Waits, fault.Tell(say, p.Err)})
	}
	JSON(f.out, line)
}

// describe says in one line what became of a clip.
func (f *Face) describe(r writing.Result) string {
	say := f.r.Language()
	why := say.Text("watcher.why." + string(r.Clip.Why))
	if r.Asked > 0 {
		return say.Text("writing.many", lang.Data{"Count": r.Asked}) + ": " + say.Text("writing.many_ask")
	}
	if len(r.Pictures) == 0 {
		return say.Text("terminal.left_alone", lang.Data{"Why": why})
	}
	var what, links, wrong []string
	for _, p := range r.Pictures {
		what = append(what, say.Text("terminal.picture", lang.Data{
			"Name": p.Name, "Format": strings.ToUpper(string(p.Format)), "Width": p.Width, "Height": p.Height,
			"Size": Size(int64(p.Bytes)),
		}))
		if p.Err == nil {
			links = append(links, p.Link.URL)
			wrong = append(wrong, Notes(say, p.Link)...)
			if p.Link.Differs {
				wrong = append(wrong, say.Text("terminal.differs"))
			}
			if p.NotKept != nil {
				cause, hint := say.Error(p.NotKept)
				wrong = append(wrong, say.Text("writing.not_kept", lang.Data{"Cause": cause}), hint)
			}
			continue
		}
		if errors.Is(p.Err, queue.ErrStopped) {
			wrong = append(wrong, say.Text("writing.stopped"))
			continue
		}
		text, hint := say.Error(p.Err)
		wrong = append(wrong, text)
		if hint != "" && (!p.Waits || fault.KindOf(p.Err) == fault.NotLoggedIn) {
			wrong = append(wrong, hint)
		}
		if p.Waits {
			wrong = append(wrong, say.Text("terminal.waits"))
		}
	}
	if errors.Is(r.Pasted, watcher.ErrChanged) {
		wrong = append(wrong, say.Text("terminal.changed"))
	} else if r.Pasted != nil {
		text, _ := say.Error(r.Pasted)
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

// Notes says what the user has to know of a link.
func Notes(say *lang.Printer, link uploader.Link) []string {
	var notes []string
	for _, n := range link.Notes {
		notes = append(notes, say.Say(n))
	}
	return notes
}
