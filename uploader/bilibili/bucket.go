// Package bilibili is Bilibili as a host of pictures, with the user's account:
// a bucket of its image API, and the pictures of posts.
package bilibili

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/regex"
	"bilipaste/internal/web"
	"bilipaste/uploader"
)

// Name is the bucket host's name in settings and messages.
const Name = account.Service

// Buckets lists the buckets of the image API that are known. They seem to
// differ in the link's path alone.
func Buckets() []string {
	return []string{
		"openplatform", "static", "live", "seed", "banner", "mall", "album", "vip",
		"face", "svg-next", "archive", "garb", "polaris_web_conf",
	}
}

// Bucket stores pictures in one bucket of the image API.
type Bucket struct {
	client *account.Client
	name   string
}

var _ uploader.Host = (*Bucket)(nil)

// isName tells whether a bucket can have this name.
func isName(name string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return name != "" && len(name) <= 64 && strings.Trim(name, letters+"_-") == "" && strings.Contains(letters, name[:1])
}

// NewBucket returns the host that stores pictures in the bucket of this name. A
// name that is not among Buckets is an error unless unlisted says that it is meant.
func NewBucket(client *account.Client, name string, unlisted bool) (*Bucket, error) {
	if !slices.Contains(Buckets(), name) && (!unlisted || !isName(name)) {
		return nil, lang.Errorf("bilibili.bucket", lang.Data{"Name": name, "Names": strings.Join(Buckets(), ", ")}, nil)
	}
	return &Bucket{client, name}, nil
}

// Name returns "bilibili".
func (b *Bucket) Name() string { return Name }

// Limits says what the image API takes. Its limit is called 15 MB: the smaller
// of the two readings is kept to.
func (b *Bucket) Limits() uploader.Limits {
	return uploader.Limits{Formats: []picture.Format{picture.PNG, picture.JPEG, picture.WebP}, Bytes: 15_000_000}
}

// Destination returns the bucket, whose links last.
func (b *Bucket) Destination() (uploader.Destination, bool) {
	return uploader.Destination{Host: Name, Bucket: b.name}, true
}

// Upload sends p when the gate lets it, and checks the answer.
func (b *Bucket) Upload(ctx context.Context, p picture.Picture) (uploader.Link, error) {
	var sum [sha1.Size]byte
	var beside sync.WaitGroup
	beside.Go(func() { sum = sumOf(p) })
	data, err := b.client.Do(ctx, account.Upload, func(ctx context.Context, csrf string) (*http.Request, error) {
		// The fields come before the file.
		fields := []web.Field{{Name: "bucket", Value: b.name}, {Name: "csrf", Value: csrf}}
		return web.Form(ctx, account.API+"/x/upload/web/image", fields, "file", p)
	})
	beside.Wait()
	if err != nil {
		return uploader.Link{}, err
	}
	return b.link(data, hex.EncodeToString(sum[:]))
}

// sumOf returns the SHA-1 of p. It lets all go first that has something to
// do: the sum is needed only when the answer is there.
func sumOf(p picture.Picture) (sum [sha1.Size]byte) {
	h := sha1.New()
	for _, part := range p.Parts() {
		for few := range slices.Chunk(part, 64<<10) {
			_, _ = h.Write(few) // it never fails
			runtime.Gosched()
		}
	}
	h.Sum(sum[:0])
	return sum
}

// imageHosts serve the same pictures.
var imageHosts = []string{"i0.hdslb.com", "i1.hdslb.com", "i2.hdslb.com", "archive.biliimg.com", "article.biliimg.com"}

// plainURL holds no character that means something to Markdown, HTML or BBCode.
var plainURL = regex.Lazy(`^https://[A-Za-z0-9./_~%@!:=+,-]+$`)

// link reads the answer to an upload of a picture with this sum. A link that is
// none, or leads elsewhere, is a broken answer.
func (b *Bucket) link(data json.RawMessage, sum string) (uploader.Link, error) {
	broken := func(said string) error {
		return &fault.Error{Kind: fault.BrokenAnswer, Why: "link", Host: Name, Said: b.client.Excerpt(said)}
	}
	var stored struct{ Location, ETag string }
	if json.Unmarshal(data, &stored) != nil || stored.Location == "" {
		return uploader.Link{}, broken("")
	}
	u, err := url.Parse(stored.Location)
	if err != nil {
		return uploader.Link{}, broken(stored.Location)
	}
	switch u.Scheme {
	case "http", "https", "":
		u.Scheme = "https"
	}
	if !slices.Contains(imageHosts, u.Host) || u.User != nil || len(u.Path) < 2 || !plainURL().MatchString(u.String()) {
		return uploader.Link{}, broken(stored.Location)
	}
	return uploader.Link{
		URL: u.String(), Host: Name, Bucket: b.name, Made: time.Now(),
		Differs: !strings.EqualFold(strings.Trim(stored.ETag, `"`), sum),
	}, nil
}
