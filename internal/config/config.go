// Package config reads and writes the settings file, config.json, and knows
// the program's folders.
package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"bilipaste/internal/durable"
	"bilipaste/internal/lang"
	"bilipaste/internal/markup"
)

// Config is the settings.
type Config struct {
	Host           string // where pictures go
	Bucket         string // Bilibili's bucket
	BucketUnlisted bool   // a bucket that is not among the known ones is allowed
	Markup         markup.Markup
	SESSDATA       Secret
	BiliJct        Secret
	Keystore       string // where a login is kept: "auto", "keyring", "file"
	WritingMode    bool   // on when the tray program starts
	Sound          bool
	Notify         bool
	Language       string        // "auto", or a tag of the catalogue
	Pace           time.Duration // the least time from one upload to the next, after a burst
	Proxy          *url.URL      // nil: the system's
	StripMetadata  bool          // EXIF, GPS and the like are removed before a picture is sent
	GIF            string        // what becomes of an animation that the host does not take: "scdn", "first-frame", "refuse"
	Fallback       []string      // hosts that are asked in turn where Host cannot take a picture or cannot be reached
	TooLarge       string        // what becomes of a picture that is too large for the host: "jpeg", "refuse"
	AlbumMaxSize   Size          // of the originals that the album keeps; 0: no bound
	TextPaths      bool          // a copied text is read to see if it is the path of a picture
	ManyFiles      int           // copied files that are more are uploaded only if the user asks for it
	Server         bool          // editors that know PicGo are answered
	ServerPort     uint          // at this port of loopback
	ServerKey      Secret        // which they must know; none: no key
	ServerOrigins  []string      // web pages that may ask beside the known editors'

	SCDNOutput, SCDNDomain, SCDNQuestion string // how img.scdn.io stores pictures; "": its choice
	SCDNPassword                         Secret
	Folder, FolderName, FolderURL        string // where the host "folder" writes, under what name, and what stands before it in a link
	DrawCategory, DrawBiz                string // of the host "draw"
}

// Default returns the settings of an empty file.
func Default() Config {
	return Config{
		Host: "bilibili", Bucket: "live", Markup: markup.Markdown,
		Sound: true, Notify: true, Language: "auto", Pace: time.Second, Keystore: "auto",
		StripMetadata: true, GIF: "refuse", TooLarge: "jpeg", AlbumMaxSize: 2 << 30, TextPaths: true, ManyFiles: 9,
		Server: true, ServerPort: 36677,
		DrawCategory: "daily", DrawBiz: "new_dyn",
	}
}

// key is one key of the file. Its value passes through a text, which is also
// what the commands "config get" and "config set" speak.
type key struct {
	name   string
	get    func(Config) string
	set    func(*Config, string) error
	bare   bool // in JSON it is true or false rather than a string
	number bool // in JSON it is a number
	list   bool // in JSON it is a list of strings, in text they are parted by commas
	secret bool
	hides  func(value string) bool // a value that holds a secret; nil: all do, or none

	choices []string // the values that it can have; none: any that set takes
}

// holdsSecret tells whether nobody else may see this value.
func (k key) holdsSecret(value string) bool {
	return value != "" && k.secret && (k.hides == nil || k.hides(value))
}

var keys = []key{
	{name: "host", get: func(c Config) string { return c.Host }, set: func(c *Config, v string) error { // the hosts themselves know which there are
		if !plainName(v) {
			return lang.Errorf("config.want.host", nil, nil)
		}
		c.Host = v
		return nil
	}},
	{name: "bucket", get: func(c Config) string { return c.Bucket }, set: func(c *Config, v string) error {
		if !plainName(v) {
			return lang.Errorf("config.want.bucket", nil, nil)
		}
		c.Bucket = v
		return nil
	}},
	{name: "bucket_unlisted", bare: true, get: func(c Config) string { return strconv.FormatBool(c.BucketUnlisted) }, set: truth(func(c *Config) *bool { return &c.BucketUnlisted })},
	{name: "format", get: func(c Config) string { return c.Markup.String() }, set: func(c *Config, v string) (err error) {
		c.Markup, err = markup.Parse(v)
		return err
	}},
	{name: "SESSDATA", secret: true, get: func(c Config) string { return fmt.Sprint(c.SESSDATA) }, set: func(c *Config, v string) error {
		c.SESSDATA = NewSecret(v)
		return nil
	}},
	{name: "bili_jct", secret: true, get: func(c Config) string { return fmt.Sprint(c.BiliJct) }, set: func(c *Config, v string) error {
		c.BiliJct = NewSecret(v)
		return nil
	}},
	choice("keystore", func(c *Config) *string { return &c.Keystore }, "auto", "keyring", "file"),
	{name: "writing_mode", bare: true, get: func(c Config) string { return strconv.FormatBool(c.WritingMode) }, set: truth(func(c *Config) *bool { return &c.WritingMode })},
	{name: "sound", bare: true, get: func(c Config) string { return strconv.FormatBool(c.Sound) }, set: truth(func(c *Config) *bool { return &c.Sound })},
	{name: "notify", bare: true, get: func(c Config) string { return strconv.FormatBool(c.Notify) }, set: truth(func(c *Config) *bool { return &c.Notify })},
	choice("language", func(c *Config) *string { return &c.Language }, "auto", lang.Chinese, lang.English),
	{name: "pace", get: func(c Config) string { return c.Pace.String() }, set: func(c *Config, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 || d > time.Hour {
			return lang.Errorf("config.want.pace", nil, nil)
		}
		c.Pace = d
		return nil
	}},
	{name: "proxy", secret: true, hides: hasPassword, get: func(c Config) string {
		if c.Proxy == nil {
			return ""
		}
		return c.Proxy.Redacted()
	}, set: func(c *Config, v string) error {
		if v == "" {
			c.Proxy = nil
			return nil
		}
		u, err := url.Parse(v)
		if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
			return lang.Errorf("config.want.proxy", nil, nil)
		}
		c.Proxy = u
		return nil
	}},
	{name: "strip_metadata", bare: true, get: func(c Config) string { return strconv.FormatBool(c.StripMetadata) }, set: truth(func(c *Config) *bool { return &c.StripMetadata })},
	choice("gif", func(c *Config) *string { return &c.GIF }, "scdn", "first-frame", "refuse"),
	choice("too_large", func(c *Config) *string { return &c.TooLarge }, "jpeg", "refuse"),
	{name: "fallback", list: true, get: func(c Config) string { return strings.Join(c.Fallback, ",") }, set: func(c *Config, v string) error {
		c.Fallback = nil
		for host := range strings.SplitSeq(v, ",") {
			switch host = strings.TrimSpace(host); {
			case host == "" && v == "":
			case !plainName(host):
				return lang.Errorf("config.want.hosts", nil, nil)
			default:
				c.Fallback = append(c.Fallback, host)
			}
		}
		return nil
	}},
	{name: "album.max_size", get: func(c Config) string { return c.AlbumMaxSize.String() }, set: func(c *Config, v string) (err error) {
		c.AlbumMaxSize, err = parseSize(v)
		return err
	}},
	{name: "text_paths", bare: true, get: func(c Config) string { return strconv.FormatBool(c.TextPaths) }, set: truth(func(c *Config) *bool { return &c.TextPaths })},
	{name: "many_files", number: true, get: func(c Config) string { return strconv.Itoa(c.ManyFiles) }, set: func(c *Config, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 1000 {
			return lang.Errorf("config.want.many", nil, nil)
		}
		c.ManyFiles = n
		return nil
	}},
	{name: "server", bare: true, get: func(c Config) string { return strconv.FormatBool(c.Server) }, set: truth(func(c *Config) *bool { return &c.Server })},
	{name: "server_port", number: true, get: func(c Config) string { return strconv.FormatUint(uint64(c.ServerPort), 10) }, set: func(c *Config, v string) error {
		n, err := strconv.ParseUint(v, 10, 16)
		if err != nil || n < 1024 {
			return lang.Errorf("config.want.port", nil, nil)
		}
		c.ServerPort = uint(n)
		return nil
	}},
	{name: "server_key", secret: true, get: func(c Config) string { return fmt.Sprint(c.ServerKey) }, set: func(c *Config, v string) error {
		c.ServerKey = NewSecret(v)
		return nil
	}},
	{name: "server_origins", list: true, get: func(c Config) string { return strings.Join(c.ServerOrigins, ",") }, set: func(c *Config, v string) error {
		c.ServerOrigins = nil
		for origin := range strings.SplitSeq(v, ",") {
			switch origin = strings.TrimSpace(origin); {
			case origin == "" && v == "":
			case !IsOrigin(origin):
				return lang.Errorf("config.want.origins", nil, nil)
			default:
				c.ServerOrigins = append(c.ServerOrigins, origin)
			}
		}
		return nil
	}},
	{name: "scdn_output", get: func(c Config) string { return c.SCDNOutput }, set: text(func(c *Config) *string { return &c.SCDNOutput })},
	{name: "scdn_domain", get: func(c Config) string { return c.SCDNDomain }, set: text(func(c *Config) *string { return &c.SCDNDomain })},
	{name: "scdn_password", secret: true, get: func(c Config) string { return fmt.Sprint(c.SCDNPassword) }, set: func(c *Config, v string) error {
		c.SCDNPassword = NewSecret(v)
		return nil
	}},
	{name: "scdn_question", get: func(c Config) string { return c.SCDNQuestion }, set: text(func(c *Config) *string { return &c.SCDNQuestion })},
	{name: "folder", get: func(c Config) string { return c.Folder }, set: text(func(c *Config) *string { return &c.Folder })},
	{name: "folder_name", get: func(c Config) string { return c.FolderName }, set: text(func(c *Config) *string { return &c.FolderName })},
	{name: "folder_url", get: func(c Config) string { return c.FolderURL }, set: text(func(c *Config) *string { return &c.FolderURL })},
	{name: "draw_category", get: func(c Config) string { return c.DrawCategory }, set: text(func(c *Config) *string { return &c.DrawCategory })},
	{name: "draw_biz", get: func(c Config) string { return c.DrawBiz }, set: text(func(c *Config) *string { return &c.DrawBiz })},
}

// Keys returns the names of all keys, in the order of the documentation.
func Keys() []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return names
}

// IsSecret tells whether a key's value can be, or hold, a secret.
func IsSecret(name string) bool {
	k, err := find(name)
	return err == nil && k.secret
}

// HoldsSecret tells whether this value of a key is, or holds, a secret.
func HoldsSecret(name, value string) bool {
	k, err := find(name)
	return err == nil && k.holdsSecret(value)
}

// hasPassword tells whether an address does, or may: before an "@" stands who
// signs in.
func hasPassword(address string) bool { return strings.Contains(address, "@") }

// Get returns a key's value as text, a secret's redacted.
func (c Config) Get(name string) (string, error) {
	k, err := find(name)
	if err != nil {
		return "", err
	}
	return k.get(c), nil
}

// Set changes a key's value, given as text, in c alone.
func (c *Config) Set(name, value string) error {
	k, err := find(name)
	if err != nil {
		return err
	}
	return k.assign(c, value)
}

// Load reads the settings file. A file that is not there is an empty one.
// Every error names the file, and the key where there is one.
func Load(file string) (Config, error) {
	c := Default()
	entries, err := read(file)
	if err != nil {
		return c, err
	}
	if slices.ContainsFunc(entries, entry.holdsSecret) {
		keepPrivate(file)
	}
	for _, e := range entries {
		k, err := find(e.key)
		if err != nil {
			return c, inFile(file, err)
		}
		value, err := k.text(e.value)
		if err == nil {
			err = k.assign(&c, value)
		}
		if err != nil {
			return c, inFile(file, err)
		}
	}
	return c, nil
}

// holdsSecret tells whether nobody else may see this entry.
func (e entry) holdsSecret() bool {
	k, err := find(e.key)
	if err != nil {
		return false
	}
	value, err := k.text(e.value)
	return err == nil && k.holdsSecret(value)
}

// keepPrivate makes a file with a secret readable by its owner only, however
// it came to be there. What cannot be changed is left as it is.
func keepPrivate(file string) {
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o077 != 0 {
		_ = os.Chmod(file, info.Mode().Perm()&0o700)
	}
}

// Save changes one key in the file, and leaves the others and their order as
// they are. The file is whole at every moment, and readable by its owner only.
func Save(file, name, value string) error {
	k, err := find(name)
	if err != nil {
		return err
	}
	c := Default()
	if err := k.assign(&c, value); err != nil {
		return err
	}
	entries, err := read(file)
	if err != nil {
		return err
	}
	raw := json.RawMessage(value)
	switch {
	case k.list:
		var items []string
		for item := range strings.SplitSeq(k.get(c), ",") {
			if item != "" {
				items = append(items, string(quote(item)))
			}
		}
		raw = json.RawMessage("[" + strings.Join(items, ", ") + "]")
	case k.number:
		raw = json.RawMessage(k.get(c))
	case !k.bare:
		raw = quote(value)
	}
	if i := slices.IndexFunc(entries, func(e entry) bool { return e.key == name }); i >= 0 {
		entries[i].value = raw
	} else {
		entries = append(entries, entry{name, raw})
	}
	return write(file, entries)
}

func inFile(file string, err error) error {
	return lang.Errorf("config.in_file", lang.Data{"File": file, "Cause": err}, err)
}

func find(name string) (key, error) {
	for _, k := range keys {
		if k.name == name {
			return k, nil
		}
	}
	for _, k := range keys {
		if strings.EqualFold(k.name, name) {
			return key{}, lang.Errorf("config.unknown_key.case", lang.Data{"Key": name, "Meant": k.name}, nil)
		}
	}
	return key{}, lang.Errorf("config.unknown_key", lang.Data{"Key": name, "Keys": strings.Join(Keys(), ", ")}, nil)
}

// assign sets k in c. An error names the key, and the value unless it is a secret.
func (k key) assign(c *Config, value string) error {
	if err := k.set(c, value); err != nil {
		return lang.Errorf("config.bad_value", lang.Data{"Key": k.name, "Cause": err}, err)
	}
	return nil
}

// text brings a JSON value into the form that the key's set takes.
func (k key) text(raw json.RawMessage) (string, error) {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		if !k.bare && !k.list && !k.number {
			return v, nil
		}
	case []any:
		items := make([]string, 0, len(v))
		for _, item := range v {
			if s, ok := item.(string); ok && !strings.Contains(s, ",") {
				items = append(items, s)
			}
		}
		if k.list && len(items) == len(v) {
			return strings.Join(items, ","), nil
		}
	case float64:
		if k.number {
			return strconv.FormatFloat(v, 'f', -1, 64), nil
		}
	case bool:
		if k.bare {
			return strconv.FormatBool(v), nil
		}
	}
	want := "config.want.string"
	switch {
	case k.bare:
		want = "config.want.bool"
	case k.number:
		want = "config.want.number"
	case k.list:
		want = "config.want.list"
	}
	return "", lang.Errorf("config.bad_value", lang.Data{"Key": k.name, "Cause": lang.Message{ID: want}}, nil)
}

// choice is a key whose value is one of a few.
func choice(name string, field func(*Config) *string, values ...string) key {
	return key{name: name, choices: values, get: func(c Config) string { return *field(&c) }, set: func(c *Config, v string) error {
		if !slices.Contains(values, v) {
			return lang.Errorf("config.want.one_of", lang.Data{"Values": strings.Join(values, ", ")}, nil)
		}
		*field(c) = v
		return nil
	}}
}

// text takes any text: the room that uses it knows what it can be.
func text(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = v
		return nil
	}
}

func truth(field func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, v string) error {
		switch v {
		case "true", "false":
			*field(c) = v == "true"
			return nil
		}
		return lang.Errorf("config.want.bool", nil, nil)
	}
}

// plainName tells whether a bucket's name could be one at all.
func plainName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

// entry is one key of the file with its JSON value, in the file's order.
type entry struct {
	key   string
	value json.RawMessage
}

// read reads the file's entries in their order.
func read(file string) ([]entry, error) {
	data, err := durable.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, lang.Errorf("config.unreadable", lang.Data{"File": file, "Cause": cause(err)}, err)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // Notepad's byte order mark
	broken := func(at int64) error {
		line := 1 + bytes.Count(data[:min(at, int64(len(data)))], []byte("\n"))
		return lang.Errorf("config.broken", lang.Data{"File": file, "Line": line}, nil)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		if len(bytes.TrimSpace(data)) == 0 {
			return nil, nil
		}
		return nil, broken(d.InputOffset())
	}
	var entries []entry
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, broken(d.InputOffset())
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, broken(d.InputOffset())
		}
		if slices.ContainsFunc(entries, func(e entry) bool { return e.key == name }) {
			return nil, inFile(file, lang.Errorf("config.twice", lang.Data{"Key": name}, nil))
		}
		entries = append(entries, entry{name.(string), value})
	}
	if _, err := d.Token(); err != nil || len(bytes.TrimSpace(data[d.InputOffset():])) > 0 {
		return nil, broken(d.InputOffset())
	}
	return entries, nil
}

// write writes the file.
func write(file string, entries []entry) error {
	var b bytes.Buffer
	b.WriteString("{")
	for i, e := range entries {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n  %s: %s", quote(e.key), e.value)
	}
	b.WriteString("\n}\n")
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target // dotfiles are often links: keep the link
	}
	if err := durable.Write(file, b.Bytes(), 0o600); err != nil {
		return lang.Errorf("config.unwritable", lang.Data{"File": file, "Cause": cause(err)}, err)
	}
	durable.Tidy(filepath.Dir(file), time.Minute) // it may hold a secret
	return nil
}

// quote writes s as JSON without escaping < > &, which templates hold.
func quote(s string) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return bytes.TrimSpace(b.Bytes())
}

// cause is a file error without its path, which the message names.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
