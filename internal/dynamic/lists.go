package dynamic

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/lang"
)

// Published is a dynamic that is on Bilibili.
type Published struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Text     string    `json:"text"`
	Pictures int       `json:"pictures"`

	author string
}

// Link is the address of the dynamic with a number.
func Link(id string) string { return "https://t.bilibili.com/" + id }

// ParseID reads a dynamic's number, or its address.
func ParseID(text string) (string, error) {
	last := text
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		last = ""
		if strings.HasSuffix("."+u.Hostname(), ".bilibili.com") {
			path := strings.Trim(u.Path, "/")
			last = path[strings.LastIndex(path, "/")+1:] // after "opus" or "dynamic", or alone
		}
	}
	if !IsNumber(last) {
		return "", lang.Errorf("dynamic.no_id", lang.Data{"Text": text}, nil)
	}
	return last, nil
}

// Latest returns the latest dynamics of a user, the newest first: one page of
// them. Those that are not published yet, and those that Bilibili looks at
// first, are not among them.
func Latest(ctx context.Context, client *account.Client, user int64) ([]Published, error) {
	type words struct{ Text string }
	var data struct {
		Items []struct {
			ID      string `json:"id_str"`
			Modules struct {
				Author struct {
					Mid id
					At  seconds `json:"pub_ts"`
				} `json:"module_author"`
				Dynamic struct {
					Desc  *words
					Major struct {
						Draw struct{ Items []json.RawMessage }
						Opus struct {
							Summary words
							Pics    []json.RawMessage
						}
					}
				} `json:"module_dynamic"`
			}
		}
	}
	err := do(ctx, client, account.Ask, call{
		address: account.API + "/x/polymer/web-dynamic/v1/feed/space", query: url.Values{"host_mid": {digits(user)}},
	}, &data)
	if err != nil {
		return nil, err
	}
	var all []Published
	for _, item := range data.Items {
		m := item.Modules
		p := Published{ID: item.ID, At: m.Author.At.Time, author: string(m.Author.Mid)}
		p.Text = m.Dynamic.Major.Opus.Summary.Text
		if m.Dynamic.Desc != nil {
			p.Text = m.Dynamic.Desc.Text
		}
		p.Pictures = len(m.Dynamic.Major.Draw.Items) + len(m.Dynamic.Major.Opus.Pics)
		if IsNumber(p.ID) {
			all = append(all, p)
		}
	}
	return all, nil
}

// Delete removes a dynamic.
func Delete(ctx context.Context, client *account.Client, id string) error {
	return do(ctx, client, account.Upload, call{
		address: account.API + "/x/dynamic/feed/operate/remove", query: url.Values{"platform": {"web"}},
		body: map[string]string{"dyn_id_str": id},
	}, nil)
}

// FoundTopic is a topic that was found.
type FoundTopic struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Views    int64  `json:"view"`
	Discuss  int64  `json:"discuss"`
	Describe string `json:"description,omitempty"`
}

// Topics finds topics by words of their names.
func Topics(ctx context.Context, client *account.Client, words string) ([]FoundTopic, error) {
	var data struct {
		Items []FoundTopic `json:"topic_items"`
	}
	err := do(ctx, client, account.Ask, call{address: "https://app.bilibili.com/x/topic/pub/search", query: url.Values{
		"keywords": {words}, "content": {""}, "page_size": {"20"}, "page_num": {"1"}, "web_location": {"333.1365"},
	}}, &data)
	return data.Items, err
}

// FoundUser is a user that was found.
type FoundUser struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Fans int64  `json:"fans"`
}

// Users finds users by a part of their names, as for a mention.
func Users(ctx context.Context, client *account.Client, name string) ([]FoundUser, error) {
	var data struct {
		Groups []struct {
			Items []struct {
				UID  id
				Name string
				Fans int64
			}
		}
	}
	err := do(ctx, client, account.Ask, call{
		address: account.API + "/x/polymer/web-dynamic/v1/mention/search", query: url.Values{"keyword": {name}, "web_location": {"333.1365"}},
	}, &data)
	var all []FoundUser
	for _, group := range data.Groups {
		for _, u := range group.Items {
			all = append(all, FoundUser{ID: string(u.UID), Name: u.Name, Fans: u.Fans})
		}
	}
	return all, err
}

// emojis returns the words of the emoji that the account may use.
func emojis(ctx context.Context, client *account.Client) (map[string]bool, error) {
	var data struct {
		Packages []struct {
			Emote []struct{ Text string }
		}
	}
	err := do(ctx, client, account.Ask, call{
		address: account.API + "/x/emote/user/panel/web", query: url.Values{"business": {"dynamic"}},
	}, &data)
	words := map[string]bool{}
	for _, p := range data.Packages {
		for _, e := range p.Emote {
			words[e.Text] = true
		}
	}
	return words, err
}
