package server

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/lang"
	"bilipaste/internal/markup"
	"bilipaste/uploader"
)

// shown is a link of the history, for the page.
type shown struct {
	ID        int64      `json:"id"`
	Key       int64      `json:"key"`
	Sum       string     `json:"sum"`
	Name      string     `json:"name"`
	Format    string     `json:"format"`
	Width     int        `json:"width"`
	Height    int        `json:"height"`
	Bytes     int64      `json:"bytes"`
	URL       string     `json:"url"`
	Host      string     `json:"host"`
	Bucket    string     `json:"bucket"`
	Made      time.Time  `json:"made"`
	Used      time.Time  `json:"used"`
	Dead      *time.Time `json:"dead"`
	Differs   bool       `json:"differs"`
	Sent      held       `json:"sent"`
	Thumbnail string     `json:"thumbnail"`
	Original  string     `json:"original"`

	Links []shown           `json:"links,omitempty"`
	Texts map[string]string `json:"texts,omitempty"`
}

// held is what the host holds of a picture.
type held struct {
	Format string `json:"format"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Bytes  int64  `json:"bytes"`
}

func (s *Server) shown(e album.Entry) shown {
	link := s.r.Shown(e.Link)
	sum := e.Sum.String()
	one := shown{
		ID: e.ID, Key: e.Key, Sum: sum, Name: e.Picture.Name,
		Format: string(e.Picture.Format), Width: e.Picture.Width, Height: e.Picture.Height, Bytes: e.Bytes,
		URL: link.URL, Host: link.Host, Bucket: link.Bucket, Made: link.Made, Used: e.Used, Differs: link.Differs,
		Sent: held{string(link.Format), link.Width, link.Height, link.Bytes},
		Dead: orNil(e.Dead),
	}
	if e.Kept {
		one.Thumbnail, one.Original = thumbnailOf(e.Picture.Format, sum), originalOf(e.Picture.Format, sum)
	}
	return one
}

// orNil is a time, nil for the zero time.
func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// most is how many pictures, at most, are asked for at once.
const most = 1000

func (s *Server) listPictures(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := filter(r)
	if err != nil {
		return nil, err
	}
	for name, bound := range map[string]**int64{"before": &q.Before, "after": &q.After} {
		if r.URL.Query().Get(name) != "" {
			key, err := number(r, name, 0)
			if err != nil {
				return nil, err
			}
			*bound = &key
		}
	}
	limit, err := number(r, "limit", 200)
	if err != nil {
		return nil, err
	}
	limit = min(max(limit, 1), most)
	q.Limit = int(limit) + 1
	entries, err := s.r.Album().History(r.Context(), q)
	if err != nil {
		return nil, err
	}
	more := len(entries) > int(limit)
	if more {
		entries = entries[:limit]
	}
	all := make([]shown, len(entries))
	for i, e := range entries {
		all[i] = s.shown(e)
	}
	return map[string]any{"pictures": all, "more": more}, nil
}

func (s *Server) listMonths(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := filter(r)
	if err != nil {
		return nil, err
	}
	found, err := s.r.Album().Months(r.Context(), q)
	if err != nil {
		return nil, err
	}
	type month struct {
		Month string `json:"month"`
		Count int    `json:"count"`
		Key   int64  `json:"key"`
	}
	all, total := make([]month, len(found)), 0
	for i, m := range found {
		all[i] = month(m)
		total += m.Count
	}
	return map[string]any{"months": all, "total": total}, nil
}

// filter is the query that a request's FILTER means.
func filter(r *http.Request) (q album.Query, err error) {
	values := r.URL.Query()
	q.Words = strings.Fields(values.Get("q"))
	q.Host, q.Bucket, q.Life = values.Get("host"), values.Get("bucket"), album.Life(values.Get("state"))
	if q.Life != album.Any && q.Life != album.Alive && q.Life != album.Dead {
		return q, badParameter("state")
	}
	for name, day := range map[string]*time.Time{"since": &q.Since, "until": &q.Until} {
		if text := values.Get(name); text != "" {
			if *day, err = time.ParseInLocation(time.DateOnly, text, time.Local); err != nil {
				return q, badParameter(name)
			}
		}
	}
	return q, nil
}

func number(r *http.Request, name string, otherwise int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, badParameter(name)
	}
	return n, nil
}

func badParameter(name string) error {
	return bad(lang.Errorf("server.parameter", lang.Data{"Name": name}, nil))
}

func (s *Server) onePicture(_ http.ResponseWriter, r *http.Request) (any, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, notFound()
	}
	entries, err := s.entries(r, []int64{id})
	if err != nil {
		return nil, statusError{http.StatusNotFound, err}
	}
	e := entries[0]
	one := s.shown(e)
	others, err := s.r.Album().History(r.Context(), album.Query{Sum: &e.Sum})
	if err != nil {
		return nil, err
	}
	for _, other := range others {
		one.Links = append(one.Links, s.shown(other))
	}
	one.Texts = map[string]string{"mine": s.written("", e.Picture.Name, e.Link)}
	for _, name := range markup.Names() {
		one.Texts[name] = s.written(name, e.Picture.Name, e.Link)
	}
	return one, nil
}

// entries returns the links with these ids, in that order. The error is that
// one is not there.
func (s *Server) entries(r *http.Request, ids []int64) ([]album.Entry, error) {
	if len(ids) == 0 || len(ids) > most {
		return nil, badParameter("ids")
	}
	found, err := s.r.Album().History(r.Context(), album.Query{IDs: ids})
	if err != nil {
		return nil, err
	}
	by := map[int64]album.Entry{}
	for _, e := range found {
		by[e.ID] = e
	}
	entries := make([]album.Entry, len(ids))
	for i, id := range ids {
		e, ok := by[id]
		if !ok {
			return nil, lang.Errorf("album.no_entry", lang.Data{"ID": id}, nil)
		}
		entries[i] = e
	}
	return entries, nil
}

// written is a link as text, in a markup; "" is the user's.
func (s *Server) written(how, name string, link uploader.Link) string {
	as, err := markup.Parse(how)
	if err != nil {
		as = s.r.State().Settings.Markup
	}
	link = s.r.Shown(link)
	return as.Write(markup.Picture{URL: link.URL, Name: name, Width: link.Width, Height: link.Height})
}

// chosen is a request about pictures or pending uploads.
type chosen struct {
	IDs    []int64 `json:"ids"`
	Markup string  `json:"format"`
}

func (s *Server) copyLinks(w http.ResponseWriter, r *http.Request) (any, error) {
	var asked chosen
	if err := read(w, r, &asked); err != nil {
		return nil, err
	}
	if asked.Markup != "" {
		if _, err := markup.Parse(asked.Markup); err != nil {
			return nil, bad(err)
		}
	}
	entries, err := s.entries(r, asked.IDs)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, e := range entries {
		lines = append(lines, s.written(asked.Markup, e.Picture.Name, e.Link))
	}
	text := strings.Join(lines, "\n")
	answer := map[string]string{"text": text}
	if s.r.Backend() == "" { // the browser may have one
		return answer, nil
	}
	return answer, s.r.Copy(r.Context(), text)
}

func (s *Server) forget(w http.ResponseWriter, r *http.Request) (any, error) {
	var asked chosen
	if err := read(w, r, &asked); err != nil {
		return nil, err
	}
	entries, err := s.entries(r, asked.IDs)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		err = cmp.Or(err, s.r.Album().Forget(r.Context(), e.ID))
	}
	return nil, err
}

func (s *Server) listPending(_ http.ResponseWriter, r *http.Request) (any, error) {
	type pending struct {
		ID        int64      `json:"id"`
		Sum       string     `json:"sum"`
		Name      string     `json:"name"`
		Format    string     `json:"format"`
		Width     int        `json:"width"`
		Height    int        `json:"height"`
		Bytes     int64      `json:"bytes"`
		Host      string     `json:"host"`
		Bucket    string     `json:"bucket"`
		Since     time.Time  `json:"since"`
		Sending   bool       `json:"sending"`
		Tries     int        `json:"tries"`
		Why       string     `json:"why"`
		Again     *time.Time `json:"again"`
		Failed    bool       `json:"failed"`
		Thumbnail string     `json:"thumbnail"`
		Original  string     `json:"original"`
	}
	entries, err := s.r.Album().Pending(r.Context())
	if err != nil {
		return nil, err
	}
	all := []pending{}
	for _, e := range entries {
		sum := e.Sum.String()
		all = append(all, pending{
			ID: e.ID, Sum: sum, Name: e.Picture.Name, Format: string(e.Picture.Format), Width: e.Picture.Width, Height: e.Picture.Height,
			Bytes: e.Bytes, Host: e.To.Host, Bucket: e.To.Bucket, Since: e.Since, Sending: e.Taken, Tries: e.Tries, Why: e.Why,
			Again: orNil(e.Again), Failed: e.Failed,
			Thumbnail: thumbnailOf(e.Picture.Format, sum), Original: originalOf(e.Picture.Format, sum),
		})
	}
	return map[string]any{"pending": all}, nil
}

func (s *Server) retry(w http.ResponseWriter, r *http.Request) (any, error) {
	if err := read(w, r, &struct{}{}); err != nil {
		return nil, err
	}
	s.r.Retry()
	return nil, nil
}

func (s *Server) drop(w http.ResponseWriter, r *http.Request) (any, error) {
	var asked chosen
	if err := read(w, r, &asked); err != nil {
		return nil, err
	}
	if len(asked.IDs) == 0 {
		return nil, badParameter("ids")
	}
	return nil, s.r.Drop(r.Context(), asked.IDs...)
}

func (s *Server) stop(w http.ResponseWriter, r *http.Request) (any, error) {
	if err := read(w, r, &struct{}{}); err != nil {
		return nil, err
	}
	return nil, s.r.StopUploading(r.Context())
}
