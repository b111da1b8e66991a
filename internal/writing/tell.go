package writing

import (
	"context"
	"errors"
	"slices"
	"strings"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/markup"
	"bilipaste/internal/queue"
	"bilipaste/uploader"
	"bilipaste/watcher"
)

// tell notifies the user of a clip that was taken, or that should have been.
func (m *Mode) tell(ctx context.Context, r Result) {
	p := m.Language()
	failed := r.Failed()
	switch {
	case r.Asked > 0:
		m.Notifier.Failed(ctx, p.Text("writing.many", lang.Data{"Count": r.Asked}), p.Text("writing.many_ask"))
	case len(r.Pictures) == 0 && r.Clip.Lost():
		m.Notifier.Failed(ctx, p.Text("writing.lost"), p.Text("watcher.why."+string(r.Clip.Why)))
	case len(r.Pictures) == 0:
	case failed == 0 && r.Text == "": // all were given up
	case failed == 0:
		m.Notifier.Done(ctx, p.Text("writing.done", lang.Data{"Count": len(r.Pictures)}), m.explain(p, r), r.Pictures[0].Original)
	case r.waits() && !m.isNews(r.Pictures[0].Err):
		m.Notifier.FailedAgain(ctx)
	case failed == len(r.Pictures):
		m.Notifier.Failed(ctx, p.Text("writing.failed", lang.Data{"Count": failed}), m.explain(p, r))
	default:
		m.Notifier.Failed(ctx, p.Text("writing.some_failed", lang.Data{"Failed": failed, "All": len(r.Pictures)}), m.explain(p, r))
	}
}

// waits tells whether all its pictures go up by themselves, later.
func (r Result) waits() bool {
	return !slices.ContainsFunc(r.Pictures, func(p Picture) bool { return !p.Waits })
}

// Failed counts the pictures that have no link, and that the user has not given up.
func (r Result) Failed() int {
	n := 0
	for _, p := range r.Pictures {
		if p.Err != nil && !errors.Is(p.Err, queue.ErrStopped) {
			n++
		}
	}
	return n
}

// explain is the notification's text: the links, where they are, what was
// changed on the way, and each thing that went wrong, once.
func (m *Mode) explain(p *lang.Printer, r Result) string {
	var lines []string
	switch {
	case r.Text == "":
	case r.Pasted == nil:
		lines = append(lines, p.Text("writing.pasted"), r.Text)
	case errors.Is(r.Pasted, watcher.ErrChanged):
		lines = append(lines, p.Text("writing.not_pasted"), r.Text)
	default:
		what, _ := p.Error(r.Pasted)
		lines = append(lines, p.Text("writing.paste_failed", lang.Data{"Cause": what}), r.Text)
	}
	add := func(text string) {
		if text != "" && !slices.Contains(lines, text) {
			lines = append(lines, text)
		}
	}
	for _, picture := range r.Pictures {
		for _, note := range picture.Link.Notes {
			add(p.Say(note))
		}
	}
	for _, picture := range r.Pictures {
		switch {
		case picture.Err == nil && picture.NotKept != nil:
			what, hint := p.Error(picture.NotKept)
			add(p.Text("writing.not_kept", lang.Data{"Cause": what}))
			add(hint)
			continue
		case picture.Err == nil, errors.Is(picture.Err, queue.ErrStopped):
			continue
		case picture.Waits:
			add(reason(p, picture.Err))
			add(p.Text("writing.waits"))
			continue
		}
		add(reason(p, picture.Err))
		if picture.Original != "" {
			add(p.Text("writing.kept"))
		}
	}
	return strings.Join(lines, "\n")
}

// reason says why an upload failed, and what the user can do about it: of what
// passes by itself, nothing but to log in.
func reason(p *lang.Printer, err error) string {
	what, hint := p.Error(err)
	if e := fault.Temporary(err); hint == "" || e != nil && e.Kind != fault.NotLoggedIn {
		return what
	}
	return what + "\n" + hint
}

// written is a link as it is pasted.
func written(m markup.Markup, name string, link uploader.Link) string {
	return m.Write(markup.Picture{URL: link.URL, Name: name, Width: link.Width, Height: link.Height})
}
