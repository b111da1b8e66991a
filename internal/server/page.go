package server

import (
	"io/fs"
	"net/http"
	"path"
	"path/filepath"

	"bilipaste/assets"
)

// policy is what the page may load, and do: nothing but its own files, and
// requests to the program.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

func (s *Server) pageRoutes(mux *http.ServeMux) {
	s.apiRoutes(mux)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { s.file(w, r, "index.html") })
	mux.HandleFunc("GET /page/{name...}", func(w http.ResponseWriter, r *http.Request) { s.file(w, r, r.PathValue("name")) })
	mux.HandleFunc("GET /open", s.letIn)
}

// letIn lets a browser in that has a token.
func (s *Server) letIn(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead || !s.sessions.begin(w, r) {
		s.shut(w)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// shut says how to get in.
func (s *Server) shut(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusUnauthorized)
	what, hint := s.r.Language().Error(errClosed())
	_, _ = w.Write([]byte(what + "\n" + hint + "\n"))
}

// file sends a file of the page. The files are no secret, but without a session
// the page can show nothing, so that it says how to get in instead.
func (s *Server) file(w http.ResponseWriter, r *http.Request, name string) {
	if !s.sessions.has(r) {
		s.shut(w)
		return
	}
	file := path.Join("page", name)
	if info, err := fs.Stat(assets.Page, file); err != nil || info.IsDir() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(w, r, assets.Page, file)
}

// mark is the file that notes something about the page.
func (s *Server) mark(name string) string { return filepath.Join(s.options.Marks, name) }
