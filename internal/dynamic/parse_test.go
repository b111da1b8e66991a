package dynamic_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"bilipaste/internal/dynamic"
	"bilipaste/internal/lang"
)

// example is the document of the README.
const example = `---
title: 周末          # at most 20
topic: 摄影
at: 2026-12-01 20:00
comments: curated
---
和 @someone(20020001) 去了海边 [doge] #周末#
![](sea.jpg)
` + "```vote 下次去哪 (7d, max 1)" + `
- 山
- 湖
` + "```" + `
`

func TestAnExampleIsRead(t *testing.T) {
	got, notices, err := dynamic.Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	want := dynamic.Document{
		Title: "周末", Topic: dynamic.Topic{Name: "摄影"}, Comments: dynamic.Curated,
		At: time.Date(2026, 12, 1, 20, 0, 0, 0, time.Local),
		Parts: []dynamic.Part{
			{Kind: dynamic.Text, Text: "和 "}, {Kind: dynamic.Mention, Text: "@someone", ID: "20020001"},
			{Kind: dynamic.Text, Text: " 去了海边 "}, {Kind: dynamic.Emoji, Text: "[doge]"}, {Kind: dynamic.Text, Text: " #周末#\n"},
			{Kind: dynamic.VotePart, Text: "下次去哪"},
		},
		Pictures: []dynamic.Image{{File: "sea.jpg", Line: 8}},
		Vote: &dynamic.Vote{
			Title: "下次去哪", Max: 1, For: 7 * 24 * time.Hour, Options: []dynamic.Choice{{Text: "山"}, {Text: "湖"}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if len(notices) > 0 {
		t.Errorf("%v", notices)
	}
	// Windows's line ends and a byte order mark change nothing.
	windows, _, err := dynamic.Parse([]byte("\ufeff" + strings.ReplaceAll(example, "\n", "\r\n")))
	if err != nil || !reflect.DeepEqual(windows, want) {
		t.Errorf("%+v, %v", windows, err)
	}
}

// show writes a document's text with its kinds: "{KIND TEXT ID}", text as it is.
func show(d dynamic.Document) string {
	var b strings.Builder
	for _, p := range d.Parts {
		if p.Kind == dynamic.Text {
			b.WriteString(p.Text)
			continue
		}
		fmt.Fprintf(&b, "{%d %s %s}", p.Kind, p.Text, p.ID)
	}
	for _, p := range d.Pictures {
		b.WriteString("|" + p.File)
	}
	return b.String()
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"hello":                                  "hello",
		"\n\n a \n\n b \n\n":                     "a \n\n b",
		"@a(1)@b(2)":                             "{2 @a 1}{2 @b 2}",
		"@某人（123）好":                              "{2 @某人 123}好",
		"[@a b](https://space.bilibili.com/12)!": "{2 @a b 12}!",
		"[@a](http://space.bilibili.com/12/dynamic?x=1) ok": "{2 @a 12} ok",
		"[@a](https://space.bilibili.com.evil/12)":          "[@a](https://space.bilibili.com.evil/12)",
		"[a](https://space.bilibili.com/12)":                "[a](https://space.bilibili.com/12)",
		"@bare and a@b.example and a@b(12)":                 "@bare and a@b.example and a@b(12)",
		"#tag# stays":                                       "#tag# stays",
		"[doge][笑哭]":                                        "{9 [doge] }{9 [笑哭] }",
		"[a b] [] [[x] [x](y) [x]: y":                       "[a b] [] [{9 [x] } [x](y) [x]: y",
		`\@a(1) \[doge] \![](x.png)`:                        "@a(1) [doge] ![](x.png)",
		`¯\_(ツ)_/¯`:                                         `¯\_(ツ)_/¯`,
		"`![](x.png) [doge]`":                               "`![](x.png) [doge]`",
		"```\n![](x.png)\n@a(1)\n```\nb":                    "```\n![](x.png)\n@a(1)\n```\nb",
		"a\n![](x.png)\nb":                                  "a\nb|x.png",
		"a\n\n![](x.png)\n\nb":                              "a\n\nb|x.png",
		"![](x.png)":                                        "|x.png",
		"a ![](x.png) b":                                    "a  b|x.png",
		"![](x.png) ![alt](y.png)":                          "|x.png|y.png",
		`![a](<my sea.png> "title")`:                        "|my sea.png",
		`![a](x.png 'title')`:                               "|x.png",
		"![](a%20b.png)":                                    "|a b.png",
		"![](100%.png)":                                     "|100%.png",
		"![](a(1).png)":                                     "|a(1).png",
		`![](C:\a\b.png)`:                                   `|C:\a\b.png`,
		"# a\n\n---\n\nb":                                   "# a\n\n---\n\nb",
		"a\u200bb\ufeff":                                    "ab",
		"---\ntitle: x\n---\n":                              "",
		"---\n---\na":                                       "a",
	} {
		d, _, err := dynamic.Parse([]byte(text))
		if err != nil || show(d) != want {
			t.Errorf("%q: %q, want %q (%v)", text, show(d), want, err)
		}
	}
}

func TestWhatADynamicHasNotIsToldOf(t *testing.T) {
	for text, want := range map[string]string{
		"@a":                      "dynamic.notice.mention",
		"a@b.example":             "",
		"# a":                     "dynamic.notice.heading",
		"#a#":                     "",
		"a **b** c":               "dynamic.notice.emphasis",
		"2 ** 3":                  "",
		"> a":                     "dynamic.notice.quote",
		"|a|b|\n|---|---|\n|1|2|": "dynamic.notice.table",
		"`a`":                     "dynamic.notice.code",
		"~~~\na\n~~~":             "dynamic.notice.code",
		"[a](https://b.example)":  "dynamic.notice.link",
		"a\u200b":                 "dynamic.notice.invisible",
	} {
		_, notices, err := dynamic.Parse([]byte(text))
		got := ""
		for _, n := range notices {
			got += n.ID
		}
		if err != nil || got != want {
			t.Errorf("%q: %s, want %s (%v)", text, got, want, err)
		}
	}
	_, notices, err := dynamic.Parse([]byte("a\n@b\n@c"))
	if err != nil || len(notices) != 1 || notices[0].Data["Line"] != 2 {
		t.Errorf("%v, %v", notices, err)
	}
}

func TestVotes(t *testing.T) {
	vote := func(text string) string { return "```vote" + text + "\n```" }
	for text, want := range map[string]string{
		vote(" a (3d, max 2)\n- x\n- y"):           "{ a  [{x { 0}} {y { 0}}] 2 72h0m0s}",
		vote(" a（12h）\n- x\n- y"):                  "{ a  [{x { 0}} {y { 0}}] 1 12h0m0s}",
		vote(" a(国内)\n- x\n- y"):                   "{ a(国内)  [{x { 0}} {y { 0}}] 1 168h0m0s}",
		vote(" a\nwhy\nso\n\n- x\n- y"):            "{ a why so [{x { 0}} {y { 0}}] 1 168h0m0s}",
		vote(" a\n- x ![](x.png)\n- ![](y.png) y"): "{ a  [{x {x.png 2}} {y {y.png 3}}] 1 168h0m0s}",
		vote(" a (id 4000001)"):                    "{4000001 a  [] 1 168h0m0s}",
	} {
		d, _, err := dynamic.Parse([]byte(text))
		if err != nil || d.Vote == nil || fmt.Sprint(*d.Vote) != want {
			t.Errorf("%q: %v, want %s (%v)", text, d.Vote, want, err)
		}
	}
	d, _, err := dynamic.Parse([]byte("before\n" + vote(" a\n- x\n- y") + "\nafter"))
	if err != nil || show(d) != "before\n{4 a }\nafter" {
		t.Errorf("%q, %v", show(d), err)
	}
}

// Every error names its line, in words.
func TestErrorsNameTheirLine(t *testing.T) {
	say := lang.New(lang.English)
	for text, want := range map[string]string{
		"a\xff":                             "the text is not in UTF-8",
		"a\nb\x00":                          "line 2: there is a control character",
		"a\n\x1b[31m":                       "line 2: there is a control character",
		"---\ntitle: x\n":                   `line 1: the options that begin with "---" do not end`,
		"---\ntitel: x\n---\na":             "line 2: there is no option titel; is title meant?",
		"---\ntitle: x\nComment: x\n---\na": "line 3: there is no option Comment; is comments meant?",
		"---\ntitle: x\ntitle: y\n---\na":   "line 3: title stands there twice",
		"---\ntitle: [x]\n---\na":           "line 2: title takes one value",
		"---\n- a\n---\na":                  "line 2: the options cannot be read",
		"---\na: b: c\n---\na":              "line 2: the options cannot be read: mapping values are not allowed",
		"---\n\nat: soon\n---\na":           "line 3: soon is no time",
		"---\ncomments: off\n---\na":        "line 2: comments cannot be off",
		"---\nprivate: maybe\n---\na":       "line 2: private cannot be maybe",
		"a\n![]()":                          "line 2: the picture has no file",
		"a\n![](a.png":                      "line 2: the picture has no file",
		"a\n![](a b.png)":                   "line 2: the picture has no file",
		"a\n```vote x\n- a\n- b":            "line 2: the vote does not end",
		"```vote x\n- a\n- b\n```\n```vote y\n- a\n- b\n```":     "line 5: a dynamic has at most one vote",
		"```vote\n- a\n- b\n```":                                 "line 1: the vote has no title",
		"```vote x\n- a\n```":                                    "line 1: the vote has 1 options; it takes 2 to 20",
		"```vote x\n- a\nb\n```":                                 "line 3: this is no option of the vote",
		"```vote x\n- a\n- a\n```":                               "line 1: the option a stands there twice",
		"```vote x (max 3)\n- a\n- b\n```":                       "line 1: of 2 options, 3 cannot be chosen",
		"```vote x (7d, max b)\n- a\n- b\n```":                   "line 1: max b does not say anything of a vote",
		"```vote x (1m)\n- a\n- b\n```":                          "line 1: a vote goes on for 5 minutes to 90 days",
		"```vote x (91d)\n- a\n- b\n```":                         "line 1: a vote goes on for 5 minutes to 90 days",
		"```vote x\n- a ![](a.png)\n- b\n```":                    "line 1: either all options of the vote have a picture, or none",
		"```vote x\n- a ![](a.png) ![](b.png)\n- b\n```":         "line 2: an option has one picture at most",
		"```vote x\n- " + strings.Repeat("长", 21) + "\n- b\n```": "line 1: an option of the vote has 21 characters; the limit is 20",
		"```vote " + strings.Repeat("长", 33) + "\n- a\n- b\n```": "line 1: the vote's title has 33 characters; the limit is 32",
		"```vote x (id 7)\n- a\n- b\n```":                        "line 1: vote 7 exists already",
	} {
		_, _, err := dynamic.Parse([]byte(text))
		if err == nil {
			t.Errorf("%q is read", text)
			continue
		}
		if what, _ := say.Error(err); !strings.HasPrefix(what, want) {
			t.Errorf("%q: %s, want %s", text, what, want)
		}
	}
}

func TestLimits(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.Local)
	document := func(change func(*dynamic.Document)) dynamic.Document {
		d := dynamic.Document{Parts: []dynamic.Part{{Kind: dynamic.Text, Text: "a"}}}
		change(&d)
		return d
	}
	text := func(s string) func(*dynamic.Document) {
		return func(d *dynamic.Document) { d.Parts[0].Text = s }
	}
	pictures := func(n int) func(*dynamic.Document) {
		return func(d *dynamic.Document) { d.Pictures = slices.Repeat([]dynamic.Image{{File: "a.png"}}, n) }
	}
	in := func(after time.Duration) func(*dynamic.Document) {
		return func(d *dynamic.Document) { d.At = now.Add(after) }
	}
	for name, test := range map[string]struct {
		document          dynamic.Document
		refused, warnings string
	}{
		"short":           {document(text("a")), "", ""},
		"blank":           {document(text(" \n")), "dynamic.empty", ""},
		"pictures alone":  {document(func(d *dynamic.Document) { d.Parts = nil; pictures(1)(d) }), "", ""},
		"1,000":           {document(text(strings.Repeat("长", 1000))), "", ""},
		"1,001":           {document(text(strings.Repeat("长", 1001))), "", "dynamic.warn.text"},
		"501 emoji":       {document(text(strings.Repeat("😀", 501))), "", "dynamic.warn.text"},
		"9 pictures":      {document(pictures(9)), "", ""},
		"10 pictures":     {document(pictures(10)), "", "dynamic.warn.pictures"},
		"18 pictures":     {document(pictures(18)), "", "dynamic.warn.pictures"},
		"19 pictures":     {document(pictures(19)), "dynamic.pictures", ""},
		"title of 20":     {document(func(d *dynamic.Document) { d.Title = strings.Repeat("长", 20) }), "", ""},
		"title of 21":     {document(func(d *dynamic.Document) { d.Title = strings.Repeat("长", 21) }), "dynamic.long", ""},
		"in 5 minutes":    {document(in(5 * time.Minute)), "dynamic.when", ""},
		"in 6 minutes":    {document(in(6 * time.Minute)), "", ""},
		"in 7 days":       {document(in(7 * 24 * time.Hour)), "", ""},
		"later":           {document(in(7*24*time.Hour + time.Second)), "dynamic.when", ""},
		"before":          {document(in(-time.Hour)), "dynamic.when", ""},
		"private":         {document(func(d *dynamic.Document) { d.Private = true }), "", ""},
		"private, at":     {document(func(d *dynamic.Document) { d.Private = true; in(time.Hour)(d) }), "dynamic.private_at", ""},
		"a bucket's link": {document(func(d *dynamic.Document) { d.Pictures = []dynamic.Image{{File: "https://i0.hdslb.com/bfs/live/a.png"}} }), "dynamic.picture_link", ""},
		"another's link":  {document(func(d *dynamic.Document) { d.Pictures = []dynamic.Image{{File: "//i0.hdslb.com/a.png"}} }), "dynamic.picture_link", ""},
		"a vote's, a link": {document(func(d *dynamic.Document) {
			d.Vote = &dynamic.Vote{Title: "a", Max: 1, For: time.Hour, Options: []dynamic.Choice{{"a", dynamic.Image{File: "http://a"}}, {"b", dynamic.Image{File: "b"}}}}
		}), "dynamic.picture_link", ""},
		"a vote": {document(func(d *dynamic.Document) { d.Vote = &dynamic.Vote{Title: "a", Max: 1, For: time.Hour} }), "dynamic.vote_options", ""},
	} {
		warnings, err := test.document.Check(now)
		got, ids := "", ""
		if e, ok := err.(lang.Teller); ok { //nolint:errorlint // it is the error itself
			got = e.Tell().ID
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, w := range warnings {
			ids += w.ID
		}
		if got != test.refused || ids != test.warnings {
			t.Errorf("%s: refused %q, want %q; warned %q, want %q", name, got, test.refused, ids, test.warnings)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example)
	f.Add("---\ntitle: x\n---\n![](a) @b(1) [c] ```vote")
	f.Add("```vote a (3d, max 2)\n- x ![](y)\n```")
	f.Fuzz(func(t *testing.T, text string) {
		d, _, err := dynamic.Parse([]byte(text))
		if err != nil {
			if what, _ := lang.New(lang.Chinese).Error(err); what == "" {
				t.Error("an error without words")
			}
			return
		}
		if strings.ContainsAny(d.Text(), "\x00\u200b\r") {
			t.Errorf("%q", d.Text())
		}
		for _, p := range d.Parts {
			if p.Text == "" || p.Kind == dynamic.Mention && p.ID == "" {
				t.Errorf("%+v", p)
			}
		}
		for _, p := range d.Pictures {
			if p.File == "" {
				t.Error("a picture without a file")
			}
		}
		_, _ = d.Check(time.Now())
	})
}
