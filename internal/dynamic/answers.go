package dynamic

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
)

// id is a number of Bilibili's, which answers give as a number or as a text; as
// a text here, since it has more digits than a float holds.
type id string

// UnmarshalJSON reads either form.
func (i *id) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*i = id(text)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(data, &n); err != nil {
		return err
	}
	if *i = id(n.String()); *i == "0" || strings.ContainsAny(string(*i), ".eE-") {
		*i = ""
	}
	return nil
}

// IsNumber tells whether a text can be the number of a dynamic, a draft or a vote.
func IsNumber(text string) bool {
	return text != "" && len(text) <= 20 && strings.Trim(text, "0123456789") == ""
}

// or returns i, or another one if there is none.
func (i id) or(other id) string {
	if IsNumber(string(i)) {
		return string(i)
	}
	if IsNumber(string(other)) {
		return string(other)
	}
	return ""
}

// do makes a call and reads the data of its answer into data, which may be nil.
func do(ctx context.Context, client *account.Client, pace account.Pace, c call, data any) error {
	answer, err := client.Do(ctx, pace, c.build())
	if err != nil {
		return c.explain(err)
	}
	return read(answer, data)
}

func read(answer json.RawMessage, data any) error {
	if data == nil || len(answer) == 0 || string(answer) == "null" {
		return nil
	}
	if err := json.Unmarshal(answer, data); err != nil {
		return &fault.Error{Kind: fault.BrokenAnswer, Host: account.Service, Err: err}
	}
	return nil
}

// The codes that mean something of dynamics; the account knows the others.
var codes = map[int]string{
	-400:    "dynamic.code.parameters",
	-403:    "dynamic.code.content",
	4100000: "dynamic.code.account",
	4100001: "dynamic.code.parameters",
	4101001: "dynamic.code.parameters",
	4101132: "dynamic.code.gone",
	4101144: "dynamic.code.not_yours",
	4101152: "dynamic.code.hidden",
	4120015: "dynamic.code.draft",
	4126021: "dynamic.code.no_phone",
	5100001: "dynamic.code.vote",

	// Of the calls that went before, and of drafts.
	2001:   "dynamic.code.parameters",
	500003: "dynamic.code.draft",
	500104: "dynamic.code.draft_mention",
	500404: "dynamic.code.gone",
	500406: "dynamic.code.not_yours",
}

// explain says an error of a call as this room's.
func explain(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	data := lang.Data{"Code": e.Code, "Said": e.Said, "Until": lang.Clock(e.Until)}
	switch {
	case e.Kind == fault.Refused && e.Code == -352:
		return lang.Errorf("dynamic.code.risk", data, err)
	case e.Kind == fault.Rejected && e.Why == "account":
		return lang.Errorf("dynamic.code.account", data, err)
	case e.Kind == fault.Rejected && codes[e.Code] != "":
		return lang.Errorf(codes[e.Code], data, err)
	case e.Kind == fault.Rejected && e.Why == "":
		return lang.Errorf("dynamic.code.other", data, err)
	}
	return err
}

// explain says an error of a call as this room's. Of the calls that went before,
// a web server's own refusal is that they are no more.
func (c call) explain(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if gone := ok && (e.Code == http.StatusNotFound || e.Code == http.StatusMethodNotAllowed || e.Code == http.StatusGone); gone && strings.HasPrefix(c.address, oldAPI) {
		return lang.Errorf("dynamic.shut_down", lang.Data{"Code": e.Code, "Said": e.Said}, err)
	}
	return explain(err)
}

// isRefusal tells whether an error says that Bilibili has certainly not done
// what it was asked for. Trouble of its own, a connection that broke off and an
// answer that cannot be read leave that open.
func isRefusal(err error) bool {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return false
	}
	switch e.Kind {
	case fault.NotLoggedIn, fault.Rejected, fault.TooLarge, fault.Local:
		return true
	case fault.Refused:
		return e.Code < 500 // else a server in trouble asked for a long pause
	case fault.Passing:
		status := e.Code >= 300 && e.Code < 500 && e.Code != http.StatusRequestTimeout
		return status || e.Code == -509 || e.Code == -799 || fault.Offline(err)
	}
	return false
}

// seconds is a time of an answer, as a number or as a text.
type seconds struct{ time.Time }

// UnmarshalJSON reads either form; 0 is the zero time.
func (s *seconds) UnmarshalJSON(data []byte) error {
	var n json.Number
	if err := json.Unmarshal([]byte(strings.Trim(string(data), `"`)), &n); err != nil {
		return err
	}
	if unix, err := n.Int64(); err == nil && unix != 0 {
		s.Time = time.Unix(unix, 0)
	}
	return nil
}
