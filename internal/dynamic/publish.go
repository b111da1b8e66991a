package dynamic

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/album"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
	"bilipaste/uploader/bilibili"
)

// ErrPublished is among the causes where a document was published before, or
// may have been, and nothing was sent.
var ErrPublished = errors.New("it was published before, or may have been")

// Result is what was published.
type Result struct {
	ID   string `json:"id"`
	URL  string `json:"url"`
	Vote string `json:"vote,omitempty"` // its number
}

func (post *Post) result() Result {
	return Result{ID: post.entry.Number, URL: Link(post.entry.Number), Vote: post.entry.Vote}
}

// Publish sends the pictures, makes the vote and publishes a post that Look has
// seen. What an earlier attempt has sent and made is used. Without again,
// nothing is sent of a post that was published, or may have been. Publishing is
// asked for once: where the answer does not say whether it was done, Publish
// looks, and else the error says so.
func (p *Publisher) Publish(ctx context.Context, post *Post, again bool) (Result, error) {
	if post.Earlier.State >= Uncertain && !again {
		return Result{}, post.Earlier.err()
	}
	if post.entry.ID == 0 {
		if err := p.Album.SaveDynamic(ctx, &post.entry); err != nil {
			return Result{}, err
		}
	}
	c := oldTextCall(post.Document)
	if !p.Legacy {
		pictures, err := p.send(ctx, post, 0, len(post.Pictures))
		if err == nil {
			err = p.makeVote(ctx, post)
		}
		if err != nil {
			return Result{}, err
		}
		c = publishCall(post.Document, made{
			uploadID: newUploadID(post.Author.ID, time.Now()), pictures: pictures, vote: post.entry.Vote,
		})
	}
	return p.publish(ctx, post, c)
}

// err is the error of a document that must not be published again by itself.
func (e Earlier) err() error {
	data := lang.Data{"At": e.At.Local().Format("2006-01-02 15:04:05"), "Link": Link(e.ID)}
	switch {
	case e.State == Done:
		return lang.Errorf("dynamic.done", data, ErrPublished)
	case e.Due:
		return lang.Errorf("dynamic.uncertain_due", data, ErrPublished)
	}
	return lang.Errorf("dynamic.uncertain", data, ErrPublished)
}

// publish makes the one call that publishes. From the moment at which it is sent
// until Bilibili refuses, the journal says that it was asked for.
func (p *Publisher) publish(ctx context.Context, post *Post, c call) (Result, error) {
	entry := &post.entry
	before := entry.Asked
	build, sent := c.build(), false
	answer, err := p.Client.Do(ctx, account.Publish, func(ctx context.Context, csrf string) (*http.Request, error) {
		req, err := build(ctx, csrf)
		if err == nil {
			entry.Asked = time.Now()
			err = p.Album.SaveDynamic(ctx, entry)
		}
		sent = sent || err == nil
		return req, err
	})
	var data struct {
		ID     id `json:"dyn_id_str"`
		Number id `json:"dyn_id"`
		Old    id `json:"dynamic_id_str"`
		OldID  id `json:"dynamic_id"`
	}
	if err == nil {
		err = read(answer, &data)
	}
	if err == nil {
		if entry.Number = data.ID.or(id(data.Number.or(id(data.Old.or(data.OldID))))); entry.Number == "" {
			err = &fault.Error{Kind: fault.BrokenAnswer, Host: account.Service}
		}
	}
	after := context.WithoutCancel(ctx) // what has happened is written down
	switch {
	case err == nil:
		return post.result(), p.Album.SaveDynamic(after, entry)
	case !sent:
		entry.Asked = before
		return Result{}, c.explain(err)
	case isRefusal(err):
		entry.Asked = before // of an earlier attempt nothing more is known
		return Result{}, errors.Join(c.explain(err), p.Album.SaveDynamic(after, entry))
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	}
	if post.At.IsZero() {
		all, trouble := p.Album.Dynamics(ctx, entry.Author)
		if trouble == nil {
			trouble = p.find(ctx, all, []*album.Dynamic{entry})
		}
		if trouble == nil && entry.Number != "" {
			return post.result(), nil
		}
	}
	return Result{}, lang.Errorf("dynamic.open", lang.Data{"Cause": err}, err)
}

// makeVote makes the vote of a post, unless it exists.
func (p *Publisher) makeVote(ctx context.Context, post *Post) error {
	if post.Vote == nil || post.entry.Vote != "" {
		return nil
	}
	pictures, err := p.send(ctx, post, len(post.Pictures), len(post.Files))
	if err != nil {
		return err
	}
	if post.entry.Vote, err = p.createVote(ctx, post, pictures); err != nil {
		return err
	}
	return p.Album.SaveDynamic(context.WithoutCancel(ctx), &post.entry)
}

func (p *Publisher) createVote(ctx context.Context, post *Post, pictures []storedPicture) (string, error) {
	c := voteCall(*post.Vote, post.Author.ID, pictures)
	if p.Legacy {
		c = oldVoteCall(*post.Vote, pictures)
	}
	var data struct {
		ID id `json:"vote_id"`
	}
	if err := do(ctx, p.Client, account.Upload, c, &data); err != nil {
		return "", err
	}
	if !IsNumber(string(data.ID)) {
		return "", &fault.Error{Kind: fault.BrokenAnswer, Host: account.Service}
	}
	return string(data.ID), nil
}

// MakeVote makes a vote that OpenVote has opened, and returns its number.
func (p *Publisher) MakeVote(ctx context.Context, post *Post) (string, error) {
	user, err := p.Client.User(ctx)
	if err != nil {
		return "", err
	}
	post.Author = user
	pictures, err := p.send(ctx, post, 0, len(post.Files))
	if err != nil {
		return "", err
	}
	return p.createVote(ctx, post, pictures)
}

// AddDraft keeps a post that Look has seen as a draft, which Bilibili publishes
// at its time, and returns the draft's number: that of the same draft if it is
// there already.
func (p *Publisher) AddDraft(ctx context.Context, post *Post) (string, error) {
	if post.At.IsZero() || post.Vote != nil || post.Topic != (Topic{}) || post.Title != "" || post.Comments != Open || post.Private {
		return "", lang.Errorf("dynamic.draft_only", nil, nil)
	}
	there, err := Drafts(ctx, p.Client)
	if err != nil {
		return "", err
	}
	for _, d := range there { // an earlier attempt may have got no answer
		if d.At.Equal(post.At.Truncate(time.Second)) && d.Pictures == len(post.Pictures) && squeeze(d.Text) == squeeze(post.Text()) {
			return d.ID, nil
		}
	}
	pictures, err := p.send(ctx, post, 0, len(post.Pictures))
	if err != nil {
		return "", err
	}
	var data struct {
		ID id `json:"draft_id"`
	}
	err = do(ctx, p.Client, account.Publish, addDraftCall(post.Document, pictures), &data)
	switch {
	case err != nil && !isRefusal(err):
		return "", lang.Errorf("dynamic.draft_open", lang.Data{"Cause": err}, err)
	case err != nil:
		return "", err
	case !IsNumber(string(data.ID)):
		return "", &fault.Error{Kind: fault.BrokenAnswer, Host: account.Service}
	}
	return string(data.ID), nil
}

// send sends a post's files, from one number up to another, unless Bilibili has
// them.
func (p *Publisher) send(ctx context.Context, post *Post, from, to int) ([]storedPicture, error) {
	have := stored(post.entry)
	var all []storedPicture
	for i := from; i < to; i++ {
		host := p.host(post, i)
		key := post.sums[i].String()
		if host == p.Choices {
			key += " vote" // it is stored apart
		}
		if there, ok := have[key]; ok {
			all = append(all, there)
			continue
		}
		there, err := upload(ctx, host, post.Files[i])
		if err != nil {
			return nil, err
		}
		all = append(all, there)
		have[key] = there
		text, err := json.Marshal(have)
		if err != nil {
			return nil, err
		}
		if post.entry.Pictures = string(text); post.entry.ID == 0 {
			continue // it is in no journal
		}
		if err := p.Album.SaveDynamic(context.WithoutCancel(ctx), &post.entry); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// upload sends a picture that is ready.
func upload(ctx context.Context, host *bilibili.Draw, pic picture.Picture) (storedPicture, error) {
	sender := uploader.Uploader{Host: host, Prepare: uploader.Prepare{KeepMetadata: true}}
	link, err := sender.Upload(ctx, pic)
	return storedPicture{URL: link.URL, Width: link.Width, Height: link.Height, KB: kilobytes(link.Bytes), Sent: time.Now()}, err
}

// kilobytes is a size as Bilibili tells it: with three digits of a fraction.
func kilobytes(bytes int64) float64 { return math.Round(float64(bytes)/1024*1000) / 1000 }
