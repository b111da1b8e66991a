// Package dynamic publishes posts on Bilibili, which calls them dynamics, with
// the user's own account: text with mentions, emoji and a vote, pictures, a
// topic and options, at once or at a time. A post is written as a Document,
// which can be read from a file like Markdown.
package dynamic

import (
	"strings"
	"time"
	"unicode/utf16"

	"bilipaste/internal/lang"
)

// Document is a post as it was written. It is a plain value: nothing of it has
// been sent anywhere.
type Document struct {
	Title    string
	Parts    []Part // the text, in order
	Pictures []Image
	Vote     *Vote // that of the part of kind VotePart, nil for none
	Topic    Topic
	At       time.Time // when it is to be published, the zero time: at once
	Comments Comments
	Private  bool // only its author sees it
}

// Kind says what a part of the text is, as Bilibili numbers it.
type Kind int

// The kinds of parts.
const (
	Text     Kind = 1
	Mention  Kind = 2
	VotePart Kind = 4
	Emoji    Kind = 9
)

// Part is a piece of a post's text.
type Part struct {
	Kind Kind
	Text string // as it is shown: "@name", "[doge]", a vote's title
	ID   string // a mention's user
}

// Image is a picture that a document names.
type Image struct {
	File string // its path, as it was written
	Line int    // in the document, from 1; 0: it stands in none
}

// Vote is a question with options to choose from.
type Vote struct {
	ID      string // of one that exists, "": it is made with the post
	Title   string
	Desc    string
	Options []Choice // of one that is made
	Max     int      // how many options one may choose
	For     time.Duration
}

// Choice is an option of a vote.
type Choice struct {
	Text    string
	Picture Image // without File: none
}

// HasPictures tells whether a vote's options have pictures.
func (v *Vote) HasPictures() bool {
	for _, o := range v.Options {
		if o.Picture.File != "" {
			return true
		}
	}
	return false
}

// Topic is what a post is listed under. The zero Topic is none; one without an
// ID is still to be found by its name.
type Topic struct {
	ID   int64
	Name string
}

// Comments says who may comment on a post.
type Comments string

// The choices of comments.
const (
	Open    Comments = ""        // everybody
	Curated Comments = "curated" // the author chooses what is shown
	Closed  Comments = "closed"  // nobody
)

// Text returns the text of a post as it is shown.
func (d Document) Text() string {
	var text strings.Builder
	for _, p := range d.Parts {
		text.WriteString(p.Text)
	}
	return text.String()
}

// Length counts characters as Bilibili's own page does: in UTF-16 units, of
// which an emoji of Unicode has two or more.
func Length(text string) int { return len(utf16.Encode([]rune(text))) }

// Set sets an option of a document: title, topic, at, comments or private. The
// error is a lang.Teller: the value cannot be read, or there is no such key.
func (d *Document) Set(key, value string) error {
	switch key {
	case "title":
		d.Title = value
	case "topic":
		value = strings.Trim(strings.TrimSpace(value), "#")
		d.Topic = Topic{Name: value}
		if id, ok := number(value); ok {
			d.Topic = Topic{ID: id}
		}
	case "at":
		at, err := ParseTime(value)
		if err != nil {
			return err
		}
		d.At = at
	case "comments":
		switch value {
		case "open":
			d.Comments = Open
		case string(Curated), string(Closed):
			d.Comments = Comments(value)
		default:
			return lang.Errorf("dynamic.comments", lang.Data{"Value": value}, nil)
		}
	case "private":
		if value != "true" && value != "false" {
			return lang.Errorf("dynamic.private", lang.Data{"Value": value}, nil)
		}
		d.Private = value == "true"
	default:
		return lang.Errorf("dynamic.key", lang.Data{"Key": key, "Nearest": nearest(key)}, nil)
	}
	return nil
}

// keys are what a document's head may say.
var keys = []string{"title", "topic", "at", "comments", "private"}

// ParseTime reads when a post is to be published, such as "2026-12-01 20:00", in
// the local time zone unless it names one.
func ParseTime(text string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return at, nil
		}
	}
	return time.Time{}, lang.Errorf("dynamic.time", lang.Data{"Value": text}, nil)
}

// nearest returns the key that a text most likely means.
func nearest(text string) string {
	best, least := "", 0
	for _, key := range keys {
		if d := distance(strings.ToLower(text), key); best == "" || d < least {
			best, least = key, d
		}
	}
	return best
}

// distance counts the letters to insert, remove or replace between two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}
