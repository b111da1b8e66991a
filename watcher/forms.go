//go:build !darwin && !windows

package watcher

import (
	"net/url"
	"strings"
)

// form is a content in one format.
type form struct {
	format string
	data   []byte
}

// gnomeFiles is the list of files of GNOME's file manager, which others read
// too: it tells copied files from cut ones.
const gnomeFiles = "x-special/gnome-copied-files"

// ourTextFormats are the names under which our text is offered.
var ourTextFormats = []string{"text/plain;charset=utf-8", "text/plain", "UTF8_STRING", "STRING", "TEXT"}

// forms returns what c is offered as, the best one first.
func (c content) forms() []form {
	switch {
	case c.mediaType != "":
		return []form{{c.mediaType, c.picture}}
	case c.files != nil:
		var uris []string
		for _, path := range c.files {
			uris = append(uris, fileURI(path))
		}
		return []form{
			{uriList, []byte(strings.Join(uris, "\r\n") + "\r\n")},
			{gnomeFiles, []byte("copy\n" + strings.Join(uris, "\n"))},
		}
	}
	var forms []form
	for _, format := range ourTextFormats {
		forms = append(forms, form{format, []byte(c.text)})
	}
	return forms
}

// fileURI returns the file: URI of an absolute path.
func fileURI(path string) string {
	return (&url.URL{Scheme: "file", Path: path}).String()
}
