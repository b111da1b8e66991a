package server

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"strings"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
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
	for path, does := range map[string]http.HandlerFunc{"/upload": s.editorUpload, "/upload/{$}": s.editorUpload, "/delete": s.editorForget} {
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

// editorUpload uploads what the body names or holds, else what is on the clipboard.
// All of it is read before the answer: some editors then delete their files.
func (s *Server) editorUpload(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	query := r.URL.Query()
	host := query.Get("picbed")
	if host == "" {
		host = query.Get("uploader")
	}
	to, err := s.r.Place(host, query.Get("bucket"))
	if err != nil {
		s.refuseEditor(w, err)
		return
	}
	pictures, clipboard, err := s.given(r)
	switch {
	case err != nil:
		s.refuseEditor(w, err)
		return
	case clipboard:
		s.uploadClipboard(w, r)
		return
	}
	outcomes, err := s.r.Upload(r.Context(), pictures, to)
	if err != nil {
		return // the editor is gone
	}
	a := outcome{Success: true, Result: []string{}}
	for i, out := range outcomes {
		if out.Err != nil {
			s.refuseEditor(w, out.Err)
			return
		}
		p := pictures[i]
		a.add(item{
			URL: out.Link.URL, FileName: p.Name, Width: out.Link.Width, Height: out.Link.Height, Size: out.Link.Bytes, Type: out.Link.Host,
		}, out.Link.Format)
	}
	s.reply(w, http.StatusOK, a)
}

func (s *Server) uploadClipboard(w http.ResponseWriter, r *http.Request) {
	result, err := s.r.UploadNow(r.Context())
	if r.Context().Err() != nil {
		return
	}
	if err != nil {
		s.refuseEditor(w, err)
		return
	}
	a := outcome{Success: true, Result: []string{}}
	for _, p := range result.Pictures {
		a.add(item{
			URL: p.Link.URL, FileName: p.Name, Width: p.Link.Width, Height: p.Link.Height, Size: p.Link.Bytes, Type: p.Link.Host,
		}, p.Link.Format)
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

// given returns the pictures that a request names or holds; clipboard tells that
// it means what is there. What the body is shows in the body itself: some send
// JSON as text.
func (s *Server) given(r *http.Request) (pictures []picture.Picture, clipboard bool, err error) {
	if kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "multipart/form-data" {
		pictures, err = parts(multipart.NewReader(r.Body, parameters["boundary"]), parameters["boundary"])
		return pictures, err == nil && len(pictures) == 0, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxList+1))
	switch {
	case err != nil:
		return nil, false, lang.Errorf("server.unread", lang.Data{"Cause": err}, err)
	case len(body) > maxList:
		return nil, false, lang.Errorf("server.not_json", nil, nil)
	case len(bytes.TrimSpace(body)) == 0:
		return nil, true, nil
	}
	var asked struct{ List *[]string }
	if bytes.TrimSpace(body)[0] != '{' || json.Unmarshal(body, &asked) != nil {
		return nil, false, lang.Errorf("server.not_json", nil, nil)
	}
	if asked.List == nil || len(*asked.List) == 0 {
		return nil, true, nil
	}
	for _, name := range *asked.List {
		if name == "" {
			return nil, false, lang.Errorf("server.not_json", nil, nil)
		}
		p, err := s.named(r.Context(), name)
		if err != nil {
			return nil, false, err
		}
		pictures = append(pictures, p)
	}
	return pictures, false, nil
}

const (
	maxList   = 1 << 20  // bytes of a list of files
	maxUpload = 64 << 20 // bytes of a request with pictures
)

// parts reads the pictures of a form, whatever its fields are called.
func parts(form *multipart.Reader, boundary string) ([]picture.Picture, error) {
	if boundary == "" {
		return nil, lang.Errorf("server.bad_form", nil, nil)
	}
	var pictures []picture.Picture
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
		pictures = append(pictures, p)
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

// named reads the picture that a list names: a file by its whole path or its
// file: address, or one on the web.
func (s *Server) named(ctx context.Context, name string) (picture.Picture, error) {
	switch lower := strings.ToLower(name); {
	case strings.HasPrefix(lower, "http://"), strings.HasPrefix(lower, "https://"):
		return s.fetch(ctx, name)
	case strings.HasPrefix(lower, "file:"):
		path, err := pathOf(name)
		if err != nil {
			return picture.Picture{}, &fault.Error{Kind: fault.Unusable, Why: "missing", Name: name, Err: err}
		}
		return regular(path)
	case !filepath.IsAbs(name):
		return picture.Picture{}, lang.Errorf("server.relative", lang.Data{"Name": name}, nil)
	}
	return regular(name)
}
