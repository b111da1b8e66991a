package posts

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"bilipaste/internal/album"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
	"bilipaste/uploader/scdn"
)

// Migration moves the pictures of posts to a host.
type Migration struct {
	Site   *Site
	Album  *album.Album
	Sender *Sender

	// Fetch reads a picture from another machine.
	Fetch func(ctx context.Context, url string) (picture.Picture, error)

	// From tells whether a picture on another machine is moved; nil: none is.
	From func(url *url.URL) bool

	Local      bool // pictures on this machine are moved
	DataURIs   bool // also those that stand in the posts themselves
	NoReferrer bool // see Mention.Change

	mu    sync.Mutex
	found map[string]*Picture
}

// State says what is to be done with a picture.
type State string

// The states of a picture in a plan.
const (
	New   State = "new"   // it will be sent
	Known State = "known" // it has a link already
	Fetch State = "fetch" // it will be read from where it is, and sent unless it is known
	Bad   State = "bad"   // it stays where it is: Picture.Err says why
	Moved State = "moved" // it has its link now
)

// Picture is what one or more mentions show.
type Picture struct {
	Source string // the file, or the address
	State  State
	Link   uploader.Link // Known, Moved
	Err    error         // Bad
	Bytes  int64         // New, Known
	Sum    picture.Sum   // New, Known
	data   []byte        // of a data: address
	once   sync.Once
}

// Spot is a mention whose picture is to be moved.
type Spot struct {
	Line    int
	Address string
	Picture *Picture
}

// Post is a document with pictures that are to be moved.
type Post struct {
	File  string
	Spots []Spot
	Err   error // what cannot be read of it; nil: nothing
}

// Plan is what a migration is about to do.
type Plan struct {
	Posts    []*Post    // with something to do or to tell, in the order of their files
	Pictures []*Picture // in the order in which they are sent
	Read     int        // posts that were looked at
	Bytes    int64      // of these
}

// Plan looks what is to be done. It changes and sends nothing. The error is
// ctx's.
func (m *Migration) Plan(ctx context.Context, files []string) (*Plan, error) {
	m.mu.Lock()
	m.found = map[string]*Picture{}
	m.mu.Unlock()
	all := make([]*Post, len(files))
	sizes := make([]int64, len(files))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, file := range files {
		group.Go(func() error {
			all[i], sizes[i] = m.look(ctx, file)
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	plan := &Plan{Read: len(files)}
	seen := map[*Picture]bool{}
	for i, post := range all {
		plan.Bytes += sizes[i]
		if len(post.Spots) > 0 || post.Err != nil {
			plan.Posts = append(plan.Posts, post)
		}
		for _, s := range post.Spots {
			if !seen[s.Picture] {
				seen[s.Picture] = true
				plan.Pictures = append(plan.Pictures, s.Picture)
			}
		}
	}
	return plan, nil
}

// look looks at one post.
func (m *Migration) look(ctx context.Context, file string) (*Post, int64) {
	post := &Post{File: file}
	data, err := os.ReadFile(file)
	if err != nil {
		post.Err = lang.Errorf("posts.unreadable", lang.Data{"File": file, "Cause": cause(err)}, err)
		return post, 0
	}
	d, err := Parse(file, data)
	if err != nil {
		post.Err = err
		return post, int64(len(data))
	}
	mentions, err := Find(d)
	post.Err = err
	for _, p := range mentions {
		pic, ok := m.picture(file, p)
		if !ok {
			continue
		}
		pic.once.Do(func() { m.judge(ctx, pic) })
		if pic.State == Known && newAddress(p.Address, pic.Link.URL) == p.Address {
			continue // it is there already
		}
		post.Spots = append(post.Spots, Spot{p.Line, p.Address, pic})
	}
	return post, int64(len(data))
}

// picture returns what a mention shows; ok is false if that is not to be moved.
func (m *Migration) picture(file string, p Mention) (pic *Picture, ok bool) {
	switch {
	case strings.HasPrefix(p.Address, "data:"):
		if !m.DataURIs {
			return nil, false
		}
		sum := sha256.Sum256([]byte(p.Address))
		return m.one("data:"+string(sum[:]), func(pic *Picture) {
			pic.Source = p.Address[:min(len(p.Address), 30)] + "…"
			pic.data, pic.Err = decodeDataURI(p.Address)
		}), true
	case IsRemote(p.Address):
		u, err := url.Parse(p.Address)
		if err != nil || u.Host == "" || m.From == nil || !m.From(u) {
			return nil, false
		}
		address := Plain(p.Address)
		return m.one(address, func(pic *Picture) { pic.Source, pic.State = address, Fetch }), true
	case !m.Local || strings.Contains(p.Address, ":") && !isLocal(p.Address):
		return nil, false
	}
	source, err := m.Site.Find(file, p)
	if err != nil {
		return m.one("bad:"+filepath.Dir(file)+"\x00"+p.Address, func(pic *Picture) {
			pic.Source, pic.State, pic.Err = p.Address, Bad, err
		}), true
	}
	return m.one(source, func(pic *Picture) { pic.Source = source }), true
}

// isLocal tells whether an address with a colon is a file's, and not one of a
// scheme such as "blob:".
func isLocal(address string) bool {
	scheme, _, _ := strings.Cut(address, ":")
	return len(scheme) == 1 || strings.EqualFold(scheme, "file") || strings.ContainsAny(scheme, "/.{")
}

func (m *Migration) one(key string, fill func(*Picture)) *Picture {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.found == nil {
		m.found = map[string]*Picture{}
	}
	pic := m.found[key]
	if pic == nil {
		pic = &Picture{}
		fill(pic)
		m.found[key] = pic
	}
	return pic
}

// judge finds out what is to be done with a picture.
func (m *Migration) judge(ctx context.Context, pic *Picture) {
	switch pic.State {
	case Bad:
		return
	case Fetch:
		p, ok := m.original(ctx, pic.Source)
		if !ok {
			return // it is looked at once it is fetched
		}
		pic.State = New
		m.judgeData(ctx, pic, p)
		return
	}
	if pic.Err != nil {
		pic.State = Bad
		return
	}
	p, err := m.open(pic)
	if err != nil {
		pic.State, pic.Err = Bad, err
		return
	}
	m.judgeData(ctx, pic, p)
}

func (m *Migration) judgeData(ctx context.Context, pic *Picture, p picture.Picture) {
	pic.Bytes, pic.Sum = int64(len(p.Data)), picture.SumOf(p.Data)
	link, known, err := m.Sender.Look(ctx, p, pic.Sum)
	switch {
	case err != nil:
		pic.State, pic.Err = Bad, err
	case known:
		pic.State, pic.Link = Known, link
	default:
		pic.State = New
	}
}

// open reads the picture of a file or of a post itself.
func (m *Migration) open(pic *Picture) (picture.Picture, error) {
	if pic.data != nil {
		return picture.New("", pic.data)
	}
	return picture.Open(pic.Source)
}

// original returns the album's own copy of a picture at an address.
func (m *Migration) original(ctx context.Context, address string) (picture.Picture, bool) {
	return Original(ctx, m.Album, address)
}

// Original returns the album's copy of the picture that is, or was, at an
// address: also one that was in another bucket.
func Original(ctx context.Context, a *album.Album, address string) (picture.Picture, bool) {
	entries, err := a.ByURL(ctx, address)
	if err != nil {
		return picture.Picture{}, false
	}
	for _, e := range entries {
		if !e.Kept {
			continue
		}
		file, err := a.Original(ctx, e.Sum)
		if err != nil {
			continue
		}
		p, err := picture.Open(file)
		if err == nil && picture.SumOf(p.Data) == e.Sum {
			p.Name = e.Picture.Name
			return p, true
		}
	}
	return picture.Picture{}, false
}

// Count says how many pictures of a plan have a state, those with the same
// bytes as one.
func (p *Plan) Count(state State) (n int, bytes int64) {
	seen := map[picture.Sum]bool{}
	for _, pic := range p.Pictures {
		if pic.State != state || state == New && seen[pic.Sum] {
			continue
		}
		seen[pic.Sum] = true
		n++
		bytes += pic.Bytes
	}
	return n, bytes
}

// Plain is an address on the web without what only asks for another form of the
// picture there: with its scheme, without a fragment, and without Bilibili's
// processing such as "@300w.webp".
func Plain(address string) string {
	if strings.HasPrefix(address, "//") {
		address = "https:" + address
	}
	address, _, _ = strings.Cut(address, "#")
	if !isBilibili(address) {
		return address
	}
	plain, _, _ := strings.Cut(address, "@")
	return plain
}

// isBilibili tells whether an address is that of a picture at Bilibili.
func isBilibili(address string) bool {
	u, err := url.Parse(address)
	return err == nil && HostMatches("bilibili", u)
}

// newAddress is the new address of what was shown at an old one: with its
// fragment and, from Bilibili to Bilibili, with its processing.
func newAddress(was, is string) string {
	plain, fragment, _ := strings.Cut(was, "#")
	if _, processing, ok := strings.Cut(plain, "@"); ok && IsRemote(was) && isBilibili(Plain(was)) && isBilibili(is) {
		is += "@" + processing
	}
	if fragment != "" && !strings.ContainsAny(fragment, " ") {
		is += "#" + fragment
	}
	return is
}

// known are the hosts that patterns may name as settings do.
var known = map[string][]string{
	"bilibili": {"hdslb.com", "biliimg.com"},
	scdn.Name:  scdn.Domains(),
}

// HostMatches tells whether an address is at a host: "bilibili" or "scdn", or a
// name, which also means those below it, with "*" for any characters, and perhaps
// with the start of a path.
func HostMatches(pattern string, u *url.URL) bool {
	if names, ok := known[pattern]; ok {
		for _, name := range names {
			if HostMatches(name, u) {
				return true
			}
		}
		return false
	}
	name, start, hasPath := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(pattern, "https://"), "http://"), "/")
	if hasPath && !strings.HasPrefix(u.Path, "/"+start) {
		return false
	}
	labels := strings.Split(strings.ToLower(u.Hostname()), ".")
	for i := range labels {
		if ok, err := path.Match(strings.ToLower(name), strings.Join(labels[i:], ".")); ok && err == nil {
			return true
		}
	}
	return strings.EqualFold(name, u.Host) // with a port
}

func decodeDataURI(address string) ([]byte, error) {
	head, body, _ := strings.Cut(strings.TrimPrefix(address, "data:"), ",")
	if !strings.HasSuffix(head, ";base64") {
		text, err := url.PathUnescape(body)
		return []byte(text), err
	}
	data, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Unusable, Why: "broken", Err: err}
	}
	return data, nil
}

// Failed tells whether something of a plan cannot be done.
func (p *Plan) Failed() bool {
	for _, pic := range p.Pictures {
		if pic.State == Bad {
			return true
		}
	}
	for _, post := range p.Posts {
		if post.Err != nil {
			return true
		}
	}
	return false
}
