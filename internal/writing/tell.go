package writing

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bilipaste/internal/lang"
	"bilipaste/watcher"
)

// tell notifies the user of a clip that was taken, or that should have been.
func (m *Mode) tell(ctx context.Context, clip watcher.Clip, r Result) {
	p := m.Language()
	failed := r.Failed()
	switch {
	case len(r.Pictures) == 0 && clip.Take == watcher.Nothing && r.lost():
		m.Notifier.Failed(ctx, p.Text("writing.lost"), p.Text("watcher.why."+string(clip.Why)))
	case len(r.Pictures) == 0:
	case failed == len(r.Pictures):
		m.Notifier.Failed(ctx, p.Text("writing.failed", lang.Data{"Count": failed}), m.explain(p, r))
	case failed > 0:
		m.Notifier.Failed(ctx, p.Text("writing.some_failed", lang.Data{"Failed": failed, "All": len(r.Pictures)}), m.explain(p, r))
	default:
		m.Notifier.Done(ctx, p.Text("writing.done", lang.Data{"Count": len(r.Pictures)}), m.explain(p, r), m.icon(clip))
	}
}

// Failed counts the pictures that have no link.
func (r Result) Failed() int {
	n := 0
	for _, p := range r.Pictures {
		if p.Err != nil {
			n++
		}
	}
	return n
}

// lost tells whether a picture or files were copied and could not be had.
func (r Result) lost() bool {
	switch r.Clip.Why {
	case watcher.TooLarge, watcher.NotReadable, watcher.Superseded:
		return slices.ContainsFunc(r.Clip.Formats, func(f string) bool {
			return strings.HasPrefix(f, "image/") || f == "text/uri-list"
		})
	}
	return false
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
	for _, picture := range r.Pictures {
		for _, note := range picture.Link.Notes {
			if text := p.Say(note); !slices.Contains(lines, text) {
				lines = append(lines, text)
			}
		}
	}
	last := ""
	for _, picture := range r.Pictures {
		if picture.Err == nil {
			continue
		}
		what, hint := p.Error(picture.Err)
		if what != last {
			lines = append(lines, what)
		}
		if last = what; hint != "" {
			lines = append(lines, hint)
		}
	}
	return strings.Join(lines, "\n")
}

// icon returns a file with the picture that was uploaded, for the notification
// to show; "" if there is none. Picture data is written to m.Icon, over the
// picture before it: the notification reads it when it is shown.
func (m *Mode) icon(clip watcher.Clip) string {
	switch {
	case clip.Take == watcher.Files:
		return clip.Files[0]
	case m.Icon == "":
		return ""
	}
	fresh := m.Icon + ".new"
	err := cmp.Or(
		os.MkdirAll(filepath.Dir(m.Icon), 0o700),
		os.WriteFile(fresh, clip.Data, 0o600),
		os.Rename(fresh, m.Icon),
	)
	if err != nil {
		return "" // a notification without a picture is still one
	}
	return m.Icon
}
