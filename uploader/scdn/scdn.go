// Package scdn is img.scdn.io as a host: a free one, of a third party, public
// and moderated. It stores pictures re-encoded, and shows who knows a
// picture's name what it knows of it.
package scdn

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"bilipaste/internal/config"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/regex"
	"bilipaste/internal/web"
	"bilipaste/uploader"
)

// Name is the host's name in settings and messages.
const Name = "scdn"

const address = "https://img.scdn.io/api/v1.php"

const userAgent = "bilipaste"

// Domains lists the domains that serve its pictures.
func Domains() []string {
	return []string{
		"img.scdn.io", "cloudflareimg.cdn.sn", "edgeoneimg.cdn.sn", "esaimg.cdn1.vip",
		"cloudflarecnimg.scdn.io", "anycastimg.scdn.io",
	}
}

// Outputs lists the formats that it can be asked to store pictures in.
func Outputs() []string {
	return []string{"auto", "jpg", "jpeg", "png", "webp", "gif", "webp_animated"}
}

// Options says how pictures are stored. The zero Options leaves it to the host.
type Options struct {
	Output   string        // one of Outputs, "": auto, a WebP
	Domain   string        // one of Domains, or "" or "default": the host's choice
	Password config.Secret // who wants to see a picture must know it
	Question string        // asked instead of "password?"; Password is then its answer
}

const longestQuestion = 150 // characters

// Host is img.scdn.io. It is safe for concurrent use.
type Host struct {
	web     *web.Client
	windows *Windows
	options Options
}

var _ uploader.Host = (*Host)(nil)

// New returns the host, reached through transport. windows keeps the pace that
// the host asks for; nil keeps none.
func New(transport http.RoundTripper, windows *Windows, options Options) (*Host, error) {
	if options.Domain == "default" {
		options.Domain = ""
	}
	for _, o := range []struct {
		value, key string
		known      []string
	}{{options.Output, "scdn_output", Outputs()}, {options.Domain, "scdn_domain", Domains()}} {
		if o.value != "" && !slices.Contains(o.known, o.value) {
			return nil, lang.Errorf("scdn.option", lang.Data{"Key": o.key, "Values": strings.Join(o.known, ", ")}, nil)
		}
	}
	switch {
	case options.Question != "" && options.Password.IsZero():
		return nil, lang.Errorf("scdn.no_answer", nil, nil)
	case utf8.RuneCountInString(options.Question) > longestQuestion:
		return nil, lang.Errorf("scdn.long_question", lang.Data{"Most": longestQuestion}, nil)
	}
	h := &Host{windows: windows, options: options}
	h.web = web.NewClient(Name, transport, h.redact)
	return h, nil
}

func (h *Host) redact(text string) string {
	if password := h.options.Password.Reveal(); password != "" {
		for _, secret := range []string{password, url.QueryEscape(password), url.PathEscape(password)} {
			text = strings.ReplaceAll(text, secret, "[secret]")
		}
	}
	return text
}

// Name returns "scdn".
func (h *Host) Name() string { return Name }

// Limits says what the host takes. How large a picture may be, the host does
// not tell; 15 MB is what its other clients keep to. It does not say that it
// keeps an animated PNG moving: it is asked to, or to refuse.
func (h *Host) Limits() uploader.Limits {
	return uploader.Limits{Formats: []picture.Format{
		picture.PNG, picture.JPEG, picture.WebP, picture.GIF, picture.APNG, picture.BMP, picture.TIFF,
	}, Bytes: 15_000_000}
}

// Destination returns the host, with the options as its bucket: they change
// what a link leads to. Links that ask for a password are made anew each time.
func (h *Host) Destination() (at uploader.Destination, lasting bool) {
	options := []string{h.options.Output, h.options.Domain}
	if lasting = h.options.Password.IsZero(); !lasting {
		options = append(options, "password")
	}
	options = slices.DeleteFunc(options, func(o string) bool { return o == "" })
	return uploader.Destination{Host: Name, Bucket: strings.Join(options, " ")}, lasting
}

// HasPassword tells whether pictures at a destination of ours ask for a password.
func HasPassword(at uploader.Destination) bool {
	return at.Host == Name && slices.Contains(strings.Fields(at.Bucket), "password")
}

// Upload sends p when the windows let it, and checks the answer.
func (h *Host) Upload(ctx context.Context, p picture.Picture) (uploader.Link, error) {
	req, err := web.Form(ctx, address, h.fields(p), "image", p)
	if err != nil {
		return uploader.Link{}, err
	}
	data, err := h.ask(ctx, uploads, req)
	if err != nil {
		return uploader.Link{}, err
	}
	return h.link(data, p)
}

// output returns the format that p is to be stored in. Nothing that moves is
// made to stand still.
func (h *Host) output(p picture.Picture) string {
	output := cmp.Or(h.options.Output, "auto")
	if moves := p.Animated(); moves && p.Format == picture.PNG || moves && !slices.Contains([]string{"auto", "webp", "gif"}, output) {
		return "webp_animated"
	}
	return output
}

// fields returns the form's fields.
func (h *Host) fields(p picture.Picture) []web.Field {
	fields := []web.Field{{Name: "outputFormat", Value: h.output(p)}}
	if h.options.Domain != "" {
		fields = append(fields, web.Field{Name: "cdn_domain", Value: h.options.Domain})
	}
	if password := h.options.Password.Reveal(); password != "" {
		fields = append(fields, web.Field{Name: "password_enabled", Value: "true"}, web.Field{Name: "image_password", Value: password})
		if h.options.Question == "" {
			return append(fields, web.Field{Name: "password_type", Value: "plain"})
		}
		return append(fields, web.Field{Name: "password_type", Value: "qa"}, web.Field{Name: "password_question", Value: h.options.Question})
	}
	return fields
}

// reply is an answer's body. Of a success, data may be missing or hold little.
type reply struct {
	Success        *bool
	URL            string
	Error, Message string
	Data           json.RawMessage
}

// ask sends a request when its window lets it, and returns the good answer.
func (h *Host) ask(ctx context.Context, f family, req *http.Request) (reply, error) {
	if h.windows != nil {
		if err := h.windows.wait(ctx, f); err != nil {
			return reply{}, err
		}
	} else if err := ctx.Err(); err != nil {
		return reply{}, err
	}
	req.Header.Set("User-Agent", userAgent)
	a, err := h.web.Do(req)
	if err != nil {
		return reply{}, err
	}
	r, err := h.read(a)
	if e, ok := errors.AsType[*fault.Error](err); ok && a.Status == http.StatusTooManyRequests && h.windows != nil {
		h.windows.close(ctx, f, e.After)
	}
	return r, err
}

// read returns a good answer, and the error that any other means.
func (h *Host) read(a web.Answer) (reply, error) {
	var r reply
	bad := json.Unmarshal(a.Body, &r)
	if bad == nil && r.Success == nil {
		bad = errors.New("it does not say whether it is a success")
	}
	said := cmp.Or(r.Error, r.Message)
	if bad != nil {
		said = string(a.Body)
	}
	e := &fault.Error{Host: Name, Code: a.Status, Said: h.web.Excerpt(said)}
	switch status := a.Status; {
	case status == http.StatusRequestEntityTooLarge, status == http.StatusUnsupportedMediaType, status >= 500:
		e.Kind, e.Why = ofStatus(status)
	case bad != nil:
		e.Kind, e.Why = web.Stranger(a)
	case status < 200 || status >= 300:
		e.Kind, e.Why = ofStatus(status)
	case !*r.Success:
		e.Kind, e.Code = fault.Rejected, 0
	default:
		return r, nil
	}
	if e.Kind == fault.Passing {
		e.After = web.RetryAfter(a.Header.Get("Retry-After"), time.Now())
		if e.After == 0 && a.Status == http.StatusTooManyRequests {
			e.After = short.length
		}
	}
	return reply{}, e
}

// ofStatus tells what an HTTP status other than 2xx means.
func ofStatus(status int) (fault.Kind, string) {
	switch status {
	case http.StatusBadRequest: // also said of a format
		return fault.NotTaken, "request"
	case http.StatusNotFound:
		return fault.Rejected, "unknown"
	case http.StatusMethodNotAllowed:
		return fault.Rejected, "method"
	case http.StatusRequestEntityTooLarge:
		return fault.TooLarge, "output"
	case http.StatusUnsupportedMediaType:
		return fault.NotTaken, "host"
	case http.StatusTooManyRequests:
		return fault.Passing, "frequent"
	case http.StatusInternalServerError:
		return fault.Passing, "server"
	case http.StatusRequestTimeout:
		return fault.Passing, ""
	}
	switch {
	case status >= 500:
		return fault.Passing, ""
	case status >= 300 && status < 400:
		return fault.Passing, "redirect"
	}
	return fault.Rejected, ""
}

// picturePath is the path of a picture, public or behind a password.
var picturePath = regex.Lazy(`^/[ip]/[A-Za-z0-9_.-]+$`)

// link reads an upload's answer. A link that leads elsewhere, or shows in
// public what was to have a password, is a broken answer.
func (h *Host) link(r reply, p picture.Picture) (uploader.Link, error) {
	var data struct {
		URL, Filename string
		Size          float64 `json:"compressed_size"`
	}
	_ = json.Unmarshal(r.Data, &data) // it is optional
	found := cmp.Or(r.URL, data.URL)
	u, err := url.Parse(found)
	if err == nil && (u.Scheme == "http" || u.Scheme == "") {
		u.Scheme = "https"
	}
	hidden := !h.options.Password.IsZero()
	if err != nil || u.Scheme != "https" || !slices.Contains(Domains(), u.Host) || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		!picturePath().MatchString(u.Path) || strings.HasPrefix(u.Path, "/p/") != hidden {
		return uploader.Link{}, &fault.Error{Kind: fault.BrokenAnswer, Why: "link", Host: Name, Said: h.web.Excerpt(found)}
	}
	link := uploader.Link{
		URL: u.String(), Host: Name, Made: time.Now(), Width: p.Width, Height: p.Height,
		Format: formats[path.Ext(u.Path)], Bytes: int64(max(0, data.Size)),
	}
	if r.Message != "" && data.Filename == "" {
		link.Notes = append(link.Notes, lang.Message{ID: "scdn.known"})
	}
	if wanted := h.options.Output; wanted != "" && wanted != "auto" && wanted != h.output(p) {
		link.Notes = append(link.Notes, lang.Message{ID: "scdn.moves", Data: lang.Data{"Output": wanted}})
	}
	if p.Format == picture.PNG && p.Animated() {
		link.Notes = append(link.Notes, lang.Message{ID: "scdn.apng"})
	}
	return link, nil
}

var formats = map[string]picture.Format{
	".png": picture.PNG, ".jpg": picture.JPEG, ".jpeg": picture.JPEG, ".webp": picture.WebP, ".gif": picture.GIF,
}
