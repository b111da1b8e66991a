// Package folder is a folder as a host: pictures are written beside the post
// that shows them. It needs no network and no account.
package folder

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"bilipaste/internal/durable"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// Name is the host's name in settings and messages.
const Name = "folder"

// DefaultTemplate is the template of a picture's name where none is set.
const DefaultTemplate = "{date}-{hash}"

// Options says where pictures are written.
type Options struct {
	Dir      string // made when it is first needed
	Template string // a picture's path in Dir, without its extension: see New
	Prefix   string // what stands before that path in a link: a URL or a relative path; "": Dir's own name
}

// Host is a folder. It is safe for concurrent use, also by several processes.
type Host struct {
	dir, template string
	site, prefix  string // what stands before a picture's path in a link: a site or "", and a path, percent-encoded
}

var _ uploader.Host = (*Host)(nil)

// New returns the host that writes into a folder. The template may hold
// {date}, {year}, {month}, {day}, {time} and {hash}, and slashes for folders
// within the folder. The error tells what of the options cannot be.
func New(o Options) (*Host, error) {
	if o.Dir == "" {
		return nil, lang.Errorf("folder.none", nil, nil)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, lang.Errorf("folder.none", nil, err)
	}
	o.Dir = dir
	if o.Template == "" {
		o.Template = DefaultTemplate
	}
	if !isName(fill(o.Template, time.Time{}, "0123456789ab")) {
		return nil, lang.Errorf("folder.template", lang.Data{"Template": o.Template}, nil)
	}
	h := &Host{dir: dir, template: o.Template, prefix: escape(filepath.ToSlash(filepath.Base(dir)))}
	if o.Prefix != "" {
		var ok bool
		if h.site, h.prefix, ok = parsePrefix(o.Prefix); !ok {
			return nil, lang.Errorf("folder.prefix", lang.Data{"Prefix": o.Prefix}, nil)
		}
	}
	return h, nil
}

// parsePrefix reads an address or a path. What is percent-encoded in it stays
// so, and what should be becomes so.
func parsePrefix(text string) (site, prefix string, ok bool) {
	if strings.ContainsAny(text, "?#\\") || strings.ContainsFunc(text, isControl) || strings.HasPrefix(text, "//") {
		return "", "", false
	}
	if scheme, rest, ok := strings.Cut(text, "://"); ok {
		host, path, _ := strings.Cut(rest, "/")
		site = strings.ToLower(scheme) + "://" + host
		u, err := url.Parse(site)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
			return "", "", false
		}
		text = "/" + path
	} else if scheme, _, ok := strings.Cut(text, ":"); ok && slices.Contains(schemes, strings.ToLower(scheme)) {
		return "", "", false
	}
	parts := strings.Split(text, "/")
	for i, part := range parts {
		if plain, err := url.PathUnescape(part); err == nil {
			part = plain
		}
		parts[i] = escapePart(part)
	}
	return site, strings.Join(parts, "/"), true
}

// schemes are what is meant as an address, and leads to no picture.
var schemes = []string{"http", "https", "ftp", "file", "data", "mailto", "javascript", "blob"}

// escape writes a path as it stands in a link.
func escape(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		parts[i] = escapePart(part)
	}
	return strings.Join(parts, "/")
}

func escapePart(part string) string {
	return unquotable.Replace(url.PathEscape(part))
}

// unquotable is what ends a link in Markdown, HTML or BBCode, or makes its
// start a scheme, and PathEscape lets pass.
var unquotable = strings.NewReplacer("(", "%28", ")", "%29", "'", "%27", "*", "%2A", ":", "%3A", "[", "%5B", "]", "%5D")

// isName tells whether a picture can have a name on every system: a post and
// its pictures travel.
func isName(name string) bool {
	if strings.ContainsAny(name, "{}\\:*?\"<>|") || strings.ContainsFunc(name, isControl) || !fs.ValidPath(name+"x") {
		return false
	}
	folders := strings.Split(name, "/")
	file := len(folders) - 1
	for i, part := range folders {
		if isDevice(part) || i != file && strings.TrimRight(part, ". ") != part {
			return false
		}
	}
	return true
}

// isDevice tells a name that Windows takes for a device, in any folder and
// whatever follows.
func isDevice(name string) bool {
	name, _, _ = strings.Cut(strings.ToLower(name), ".")
	name = strings.TrimRight(name, " ")
	if port := []rune(name); len(port) == 4 && slices.Contains([]string{"com", "lpt"}, string(port[:3])) {
		return strings.ContainsRune("0123456789¹²³", port[3])
	}
	return slices.Contains([]string{"con", "prn", "aux", "nul", "conin$", "conout$"}, name)
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// fill writes a template's values in their places.
func fill(template string, at time.Time, hash string) string {
	return strings.NewReplacer(
		"{date}", at.Format("2006-01-02"), "{year}", at.Format("2006"), "{month}", at.Format("01"), "{day}", at.Format("02"),
		"{time}", at.Format("150405"), "{hash}", hash,
	).Replace(template)
}

// Name returns "folder".
func (h *Host) Name() string { return Name }

// Limits says that everything is taken that browsers show, as large as can be.
func (h *Host) Limits() uploader.Limits {
	return uploader.Limits{Formats: []picture.Format{
		picture.PNG, picture.JPEG, picture.WebP, picture.GIF, picture.APNG,
	}, Bytes: picture.MaxSize}
}

// Destination returns the folder, where a link is of one post's own.
func (h *Host) Destination() (uploader.Destination, bool) {
	return uploader.Destination{Host: Name}, false
}

// Upload writes p. A picture that is there under its name already is not
// written again; a name that something else has is not used.
func (h *Host) Upload(ctx context.Context, p picture.Picture) (uploader.Link, error) {
	if err := cmp.Or(ctx.Err(), uploader.Await(ctx)); err != nil {
		return uploader.Link{}, err
	}
	now, p := time.Now(), p.Whole()
	sum := sha256.Sum256(p.Data)
	name := fill(h.template, now, hex.EncodeToString(sum[:6]))
	for n := 1; ; n++ {
		try := name
		if n > 1 {
			try += "-" + strconv.Itoa(n)
		}
		try += p.Format.Ext()
		err := write(filepath.Join(h.dir, filepath.FromSlash(try)), p.Data)
		switch {
		case err == nil:
			return uploader.Link{URL: h.link(try), Host: Name, Made: now}, nil
		case errors.Is(err, errTaken) && n < 1000:
		default:
			return uploader.Link{}, &fault.Error{Kind: fault.Local, Why: "folder", Host: Name, Err: err}
		}
	}
}

// link returns the link to a file of the folder.
func (h *Host) link(file string) string {
	link := path.Join(h.prefix, escape(file))
	if h.site != "" {
		link = path.Join("/", link)
	}
	return h.site + link
}

var errTaken = errors.New("another file has the name")

// write puts data into a file that was not there, whole or not at all. It
// returns errTaken if the file is there with other data.
func write(file string, data []byte) (err error) {
	if same, err := durable.Holds(file, data); err == nil {
		if same {
			return nil
		}
		return errTaken
	}
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, ".bilipaste-*")
	if err != nil {
		return err
	}
	defer func() { _ = durable.Remove(temp.Name()) }() // it has another name by then, or is of no use
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Chmod(0o644), temp.Sync(), temp.Close()); err != nil {
		return err
	}
	err = os.Link(temp.Name(), file)
	if errors.Is(err, fs.ErrExist) {
		if same, err := durable.Holds(file, data); err != nil || !same {
			return errTaken
		}
		return nil
	}
	if err == nil {
		return nil
	}
	// A file system without links: an empty file of ours keeps the name.
	place, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return errTaken
	}
	if err = errors.Join(err, place.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), file); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}
