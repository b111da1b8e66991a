package bilibili

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/web"
	"bilipaste/uploader"
)

// DrawName is the draw host's name in settings and messages.
const DrawName = "draw"

// Draw stores the pictures of posts on Bilibili. Their links expire within the
// hour unless a post uses them, and their names carry the account's number.
type Draw struct {
	client        *account.Client
	category, biz string
}

var _ uploader.Host = (*Draw)(nil)

// Categories lists what the pictures of a post can be: of everyday life, an
// illustration, or a photograph of a costume.
func Categories() []string { return []string{"daily", "draw", "cos"} }

// NewDraw returns the host that stores the pictures of posts, of a category and
// for a use, such as "new_dyn".
func NewDraw(client *account.Client, category, biz string) (*Draw, error) {
	if !slices.Contains(Categories(), category) {
		return nil, lang.Errorf("bilibili.category", lang.Data{"Name": category, "Names": strings.Join(Categories(), ", ")}, nil)
	}
	if !isName(biz) {
		return nil, lang.Errorf("bilibili.biz", lang.Data{"Name": biz}, nil)
	}
	return &Draw{client, category, biz}, nil
}

// Name returns "draw".
func (d *Draw) Name() string { return DrawName }

// Limits says what the host takes. How large a picture may be is not known:
// the bucket's limit is kept to.
func (d *Draw) Limits() uploader.Limits {
	return uploader.Limits{Formats: []picture.Format{picture.PNG, picture.JPEG, picture.GIF}, Bytes: 15_000_000}
}

// Destination returns the category. Its links expire.
func (d *Draw) Destination() (uploader.Destination, bool) {
	return uploader.Destination{Host: DrawName, Bucket: d.category}, false
}

// For returns the category of its pictures, and what they are for.
func (d *Draw) For() (category, biz string) { return d.category, d.biz }

// smallest is the width and height that a picture must have more than, unless
// it is one of everyday life.
const smallest = 420

// Fits tells whether p is large enough for the category. The error is of kind
// NotTaken.
func (d *Draw) Fits(p picture.Picture) error {
	if d.category != "daily" && (p.Width <= smallest || p.Height <= smallest) {
		return &fault.Error{Kind: fault.NotTaken, Why: "small", Host: DrawName, Name: p.Name, Format: p.Format.Name()}
	}
	return nil
}

// Upload sends p when the gate lets it, and checks the answer.
func (d *Draw) Upload(ctx context.Context, p picture.Picture) (uploader.Link, error) {
	if err := d.Fits(p); err != nil {
		return uploader.Link{}, err
	}
	data, err := d.client.Do(ctx, account.Upload, func(ctx context.Context, csrf string) (*http.Request, error) {
		return web.Form(ctx, account.API+"/x/dynamic/feed/draw/upload_bfs", []web.Field{
			{Name: "category", Value: d.category}, {Name: "biz", Value: d.biz}, {Name: "csrf", Value: csrf},
		}, "file_up", p)
	})
	if err != nil {
		return uploader.Link{}, d.explain(err)
	}
	return d.link(data)
}

// The host's own codes: the older generation's are small numbers.
const (
	oldParameters = -2
	oldSmall      = -3
	oldPicture    = -7
	newParameters = 4100001
)

// explain says an error as this host's, and knows its codes.
func (d *Draw) explain(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	own := *e
	own.Host = DrawName
	switch {
	case e.Kind != fault.Rejected:
	case e.Code == oldParameters, e.Code == newParameters:
		own.Why = "parameters"
	case e.Code == oldSmall, e.Code == oldPicture:
		own.Why = "picture"
	}
	return &own
}

// link reads an upload's answer, of either generation.
func (d *Draw) link(data json.RawMessage) (uploader.Link, error) {
	var stored struct {
		URL string  `json:"image_url"`
		W   int     `json:"image_width"`
		H   int     `json:"image_height"`
		KB  float64 `json:"img_size"` // the newer generation's alone
	}
	bad := json.Unmarshal(data, &stored)
	u, err := url.Parse(stored.URL)
	if err == nil && (u.Scheme == "http" || u.Scheme == "") {
		u.Scheme = "https"
	}
	if bad != nil || err != nil || !slices.Contains(imageHosts, u.Host) || u.User != nil || len(u.Path) < 2 || !plainURL().MatchString(u.String()) {
		return uploader.Link{}, &fault.Error{Kind: fault.BrokenAnswer, Why: "link", Host: DrawName, Said: d.client.Excerpt(stored.URL)}
	}
	return uploader.Link{
		URL: u.String(), Host: DrawName, Bucket: d.category, Made: time.Now(),
		Width: stored.W, Height: stored.H, Bytes: int64(stored.KB * 1024),
	}, nil
}
