package posts

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/uploader"
)

// Mending gives posts new links for those that are dead.
type Mending struct {
	Site       *Site
	Album      *album.Album
	Sender     *Sender
	Others     []uploader.Destination // tried after the sender's own destination, where that would give the same link again
	NoReferrer bool                   // see Mention.Change
}

// Mend sends the album's originals of what is dead, which are addresses of Plain,
// once more, and changes the posts in files. What has no original is among the
// failures. The error is as that of Migration.Run.
func (m *Mending) Mend(ctx context.Context, dead, files []string, told func()) (r Result, err error) {
	links := map[string]string{}
	problems := map[string]error{}
	for _, address := range dead {
		link, err := m.link(ctx, address)
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		if err == nil {
			links[address] = link
		} else {
			problems[address] = err
		}
		told()
		if kind := fault.KindOf(err); kind == fault.Refused || kind == fault.NotLoggedIn {
			return r, err
		}
	}
	key, err := json.Marshal([]any{m.Site.tops, m.Sender.To})
	if err != nil {
		return r, err
	}
	w, err := begin(ctx, m.Album, "repair", string(key))
	if err != nil {
		return r, err
	}
	for _, file := range files {
		n, err := w.rewrite(ctx, file, func(_ *Document, mentions []Mention) (changes []Change) {
			for _, p := range mentions {
				if !IsRemote(p.Address) {
					continue
				}
				plain := Plain(p.Address)
				if to := links[plain]; to != "" {
					changes = append(changes, p.Change(newAddress(p.Address, to), m.NoReferrer))
				} else if err := problems[plain]; err != nil {
					r.Failures = append(r.Failures, Failure{file, p.Line, p.Address, err})
				}
			}
			return changes
		})
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		if err != nil {
			r.Failures = append(r.Failures, Failure{File: file, Err: err})
		}
		if n > 0 {
			r.Run, r.Posts, r.Mentions = w.run, r.Posts+1, r.Mentions+n
		}
	}
	return r, m.Album.EndRun(ctx, w.run)
}

// link returns a new link for what was at an address.
func (m *Mending) link(ctx context.Context, address string) (string, error) {
	p, ok := Original(ctx, m.Album, address)
	if !ok {
		return "", lang.Errorf("posts.no_original", nil, nil)
	}
	if err := m.Album.Dead(ctx, address, time.Now()); err != nil {
		return "", err
	}
	entries, err := m.Album.ByURL(ctx, address)
	if err != nil {
		return "", err
	}
	for _, to := range append([]uploader.Destination{m.Sender.To}, m.Others...) {
		// The same bytes at the same destination would have the same link.
		if slices.ContainsFunc(entries, func(e album.Entry) bool {
			return e.Link.URL == address && e.Link.Host == to.Host && e.Link.Bucket == to.Bucket
		}) {
			continue
		}
		link, err := m.Sender.Send(ctx, p, to)
		if err != nil {
			return "", err
		}
		if Plain(link.URL) != address {
			return link.URL, nil
		}
	}
	return "", lang.Errorf("posts.same_link", nil, nil)
}

// Archived is where the Wayback Machine would have what was at an address.
func Archived(address string) string { return "https://web.archive.org/web/2/" + address }
