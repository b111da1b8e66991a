package server

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The editors whose windows ask from an origin of their own. A setting adds more.
var editors = []string{
	"app://obsidian.md", "lsp://logseq.io", "tauri://localhost", "http://tauri.localhost", "https://tauri.localhost",
	"http://127.0.0.1:6806", "http://localhost:6806", // SiYuan
}

// verdict is what the guard says of a request.
type verdict struct {
	refused string // why it is; "" if it is not
	origin  string // the foreign origin that is allowed, and told so; "" where there is none
}

// judge decides on a request before anything else sees it. Who can reach this
// machine's loopback includes every page that a browser shows: a page may send
// requests here, and may have its own name lead here (DNS rebinding), which
// http.CrossOriginProtection does not see. So the Host must be one of ours, and
// the Origin none, our own or one that is listed. Programs that are no browsers
// send neither Origin nor Sec-Fetch-Site. The Content-Type decides nothing.
func judge(r *http.Request, listed []string) verdict {
	if !isOurs(r.Host) {
		return verdict{refused: "host"}
	}
	origin, sent := r.Header["Origin"]
	if len(origin) > 1 || len(r.Header["Host"]) > 0 {
		return verdict{refused: "origin"}
	}
	if !sent {
		switch r.Header.Get("Sec-Fetch-Site") {
		case "", "none", "same-origin":
			return verdict{}
		}
		return verdict{refused: "origin"}
	}
	o := origin[0]
	switch {
	case o == "" || o == "null" || strings.HasPrefix(strings.ToLower(o), "file:"):
		return verdict{refused: "origin"} // any page can be one of these
	case o == "http://"+r.Host:
		return verdict{}
	case slices.Contains(editors, o), slices.Contains(listed, o), isVSCode(o):
		return verdict{origin: o}
	}
	return verdict{refused: "origin"}
}

// isOurs tells whether a Host header names this machine's loopback.
func isOurs(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
		if strings.Contains(name, ":") != strings.HasPrefix(host, "[") {
			return false
		}
	} else if port == "" || strings.Trim(port, "0123456789") != "" {
		return false
	}
	switch strings.ToLower(name) {
	case "127.0.0.1", "localhost", "::1":
		return true
	}
	return false
}

// isVSCode tells whether an origin is a view of VS Code, of which each has a name
// of its own.
func isVSCode(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Scheme == "vscode-webview" && u.Host != "" && u.Path == "" && u.RawQuery == "" && u.User == nil
}

// guard answers what judge refuses, and preflights.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := judge(r, s.settings().ServerOrigins)
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Add("Vary", "Origin")
		if v.refused != "" {
			s.refuse(w, r, v)
			return
		}
		if v.origin != "" {
			h.Set("Access-Control-Allow-Origin", v.origin)
			h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		}
		if r.Method == http.MethodOptions {
			if v.origin != "" {
				h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
				h.Set("Access-Control-Allow-Headers", "Content-Type, Authorization, X-PicGo-Secret")
				h.Set("Access-Control-Allow-Private-Network", "true")
				h.Set("Access-Control-Max-Age", "600")
			}
			w.WriteHeader(http.StatusNoContent)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// refuse answers 403, without a word to scripts of the page that has asked, and
// notes once in the log what would allow it.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, v verdict) {
	what := r.Header.Get("Origin")
	if v.refused == "host" {
		what = r.Host
	}
	if s.first(v.refused + " " + what) {
		s.log.Warn("a request was refused", "why", v.refused, "from", what, "allowed by", "the setting server_origins, if it is an editor of yours")
	}
	w.Header().Set("Connection", "close")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	_, _ = w.Write([]byte(`{"success":false,"message":"Forbidden","msg":"Forbidden"}` + "\n"))
}
