package scdn

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/regex"
)

// Info is what the host shows to everybody of a picture.
type Info struct {
	ID           int64    `json:"id"`
	Filename     string   `json:"filename"`
	Original     string   `json:"original_filename"`
	OriginalSize int64    `json:"original_size_bytes"`
	Size         int64    `json:"compressed_size_bytes"`
	Sizes        string   `json:"size_display"`
	Hash         string   `json:"current_hash"` // of what is stored, it seems
	Uploaded     string   `json:"upload_date"`  // China's time, it seems
	LastAccessed *string  `json:"last_accessed"`
	Uploader     string   `json:"uploader_masked"`
	Location     string   `json:"location"`
	TagText      string   `json:"tags"` // the same, joined by "、"
	Tags         []string `json:"tags_array"`
	URL          string   `json:"image_url"`
	Domain       string   `json:"cdn_domain"`
	Protected    bool     `json:"password_protected"`
}

var query = regex.Lazy(`^[A-Za-z0-9_.-]{1,200}$`)

// Info asks what the host knows of a picture, given by its id, its file name or
// its URL. Its errors are those of Upload; one of kind Rejected if there is no
// such picture.
func (h *Host) Info(ctx context.Context, what string) (Info, error) {
	if u, err := url.Parse(what); err == nil && slices.Contains(Domains(), u.Host) {
		what = path.Base(u.Path)
	}
	if !query().MatchString(what) {
		return Info{}, lang.Errorf("scdn.query", lang.Data{"Query": what}, nil)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"?q="+url.QueryEscape(what), nil)
	if err != nil {
		return Info{}, err
	}
	r, err := h.ask(ctx, queries, req)
	if err != nil {
		return Info{}, err
	}
	var info Info
	if json.Unmarshal(r.Data, &info) != nil || info.Filename == "" {
		return Info{}, &fault.Error{Kind: fault.BrokenAnswer, Host: Name}
	}
	if len(info.Tags) == 0 && info.TagText != "" {
		info.Tags = strings.Split(info.TagText, "、")
	}
	return info, nil
}

// Reach asks the host for a picture that it need not know, and returns nil if
// it answered. Its errors are those of Info.
func (h *Host) Reach(ctx context.Context) error {
	_, err := h.Info(ctx, "0")
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Why == "unknown" {
		return nil
	}
	return err
}
