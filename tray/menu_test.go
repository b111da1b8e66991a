package tray

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/lang"
)

var noon = time.Date(2026, 7, 21, 12, 5, 0, 0, time.UTC)

func someState() State {
	return State{
		Writing: true, PutBack: true, Sound: true, Autostart: true,
		Host: "bilibili", Hosts: []string{"bilibili"},
		Bucket: "live", Buckets: []string{"live", "new_dyn"},
		Markup: "markdown", Markups: []string{"markdown", "html"},
		Links: []Link{{noon, "", "https://i0.hdslb.com/1.png"}, {noon, "cat_1.png", "https://i0.hdslb.com/2.png"}},
		LogIn: true,
	}
}

// node is a line of the menu as a person sees it.
type node struct {
	id       int32
	label    string
	visible  bool
	enabled  bool
	mark     string // "", or checkmark
	marked   bool
	children []node
}

// lines returns what a person sees of the lines: [x] and [ ] for marks, (…)
// for disabled ones, > before those of a submenu.
func lines(nodes []node) []string {
	var all []string
	for _, n := range nodes {
		if !n.visible {
			continue
		}
		text := n.label
		if n.mark != "" {
			text = map[bool]string{true: "[x] ", false: "[ ] "}[n.marked] + text
		}
		if !n.enabled {
			text = "(" + text + ")"
		}
		all = append(all, text)
		for _, under := range lines(n.children) {
			all = append(all, "> "+under)
		}
	}
	return all
}

// seen returns what a person sees of a menu, as lines does.
func seen(items []item) []string {
	var all []node
	for _, i := range items {
		all = append(all, asNode(i))
	}
	return lines(all)
}

func asNode(i item) node {
	n := node{label: i.title, visible: !i.hidden, enabled: !i.disabled, marked: i.checked}
	if i.separator {
		n.label = "---"
	}
	if i.check {
		n.mark = "checkmark"
	}
	for _, under := range i.items {
		n.children = append(n.children, asNode(under))
	}
	return n
}

func TestMenuFollowsState(t *testing.T) {
	many := make([]string, 25)
	for i := range many {
		many[i] = fmt.Sprintf("b%d", i)
	}
	for _, c := range []struct {
		name      string
		state     State
		has, lack []string // lines, or beginnings of them that end in …
	}{
		{"nothing known", State{}, []string{"[ ] Writing mode", "(Put the picture back)", "(Recent links)", "Quit"},
			[]string{"Host…", "Bucket…", "Format…", "Account…", "Log in…", "0 pictures…"}},
		{"writing", State{Writing: true}, []string{"[x] Writing mode"}, nil},
		{"something to put back", State{PutBack: true}, []string{"Put the picture back"}, nil},
		{"an error", State{Err: lang.Errorf("tray.no_bus", nil, nil)}, []string{"there is no tray icon: no D-Bus session bus was found"}, nil},
		{"a long error", State{Err: errors.New(strings.Repeat("long\n", 100))}, []string{strings.Repeat("long ", 11) + "long…"}, nil},
		{"links", State{Links: []Link{{Time: noon, URL: "u"}, {Time: noon, Name: strings.Repeat("长", 50), URL: "u"}}},
			[]string{"Recent links", "> 07-21 12:05  picture", "> 07-21 12:05  " + strings.Repeat("长", 39) + "…"}, nil},
		{"what is pending", State{Waiting: 3, Failed: 1}, []string{"3 pictures wait for their upload: try now", "1 picture failed: try again"}, nil},
		{"one host", State{Host: "bilibili", Hosts: []string{"bilibili"}}, nil, []string{"Host…"}},
		{"two hosts", State{Host: "folder", Hosts: []string{"bilibili", "folder"}}, []string{"Host: folder", "> [ ] Bilibili", "> [x] folder"}, nil},
		{"an unlisted bucket", State{Bucket: "mine", Buckets: []string{"live"}}, []string{"Bucket: mine", "> [ ] live", "> [x] mine"}, nil},
		{"a bucket past the last line", State{Bucket: "b24", Buckets: many}, []string{"> [ ] b18", "> [x] b24"}, []string{"> [ ] b19"}},
		{"a host without buckets", State{Host: "folder", Bucket: "live"}, nil, []string{"Bucket…", "> [x] live"}},
		{"a template", State{Markup: "<{url}>", Markups: []string{"url", "<{url}>"}}, []string{"Format: <{url}>", "> [ ] URL", "> [x] <{url}>"}, nil},
		{"settings", State{Sound: true, Notify: true}, []string{"[x] Sound", "[x] Notifications", "[ ] Start at login"}, nil},
		{"signed in", State{Account: "Ann"}, []string{"(Account: Ann)"}, []string{"Log in…"}},
		{"not signed in", State{LogIn: true}, []string{"Log in…"}, []string{"(Account…"}},
	} {
		got := seen(viewOf(c.state).menu)
		within := func(line string) bool {
			if begin, cut := strings.CutSuffix(line, "…"); cut && slices.Contains(c.lack, line) {
				return slices.ContainsFunc(got, func(l string) bool { return strings.HasPrefix(l, begin) })
			}
			return slices.Contains(got, line)
		}
		for _, line := range c.has {
			if !within(line) {
				t.Errorf("%s: no line %q in\n%s", c.name, line, strings.Join(got, "\n"))
			}
		}
		for _, line := range c.lack {
			if within(line) {
				t.Errorf("%s: a line %q in\n%s", c.name, line, strings.Join(got, "\n"))
			}
		}
	}
}

func TestIconShowsWhatMattersMost(t *testing.T) {
	err := errors.New("failed")
	for _, c := range []struct {
		state State
		want  string
	}{
		{State{}, "off"},
		{State{Writing: true}, "writing"},
		{State{Err: err}, "attention"},
		{State{Writing: true, Err: err}, "attention"},
		{State{Uploads: 1}, "uploading"},
		{State{Writing: true, Uploads: 2, Err: err}, "uploading"},
	} {
		if got := viewOf(c.state).icon; got != c.want {
			t.Errorf("%+v: %s, want %s", c.state, got, c.want)
		}
	}
}

// The adapter sends what differs from line to line, so that every menu must
// have the same lines, of the same kinds.
func TestEveryMenuHasTheSameShape(t *testing.T) {
	var shape func(items []item) string
	shape = func(items []item) string {
		var b strings.Builder
		for _, i := range items {
			fmt.Fprintf(&b, "%t%t(%s)", i.separator, i.check, shape(i.items))
		}
		return b.String()
	}
	full := someState()
	full.Hosts = make([]string, 30)
	full.Links = make([]Link, 30)
	full.Err = errors.New("failed")
	want := shape(viewOf(State{}).menu)
	for _, tag := range []string{lang.English, lang.Chinese} {
		full.Language = lang.New(tag)
		if got := shape(viewOf(full).menu); got != want {
			t.Errorf("%s: another shape:\n%s\n%s", tag, got, want)
		}
	}
}

// No group of the menu may be empty: two separators would stand together.
func TestSeparatorsStandBetweenLines(t *testing.T) {
	got := seen(viewOf(State{}).menu)
	for i, line := range got {
		if line == "---" && (i == 0 || i == len(got)-1 || got[i-1] == "---") {
			t.Errorf("a separator at line %d of\n%s", i, strings.Join(got, "\n"))
		}
	}
}

func TestTheTooltipCounts(t *testing.T) {
	want := "bilipaste: writing mode is on\n1 upload under way\n2 pictures wait for their upload\n1 picture failed"
	if got := viewOf(State{Writing: true, Uploads: 1, Waiting: 2, Failed: 1}).tooltip; got != want {
		t.Errorf("%q", got)
	}
}
