package server

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"bilipaste/internal/config"
)

// Origins of editors whose windows send their requests as web pages do. The
// last two are SiYuan's.
var editorOrigins = []string{
	"app://obsidian.md", "lsp://logseq.io", "tauri://localhost", "http://tauri.localhost", "https://tauri.localhost",
	"http://127.0.0.1:6806", "http://localhost:6806",
}

// editorSchemes are those of which every origin is an editor's.
var editorSchemes = []string{"vscode-webview"}

// guard lets a request in, or refuses it before anything else looks at it. What
// counts is who sends it:
//
//   - A Host that is not this machine's own name is a web page's whose name was
//     made to lead here (DNS rebinding).
//   - No Origin, and a browser's word, if there is one, that no other site is
//     behind it: a program, or somebody who has typed the address.
//   - Our own Origin: the page.
//   - An editor's Origin, or one of the setting server_origins: an editor, which
//     then may read the answer.
//
// Everybody else is a web page that happens to be open in a browser.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Server", name)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Vary", "Origin")
		if !isLoopbackHost(r.Host) && (r.Host != "" || r.ProtoAtLeast(1, 1)) { // before HTTP/1.1, which every browser speaks, there may be none
			s.refuse(w, r, "host", r.Host)
			return
		}
		switch s.from(r) {
		case stranger:
			s.refuse(w, r, "origin", strings.Join(r.Header["Origin"], " "))
		case editor:
			if isEditorPath(r.URL.Path) {
				s.allow(h, r)
				next.ServeHTTP(w, r)
				return
			}
			s.refuse(w, r, "origin", r.Header.Get("Origin"))
		default:
			h.Set("Cross-Origin-Resource-Policy", "same-origin")
			next.ServeHTTP(w, r)
		}
	})
}

// sender is who sends a request, as far as can be known.
type sender int

const (
	stranger sender = iota
	program         // or somebody who has typed the address
	ourPage
	editor
)

func (s *Server) from(r *http.Request) sender {
	origins, site := r.Header["Origin"], r.Header.Values("Sec-Fetch-Site")
	switch {
	case len(origins) > 1 || len(site) > 1:
		return stranger
	case len(origins) == 0:
		if len(site) == 0 || site[0] == "none" || site[0] == "same-origin" {
			return program
		}
		return stranger
	}
	origin := origins[0]
	switch {
	case origin == "http://"+r.Host:
		return ourPage
	case slices.Contains(editorOrigins, origin), slices.Contains(s.r.State().Settings.ServerOrigins, origin):
		if config.IsOrigin(origin) {
			return editor
		}
	}
	if u, err := url.Parse(origin); err == nil && slices.Contains(editorSchemes, u.Scheme) && config.IsOrigin(origin) {
		return editor
	}
	return stranger
}

// allow lets a web page of an editor read the answer.
func (s *Server) allow(h http.Header, r *http.Request) {
	h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	if r.Method != http.MethodOptions {
		return
	}
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-PicGo-Secret")
	h.Set("Access-Control-Max-Age", "600")
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
}

// refuse refuses a request, and says so in the log: once for whoever sends it,
// with what would let it in.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, what, who string) {
	if s.refused.isNew(what + " " + who) {
		if len(who) > 200 {
			who = who[:200]
		}
		switch {
		case what == "host":
			s.options.Log.Warn("a request was refused: it names another host, as a web page does that was made to lead here", "host", who)
		case who == "" || !config.IsOrigin(who):
			s.options.Log.Warn("a request was refused: another web page has sent it", "origin", who)
		default:
			s.options.Log.Warn("a request was refused: another web page has sent it; if that is an editor of yours, add its origin to the setting server_origins", "origin", who)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	if r.Method != http.MethodHead {
		s.write(w, failure(s.r.Language().Text("server.refused")))
	}
}

// isLoopbackHost tells whether a Host header names this machine as only a
// program on it, or the user, can mean it.
func isLoopbackHost(host string) bool {
	if name, port, err := net.SplitHostPort(host); err == nil {
		if port == "" || strings.Trim(port, "0123456789") != "" {
			return false
		}
		if host = name; strings.Contains(name, ":") {
			host = "[" + name + "]"
		}
	}
	return host == "127.0.0.1" || host == "[::1]" || strings.EqualFold(host, "localhost")
}

// refusals remembers who was refused.
type refusals struct {
	mu  sync.Mutex
	who map[string]bool
}

// mostRefusals is how many are remembered, and told of, while the program runs.
const mostRefusals = 100

func (r *refusals) isNew(who string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.who[who] || len(r.who) >= mostRefusals {
		return false
	}
	if r.who == nil {
		r.who = map[string]bool{}
	}
	r.who[who] = true
	return true
}
