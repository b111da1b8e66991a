package config

import (
	"net/url"
	"strings"
)

// Kind is what a key's values look like.
type Kind string

// The kinds of keys.
const (
	Text       Kind = "text"
	Bool       Kind = "bool" // true or false
	Number     Kind = "number"
	Choice     Kind = "choice" // one of Description.Choices
	List       Kind = "list"   // texts, parted by commas
	SecretText Kind = "secret"
)

// Description is what there is to know of a key for whoever lets users choose.
type Description struct {
	Kind    Kind
	Choices []string
}

// About describes a key. Its meaning is the message "config.meaning.KEY".
func About(name string) Description {
	k, err := find(name)
	d := Description{Kind: Text, Choices: k.choices}
	switch {
	case err != nil:
	case k.secret:
		d.Kind = SecretText
	case k.bare:
		d.Kind = Bool
	case k.number:
		d.Kind = Number
	case k.list:
		d.Kind = List
	case k.choices != nil:
		d.Kind = Choice
	}
	return d
}

// Named tells which keys a settings file names. The error is Load's.
func Named(file string) (map[string]bool, error) {
	entries, err := read(file)
	named := map[string]bool{}
	for _, e := range entries {
		named[e.key] = true
	}
	return named, err
}

// IsOrigin tells whether a text is where a web page comes from, as a browser
// says it: a scheme and a host, such as app://obsidian.md. What any page can
// claim, null and files, is none.
func IsOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme != "" && u.Scheme != "file" && u.Host != "" && text == u.Scheme+"://"+u.Host && !strings.ContainsAny(u.Host, "*,")
}
