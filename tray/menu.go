package tray

import (
	"slices"
	"strings"
	"unicode"

	"bilipaste/internal/lang"
)

// The lists that change have all their lines from the start, the unused
// hidden: desktops show one better that was hidden than one that is added.
const (
	maxLinks   = 10
	maxChoices = 20
)

// view is all that the tray shows of a State.
type view struct {
	icon    string // off, writing, uploading or attention
	tooltip string
	menu    []item // of one shape for every State: what does not count now is hidden
}

// uploading is the icon while pictures are sent.
const uploading = "uploading"

// item is one line of the menu.
type item struct {
	title     string
	check     bool // it can bear a mark
	checked   bool
	disabled  bool
	hidden    bool
	separator bool
	action    Action
	items     []item // the submenu
}

// viewOf says what a State looks like.
func viewOf(s State) view {
	if s.Language == nil {
		s.Language = lang.New(lang.English)
	}
	return view{icon: iconOf(s), tooltip: tooltipOf(s), menu: menuOf(s)}
}

func iconOf(s State) string {
	switch {
	case s.Uploads > 0:
		return uploading
	case s.Err != nil:
		return "attention"
	case s.Writing:
		return "writing"
	}
	return "off"
}

// tooltipOf puts first what matters most: Windows shows the beginning alone.
func tooltipOf(s State) string {
	p := s.Language
	lines := []string{p.Text("tray.tooltip.off")}
	if s.Writing {
		lines[0] = p.Text("tray.tooltip.writing")
	}
	if s.Err != nil {
		what, _ := p.Error(s.Err)
		lines = append(lines, short(what, 80))
	}
	if s.Uploads > 0 {
		lines = append(lines, p.Text("tray.tooltip.uploads", lang.Data{"Count": s.Uploads}))
	}
	if s.Waiting > 0 {
		lines = append(lines, p.Text("tray.tooltip.waiting", lang.Data{"Count": s.Waiting}))
	}
	if s.Failed > 0 {
		lines = append(lines, p.Text("tray.tooltip.failed", lang.Data{"Count": s.Failed}))
	}
	where := named(p, "tray.host.", s.Host)
	if len(s.Buckets) > 0 {
		where = p.Text("tray.tooltip.bucket", lang.Data{"Host": where, "Bucket": s.Bucket})
	}
	if where != "" {
		lines = append(lines, short(where, 80))
	}
	return strings.Join(lines, "\n")
}

func menuOf(s State) []item {
	p := s.Language
	what := ""
	if s.Err != nil {
		what, _ = p.Error(s.Err)
	}
	line := func(id string, v Verb) item { return item{title: p.Text(id), action: Action{Verb: v}} }
	mark := func(id string, v Verb, on bool) item {
		i := line(id, v)
		i.check, i.checked = true, on
		return i
	}
	separator := item{separator: true}

	putBack := line("tray.put_back", PutBack)
	putBack.disabled = !s.PutBack
	pending := func(id string, count int) item {
		return item{title: p.Text(id, lang.Data{"Count": count}), hidden: count == 0, action: Action{Verb: UploadPending}}
	}
	stop := line("tray.stop", StopUploading)
	stop.hidden = s.Uploads+s.Waiting == 0
	logIn := line("tray.log_in", LogIn)
	logIn.hidden = !s.LogIn
	return []item{
		{title: short(what, 60), hidden: what == "", action: Action{Verb: Dismiss}},
		mark("tray.writing", ToggleWriting, s.Writing),
		line("tray.upload_now", UploadNow),
		putBack,
		separator,
		pending("tray.waiting", s.Waiting),
		pending("tray.failed", s.Failed),
		stop,
		linksOf(s),
		choiceOf(p, "host", s.Host, s.Hosts, ChooseHost, len(s.Hosts) > 1),
		choiceOf(p, "bucket", s.Bucket, s.Buckets, ChooseBucket, len(s.Buckets) > 0),
		choiceOf(p, "format", s.Markup, s.Markups, ChooseMarkup, len(s.Markups) > 0),
		separator,
		mark("tray.sound", ToggleSound, s.Sound),
		mark("tray.notify", ToggleNotify, s.Notify),
		mark("tray.autostart", ToggleAutostart, s.Autostart),
		separator,
		{title: p.Text("tray.account", lang.Data{"Name": short(s.Account, 40)}), hidden: s.Account == "", disabled: true},
		logIn,
		line("tray.open", OpenPage),
		line("tray.settings", OpenSettings),
		line("tray.help", Help),
		line("tray.quit", quit),
	}
}

// linksOf is the submenu of recent links.
func linksOf(s State) item {
	menu := item{title: s.Language.Text("tray.links"), disabled: len(s.Links) == 0}
	for i := range maxLinks {
		if i >= len(s.Links) {
			menu.items = append(menu.items, item{hidden: true})
			continue
		}
		l := s.Links[i]
		name := l.Name
		if name == "" {
			name = s.Language.Text("tray.picture")
		}
		menu.items = append(menu.items, item{
			title:  l.Time.Format("01-02 15:04  ") + short(name, 40),
			action: Action{CopyLink, l.URL},
		})
	}
	return menu
}

// choiceOf is a submenu of which one item is chosen, also if it is not among
// those there are.
func choiceOf(p *lang.Printer, what, chosen string, all []string, v Verb, shown bool) item {
	prefix := "tray." + what + "."
	menu := item{
		title:  p.Text("tray."+what, lang.Data{"Chosen": short(named(p, prefix, chosen), 40)}),
		hidden: !shown,
	}
	all = slices.Clone(all[:min(len(all), maxChoices)])
	if shown && chosen != "" && !slices.Contains(all, chosen) {
		all = append(all[:min(len(all), maxChoices-1)], chosen)
	}
	for _, one := range all {
		menu.items = append(menu.items, item{
			title: short(named(p, prefix, one), 60),
			check: true, checked: one == chosen,
			action: Action{v, one},
		})
	}
	for range maxChoices - len(all) {
		menu.items = append(menu.items, item{check: true, hidden: true})
	}
	return menu
}

// named is what users call a host or a markup of the settings; most have no
// other name than there.
func named(p *lang.Printer, prefix, name string) string {
	if text := p.Text(prefix + name); text != prefix+name {
		return text
	}
	return name
}

// short is a text on one line of at most n characters, without those that no
// desktop takes.
func short(text string, n int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) <= n {
		return string(runes)
	}
	return string(runes[:n-1]) + "…"
}
