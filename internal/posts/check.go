package posts

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"bilipaste/internal/album"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/web"
)

// Life is what a look at a picture's address told.
type Life string

// The lives of a picture.
const (
	Alive       Life = "alive"
	Slow        Life = "slow"        // alive, but the answer took more than SlowLimit
	Gone        Life = "gone"        // the host says that it is not there
	Placeholder Life = "placeholder" // the host shows something else in its place
	Refused     Life = "refused"     // to pages of the blog: to who tells no referrer it is alive, or the host refuses everybody
	Unreachable Life = "unreachable" // the host gives no answer now, or asks to be left alone
	Private     Life = "private"     // not on the internet: it was not asked
)

// IsDead tells whether whoever reads the post sees no picture, and will not.
func (l Life) IsDead() bool { return l == Gone || l == Placeholder }

// SlowLimit is how long a host may take to answer.
const SlowLimit = 5 * time.Second

// fresh is how long what a look told holds.
const fresh = 24 * time.Hour

// Checker asks whether pictures are still at their addresses.
type Checker struct {
	Web     *Web
	Album   *album.Album // where answers are kept for a day, and whose links have a known size; nil: nowhere
	Referer string       // a page of the blog, which some hosts want to know; "": that is not tried
	Again   bool         // also what was looked at within a day
}

// Checked is what a look at an address told.
type Checked struct {
	URL    string // as Plain
	Life   Life
	Detail string    // a status, an error; "" if there is nothing to say
	Since  time.Time // Gone: when that was seen first
	At     time.Time // of the look

	size int64  // bytes, -1: the host did not tell
	mark string // what tells equal pictures; "": nothing does
}

// Check looks at addresses, four hosts at once, and tells of each as it is known.
// It returns what was found out at the end, when those with the same picture are
// known, by the addresses of Plain. The error is ctx's.
func (c *Checker) Check(ctx context.Context, addresses []string, told func()) (map[string]Checked, error) {
	hosts := map[string][]string{}
	var order []string
	for _, a := range addresses {
		a = Plain(a)
		host := hostOf(a)
		if hosts[host] == nil {
			order = append(order, host)
		}
		if !slices.Contains(hosts[host], a) {
			hosts[host] = append(hosts[host], a)
		}
	}
	var mu sync.Mutex
	all := map[string]Checked{}
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, host := range order {
		group.Go(func() error {
			silent := 0 // times, one after the other, that the host gave no answer
			for _, address := range hosts[host] {
				var r Checked
				if silent >= 3 {
					r = Checked{URL: address, Life: Unreachable, Detail: "the host gives no answer", At: time.Now(), size: -1}
				} else {
					r = c.one(running, address)
				}
				if running.Err() != nil {
					return running.Err()
				}
				if silent++; r.Life != Unreachable {
					silent = 0
				}
				mu.Lock()
				all[address] = r
				mu.Unlock()
				told()
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	c.findPlaceholders(ctx, all)
	return all, nil
}

// one returns what is known of an address, or looks at it.
func (c *Checker) one(ctx context.Context, address string) Checked {
	var was album.Check
	if c.Album != nil {
		var ok bool
		if was, ok, _ = c.Album.LastCheck(ctx, address); ok && !c.Again && time.Since(was.At) < fresh && Life(was.State) != Unreachable && c.Referer == "" {
			return Checked{address, Life(was.State), was.Detail, was.Gone, was.At, was.Size, was.Mark}
		}
	}
	r := c.look(ctx, address)
	if ctx.Err() != nil {
		return r
	}
	if r.Life == Gone {
		r.Since = r.At
		if !was.Gone.IsZero() {
			r.Since = was.Gone
		}
	}
	c.save(ctx, r)
	return r
}

func (c *Checker) save(ctx context.Context, r Checked) {
	if c.Album == nil || r.Life == Private {
		return
	}
	// What is not kept is only asked for again.
	_ = c.Album.SaveCheck(ctx, album.Check{URL: r.URL, State: string(r.Life), Detail: r.Detail, At: r.At, Gone: r.Since, Size: r.size, Mark: r.mark})
}

// look asks a host for a picture.
func (c *Checker) look(ctx context.Context, address string) Checked {
	r := Checked{URL: address, Life: Alive, size: -1}
	a := c.ask(ctx, address, "")
	r.At = time.Now()
	r.size, r.mark, r.Detail = a.size, a.mark, a.detail
	switch {
	case a.private:
		r.Life = Private
	case a.err != nil:
		r.Life, r.Detail = Unreachable, a.err.Error()
	case a.status == http.StatusNotFound || a.status == http.StatusGone:
		r.Life = Gone
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		r.Life = Refused
	case a.status >= 300:
		r.Life = Unreachable
	case a.removed, !a.isPicture:
		r.Life = Placeholder
	case a.took > SlowLimit:
		r.Life = Slow
	}
	if (r.Life == Alive || r.Life == Slow) && c.Referer != "" {
		if b := c.ask(ctx, address, c.Referer); b.status == http.StatusUnauthorized || b.status == http.StatusForbidden || b.err == nil && b.status < 300 && !b.isPicture {
			r.Life, r.Detail = Refused, b.detail
		}
	}
	return r
}

// answer is what a host said of a picture.
type answer struct {
	status    int
	detail    string // in few words
	err       error
	private   bool
	isPicture bool
	removed   bool // it leads to what is shown for removed pictures
	size      int64
	mark      string
	took      time.Duration
	after     time.Duration // how long the host asked to be left alone
}

// ask asks for the head of a picture, and, where that tells too little, for its
// first bytes. A host that asks to be left alone for a moment is asked again.
func (c *Checker) ask(ctx context.Context, address, referer string) answer {
	const patience = 30 * time.Second
	header := map[string]string{}
	if referer != "" {
		header["Referer"] = referer
	}
	a := c.send(ctx, http.MethodHead, address, header)
	if a.private || a.err == nil && a.status == http.StatusOK && a.isPicture && a.size >= 0 || ctx.Err() != nil {
		return a
	}
	header["Range"] = "bytes=0-1023"
	a = c.send(ctx, http.MethodGet, address, header)
	if a.status == http.StatusTooManyRequests && a.after > 0 && a.after <= patience {
		select {
		case <-time.After(a.after):
			a = c.send(ctx, http.MethodGet, address, header)
		case <-ctx.Done():
		}
	}
	return a
}

// send makes one request.
func (c *Checker) send(ctx context.Context, method, address string, header map[string]string) answer {
	a := answer{size: -1}
	limited, cancel := context.WithTimeout(ctx, askLimit+c.Web.Pace)
	defer cancel()
	resp, err := c.Web.do(limited, method, address, header)
	if err != nil {
		a.private, a.err = errors.Is(err, web.ErrPrivate), short(err)
		return a
	}
	defer resp.end()
	a.took, a.after = resp.took, web.RetryAfter(resp.Header.Get("Retry-After"), time.Now())
	a.status, a.detail = resp.StatusCode, strconv.Itoa(resp.StatusCode)
	a.size = resp.ContentLength
	if total, ok := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes 0-"); ok {
		_, total, _ = strings.Cut(total, "/")
		if a.size, err = strconv.ParseInt(total, 10, 64); err != nil {
			a.size = -1
		}
	}
	if etag := resp.Header.Get("ETag"); etag != "" {
		a.mark = strings.TrimPrefix(etag, "W/")
	}
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	a.isPicture = strings.HasPrefix(strings.TrimSpace(kind), "image/")
	a.removed = isRemoved(address, resp.Request.URL)
	if method == http.MethodGet && a.status < 300 {
		first, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
		if a.isPicture = picture.Sniff(first) != ""; !a.isPicture {
			a.detail = cmp.Or(strings.TrimSpace(kind), "no picture")
		}
		sum := sha256.Sum256(first)
		a.mark = hex.EncodeToString(sum[:])
	}
	return a
}

// isRemoved tells whether a redirect has led from a picture to one that is shown
// in the place of those that were removed.
func isRemoved(from string, to *url.URL) bool {
	u, err := url.Parse(from)
	if err != nil || u.Path == to.Path {
		return false
	}
	name := strings.ToLower(strings.TrimSuffix(path.Base(to.Path), path.Ext(to.Path)))
	for _, end := range []string{"removed", "notfound", "not-found", "not_found", "404", "deleted", "noimage", "no-image", "expired", "placeholder", "error"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// findPlaceholders finds those who show something else: the same bytes at three
// or more addresses with different names, or another size than what the album
// has sent there.
func (c *Checker) findPlaceholders(ctx context.Context, all map[string]Checked) {
	bySize := func(r Checked) string { return hostOf(r.URL) + " " + strconv.FormatInt(r.size, 10) }
	byMark := func(r Checked) string { return bySize(r) + " " + r.mark }
	sizes := names(all, bySize)
	for address, r := range all {
		if isShown(r) && r.mark == "" && len(sizes[bySize(r)]) >= suspicious {
			a := c.send(ctx, http.MethodGet, address, map[string]string{"Range": "bytes=0-1023"})
			r.mark = a.mark
			all[address] = r
		}
	}
	marks := names(all, byMark)
	for address, r := range all {
		if !isShown(r) {
			continue
		}
		known := c.sizeOf(ctx, address)
		switch {
		case known > 0 && known == r.size: // copies of one picture are no placeholders
			continue
		case r.mark != "" && len(marks[byMark(r)]) >= suspicious:
			r.Detail = "same"
		case known > 0 && r.size >= 0 && known != r.size:
			r.Detail = "size"
		default:
			continue
		}
		r.Life = Placeholder
		all[address] = r
		c.save(ctx, r)
	}
}

// suspicious is how many pictures with different names are not the same one.
const suspicious = 3

func isShown(r Checked) bool { return r.Life == Alive || r.Life == Slow }

// names are the names of the pictures that are shown, by what they have in common.
func names(all map[string]Checked, key func(Checked) string) map[string]map[string]bool {
	names := map[string]map[string]bool{}
	for _, r := range all {
		if k := key(r); isShown(r) {
			if names[k] == nil {
				names[k] = map[string]bool{}
			}
			names[k][nameOf(r.URL)] = true
		}
	}
	return names
}

// sizeOf is how many bytes the album knows to be at an address, 0 if it does not.
func (c *Checker) sizeOf(ctx context.Context, address string) int64 {
	if c.Album == nil {
		return 0
	}
	entries, err := c.Album.History(ctx, album.Query{URL: address, Limit: 1})
	if err != nil || len(entries) == 0 || entries[0].Link.Differs {
		return 0
	}
	return entries[0].Link.Bytes
}

// Shown is a picture on another machine that a post shows.
type Shown struct {
	File    string
	Line    int
	Address string
}

// Remotes returns the pictures on other machines that posts show, and the posts
// that cannot be read.
func Remotes(ctx context.Context, files []string) (all []Shown, failures []Failure) {
	for _, file := range files {
		if ctx.Err() != nil {
			return all, failures
		}
		data, err := os.ReadFile(file)
		if err != nil {
			failures = append(failures, Failure{File: file, Err: lang.Errorf("posts.unreadable", lang.Data{"File": file, "Cause": cause(err)}, err)})
			continue
		}
		d, err := Parse(file, data)
		if err != nil {
			failures = append(failures, Failure{File: file, Err: err})
			continue
		}
		mentions, err := Find(d)
		if err != nil {
			failures = append(failures, Failure{File: file, Err: err})
		}
		for _, p := range mentions {
			if IsRemote(p.Address) {
				all = append(all, Shown{file, p.Line, p.Address})
			}
		}
	}
	return all, failures
}
