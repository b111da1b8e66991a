package bilibili

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"bilipaste/uploader"
)

// answer is what the host answered; body is cut after maxAnswer+1 bytes.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// envelope is what every answer is wrapped in. Data is decoded once the code
// says that it is what it should be: on errors it is null, [], "" or absent.
type envelope struct {
	Code         *int
	Message, Msg any // texts; the older calls say Msg
	Data         json.RawMessage
}

// The host's codes that mean something here.
const (
	notLoggedIn  = -101
	suspended    = -102
	trial        = -106
	noPhone      = -108
	noPhoneToo   = -110
	csrfWrong    = -111
	upgrading    = -112
	noName       = -113
	noProof      = -114
	noProofToo   = -115
	riskRefused  = -352
	intercepted  = -412
	serverError  = -500
	overloaded   = -503
	upstreamLate = -504
	overLimit    = -509
	fileTooLarge = -617
	tokenExpired = -658
	tooFrequent  = -799
	wanderedOff  = -8888
)

// read returns the data of a good answer, and the error that any other means.
func (c *caller) read(a answer) (json.RawMessage, error) {
	var env envelope
	bad := json.Unmarshal(a.body, &env)
	if bad == nil && env.Code == nil {
		bad = errors.New("no code")
	}
	said, _ := env.Message.(string)
	if said == "" {
		said, _ = env.Msg.(string)
	}
	if bad != nil && !c.mute {
		said = string(a.body)
	}
	e := &uploader.Error{Host: Name, Code: a.status}
	switch {
	case a.status == http.StatusPreconditionFailed:
		e.Kind = uploader.Refused
	case bad == nil && *env.Code != 0:
		e.Code = *env.Code
		e.Kind, e.Why = ofCode(e.Code)
		if e.Kind == uploader.Rejected && a.status >= 300 {
			e.Kind, e.Why = ofStatus(a.status)
		}
	case a.status < 200 || a.status >= 300:
		e.Kind, e.Why = ofStatus(a.status)
	case bad != nil:
		e.Kind, e.Why = uploader.BrokenAnswer, odd(a.body, bad)
	case isVoucher(env.Data):
		e.Kind, e.Code = uploader.Refused, riskRefused
	default:
		return env.Data, nil
	}
	if said = c.excerpt(said); said != strconv.Itoa(e.Code) {
		e.Said = said
	}
	if e.Kind == uploader.Passing {
		e.After = retryAfter(a.header.Get("Retry-After"), time.Now())
	}
	return nil, e
}

// ofCode tells what a code of the host means.
func ofCode(code int) (uploader.Kind, string) {
	switch code {
	case notLoggedIn, tokenExpired:
		return uploader.NotLoggedIn, ""
	case csrfWrong:
		return uploader.NotLoggedIn, "csrf"
	case riskRefused, intercepted:
		return uploader.Refused, ""
	case suspended, trial, noPhone, noPhoneToo, noName, noProof, noProofToo:
		return uploader.Rejected, "account"
	case fileTooLarge:
		return uploader.TooLarge, "host"
	case upgrading, serverError, overloaded, upstreamLate, overLimit, tooFrequent, wanderedOff:
		return uploader.Passing, ""
	}
	return uploader.Rejected, ""
}

// ofStatus tells what an HTTP status other than 2xx means.
func ofStatus(status int) (uploader.Kind, string) {
	switch {
	case status == http.StatusUnauthorized:
		return uploader.NotLoggedIn, ""
	case status == http.StatusRequestEntityTooLarge:
		return uploader.TooLarge, "host"
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return uploader.Passing, ""
	case status >= 400:
		return uploader.Rejected, ""
	case status >= 300:
		return uploader.BrokenAnswer, "redirect"
	}
	return uploader.BrokenAnswer, ""
}

// odd tells apart the answers that are no envelope, as messages do.
func odd(body []byte, bad error) string {
	text := bytes.TrimSpace(body)
	switch syntax, _ := errors.AsType[*json.SyntaxError](bad); {
	case len(body) > maxAnswer:
		return "long"
	case len(text) == 0:
		return "empty"
	case text[0] == '<':
		return "page"
	case syntax != nil && syntax.Offset == int64(len(body)) && text[0] == '{':
		return "cut"
	}
	return ""
}

// isVoucher tells the refusal that calls itself a success: there is nothing
// but a voucher for a captcha.
func isVoucher(data json.RawMessage) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return false
	}
	_, ok := fields["v_voucher"]
	return ok && len(fields) == 1
}

var (
	unseen = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)>|<!--.*?-->`)
	tags   = regexp.MustCompile(`(?s)<[^<>]*>`)
)

// excerpt returns the start of what the host said: one short line without
// markup, control characters and secrets.
func (c *caller) excerpt(said string) string {
	const longest = 120 // characters
	said = c.redact(said)
	if strings.HasPrefix(strings.TrimSpace(said), "<") {
		said = tags.ReplaceAllString(unseen.ReplaceAllString(said, " "), " ")
	}
	said = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, said)
	said = c.redact(strings.Join(strings.Fields(said), " "))
	if runes := []rune(said); len(runes) > longest {
		said = string(runes[:longest]) + "…"
	}
	return said
}

// retryAfter reads the header of that name, which holds seconds or a date.
// What it cannot read is 0.
func retryAfter(value string, now time.Time) time.Duration {
	const longest = 24 * time.Hour
	if n, err := strconv.ParseUint(value, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, longest)
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, min(at.Sub(now), longest))
	}
	return 0
}
