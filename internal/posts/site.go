package posts

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/unicode/norm"

	"bilipaste/internal/lang"
	"bilipaste/internal/regex"
)

// Site finds the files that posts name, as the generators of blogs do. It is
// safe for concurrent use.
type Site struct {
	roots []string // where "/…" is looked up first, beside what a blog's own folders are
	tops  []string // the folders that were given: what has no other sign of a blog is one from here on

	mu    sync.Mutex
	blogs map[string]*blog // by a folder in it
}

// NewSite returns a Site for the posts in these files and folders. Addresses that
// begin with a slash are looked up in roots first.
func NewSite(paths, roots []string) (*Site, error) {
	s := &Site{blogs: map[string]*blog{}}
	for _, list := range []struct {
		from []string
		to   *[]string
	}{{roots, &s.roots}, {paths, &s.tops}} {
		for _, name := range list.from {
			dir, err := filepath.Abs(name)
			if err != nil {
				return nil, err
			}
			if info, err := os.Stat(dir); err == nil && !info.IsDir() {
				dir = filepath.Dir(dir)
			}
			*list.to = append(*list.to, dir)
		}
	}
	return s, nil
}

// blog is a folder with posts and what they show.
type blog struct {
	root  string
	takes []string // the folders of which pictures are taken, with the links on their way resolved
	base  string   // the path at which it is served, such as "/blog"; "": "/"
	vault bool     // of Obsidian

	once  sync.Once
	names map[string][]string // the paths of its pictures by their names, in lower case
}

// markers are files that stand at a blog's root; the settings among them may
// say at which path it is served.
var markers = []string{
	".obsidian", "_config.yml", "_config.yaml", "hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json", "config.toml", "config.yaml", "config.yml",
	"astro.config.mjs", "astro.config.js", "astro.config.ts", "astro.config.mts", ".vitepress", "book.toml", "mkdocs.yml", "docusaurus.config.js",
	"docusaurus.config.ts", ".nojekyll", ".git",
}

// folders are where generators look for what an address with a slash names.
var folders = []string{"static", "public", "source", "assets", "src/assets", "src/public", "content", "docs", "docs/public", "docs/.vuepress/public", "src", ""}

// served is a setting that says at which path the blog is.
var served = regex.Lazy(`(?mi)(?:^|[\s{,])['"]?(?:root|baseurl|base_url|base)['"]?\s*[:=]\s*['"]?(?:https?://[^/'"\s]+)?(/[^'"\s,]+)`)

// blogOf returns the blog that a folder belongs to.
func (s *Site) blogOf(dir string) *blog {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.blogs[dir]; b != nil {
		return b
	}
	b := &blog{root: dir}
	for _, top := range s.tops {
		if within(top, dir) {
			b.root = top
		}
	}
	for at := dir; ; at = filepath.Dir(at) {
		i := slices.IndexFunc(markers, func(m string) bool {
			_, err := os.Lstat(filepath.Join(at, m))
			return err == nil
		})
		if i >= 0 {
			b.root = at
			break
		}
		if filepath.Dir(at) == at {
			break
		}
	}
	for _, other := range s.blogs {
		if other.root == b.root {
			s.blogs[dir] = other
			return other
		}
	}
	for _, at := range slices.Concat([]string{b.root, repository(b.root)}, s.roots, s.tops) {
		if real, err := filepath.EvalSymlinks(at); err == nil && at != "" {
			b.takes = append(b.takes, real)
		}
	}
	_, err := os.Stat(filepath.Join(b.root, ".obsidian"))
	b.vault = err == nil
	for _, m := range markers {
		if data, err := os.ReadFile(filepath.Join(b.root, m)); err == nil && len(data) < 1<<20 {
			if m := served().FindSubmatch(data); m != nil {
				b.base = strings.TrimSuffix(string(m[1]), "/")
			}
		}
	}
	s.blogs[dir] = b
	return b
}

// within tells whether a file is in a folder, or is it.
func within(dir, file string) bool {
	rel, err := filepath.Rel(dir, file)
	return err == nil && filepath.IsLocal(rel)
}

// repository returns the folder of the git repository that a folder is in, "" if
// it is in none.
func repository(dir string) string {
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			return ""
		}
	}
}

// ErrMissing is among the causes where no file has a picture's name.
var ErrMissing = errors.New("there is no such file")

// Find returns the file of a picture on this machine that a post names, with
// the links on its way resolved. The error is a lang.Teller: it is missing, more
// than one has that name, it is outside of the blog, or the address is a
// computed one.
func (s *Site) Find(post string, p Mention) (string, error) {
	dir, err := filepath.Abs(filepath.Dir(post))
	if err != nil {
		return "", err
	}
	b := s.blogOf(dir)
	address, ok := literalAddress(p.Address)
	if !ok {
		return "", lang.Errorf("posts.computed", lang.Data{"Address": p.Address}, nil)
	}
	var outside string
	for _, name := range spellings(address) {
		for _, file := range s.candidates(b, dir, post, name, p) {
			info, err := os.Stat(file)
			if err != nil || info.IsDir() {
				continue
			}
			real, err := filepath.EvalSymlinks(file)
			if err != nil {
				continue
			}
			if s.allowed(b, real) {
				return real, nil
			}
			outside = real
		}
	}
	if p.Name || b.vault {
		files := b.named(address)
		if len(files) > 1 && p.Name { // the one at the vault's root, or beside the post
			for _, first := range []string{b.root, dir} {
				if file := filepath.Join(first, filepath.FromSlash(address)); slices.Contains(files, file) {
					files = []string{file}
				}
			}
		}
		switch {
		case len(files) == 1:
			return filepath.EvalSymlinks(files[0])
		case len(files) > 1:
			return "", lang.Errorf("posts.ambiguous", lang.Data{"Address": p.Address, "Files": strings.Join(files, ", ")}, nil)
		}
	}
	if outside != "" {
		return "", lang.Errorf("posts.outside", lang.Data{"Address": p.Address, "File": outside, "Folder": filepath.Dir(outside)}, nil)
	}
	return "", lang.Errorf("posts.missing", lang.Data{"Address": p.Address}, ErrMissing)
}

// Elsewhere returns the files of the blog with the name of a picture that a
// post names.
func (s *Site) Elsewhere(post, address string) []string {
	dir, err := filepath.Abs(filepath.Dir(post))
	if err != nil {
		return nil
	}
	name := address
	if u, err := url.Parse(address); err == nil {
		name = u.Path
	}
	name, _, _ = strings.Cut(path.Base(name), "@")
	return s.blogOf(dir).named(name)
}

// allowed tells whether a picture may be taken from a file.
func (s *Site) allowed(b *blog, file string) bool {
	return slices.ContainsFunc(b.takes, func(dir string) bool { return within(dir, file) })
}

// prefix is the site's own address at the start of one, as templates write it.
var prefix = regex.Lazy(`^(?:\{\{-?\s*(?:site|\.Site|page)\.[\w.]+\s*-?\}\})+/?`)

// filtered is an address that a template only puts the site's before.
var filtered = regex.Lazy(`^\{\{-?\s*["']([^"']+)["']\s*\|\s*(?:relative_url|absolute_url|relURL|absURL)\s*-?\}\}$`)

// literalAddress is an address without the parts that a template puts in; ok is
// false where more than the site's own address is put in.
func literalAddress(address string) (literal string, ok bool) {
	if m := filtered().FindStringSubmatch(address); m != nil {
		return "/" + strings.TrimPrefix(m[1], "/"), true
	}
	if m := prefix().FindString(address); m != "" {
		address = "/" + address[len(m):]
	}
	return address, !strings.Contains(address, "{{") && !strings.Contains(address, "${")
}

// spellings are the names that an address may mean: as it stands, without a
// query or fragment, and decoded.
func spellings(address string) (all []string) {
	add := func(name string) {
		if name != "" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	name := address
	if rest, ok := strings.CutPrefix(name, "file://"); ok {
		name = rest
		if len(rest) > 3 && rest[0] == '/' && rest[2] == ':' { // C:/
			name = rest[1:]
		}
	}
	short, _, _ := strings.Cut(name, "#")
	short, _, _ = strings.Cut(short, "?")
	for _, n := range []string{name, short} {
		add(n)
		if decoded, err := url.PathUnescape(n); err == nil {
			add(decoded)
		}
	}
	for _, n := range slices.Clone(all) {
		add(strings.ReplaceAll(n, `\`, "/"))
	}
	for _, n := range slices.Clone(all) { // as macOS has it, and as everyone else
		add(norm.NFC.String(n))
		add(norm.NFD.String(n))
	}
	return all
}

// candidates are the files that a name may mean in a post, the likeliest first.
func (s *Site) candidates(b *blog, dir, post, name string, p Mention) (all []string) {
	name = filepath.FromSlash(name)
	if filepath.IsAbs(name) {
		all = append(all, name)
	}
	if filepath.VolumeName(name) != "" {
		return all
	}
	in := func(dirs ...string) {
		for _, dir := range dirs {
			all = append(all, filepath.Join(dir, name))
		}
	}
	if p.Base != "" {
		base := filepath.FromSlash(p.Base)
		if !filepath.IsAbs(base) {
			base = filepath.Join(dir, base)
		}
		in(base)
	}
	alias := ""
	for _, at := range []string{"@/", "~/", "@site/"} {
		if rest, ok := strings.CutPrefix(filepath.ToSlash(name), at); ok {
			alias, name = at, filepath.FromSlash(rest)
		}
	}
	slash := strings.HasPrefix(filepath.ToSlash(name), "/")
	if !slash && alias == "" {
		in(dir, strings.TrimSuffix(post, filepath.Ext(post))) // beside the post, in the folder of its name
	}
	in(s.roots...)
	for _, below := range b.below(dir) {
		for _, folder := range folders {
			in(filepath.Join(below, filepath.FromSlash(folder)))
		}
		if !slash {
			break
		}
	}
	if rest, ok := strings.CutPrefix(filepath.ToSlash(name), b.base+"/"); ok && b.base != "" && slash {
		name = filepath.FromSlash(rest)
		in(s.roots...)
		for _, folder := range folders {
			in(filepath.Join(b.root, filepath.FromSlash(folder)))
		}
	}
	return all
}

// below are the folders from the blog's root down to one of its folders.
func (b *blog) below(dir string) []string {
	all := []string{dir}
	for at := dir; at != b.root && within(b.root, at) && filepath.Dir(at) != at; {
		at = filepath.Dir(at)
		all = append(all, at)
	}
	slices.Reverse(all)
	return all
}

// named returns the pictures of the blog whose path ends in a name.
func (b *blog) named(name string) (files []string) {
	b.once.Do(func() {
		b.names = map[string][]string{}
		_ = filepath.WalkDir(b.root, func(file string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return nil //nolint:nilerr // what cannot be read has no pictures
			case d.IsDir() && file != b.root && isSkipped(d.Name()):
				return fs.SkipDir
			case !d.IsDir() && isPicture(d.Name()):
				key := strings.ToLower(norm.NFC.String(d.Name()))
				b.names[key] = append(b.names[key], file)
			}
			return nil
		})
	})
	for _, n := range spellings(name) {
		n = path.Clean("/" + strings.ReplaceAll(n, `\`, "/"))
		for _, file := range b.names[strings.ToLower(norm.NFC.String(path.Base(n)))] {
			whole := strings.ToLower(norm.NFC.String(filepath.ToSlash(file)))
			if strings.HasSuffix(whole, strings.ToLower(norm.NFC.String(n))) && !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
	}
	return files
}

// isSkipped tells whether a folder holds nothing that the user writes.
func isSkipped(name string) bool {
	return strings.HasPrefix(name, ".") || name == "node_modules"
}

// documents are the ends of the names of posts.
var documents = []string{".md", ".markdown", ".mdown", ".mkd", ".mkdn", ".mdx", ".qmd", ".rmd"}

// Posts returns the posts in files and folders, each once, in order. The error is
// a lang.Teller: a file or folder that was given cannot be read.
func Posts(paths []string) ([]string, error) {
	var all []string
	seen := map[string]bool{}
	add := func(file string) {
		real, err := filepath.EvalSymlinks(file)
		if err == nil && !seen[real] {
			seen[real] = true
			all = append(all, file)
		}
	}
	for _, name := range paths {
		info, err := os.Stat(name)
		if err != nil {
			return nil, lang.Errorf("posts.unreadable", lang.Data{"File": name, "Cause": cause(err)}, err)
		}
		if !info.IsDir() {
			add(name)
			continue
		}
		err = filepath.WalkDir(name, func(file string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return lang.Errorf("posts.unreadable", lang.Data{"File": file, "Cause": cause(err)}, err)
			case d.IsDir() && file != name && isSkipped(d.Name()):
				return fs.SkipDir
			case !d.IsDir() && slices.Contains(documents, strings.ToLower(filepath.Ext(file))):
				add(file)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// cause is why a file cannot be reached, without its name.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
