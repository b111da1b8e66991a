package dynamic

import (
	"strings"
	"time"

	"bilipaste/internal/lang"
)

// What Bilibili takes, as its own programs enforce it.
const (
	titleLimit      = 20
	voteTitleLimit  = 32
	voteDescLimit   = 100
	voteOptionLimit = 20
	fewestOptions   = 2
	mostOptions     = 20
	shortestVoting  = 5 * time.Minute
	longestVoting   = 90 * 24 * time.Hour
	soonest         = 6 * time.Minute // from now on, of a post at a time
	latest          = 7 * 24 * time.Hour
	mostPictures    = 18
)

// Beyond these Bilibili's programs differ: it may refuse.
const (
	textLimit     = 1000
	usualPictures = 9
)

// Check tells whether Bilibili would take a document now. warnings says where
// that is not known. The error is a lang.Teller.
func (d Document) Check(now time.Time) (warnings []lang.Message, err error) {
	text := d.Text()
	switch {
	case strings.TrimSpace(text) == "" && len(d.Pictures) == 0:
		return nil, lang.Errorf("dynamic.empty", nil, nil)
	case Length(d.Title) > titleLimit:
		return nil, tooLong("dynamic.word.title", d.Title, titleLimit)
	case len(d.Pictures) > mostPictures:
		return nil, lang.Errorf("dynamic.pictures", lang.Data{"Pictures": len(d.Pictures), "Limit": mostPictures}, nil)
	case d.Private && !d.At.IsZero():
		return nil, lang.Errorf("dynamic.private_at", nil, nil)
	case !d.At.IsZero() && (d.At.Before(now.Add(soonest)) || d.At.After(now.Add(latest))):
		return nil, lang.Errorf("dynamic.when", lang.Data{"At": d.At.Format("2006-01-02 15:04")}, nil)
	}
	for _, picture := range d.images() {
		if strings.Contains(picture.File, "://") || strings.HasPrefix(picture.File, "//") || strings.HasPrefix(picture.File, "data:") {
			err := lang.Errorf("dynamic.picture_link", lang.Data{"Link": picture.File}, nil)
			if picture.Line > 0 {
				return nil, at(picture.Line, err)
			}
			return nil, err
		}
	}
	if d.Vote != nil {
		if err := d.Vote.Check(); err != nil {
			return nil, err
		}
	}
	if n := Length(text); n > textLimit {
		warnings = append(warnings, lang.Message{ID: "dynamic.warn.text", Data: lang.Data{"Length": n, "Limit": textLimit}})
	}
	if n := len(d.Pictures); n > usualPictures {
		warnings = append(warnings, lang.Message{ID: "dynamic.warn.pictures", Data: lang.Data{"Pictures": n, "Limit": usualPictures}})
	}
	return warnings, nil
}

// images returns all pictures that a document names: its own, and then those of
// the vote's options.
func (d Document) images() []Image {
	images := d.Pictures[:len(d.Pictures):len(d.Pictures)]
	if d.Vote != nil {
		for _, o := range d.Vote.Options {
			if o.Picture.File != "" {
				images = append(images, o.Picture)
			}
		}
	}
	return images
}

// Check tells whether Bilibili would make a vote, or show one that exists. The
// error is a lang.Teller.
func (v *Vote) Check() error {
	if strings.TrimSpace(v.Title) == "" {
		return lang.Errorf("dynamic.vote_title", nil, nil)
	}
	if Length(v.Title) > voteTitleLimit {
		return tooLong("dynamic.word.vote_title", v.Title, voteTitleLimit)
	}
	if v.ID != "" {
		if len(v.Options) > 0 || v.Desc != "" {
			return lang.Errorf("dynamic.vote_made", lang.Data{"ID": v.ID}, nil)
		}
		return nil
	}
	n := len(v.Options)
	switch {
	case Length(v.Desc) > voteDescLimit:
		return tooLong("dynamic.word.vote_desc", v.Desc, voteDescLimit)
	case n < fewestOptions || n > mostOptions:
		return lang.Errorf("dynamic.vote_options", lang.Data{"Options": n, "Least": fewestOptions, "Most": mostOptions}, nil)
	case v.Max < 1 || v.Max > n:
		return lang.Errorf("dynamic.vote_max", lang.Data{"Max": v.Max, "Options": n}, nil)
	case v.For < shortestVoting || v.For > longestVoting:
		return lang.Errorf("dynamic.vote_time", nil, nil)
	}
	seen := map[string]bool{}
	for _, o := range v.Options {
		switch {
		case o.Text == "":
			return lang.Errorf("dynamic.vote_blank", nil, nil)
		case Length(o.Text) > voteOptionLimit:
			return tooLong("dynamic.word.vote_option", o.Text, voteOptionLimit)
		case seen[o.Text]:
			return lang.Errorf("dynamic.vote_twice", lang.Data{"Option": o.Text}, nil)
		case (o.Picture.File != "") != v.HasPictures():
			return lang.Errorf("dynamic.vote_pictures", nil, nil)
		}
		seen[o.Text] = true
	}
	return nil
}

func tooLong(what, text string, limit int) error {
	return lang.Errorf("dynamic.long", lang.Data{"What": lang.Message{ID: what}, "Length": Length(text), "Limit": limit, "Text": text}, nil)
}
