// Package release tells whether there is a newer bilipaste. It asks only when it
// is called: nothing of the program calls it by itself.
package release

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"bilipaste/internal/lang"
)

// Release is a published version.
type Release struct {
	Version string `json:"version"` // such as "1.2.3"
	Page    string `json:"page"`    // where to read about it and get it
}

// limit is how long the answer may take.
const limit = 20 * time.Second

// Newest asks the page of the project for its newest release. GitHub, Forgejo and
// Gitea redirect from PROJECT/releases/latest to the page of its tag; nothing but
// that is asked. The error is a lang.Teller: homepage is "", which a build of
// one's own has, the page cannot be reached, or has no release.
func Newest(ctx context.Context, transport http.RoundTripper, homepage string) (Release, error) {
	if homepage == "" {
		return Release{}, lang.Errorf("release.unpublished", nil, nil)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, homepage+"/releases/latest", nil)
	if err != nil {
		return Release{}, unreached(homepage, err)
	}
	answer, err := transport.RoundTrip(req)
	if err != nil {
		return Release{}, unreached(homepage, err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16))
	_ = answer.Body.Close()
	page, err := answer.Location()
	if errors.Is(err, http.ErrNoLocation) {
		return Release{}, lang.Errorf("release.none", lang.Data{"Page": homepage + "/releases", "Status": answer.StatusCode}, nil)
	}
	if err != nil {
		return Release{}, unreached(homepage, err)
	}
	tag := path.Base(page.Path)
	if dir := path.Base(path.Dir(page.Path)); dir != "tag" || !semver.IsValid(tag) || !sameSite(page, homepage) {
		return Release{}, lang.Errorf("release.none", lang.Data{"Page": homepage + "/releases", "Status": answer.StatusCode}, nil)
	}
	return Release{Version: strings.TrimPrefix(tag, "v"), Page: page.String()}, nil
}

// Newer tells whether a release is newer than the version of a program. One
// without a proper version, such as "(devel)", is not compared.
func (r Release) Newer(version string) bool {
	return semver.IsValid("v"+version) && semver.Compare("v"+r.Version, "v"+version) > 0
}

func sameSite(u *url.URL, homepage string) bool {
	home, err := url.Parse(homepage)
	return err == nil && u.Scheme == home.Scheme && u.Host == home.Host
}

func unreached(homepage string, err error) error {
	return lang.Errorf("release.unreached", lang.Data{"Page": homepage, "Cause": err}, err)
}
