package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
)

// What the page asks of the program.
//
// Everything below needs the cookie that GET /open?token=… has set (HttpOnly,
// SameSite=Strict); without it the answer is 401. GET changes nothing. Bodies of
// requests and answers are JSON, unless it is said otherwise. Times are RFC 3339.
// An answer that is not 200 is {"error": Error}, and so is Error wherever it
// stands: {"kind": "not_logged_in", "message": "…", "hint": "…"}, in the user's
// language; hint may be missing. A request that fails because of what it asks is
// 400, one that the program cannot do now 409, a thing that is not there 404.
//
// # Files
//
//	GET /                     assets/page/index.html
//	GET /page/NAME            assets/page/NAME
//	GET /thumbnail/SUM        a picture of at most 320 by 320 px (JPEG, PNG where it is transparent); 404: none can be made. Never changes
//	GET /original/SUM         the original as it was given; 404: it is not kept; 415: no browser shows its format
//
// The policy of the page's contents (CSP) allows nothing but these files, blob:
// pictures, and requests to the program: no inline script or style, no style
// attribute in HTML (element.style in a script is fine), no eval.
//
// # Texts
//
//	GET /api/texts → {"language": "zh-CN", "texts": {"page.title": "…", …}}
//
// are the messages of assets/lang/page.LANGUAGE.json, as they stand there: with
// placeholders such as {{.Count}}, which the page fills in. One whose text is
// an object has a form for each plural: {"one": "…", "other": "…"}. The language
// is that of the settings; when that changes, State.language does too.
//
// # State, and what happens
//
//	GET /api/state → State
//	GET /api/events           server-sent events, one connection for a tab; close it when the tab is hidden, for a browser has six for all tabs
//	    event: state     State: at once, and then whenever it changes
//	    event: login     Step: at once if a login is under way, and then at each step
//	    event: clip      {"time", "why", "asked", "pictures": [{"name", "width", "height", "format", "bytes", "url", "text", "thumbnail", "waits", "error"}], "text", "pasted": bool, "error", "took": ms}
//	    event: uploaded  {"time", "name", "url", "thumbnail", "error", "waits"}: a picture that was copied earlier
//	    event: told      {"time", "title", "body", "error"}: what the user was notified of
//
// clip.why says why a clip with no pictures was left alone (a word, with the
// text in clip.reason); clip.asked is how many files wait for "upload now".
//
//	State = {
//	  "version": "1.2.3", "language": "en",
//	  "writing": true,                   writing mode is on
//	  "uploads": 0,                      pictures that are being sent
//	  "waiting": 0, "failed": 0,         pending: goes up by itself; waits for the user
//	  "problem": Error or null,          what the user should look at; POST /api/dismiss
//	  "host": "bilibili", "bucket": "live", "format": "markdown",
//	  "hosts": [{"name": "bilibili", "buckets": ["live", …]}, …],
//	  "formats": ["markdown", "html", "url", "bbcode"],
//	  "account": {"name": "", "needed": true, "signed_out": false, "signing_in": false},
//	  "put_back": true,                  there is something to put back
//	  "backend": "x11",                  how the clipboard is watched; "": there is none, and writing mode cannot be on
//	  "newest": 77,                      key of the newest link, 0 if there is none
//	  "changed": 12,                     grows whenever the album has changed: what is shown may be old
//	  "first": {"signed_in": false, "writing": false, "picture": false, "done": false}
//	}
//
// first are the three steps of the first start; done: the user has seen or
// dismissed them (POST /api/first). account.needed is false where no picture
// goes to Bilibili, and then signed_in is true.
//
//	POST /api/writing {"on": true}
//	POST /api/now {}                     uploads what is on the clipboard → {"pictures": [as in clip], "text": "…"}
//	POST /api/put-back {}                undoes the last replacement
//	POST /api/put-back {"sum": "…"}      puts that original on the clipboard
//	POST /api/dismiss {}
//	POST /api/first {}
//
// # Pictures
//
//	GET /api/pictures?before=KEY&after=KEY&limit=200&FILTER → {"pictures": [Picture, …], "more": true}
//
// are links, the one that was used last first, whose key is less than before and
// greater than after; each may be missing. With after alone, too, the newest come
// first: ask with a higher limit. more: there are more before the last one.
//
//	FILTER = q=WORDS      each in the name or the address, in any case
//	         host=NAME bucket=NAME
//	         since=2026-11-01 until=2026-12-01   used on or after the one day, before the other, in local time
//	         state=dead   those that were seen to be dead; state=alive: the others
//
//	Picture = {"id": 12, "key": 77, "sum": "<64 hex digits>", "name": "cat.png",
//	  "format": "png", "width": 640, "height": 480, "bytes": 12345,    of the original
//	  "url": "https://…", "host": "bilibili", "bucket": "live",
//	  "made": TIME, "used": TIME, "dead": TIME or null, "differs": false,  the host holds other bytes
//	  "sent": {"format", "width", "height", "bytes"},                  what the host holds
//	  "thumbnail": "/thumbnail/SUM", "original": "/original/SUM"}      "": there is none
//
// id stays; key changes when a link is used again, and is what pages are asked by.
//
//	GET /api/months?FILTER → {"months": [{"month": "2026-11", "count": 123, "key": 78}, …], "total": 4567}
//
// newest first. A month's pictures begin with GET /api/pictures?before=KEY of that
// month, so that a section can be filled without those above it.
//
//	GET /api/pictures/ID → Picture with "links": [Picture, …], all of the same original,
//	                       and "texts": {"markdown": "![](…)", "html": …, "url": …, "bbcode": …, "mine": in the user's format}
//	POST /api/copy {"ids": [3, 1], "format": "markdown"} → {"text": "…"}   puts the links on the clipboard, one a line, in that order; format may be missing. Where State.backend is "" the page does it
//	POST /api/again {"ids": [3, 1]} → lines as of POST /api/upload: uploads the originals to where pictures go now, also if the link is known
//	POST /api/forget {"ids": [3, 1]} → {}     here; the host keeps its copy, and an original without another link is deleted
//
// # Uploads
//
//	POST /api/upload?name=cat.png&size=12345[&host=NAME][&bucket=NAME]
//
// with the picture's bytes as the body, one picture a request. The answer is lines of
// JSON, one each time something is known: read it as a stream.
//
//	{"stage": "received", "bytes": 12345}          the program has it, and it is in the album: nothing is lost any more
//	{"stage": "sending", "sent": 4096, "bytes": 12000}   bytes to the host; again from 0 if it has to try again
//	{"stage": "done", "picture": {"name", "url", "text", "thumbnail", "known": true, "notes": ["…"]}}
//	{"stage": "failed", "waits": true, "error": Error}    waits: it goes up by itself, later
//
// Of POST /api/again each line has "id", too. What is no picture fails before "received".
//
//	GET /api/pending → {"pending": [{"id", "sum", "name", "format", "width", "height", "bytes", "host", "bucket",
//	                    "since": TIME, "sending": bool, "tries": 2, "why": "…", "again": TIME or null, "failed": bool, "thumbnail", "original"}, …]}
//	POST /api/retry {}                   uploads now what is pending
//	POST /api/drop {"ids": [5]}          gives these pending uploads up; the originals stay in the album
//	POST /api/stop {}                    gives all of them up
//
// # Signing in
//
//	GET /api/login → Step
//	POST /api/login {}                   begins; 409 if one is under way
//	POST /api/login/cancel {}
//	GET /api/login/code?n=N              the QR code as SVG, black on white; 404 when it is over
//
//	Step = {"step": "none"}
//	       {"step": "starting"}
//	       {"step": "waiting", "code": "/api/login/code?n=1", "until": TIME}    show it
//	       {"step": "scanned"}                       to be confirmed on the phone
//	       {"step": "expired"}                       a new code comes at once
//	       {"step": "confirmed"}                     being checked
//	       {"step": "done", "account": "…"}
//	       {"step": "failed", "error": Error}
//	       {"step": "cancelled"}
//
// A login ends when nobody has looked at it, by /api/events, for 30 seconds.
//
// # Settings
//
//	GET /api/settings → {"file": "/home/…/config.json", "settings": [Setting, …]}
//	POST /api/settings {"key": "bucket", "value": "live"}        checked, saved and taken over; 400 says why not
//	POST /api/settings/check {"key": …, "value": …}              checked alone
//
//	Setting = {"key": "bucket", "meaning": "…", "kind": "choice", "choices": ["live", …], "open": false,
//	           "value": "live", "default": "live", "set": true}
//
// kind is text, bool ("true" or "false"), number, choice, list (parted by commas)
// or secret. open: other values than choices are allowed. A secret's value is
// never there; set says whether it has one, and of any other whether the file
// names it. Values are always strings; "" is a secret's end.

// answer is what is done for a request: its result is sent as JSON; nil is {}.
type answer func(w http.ResponseWriter, r *http.Request) (any, error)

// streamed is the result of an answer that was sent already.
type streamed struct{}

func (s *Server) apiRoutes(mux *http.ServeMux) {
	for pattern, do := range map[string]answer{
		"GET /api/texts":           s.texts,
		"GET /api/state":           s.getState,
		"GET /api/events":          s.streamEvents,
		"POST /api/writing":        s.setWriting,
		"POST /api/now":            s.uploadNow,
		"POST /api/put-back":       s.putBack,
		"POST /api/dismiss":        s.dismiss,
		"POST /api/first":          s.finishFirst,
		"GET /api/pictures":        s.listPictures,
		"GET /api/pictures/{id}":   s.onePicture,
		"GET /api/months":          s.listMonths,
		"POST /api/copy":           s.copyLinks,
		"POST /api/again":          s.uploadAgain,
		"POST /api/forget":         s.forget,
		"POST /api/upload":         s.uploadOne,
		"GET /api/pending":         s.listPending,
		"POST /api/retry":          s.retry,
		"POST /api/drop":           s.drop,
		"POST /api/stop":           s.stop,
		"GET /api/login":           s.getLogin,
		"POST /api/login":          s.startLogin,
		"POST /api/login/cancel":   s.cancelLogin,
		"GET /api/login/code":      s.loginCode,
		"GET /api/settings":        s.listSettings,
		"POST /api/settings":       s.setSetting,
		"POST /api/settings/check": s.checkSetting,
		"GET /thumbnail/{sum}":     s.thumbnail,
		"GET /original/{sum}":      s.original,
	} {
		mux.HandleFunc(pattern, s.inside(do))
	}
}

// statusError is an error with the status that tells of it.
type statusError struct {
	status int
	error
}

func (e statusError) Unwrap() error { return e.error }

// bad is the error of a request that asks for what cannot be.
func bad(err error) error { return statusError{http.StatusBadRequest, err} }

// errClosed is the error of a browser that was not let in.
func errClosed() error { return lang.Errorf("server.closed", nil, nil) }

func notFound() error {
	return statusError{http.StatusNotFound, lang.Errorf("server.not_found", nil, nil)}
}

// inside answers browsers that were let in.
func (s *Server) inside(do answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if !s.sessions.has(r) {
			s.fail(w, statusError{http.StatusUnauthorized, errClosed()})
			return
		}
		result, err := do(w, r)
		switch {
		case r.Context().Err() != nil: // nobody reads it
		case err != nil:
			s.fail(w, err)
		case result == streamed{}:
		case result == nil:
			s.reply(w, http.StatusOK, struct{}{})
		default:
			s.reply(w, http.StatusOK, result)
		}
	}
}

// fail says what went wrong.
func (s *Server) fail(w http.ResponseWriter, err error) {
	status := http.StatusConflict
	if e, ok := errors.AsType[statusError](err); ok {
		status = e.status
	}
	s.reply(w, status, map[string]*fault.Told{"error": fault.Tell(s.r.Language(), err)})
}

func (s *Server) reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	s.write(w, value)
}

// write sends a value as a line of JSON to whoever takes it in time.
func (s *Server) write(w http.ResponseWriter, value any) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeLimit))
	if err := json.NewEncoder(w).Encode(value); err != nil {
		s.options.Log.Debug("an answer was not taken", "error", err)
	}
}

const jsonLimit = 1 << 20 // bytes of a request of the page

// read reads the JSON of a request.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, jsonLimit))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return statusError{http.StatusRequestEntityTooLarge, lang.Errorf("server.large", nil, err)}
		}
		return bad(lang.Errorf("server.json", lang.Data{"Cause": strings.TrimPrefix(err.Error(), "json: ")}, err))
	}
	return nil
}
