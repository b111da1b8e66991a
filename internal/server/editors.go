package server

import (
	"bytes"
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"mime"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/queue"
)

// What editors ask of PicGo and PicList. Where the two differ, the answer is the
// one that no editor trips over: failures are HTTP 200 with "success": false
// and both "message" and "msg", since Obsidian shows no more than the status of
// any other; a list has as many links as pictures, in their order, or none.

// outcome is what an editor is answered.
type outcome struct {
	Success bool     `json:"success"`
	Result  []string `json:"result"` // links
	Full    []item   `json:"fullResult,omitempty"`
	Items   []item   `json:"items,omitempty"` // the same, as newer PicGos call it
	Message string   `json:"message,omitempty"`
	Msg     string   `json:"msg,omitempty"`
}

// item is one picture. Editors find it again by imgUrl.
type item struct {
	URL         string `json:"imgUrl"`
	FileName    string `json:"fileName"`
	ExtName     string `json:"extname"`
	Width       int    `json:"width"`
	Height      int    `json:"height"` // pixels
	Size        int64  `json:"size"`   // bytes
	ContentType string `json:"contentType"`
	Type        string `json:"type"` // the host
	ID          string `json:"id"`
}

// failure is the outcome of what cannot be done.
func failure(message string) outcome {
	return outcome{Result: []string{}, Message: message, Msg: message}
}

// isEditorPath tells whether a path is one that editors ask for.
func isEditorPath(path string) bool {
	switch strings.TrimSuffix(path, "/") {
	case "/upload", "/heartbeat", "/delete":
		return true
	}
	return false
}

// editorRoutes serves PicGo's paths.
func (s *Server) editorRoutes(mux *http.ServeMux) {
	mux.HandleFunc("/heartbeat", func(w http.ResponseWriter, _ *http.Request) {
		s.reply(w, http.StatusOK, map[string]any{"success": true, "result": "alive"})
	})
	preflight := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) } // the guard has said what is allowed
	for path, does := range map[string]http.HandlerFunc{"/upload": s.editorUpload, "/upload/{$}": s.editorUpload, "/delete": s.editorForget, "/delete/{$}": s.editorForget} {
		mux.HandleFunc("POST "+path, s.keyed(does))
		mux.HandleFunc("OPTIONS "+path, preflight)
	}
}

// keyed asks for the key of the settings, wherever one of the editors puts it.
func (s *Server) keyed(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key := s.r.State().Settings.ServerKey.Reveal()
		if key == "" {
			next(w, r)
			return
		}
		query := r.URL.Query()
		bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		for _, given := range []string{query.Get("key"), query.Get("secret"), bearer, r.Header.Get("X-PicGo-Secret")} {
			if subtle.ConstantTimeCompare([]byte(given), []byte(key)) == 1 {
				next(w, r)
				return
			}
		}
		s.reply(w, http.StatusUnauthorized, failure("Unauthorized"))
	}
}

// editorUpload uploads what the body names or holds, else what is on the
// clipboard, which stays as it is. All of it is read before anything is sent, and
// so before the answer: some editors then delete their files.
func (s *Server) editorUpload(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	query := r.URL.Query()
	to, err := s.r.Destination(cmp.Or(query.Get("picbed"), query.Get("uploader")), query.Get("bucket"))
	var pictures []given
	if err == nil {
		pictures, err = s.given(r)
	}
	var outcomes []queue.Outcome
	if err == nil {
		outcomes, err = s.r.Upload(r.Context(), each(pictures), to)
	}
	for _, out := range outcomes {
		err = cmp.Or(err, out.Err)
	}
	if err != nil {
		s.refuseEditor(w, err)
		return
	}
	a := outcome{Success: true, Result: []string{}}
	for i, out := range outcomes {
		a.add(item{
			URL: out.Link.URL, FileName: pictures[i].Name, Width: out.Link.Width, Height: out.Link.Height, Size: out.Link.Bytes, Type: out.Link.Host,
		}, out.Link.Format)
	}
	s.reply(w, http.StatusOK, a)
}

// add adds a picture to the answer.
func (o *outcome) add(i item, f picture.Format) {
	i.ID, i.ExtName, i.ContentType = i.URL, f.Ext(), f.Type()
	if i.FileName == "" {
		i.FileName = "picture" + f.Ext()
	}
	o.Result = append(o.Result, i.URL)
	o.Full = append(o.Full, i)
	o.Items = o.Full
}

// given is a picture that a request names or holds. Without data it is read once
// more from its file: what editors name may be more than there is memory for.
type given struct {
	picture.Picture
	file string
}

const (
	maxUpload = 64 << 20 // bytes of a request with pictures
	maxList   = 1 << 20  // bytes of a list of files
	maxFiles  = 1000     // of a list
	maxHeld   = 64 << 20 // bytes of a list's pictures that are held until all are read
)

// each yields pictures with their data.
func each(all []given) iter.Seq2[picture.Picture, error] {
	return func(yield func(picture.Picture, error) bool) {
		for _, g := range all {
			var err error
			if g.Data == nil {
				g.Picture, err = regular(g.file)
			}
			if !yield(g.Picture, err) {
				return
			}
		}
	}
}

// given returns the pictures that a request names or holds, or those of the
// clipboard. What the body is shows in the body itself: some send JSON as text.
func (s *Server) given(r *http.Request) ([]given, error) {
	if kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "multipart/form-data" {
		pictures, err := parts(multipart.NewReader(r.Body, parameters["boundary"]), parameters["boundary"])
		if err != nil || len(pictures) > 0 {
			return pictures, err
		}
		return s.onClipboard(r.Context())
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxList+1))
	if err != nil {
		return nil, lang.Errorf("server.unread", lang.Data{"Cause": err}, err)
	}
	text := bytes.TrimSpace(body)
	if len(text) == 0 && len(body) <= maxList {
		return s.onClipboard(r.Context())
	}
	var asked struct{ List []string }
	if len(body) > maxList || text[0] != '{' || json.Unmarshal(text, &asked) != nil || len(asked.List) > maxFiles || slices.Contains(asked.List, "") {
		return nil, lang.Errorf("server.not_json", nil, nil)
	}
	if len(asked.List) == 0 {
		return s.onClipboard(r.Context())
	}
	return s.listed(r.Context(), asked.List)
}

// listed returns the pictures that a list names. The error is that of the first
// that is none.
func (s *Server) listed(ctx context.Context, list []string) ([]given, error) {
	var pictures []given
	held := 0
	for _, name := range list {
		p, file, err := s.named(ctx, name)
		if err != nil {
			return nil, err
		}
		size := len(p.Data)
		switch {
		case held+size <= maxHeld:
			held += size
		case file == "":
			return nil, &fault.Error{Kind: fault.TooLarge, Name: p.Name, Size: int64(held + size), Limit: maxHeld}
		default:
			p.Data = nil
		}
		pictures = append(pictures, given{p, file})
	}
	return pictures, nil
}

// onClipboard returns the pictures of the clipboard.
func (s *Server) onClipboard(ctx context.Context) ([]given, error) {
	var pictures []given
	for p, err := range s.r.Clipboard(ctx) {
		if err != nil {
			return nil, err
		}
		pictures = append(pictures, given{Picture: p})
	}
	return pictures, nil
}

// parts reads the pictures of a form, whatever its fields are called.
func parts(form *multipart.Reader, boundary string) ([]given, error) {
	if boundary == "" {
		return nil, lang.Errorf("server.bad_form", nil, nil)
	}
	var pictures []given
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return pictures, nil
		}
		if err != nil {
			return nil, lang.Errorf("server.bad_form", nil, err)
		}
		if _, isFile := parameter(part, "filename"); !isFile {
			continue // a field of text
		}
		name := filepath.Base(filepath.ToSlash(part.FileName()))
		if name == "." || name == "/" {
			name = ""
		}
		p, err := picture.Read(name, part, -1)
		if err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = lang.Errorf("server.bad_form", nil, err)
			}
			return nil, err
		}
		pictures = append(pictures, given{Picture: p})
	}
}

// parameter returns a parameter of a part's disposition, and whether it is there.
func parameter(part *multipart.Part, name string) (string, bool) {
	_, parameters, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	value, ok := parameters[name]
	return value, ok && err == nil
}

// editorForget answers PicGo's request to delete pictures: nobody can delete what was
// uploaded, but the history can forget the links.
func (s *Server) editorForget(w http.ResponseWriter, r *http.Request) {
	var asked struct{ List []json.RawMessage }
	body, err := io.ReadAll(io.LimitReader(r.Body, maxList))
	if err != nil || json.Unmarshal(body, &asked) != nil {
		s.refuseEditor(w, lang.Errorf("server.not_json", nil, err))
		return
	}
	var links []string
	for _, raw := range asked.List {
		var one item
		var link string
		if json.Unmarshal(raw, &one) == nil && one.URL != "" {
			link = one.URL
		} else if json.Unmarshal(raw, &link) != nil {
			continue
		}
		links = append(links, link)
	}
	n, err := s.r.Forget(r.Context(), links)
	if err != nil {
		s.refuseEditor(w, err)
		return
	}
	said := s.r.Language().Text("server.forgotten", lang.Data{"Count": n})
	s.reply(w, http.StatusOK, outcome{Success: n > 0, Result: []string{}, Message: said, Msg: said})
}

// refuseEditor tells an editor why it has no link.
func (s *Server) refuseEditor(w http.ResponseWriter, err error) {
	t := fault.Tell(s.r.Language(), err)
	said := t.Message
	if t.Hint != "" {
		said += " (" + t.Hint + ")"
	}
	s.reply(w, http.StatusOK, failure(said))
}

// named reads the picture that a list names: one on the web, or a file by its
// whole path or its file: address, and then it returns the path.
func (s *Server) named(ctx context.Context, name string) (p picture.Picture, file string, err error) {
	file = name
	switch lower := strings.ToLower(name); {
	case strings.HasPrefix(lower, "http://"), strings.HasPrefix(lower, "https://"):
		p, err = s.fetch(ctx, name)
		return p, "", err
	case strings.HasPrefix(lower, "file:"):
		if file, err = pathOf(name); err != nil {
			return p, "", &fault.Error{Kind: fault.Unusable, Why: "missing", Name: name, Err: err}
		}
	case !filepath.IsAbs(name):
		return p, "", lang.Errorf("server.relative", lang.Data{"Name": name}, nil)
	}
	p, err = regular(file)
	return p, file, err
}
