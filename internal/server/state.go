package server

import (
	"cmp"
	"net/http"
	"os"

	"bilipaste/internal/app"
	"bilipaste/internal/fault"
	"bilipaste/internal/markup"
	"bilipaste/internal/resident"
	"bilipaste/internal/writing"
)

// state is the resident's State for the page.
type state struct {
	Version  string      `json:"version"`
	Language string      `json:"language"`
	Writing  bool        `json:"writing"`
	Uploads  int         `json:"uploads"`
	Waiting  int         `json:"waiting"`
	Failed   int         `json:"failed"`
	Problem  *fault.Told `json:"problem"`
	Host     string      `json:"host"`
	Bucket   string      `json:"bucket"`
	Markup   string      `json:"format"`
	Hosts    []hostState `json:"hosts"`
	Markups  []string    `json:"formats"`
	Account  struct {
		Name      string `json:"name"`
		Needed    bool   `json:"needed"`
		SignedOut bool   `json:"signed_out"`
		SigningIn bool   `json:"signing_in"`
	} `json:"account"`
	PutBack bool   `json:"put_back"`
	Backend string `json:"backend"`
	Newest  int64  `json:"newest"`
	Changed int    `json:"changed"`
	First   first  `json:"first"`
}

type hostState struct {
	Name    string   `json:"name"`
	Buckets []string `json:"buckets"`
}

// first are the steps of the first start.
type first struct {
	SignedIn bool `json:"signed_in"`
	Writing  bool `json:"writing"`
	Picture  bool `json:"picture"`
	Done     bool `json:"done"`
}

func (s *Server) state() state {
	now := s.r.State()
	c := now.Settings
	st := state{
		Version: s.options.Version, Language: now.Language.Tag(),
		Writing: now.Writing, Uploads: now.Uploads, Waiting: now.Waiting, Failed: now.Failed,
		Problem: fault.Tell(now.Language, cmp.Or(now.Bad, now.Lost, now.Err)),
		Host:    c.Host, Bucket: app.BucketOf(c), Markup: c.Markup.String(), Markups: markup.Names(),
		PutBack: now.PutBack, Backend: s.r.Backend(), Changed: now.Changes, First: s.first(now),
	}
	for _, name := range app.HostNames() {
		of := c
		of.Host = name
		st.Hosts = append(st.Hosts, hostState{name, list(app.Buckets(of))})
	}
	st.Account.Name, st.Account.Needed = now.Account, app.NeedsAccount(c)
	st.Account.SignedOut, st.Account.SigningIn = now.SignedOut, now.SigningIn
	if len(now.Recent) > 0 {
		st.Newest = now.Recent[0].Key
	}
	return st
}

// list is a list that JSON has as [] where it is empty.
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

func (s *Server) first(now resident.State) first {
	_, err := os.Lstat(s.mark("first-done"))
	return first{
		SignedIn: now.Account != "" || !app.NeedsAccount(now.Settings),
		Writing:  now.Writing,
		Picture:  len(now.Recent) > 0,
		Done:     err == nil,
	}
}

func (s *Server) getState(http.ResponseWriter, *http.Request) (any, error) { return s.state(), nil }

func (s *Server) texts(http.ResponseWriter, *http.Request) (any, error) {
	p := s.r.Language()
	return map[string]any{"language": p.Tag(), "texts": p.Room("page")}, nil
}

func (s *Server) setWriting(w http.ResponseWriter, r *http.Request) (any, error) {
	var asked struct {
		On bool `json:"on"`
	}
	if err := read(w, r, &asked); err != nil {
		return nil, err
	}
	return nil, s.r.SetWriting(asked.On)
}

func (s *Server) uploadNow(w http.ResponseWriter, r *http.Request) (any, error) {
	if err := read(w, r, &struct{}{}); err != nil {
		return nil, err
	}
	result, err := s.r.UploadNow(r.Context())
	if len(result.Pictures) == 0 && err != nil {
		return nil, err
	}
	return s.clip(result), nil
}

func (s *Server) putBack(w http.ResponseWriter, r *http.Request) (any, error) {
	var asked struct {
		Sum string `json:"sum"`
	}
	if err := read(w, r, &asked); err != nil {
		return nil, err
	}
	if asked.Sum == "" {
		return nil, s.r.PutBack(r.Context())
	}
	sum, err := parseSum(asked.Sum)
	if err != nil {
		return nil, err
	}
	return nil, s.r.PutPicture(r.Context(), sum)
}

func (s *Server) dismiss(w http.ResponseWriter, r *http.Request) (any, error) {
	if err := read(w, r, &struct{}{}); err != nil {
		return nil, err
	}
	s.r.Dismiss()
	return nil, nil
}

func (s *Server) finishFirst(w http.ResponseWriter, r *http.Request) (any, error) {
	if err := read(w, r, &struct{}{}); err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.mark("first-done"), nil, 0o600); err != nil {
		return nil, err
	}
	s.r.Refresh() // whoever looks at the page sees it
	return nil, nil
}

// clip is a clip that is done with, for the page.
type clip struct {
	Time     string        `json:"time"`
	Why      string        `json:"why,omitempty"`
	Reason   string        `json:"reason,omitempty"`
	Asked    int           `json:"asked,omitempty"`
	Pictures []clipPicture `json:"pictures"`
	Text     string        `json:"text,omitempty"`
	Pasted   bool          `json:"pasted"`
	Error    *fault.Told   `json:"error,omitempty"`
	Took     int64         `json:"took"`
}

type clipPicture struct {
	Name      string      `json:"name"`
	Format    string      `json:"format,omitempty"`
	Width     int         `json:"width,omitempty"`
	Height    int         `json:"height,omitempty"`
	Bytes     int         `json:"bytes,omitempty"`
	URL       string      `json:"url,omitempty"`
	Text      string      `json:"text,omitempty"`
	Thumbnail string      `json:"thumbnail,omitempty"`
	Waits     bool        `json:"waits,omitempty"`
	Error     *fault.Told `json:"error,omitempty"`
}

func (s *Server) clip(r writing.Result) clip {
	p := s.r.Language()
	c := clip{Time: stamp(), Why: string(r.Clip.Why), Asked: r.Asked, Pictures: []clipPicture{}, Text: r.Text, Took: r.Took.Milliseconds()}
	if c.Why != "" {
		c.Reason = p.Text("watcher.why." + c.Why)
	}
	c.Pasted = r.Text != "" && r.Pasted == nil
	c.Error = fault.Tell(p, r.Pasted)
	for _, one := range r.Pictures {
		shown := clipPicture{
			Name: one.Name, Format: string(one.Format), Width: one.Width, Height: one.Height, Bytes: one.Bytes,
			Waits: one.Waits, Error: fault.Tell(p, one.Err),
		}
		if one.Err == nil {
			shown.URL, shown.Text = one.Link.URL, s.written("", one.Name, one.Link)
		}
		if one.Original != "" {
			shown.Thumbnail = thumbnailOf(one.Format, sumOfFile(one.Original))
		}
		c.Pictures = append(c.Pictures, shown)
	}
	return c
}
