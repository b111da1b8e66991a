package dynamic

import (
	"fmt"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/picture"
)

// Request is a request as it would be sent, without secrets. What only Bilibili
// can give out, such as a picture's link, is a word between < and >, or 0.
type Request struct {
	Method string            `json:"method"`
	URL    string            `json:"url"`
	Form   map[string]string `json:"form,omitempty"`
	Body   any               `json:"body,omitempty"`
}

const secret = "[secret]"

// Requests returns what Publish would send of a post that was opened. Nothing is
// asked: not who is signed in, nor for the number of a topic.
func (p *Publisher) Requests(post *Post) []Request {
	if p.Legacy {
		return []Request{oldTextCall(post.Document).request()}
	}
	var all []Request
	var m made
	for i, pic := range post.Files[:len(post.Pictures)] {
		all = append(all, p.upload(post, i))
		m.pictures = append(m.pictures, placeholder(i, pic))
	}
	m.vote, m.uploadID = "<vote>", fmt.Sprintf("<user>_%d_<4 digits>", time.Now().Unix())
	if post.Vote != nil && post.Vote.ID != "" {
		m.vote = post.Vote.ID
	}
	all = append(all, p.VoteRequests(post)...)
	return append(all, publishCall(post.Document, m).request())
}

// VoteRequests returns what makes the vote of a post that was opened.
func (p *Publisher) VoteRequests(post *Post) (all []Request) {
	if post.Vote == nil || post.Vote.ID != "" {
		return nil
	}
	var pictures []storedPicture
	for i := len(post.Pictures); i < len(post.Files); i++ {
		all = append(all, p.upload(post, i))
		pictures = append(pictures, placeholder(i, post.Files[i]))
	}
	c := voteCall(*post.Vote, 0, pictures)
	if p.Legacy {
		c = oldVoteCall(*post.Vote, pictures)
	}
	return append(all, c.request())
}

// placeholder stands for a picture that Bilibili does not have yet.
func placeholder(i int, pic picture.Picture) storedPicture {
	return storedPicture{URL: fmt.Sprintf("<picture %d>", i+1), Width: pic.Width, Height: pic.Height, KB: kilobytes(pic.Size())}
}

func (p *Publisher) upload(post *Post, file int) Request {
	pic := post.Files[file]
	form := map[string]string{"csrf": secret, "file_up": fmt.Sprintf("<%s, %s, %d bytes>", pic.Name, pic.Format.Type(), pic.Size())}
	form["category"], form["biz"] = p.host(post, file).For()
	return Request{Method: "POST", URL: account.API + "/x/dynamic/feed/draw/upload_bfs", Form: form}
}

// request returns the call as it would be sent.
func (c call) request() Request {
	r := Request{Method: "GET", URL: c.address, Body: c.body}
	query := c.query.Encode()
	if c.body != nil {
		r.Method = "POST"
		if query != "" {
			query += "&"
		}
		query += "csrf=" + secret
	}
	if query != "" {
		r.URL += "?" + query
	}
	if c.form != nil {
		r.Method, r.Form = "POST", map[string]string{}
		for name, values := range c.form {
			r.Form[name] = values[0]
		}
		for _, name := range c.csrf {
			r.Form[name] = secret
		}
	}
	return r
}
