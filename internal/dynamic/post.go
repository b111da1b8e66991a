package dynamic

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/gofrs/flock"

	"bilipaste/internal/account"
	"bilipaste/internal/album"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
	"bilipaste/uploader/bilibili"
)

// Publisher publishes posts with an account, and keeps a journal in the album so
// that none is published twice.
type Publisher struct {
	Client  *account.Client
	Album   *album.Album
	Draw    *bilibili.Draw   // where the pictures of posts go
	Choices *bilibili.Draw   // where those of a vote's options go
	Prepare uploader.Prepare // how pictures are made ready
	Legacy  bool             // by the calls that went before, which take text alone
	Lock    string           // a file that is locked by whoever is about to publish
}

// Post is a document that can be published: it was checked, and its pictures
// are read.
type Post struct {
	Document
	Files   []picture.Picture // its pictures, and then those of the vote's options, as they are sent
	Notices []lang.Message    // what the author should know
	Author  account.User      // set by Look, as is what follows
	Earlier Earlier           // what is known of the same document

	sums  []picture.Sum // of the files as they were read
	entry album.Dynamic // in the journal
	lock  *flock.Flock
}

// Close lets another process publish.
func (post *Post) Close() {
	if post.lock != nil {
		_ = post.lock.Close() // it ends with the process at the latest
	}
}

// alone makes this the only process that is about to publish, so that none
// publishes what another one is just publishing.
func (p *Publisher) alone(post *Post) error {
	if err := os.MkdirAll(filepath.Dir(p.Lock), 0o700); err != nil {
		return lang.Errorf("dynamic.lock", lang.Data{"Cause": err}, err)
	}
	post.lock = flock.New(p.Lock, flock.SetPermissions(0o600))
	switch ok, err := post.lock.TryLock(); {
	case err != nil:
		return lang.Errorf("dynamic.lock", lang.Data{"Cause": err}, err)
	case !ok:
		return lang.Errorf("dynamic.busy", nil, nil)
	}
	return nil
}

// Open checks a document and reads its pictures, whose paths are relative to
// dir. Nothing is sent. The error is a lang.Teller.
func (p *Publisher) Open(ctx context.Context, d Document, dir string) (*Post, error) {
	warnings, err := d.Check(time.Now())
	if err != nil {
		return nil, err
	}
	if p.Legacy && (len(d.images()) > 0 || d.Vote != nil || d.Topic != (Topic{}) || d.Title != "" || d.Private || !d.At.IsZero()) {
		return nil, lang.Errorf("dynamic.legacy", nil, nil)
	}
	post := &Post{Document: d, Notices: warnings}
	return post, p.readFiles(ctx, post, dir)
}

// OpenVote is Open for a vote without a post.
func (p *Publisher) OpenVote(ctx context.Context, v Vote, dir string) (*Post, error) {
	if err := v.Check(); err != nil {
		return nil, err
	}
	if v.ID != "" {
		return nil, lang.Errorf("dynamic.vote_made", lang.Data{"ID": v.ID}, nil)
	}
	post := &Post{Document: Document{Vote: &v}}
	return post, p.readFiles(ctx, post, dir)
}

func (p *Publisher) readFiles(ctx context.Context, post *Post, dir string) error {
	for i, image := range post.images() {
		file := filepath.FromSlash(image.File)
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		pic, err := picture.Open(file)
		if err != nil {
			return err
		}
		post.sums = append(post.sums, picture.SumOf(pic.Data))
		host := p.host(post, i)
		ready, notes, err := p.Prepare.Do(ctx, pic, host)
		if err == nil {
			err = host.Fits(ready)
		}
		if err != nil {
			return err
		}
		post.Files = append(post.Files, ready)
		post.Notices = append(post.Notices, notes...)
	}
	return nil
}

// host is where a post's file goes.
func (p *Publisher) host(post *Post, file int) *bilibili.Draw {
	if file < len(post.Pictures) {
		return p.Draw
	}
	return p.Choices
}

// Look asks Bilibili who is signed in, for the topic of a name and for the
// emoji, and finds out whether the document was published before. From then on
// until Close no other process can.
func (p *Publisher) Look(ctx context.Context, post *Post) error {
	if err := p.alone(post); err != nil {
		return err
	}
	user, err := p.Client.User(ctx)
	if err != nil {
		return err
	}
	post.Author = user
	if err := p.remember(ctx, post); err != nil {
		return err
	}
	if err := p.findTopic(ctx, post); err != nil {
		return err
	}
	return p.findEmojis(ctx, post)
}

// findTopic finds the number of a topic that is given by its name.
func (p *Publisher) findTopic(ctx context.Context, post *Post) error {
	name := post.Topic.Name
	if name == "" || post.Topic.ID != 0 {
		return nil
	}
	found, err := Topics(ctx, p.Client, name)
	if err != nil {
		return err
	}
	var like []string
	for _, t := range found {
		if t.Name == name {
			post.Topic.ID = t.ID
			return nil
		}
		like = append(like, t.Name)
	}
	return lang.Errorf("dynamic.no_topic", lang.Data{"Name": name, "Like": strings.Join(like, ", ")}, nil)
}

// findEmojis makes text of the words in brackets that are no emoji.
func (p *Publisher) findEmojis(ctx context.Context, post *Post) error {
	var parts []Part
	var known map[string]bool
	for _, part := range post.Parts {
		if part.Kind == Emoji {
			if known == nil {
				var err error
				if known, err = emojis(ctx, p.Client); err != nil {
					return err
				}
			}
			if !known[part.Text] {
				part.Kind = Text
				post.Notices = append(post.Notices, lang.Message{ID: "dynamic.notice.emoji", Data: lang.Data{"Word": part.Text}})
			}
		}
		parts = join(parts, part)
	}
	post.Parts = parts
	return nil
}

// digest tells a post apart from others: by its author, all that is written,
// and the bytes of the pictures.
func (post *Post) digest() string {
	d := post.Document
	d.Pictures = nil // their names do not matter, nor where they stand in the file
	if d.Vote != nil {
		v := *d.Vote
		v.Options = append([]Choice{}, v.Options...)
		for i := range v.Options {
			v.Options[i].Picture = Image{}
		}
		d.Vote = &v
	}
	text, _ := json.Marshal(struct {
		Author   int64
		Document Document
		Pictures []picture.Sum
	}{post.Author.ID, d, post.sums}) // it is all texts and numbers
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// squeeze is a text without blanks, in which programs differ.
func squeeze(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}
