package account

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// Build makes the request of one call: all of it but cookies, User-Agent and
// Referer. csrf, a secret, is the session's token, which every call that
// changes something carries; "" with nobody signed in.
type Build func(ctx context.Context, csrf string) (*http.Request, error)

// Get asks for an address with parameters, which may be nil.
func Get(address string, params url.Values) Build {
	return func(ctx context.Context, _ string) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodGet, withQuery(address, params), nil)
	}
}

// JSON sends body, in JSON, to an address with parameters, which may be nil,
// and with the token as the parameter "csrf".
func JSON(address string, params url.Values, body any) Build {
	return func(ctx context.Context, csrf string) (*http.Request, error) {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		params := maps.Clone(params)
		if params == nil {
			params = url.Values{}
		}
		params.Set("csrf", csrf)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, withQuery(address, params), bytes.NewReader(data))
		if err == nil {
			req.Header.Set("Content-Type", "application/json")
		}
		return req, err
	}
}

// Form sends a form, with the token in the fields named csrf.
func Form(address string, fields url.Values, csrf ...string) Build {
	return func(ctx context.Context, token string) (*http.Request, error) {
		fields := maps.Clone(fields)
		if fields == nil {
			fields = url.Values{}
		}
		for _, name := range csrf {
			fields.Set(name, token)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(fields.Encode()))
		if err == nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return req, err
	}
}

func withQuery(address string, params url.Values) string {
	if len(params) == 0 {
		return address
	}
	return address + "?" + params.Encode()
}
