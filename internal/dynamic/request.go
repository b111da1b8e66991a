package dynamic

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"time"

	"bilipaste/internal/account"
)

// storedPicture is a picture as Bilibili has it.
type storedPicture struct {
	URL    string    `json:"url"`
	Width  int       `json:"width"` // these two in pixels
	Height int       `json:"height"`
	KB     float64   `json:"kb"`
	Sent   time.Time `json:"sent"`
}

// made is what a post refers to and Bilibili has given out.
type made struct {
	uploadID string
	pictures []storedPicture
	vote     string
}

// component is a part of a post's text in a request.
type component struct {
	RawText string `json:"raw_text"`
	Type    Kind   `json:"type"`
	BizID   string `json:"biz_id"`
}

type requestPicture struct {
	Source string  `json:"img_src"`
	Width  int     `json:"img_width"`
	Height int     `json:"img_height"`
	Size   float64 `json:"img_size"` // kB
}

type requestTopic struct {
	Source string `json:"from_source"`
	From   int64  `json:"from_topic_id"`
	ID     int64  `json:"id"`
	Name   string `json:"name,omitempty"`
}

type requestOption struct {
	Curated int   `json:"up_choose_comment,omitempty"`
	Closed  int   `json:"close_comment,omitempty"`
	At      int64 `json:"timer_pub_time,omitempty"` // s
	Private int   `json:"private_pub,omitempty"`
}

type postContent struct {
	Contents []component `json:"contents"`
	Title    string      `json:"title,omitempty"`
}

type appMeta struct {
	From    string `json:"from"`
	MobiApp string `json:"mobi_app"`
}

type dynRequest struct {
	Content  postContent      `json:"content"`
	Scene    int              `json:"scene"`
	Pictures []requestPicture `json:"pics,omitempty"`
	Topic    *requestTopic    `json:"topic,omitempty"`
	Option   *requestOption   `json:"option,omitempty"`
	Meta     struct {
		App appMeta `json:"app_meta"`
	} `json:"meta"`
	UploadID string `json:"upload_id"`
	Card     any    `json:"attach_card"`
}

// The scenes of a post.
const (
	sceneText     = 1
	scenePictures = 2
)

// call is one call as it is made, and as a dry run shows it.
type call struct {
	address string
	query   url.Values
	form    url.Values
	csrf    []string // the form's fields of the token
	body    any      // in JSON
}

// build returns the call as the account makes it.
func (c call) build() account.Build {
	switch {
	case c.form != nil:
		return account.Form(c.address, c.form, c.csrf...)
	case c.body != nil:
		return account.JSON(c.address, c.query, c.body)
	}
	return account.Get(c.address, c.query)
}

// publishCall publishes a document.
func publishCall(d Document, m made) call {
	r := dynRequest{Scene: sceneText, UploadID: m.uploadID}
	r.Content.Title = d.Title
	r.Content.Contents = components(d, m.vote)
	r.Meta.App = appMeta{From: "create.dynamic.web", MobiApp: "web"}
	for _, p := range m.pictures {
		r.Scene = scenePictures
		r.Pictures = append(r.Pictures, requestPicture{unsecured(p.URL), p.Width, p.Height, p.KB})
	}
	if d.Topic != (Topic{}) {
		r.Topic = &requestTopic{Source: "dyn.web.list", ID: d.Topic.ID, Name: d.Topic.Name}
	}
	var o requestOption
	switch d.Comments {
	case Curated:
		o.Curated = 1
	case Closed:
		o.Closed = 1
	}
	if !d.At.IsZero() {
		o.At = d.At.Unix()
	}
	if d.Private {
		o.Private = 1
	}
	if o != (requestOption{}) {
		r.Option = &o
	}
	return call{
		address: account.API + "/x/dynamic/feed/create/dyn", query: url.Values{"platform": {"web"}},
		body: map[string]any{"dyn_req": r},
	}
}

// unsecured is a picture's link as Bilibili gives it out.
func unsecured(link string) string { return strings.Replace(link, "https://", "http://", 1) }

func digits(n int64) string { return strconv.FormatInt(n, 10) }

// components are the parts of a text in a request. After a mention there is a
// blank, as Bilibili's own programs put one.
func components(d Document, vote string) []component {
	all := []component{}
	for i, p := range d.Parts {
		c := component{RawText: p.Text, Type: p.Kind}
		switch p.Kind {
		case Mention:
			c.BizID = p.ID
		case VotePart:
			c.BizID = vote
		}
		all = append(all, c)
		if p.Kind == Mention && (i == len(d.Parts)-1 || d.Parts[i+1].Kind != Text) {
			all = append(all, component{RawText: " ", Type: Text})
		} else if p.Kind == Mention && !strings.ContainsAny(d.Parts[i+1].Text[:1], " \n") {
			d.Parts = append([]Part{}, d.Parts...)
			d.Parts[i+1].Text = " " + d.Parts[i+1].Text
		}
	}
	return all
}

// newUploadID is the number of an attempt to publish, as Bilibili's page makes it.
func newUploadID(author int64, now time.Time) string {
	return fmt.Sprintf("%d_%d_%d", author, now.Unix(), 1000+rand.IntN(9000))
}

type requestChoice struct {
	Text    string `json:"opt_desc"`
	Picture string `json:"img_url"`
}

type voteInfo struct {
	Title     string          `json:"title"`
	Desc      string          `json:"desc"`
	Type      int             `json:"type"` // 0: text, 1: with pictures
	Max       int             `json:"choice_cnt"`
	Seconds   int64           `json:"duration"`
	Options   []requestChoice `json:"options"`
	FansLevel int             `json:"only_fans_level"`
	Author    int64           `json:"vote_publisher"`
}

// voteCall makes a vote, whose options have the pictures, if any.
func voteCall(v Vote, author int64, pictures []storedPicture) call {
	info := voteInfo{Title: v.Title, Desc: v.Desc, Max: v.Max, Seconds: int64(v.For / time.Second), Author: author}
	for i, o := range v.Options {
		choice := requestChoice{Text: o.Text}
		if i < len(pictures) {
			info.Type, choice.Picture = 1, unsecured(pictures[i].URL)
		}
		info.Options = append(info.Options, choice)
	}
	return call{address: account.API + "/x/vote/create", body: map[string]any{"vote_info": info}}
}

const oldAPI = "https://api.vc.bilibili.com"

// oldVoteCall makes a vote by the call that went before.
func oldVoteCall(v Vote, pictures []storedPicture) call {
	form := url.Values{
		"info[title]": {v.Title}, "info[desc]": {v.Desc}, "info[type]": {"0"},
		"info[choice_cnt]": {strconv.Itoa(v.Max)}, "info[duration]": {digits(int64(v.For / time.Second))},
	}
	for i, o := range v.Options {
		name := fmt.Sprintf("info[options][%d]", i)
		form.Set(name+"[desc]", o.Text)
		form.Set(name+"[img_url]", "")
		if i < len(pictures) {
			form.Set("info[type]", "1")
			form.Set(name+"[img_url]", unsecured(pictures[i].URL))
		}
	}
	return call{address: oldAPI + "/vote_svr/v1/vote_svr/create_vote", form: form, csrf: bothTokens}
}

var bothTokens = []string{"csrf", "csrf_token"}

// control is a piece of an old text that is more than text.
type control struct {
	Location int    `json:"location"` // these two in UTF-16 units
	Length   int    `json:"length"`
	Type     int    `json:"type"` // 1: a mention
	Data     string `json:"data"` // the user
}

// oldText returns a text as the calls that went before have it: with the
// mentioned users, and where they stand. A mention has its blank.
func oldText(d Document) (text, users, controls string) {
	var b strings.Builder
	all := []control{}
	var ids []string
	for _, c := range components(d, "") {
		at := Length(b.String())
		b.WriteString(c.RawText)
		if c.Type == Mention {
			all = append(all, control{Location: at, Length: Length(c.RawText) + 1, Type: 1, Data: c.BizID})
			ids = append(ids, c.BizID)
		}
	}
	encoded, _ := json.Marshal(all) // numbers and digits
	return b.String(), strings.Join(ids, ","), string(encoded)
}

// oldExtension is what the page of that time sent.
const oldExtension = `{"emoji_type":1,"from":{"emoji_type":1},"flag_cfg":{}}`

// oldTextCall publishes a text by the call that went before.
func oldTextCall(d Document) call {
	text, users, controls := oldText(d)
	form := url.Values{
		"dynamic_id": {"0"}, "type": {"4"}, "rid": {"0"}, "content": {text},
		"up_choose_comment": {"0"}, "up_close_comment": {"0"},
		"extension": {oldExtension}, "at_uids": {users}, "ctrl": {controls},
	}
	switch d.Comments {
	case Curated:
		form.Set("up_choose_comment", "1")
	case Closed:
		form.Set("up_close_comment", "1")
	}
	return call{address: oldAPI + "/dynamic_svr/v1/dynamic_svr/create", form: form, csrf: bothTokens}
}
