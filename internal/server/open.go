package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/picture"
	"bilipaste/internal/web"
)

// regular reads a picture file. What is no regular file is not opened: a pipe
// would be waited for, and a device has no end.
func regular(name string) (picture.Picture, error) {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		return picture.Picture{}, &fault.Error{Kind: fault.Unusable, Why: "unreadable", Name: filepath.Base(name), Err: errors.New("not a regular file")}
	}
	return picture.Open(name)
}

// pathOf is the path of a file: address.
func pathOf(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	name := u.Path
	if runtime.GOOS == "windows" {
		name = strings.TrimPrefix(name, "/") // file:///C:/…
	}
	if u.Host != "" && u.Host != "localhost" || !filepath.IsAbs(filepath.FromSlash(name)) {
		return "", errors.New("not a file of this machine")
	}
	return filepath.FromSlash(name), nil
}

const fetchLimit = 30 * time.Second

// fetch reads a picture on the web, which an editor wants to have on its host.
func (s *Server) fetch(ctx context.Context, address string) (picture.Picture, error) {
	broken := func(err error, code int) error {
		return &fault.Error{Kind: fault.Passing, Why: "network", Host: hostOf(address), Code: code, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return picture.Picture{}, broken(err, 0)
	}
	transport := &http.Transport{Proxy: web.Proxy(func() *url.URL { return s.r.State().Settings.Proxy }), DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return picture.Picture{}, broken(err, 0)
	}
	defer resp.Body.Close()
	name := path.Base(req.URL.Path)
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusGone:
		return picture.Picture{}, &fault.Error{Kind: fault.Unusable, Why: "missing", Name: name, Code: resp.StatusCode}
	default:
		return picture.Picture{}, broken(errors.New(resp.Status), resp.StatusCode)
	}
	return picture.Read(name, io.LimitReader(resp.Body, picture.MaxSize+1), max(-1, resp.ContentLength))
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}
