package dynamic

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/lang"
)

// Draft is a dynamic that Bilibili keeps to publish it at a time, by the calls
// that went before the scheduled post.
type Draft struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Text     string    `json:"text"`
	Pictures int       `json:"pictures"`
	Code     int       `json:"error,omitempty"` // why it could not be published at its time, 0: it still waits
	Said     string    `json:"error_message,omitempty"`
}

// Failure says why a draft could not be published at its time; nil where it
// still waits.
func (d Draft) Failure() error {
	if d.Code == 0 {
		return nil
	}
	message := "dynamic.code.draft"
	if codes[d.Code] != "" {
		message = codes[d.Code]
	}
	return lang.Errorf(message, lang.Data{"Code": d.Code, "Said": d.Said}, nil)
}

func draftCall(name string, form url.Values) call {
	c := call{address: oldAPI + "/dynamic_draft/v1/dynamic_draft/" + name}
	if form != nil {
		c.form, c.csrf = form, bothTokens
	}
	return c
}

// draftRequest is what a draft holds, as the calls that went before have it: of
// a text, content; of pictures, description and pictures.
type draftRequest struct {
	Category    int               `json:"category,omitempty"`
	Biz         int               `json:"biz,omitempty"`
	Type        int               `json:"type"`
	Pictures    []json.RawMessage `json:"pictures,omitempty"`
	Description string            `json:"description,omitempty"`
	Content     string            `json:"content"`
	From        string            `json:"from,omitempty"`
	AtUsers     string            `json:"at_uids"`
	AtControl   string            `json:"at_control,omitempty"`
	Control     string            `json:"ctrl,omitempty"`
	Extension   string            `json:"extension,omitempty"`
}

// Drafts lists the drafts of an account.
func Drafts(ctx context.Context, client *account.Client) ([]Draft, error) {
	var data struct {
		Drafts []struct {
			ID      id      `json:"draft_id"`
			At      seconds `json:"publish_time"`
			Request string
			Code    int    `json:"error_code"`
			Said    string `json:"error_msg"`
		}
	}
	if err := do(ctx, client, account.Ask, draftCall("get_drafts", nil), &data); err != nil {
		return nil, err
	}
	var all []Draft
	for _, d := range data.Drafts {
		var r draftRequest
		_ = json.Unmarshal([]byte(d.Request), &r) // of another shape, it is listed by its number alone
		text := r.Content
		if text == "" {
			text = r.Description
		}
		all = append(all, Draft{ID: string(d.ID), At: d.At.Time, Text: text, Pictures: len(r.Pictures), Code: d.Code, Said: client.Excerpt(d.Said)})
	}
	return all, nil
}

// The kinds of drafts.
const (
	draftText     = 2
	draftPictures = 4
)

// addDraftCall keeps a document as a draft.
func addDraftCall(d Document, pictures []storedPicture) call {
	text, users, controls := oldText(d)
	r := draftRequest{Type: 4, Content: text, AtUsers: users, Control: controls, Extension: oldExtension}
	kind := draftText
	if len(pictures) > 0 {
		kind = draftPictures
		r = draftRequest{Biz: 3, Category: 3, Description: text, Content: text, From: "create.dynamic.web", AtUsers: users, AtControl: controls}
		for _, p := range pictures {
			encoded, _ := json.Marshal(requestPicture{unsecured(p.URL), p.Width, p.Height, p.KB}) // numbers and a link
			r.Pictures = append(r.Pictures, encoded)
		}
	}
	request, _ := json.Marshal(r) // texts and numbers
	return draftCall("add_draft", url.Values{
		"type": {strconv.Itoa(kind)}, "publish_time": {digits(d.At.Unix())}, "request": {string(request)},
	})
}

// PublishDraft publishes a draft now, and returns the dynamic's number where
// Bilibili tells it. An error of kind Passing or BrokenAnswer leaves open
// whether it was published; it is not tried again.
func PublishDraft(ctx context.Context, client *account.Client, draft string) (string, error) {
	var data struct {
		Code   int `json:"create_ec"`
		Number id  `json:"dynamic_id"`
	}
	err := do(ctx, client, account.Publish, draftCall("publish_now", url.Values{"draft_id": {draft}}), &data)
	switch {
	case err != nil && !isRefusal(err):
		return "", lang.Errorf("dynamic.draft_open", lang.Data{"Cause": err}, err)
	case err != nil:
		return "", err
	case data.Code != 0: // although the answer itself is a success
		return "", Draft{Code: data.Code}.Failure()
	}
	return data.Number.or(""), nil
}

// DeleteDraft removes a draft.
func DeleteDraft(ctx context.Context, client *account.Client, draft string) error {
	return do(ctx, client, account.Upload, draftCall("rm_draft", url.Values{"draft_id": {draft}}), nil)
}
