package sandbox

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// image serves an uploaded picture as Bilibili's image hosts do.
func (s *Server) image(w http.ResponseWriter, r *http.Request) {
	_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	path, _, _ = strings.Cut("/"+path, "@") // what comes after asks for another size
	p := s.find(path)
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	case foreign(r.Referer()):
		http.Error(w, "hotlink refused", http.StatusForbidden)
	case r.Header.Get("Cookie") != "":
		http.Error(w, "a cookie has no business here", http.StatusBadRequest)
	case p == nil:
		http.Error(w, "no such picture", http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", p.mediaType)
		w.Header().Set("ETag", `"`+p.sum+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.data))
	}
}

const indexHead = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<title>bilipaste sandbox</title>
<style>
body { font-family: sans-serif; margin: 2em; background: #f4f4f4; color: #222 }
figure { display: inline-block; margin: 0 1em 1em 0; padding: .5em; background: #fff }
img { display: block; max-width: 20em; max-height: 15em }
figcaption { max-width: 20em; font-size: small; overflow-wrap: anywhere }
</style>
</head>
<body>
<h1>bilipaste sandbox</h1>
`

// index shows the pictures that were uploaded, the newest first.
func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	page := bytes.NewBufferString(indexHead)
	s.mu.Lock()
	fmt.Fprintf(page, "<p>%d &#xd7; 🖼</p>\n", len(s.order))
	for _, p := range slices.Backward(s.order) {
		at := &url.URL{Path: p.host + p.path}
		fmt.Fprintf(page, `<figure>
<a href="%[1]s"><img src="%[1]s" alt=""></a>
<figcaption>https://%[2]s</figcaption>
</figure>
`, html.EscapeString(at.String()), html.EscapeString(at.Path))
	}
	s.mu.Unlock()
	page.WriteString("</body>\n</html>\n")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = page.WriteTo(w) // a browser that went away needs no page
}
