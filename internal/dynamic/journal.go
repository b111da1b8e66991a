package dynamic

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/lang"
)

// State is how far a document has come before.
type State int

// The states.
const (
	New       State = iota
	Begun           // pictures were sent, or a vote was made; nothing was published
	Uncertain       // Bilibili was asked to publish it, and gave no answer that says whether it did
	Done            // it was published
)

// Earlier is what is known of a document from before.
type Earlier struct {
	State State
	At    time.Time // when it was begun, or published
	ID    string    // of the dynamic, Done alone
	Due   bool      // Uncertain: it was to be published later, so that it cannot be looked for
}

const (
	samePost = 12 * time.Hour   // a document that was published longer ago is meant anew
	begunFor = 24 * time.Hour   // what was begun longer ago is begun anew
	fresh    = 30 * time.Minute // Bilibili forgets a picture that no post uses, after 45 minutes
	lookBack = time.Minute      // by which clocks may differ
	lookOn   = 10 * time.Minute // until when a post that was asked for appears
	tellOf   = 24 * time.Hour   // other documents that are uncertain are told of
)

// remember finds what the journal knows of a post, and looks among the author's
// latest dynamics for what is uncertain.
func (p *Publisher) remember(ctx context.Context, post *Post) error {
	all, err := p.Album.Dynamics(ctx, post.Author.ID)
	if err != nil {
		return err
	}
	document := post.digest()
	post.entry = album.Dynamic{Document: document, Author: post.Author.ID, Text: post.Text(), Count: len(post.Pictures), Due: post.At}
	if post.Vote != nil {
		post.entry.Title, post.entry.Vote = post.Vote.Title, post.Vote.ID
	}
	var unsure []*album.Dynamic
	seen := false
	for i := range all {
		d := &all[i]
		if d.Document == document && !seen {
			seen = true // the newest says it
			p.recall(post, d)
			if post.Earlier.State == Uncertain {
				unsure = append(unsure, &post.entry)
			}
		} else if d.Document != document && !d.Asked.IsZero() && d.Number == "" && time.Since(d.Asked) < tellOf {
			unsure = append(unsure, d)
		}
	}
	if len(unsure) == 0 {
		return nil
	}
	if err := p.find(ctx, all, unsure); err != nil {
		return err
	}
	for _, d := range unsure {
		switch {
		case d == &post.entry && d.Number != "":
			post.Earlier.State, post.Earlier.ID = Done, d.Number
		case d == &post.entry:
		case d.Number != "":
			post.Notices = append(post.Notices, lang.Message{ID: "dynamic.earlier_found", Data: lang.Data{"Text": start(d.Text), "Link": Link(d.Number)}})
		default:
			post.Notices = append(post.Notices, lang.Message{ID: "dynamic.earlier_lost", Data: lang.Data{"Text": start(d.Text), "At": d.Asked.Local().Format("2006-01-02 15:04")}})
		}
	}
	return nil
}

// recall takes up what the journal knows of the same document.
func (p *Publisher) recall(post *Post, d *album.Dynamic) {
	switch {
	case d.Number != "" && time.Since(d.Asked) < samePost:
		post.Earlier = Earlier{State: Done, At: d.Asked, ID: d.Number}
	case d.Number != "":
	case !d.Asked.IsZero():
		post.Earlier = Earlier{State: Uncertain, At: d.Asked, Due: !d.Due.IsZero()}
		post.entry = *d
	case time.Since(d.Since) < begunFor && (post.Vote == nil || time.Since(d.Since) < post.Vote.For/2):
		post.Earlier = Earlier{State: Begun, At: d.Since}
		post.entry = *d
	}
}

// find looks for what is uncertain among the author's latest dynamics, and notes
// in the journal what it finds. What the journal knows already is not taken for
// another one.
func (p *Publisher) find(ctx context.Context, journal []album.Dynamic, unsure []*album.Dynamic) error {
	known := map[string]bool{}
	for _, d := range journal {
		known[d.Number] = true
	}
	latest, err := Latest(ctx, p.Client, unsure[0].Author)
	if err != nil {
		return err
	}
	for _, d := range unsure {
		for _, there := range latest {
			if known[there.ID] || !isSame(*d, there) {
				continue
			}
			known[there.ID] = true
			d.Number = there.ID
			if err := p.Album.SaveDynamic(ctx, d); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

// isSame tells whether a dynamic is the one that was asked for. The title of a
// vote may be a part of its text or not.
func isSame(d album.Dynamic, there Published) bool {
	text := squeeze(there.Text)
	return there.author == digits(d.Author) && there.Pictures == d.Count &&
		!there.At.Before(d.Asked.Add(-lookBack)) && !there.At.After(d.Asked.Add(lookOn)) &&
		(text == squeeze(d.Text) || d.Title != "" && text == squeeze(strings.Replace(d.Text, d.Title, "", 1)))
}

// stored returns the pictures that Bilibili has already, by their original.
func stored(d album.Dynamic) map[string]storedPicture {
	all := map[string]storedPicture{}
	_ = json.Unmarshal([]byte(d.Pictures), &all) // what cannot be read is sent again
	for sum, p := range all {
		if time.Since(p.Sent) > fresh {
			delete(all, sum)
		}
	}
	return all
}

// start is the beginning of a text, in one line.
func start(text string) string {
	const longest = 20
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}
