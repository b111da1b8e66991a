package writing

import (
	"context"
	"slices"
	"strings"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/queue"
)

// late notifies the user of what became of pictures that were copied earlier.
// The clipboard is left alone; the notification carries the links.
func (m *Mode) late(ctx context.Context, r queue.Round) {
	var made, failed []queue.Outcome
	for _, out := range r.Done {
		switch {
		case out.Err == nil:
			made = append(made, out)
			if !out.Link.Known {
				m.isOver()
			}
		case !out.Waits:
			failed = append(failed, out)
		}
		m.Late(out)
	}
	say := m.Language()
	if len(made) > 0 {
		icon := ""
		if len(made) == 1 {
			icon, _ = m.Album.Original(ctx, made[0].Sum)
		}
		m.Notifier.Done(ctx, say.Text("writing.late", lang.Data{"Count": len(made)}), m.list(say, made), icon)
	}
	if len(failed) > 0 {
		m.Notifier.Failed(ctx, say.Text("writing.late_failed", lang.Data{"Count": len(failed)}), reason(say, failed[0].Err))
	}
	if r.Err != nil {
		// Of all but a missing login paste has told, or the user has asked.
		if noLogin := queue.KindOf(r.Err) == fault.NotLoggedIn && m.isNews(r.Err); noLogin || r.All {
			m.Notifier.Failed(ctx, say.Text("writing.pending"), reason(say, r.Err))
		}
	}
}

// isNews notes that the user is about to hear of an outage, and tells whether
// it is another one than the last.
func (m *Mode) isNews(err error) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.notable
	m.notable = queue.KindOf(err)
	return m.notable != before
}

// isOver notes that there is no outage any more.
func (m *Mode) isOver() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notable = 0
}

// list is the links of what went up late, one a line: the first few.
func (m *Mode) list(say *lang.Printer, made []queue.Outcome) string {
	const most = 5
	var lines, notes []string
	for i, out := range made {
		for _, note := range out.Link.Notes {
			if text := say.Say(note); !slices.Contains(notes, text) {
				notes = append(notes, text)
			}
		}
		if i < most {
			lines = append(lines, written(m.Markup(), out.Entry.Picture.Name, out.Link))
		}
	}
	if more := len(made) - most; more > 0 {
		lines = append(lines, say.Text("writing.more", lang.Data{"Count": more}))
	}
	return strings.Join(append(lines, notes...), "\n")
}
