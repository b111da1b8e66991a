package account

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/web"
)

// envelope is what every answer is wrapped in. Data is decoded once the code
// says that it is what it should be: on errors it is null, [], "" or absent.
type envelope struct {
	Code         *int
	Message, Msg any // texts; the older calls say Msg
	Data         json.RawMessage
}

// The host's codes that mean something here.
const (
	oldLogin     = -4 // the older calls' notLoggedIn
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
func (c *caller) read(a web.Answer) (json.RawMessage, error) {
	var env envelope
	bad := json.Unmarshal(a.Body, &env)
	if bad == nil && env.Code == nil {
		bad = errors.New("no code")
	}
	said, _ := env.Message.(string)
	if said == "" {
		said, _ = env.Msg.(string)
	}
	if bad != nil && !c.mute {
		said = string(a.Body)
	}
	e := &fault.Error{Host: Service, Code: a.Status}
	switch {
	case a.Status == http.StatusPreconditionFailed, bad != nil && a.Status == http.StatusForbidden: // the latter by a firewall, perhaps its own
		e.Kind = fault.Refused
	case bad != nil:
		e.Kind, e.Why = web.Stranger(a)
	case *env.Code != 0:
		e.Code = *env.Code
		e.Kind, e.Why = ofCode(e.Code)
		if e.Kind == fault.Rejected && a.Status >= 300 {
			e.Kind, e.Why = ofStatus(a.Status)
		}
	case a.Status < 200 || a.Status >= 300:
		e.Kind, e.Why = ofStatus(a.Status)
	case isVoucher(env.Data):
		e.Kind, e.Code = fault.Refused, riskRefused
	default:
		return env.Data, nil
	}
	if said = c.web().Excerpt(said); said != strconv.Itoa(e.Code) {
		e.Said = said
	}
	if e.Kind == fault.Passing {
		e.After = web.RetryAfter(a.Header.Get("Retry-After"), time.Now())
	}
	return nil, e
}

// ofCode tells what a code of the host means.
func ofCode(code int) (fault.Kind, string) {
	switch code {
	case notLoggedIn, oldLogin, tokenExpired:
		return fault.NotLoggedIn, ""
	case csrfWrong:
		return fault.NotLoggedIn, "csrf"
	case riskRefused, intercepted:
		return fault.Refused, ""
	case suspended, trial, noPhone, noPhoneToo, noName, noProof, noProofToo:
		return fault.Rejected, "account"
	case fileTooLarge:
		return fault.TooLarge, "host"
	case upgrading, serverError, overloaded, upstreamLate, overLimit, tooFrequent, wanderedOff:
		return fault.Passing, ""
	}
	return fault.Rejected, ""
}

// ofStatus tells what an HTTP status other than 2xx means, where the host gave
// it with an answer of its own.
func ofStatus(status int) (fault.Kind, string) {
	switch {
	case status == http.StatusUnauthorized:
		return fault.NotLoggedIn, ""
	case status == http.StatusRequestEntityTooLarge:
		return fault.TooLarge, "host"
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return fault.Passing, ""
	case status >= 300 && status < 400:
		return fault.Passing, "redirect"
	}
	return fault.Rejected, ""
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
