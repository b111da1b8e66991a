package bilibili

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
)

const (
	passport = "https://passport.bilibili.com"

	codeLife  = 180 * time.Second // of a QR code
	pollEvery = 2 * time.Second
	mostCodes = 10 // that are shown before nobody seems to be there
)

// LoginState is how far a login is.
type LoginState string

// The states of a login.
const (
	LoginWaiting   LoginState = "waiting"   // for the code to be scanned
	LoginScanned   LoginState = "scanned"   // and to be confirmed on the phone
	LoginExpired   LoginState = "expired"   // a new code comes at once
	LoginConfirmed LoginState = "confirmed" // what was got is being checked
)

// LoginStep tells of a login's progress.
type LoginStep struct {
	State LoginState
	Code  string    // LoginWaiting: the text of the QR code to show. It is a secret, but for whoever looks at the screen
	Until time.Time // LoginWaiting: when the code expires
}

// The states of a QR code, as Bilibili says them.
const (
	codeConfirmed = 0
	codeExpired   = 86038
	codeScanned   = 86090
	codeWaiting   = 86101
)

var errExpired = errors.New("the code has expired")

// Login signs in with a QR code that the user scans with the phone. Each time
// the state changes tell is told of it. A code that expires is followed by a
// new one, ten in all. When Bilibili has confirmed who is signed in, and not
// before, the session is stored and used. Its errors are those of a Host, a
// lang.Teller, the store's, or ctx's.
func (c *Client) Login(ctx context.Context, tell func(LoginStep)) (Account, error) {
	guest := c.as(Session{})
	visitor := c.Session().cookie("buvid3")
	if visitor == "" {
		var err error
		if visitor, err = guest.visitor(ctx); stops(ctx, err) {
			return Account{}, err
		}
	}
	if visitor != "" {
		guest.cookie = "buvid3=" + visitor
	}
	for range mostCodes {
		s, err := guest.scan(ctx, tell)
		if errors.Is(err, errExpired) {
			tell(LoginStep{State: LoginExpired})
			continue
		} else if err != nil {
			return Account{}, err
		}
		tell(LoginStep{State: LoginConfirmed})
		return c.adopt(ctx, s.with("buvid3", visitor))
	}
	return Account{}, lang.Errorf("bilibili.login.unscanned", nil, nil)
}

// Adopt signs in with a session that the user already has, such as a
// browser's: Bilibili is asked whose it is, then it is stored and used.
func (c *Client) Adopt(ctx context.Context, s Session) (Account, error) {
	if s.IsZero() {
		return Account{}, &fault.Error{Kind: fault.NotLoggedIn, Host: Name}
	}
	if s.cookie("buvid3") == "" {
		guest := c.as(Session{})
		visitor, err := guest.visitor(ctx)
		if stops(ctx, err) {
			return Account{}, err
		}
		s = s.with("buvid3", visitor)
	}
	return c.adopt(ctx, s)
}

// adopt stores and uses s, once Bilibili says whose it is.
func (c *Client) adopt(ctx context.Context, s Session) (Account, error) {
	me := c.as(s)
	account, err := me.nav(ctx)
	for wait := time.Second; fault.KindOf(err) == fault.Passing && wait <= 4*time.Second; wait *= 2 {
		if err := sleep(ctx, wait); err != nil {
			return Account{}, err
		}
		account, err = me.nav(ctx) // a code cannot be scanned twice
	}
	if fault.KindOf(err) == fault.NotLoggedIn {
		return Account{}, lang.Errorf("bilibili.login.denied", nil, err)
	} else if err != nil {
		return Account{}, err
	}
	unlock, err := c.lockSession(ctx) // not while the old one is being renewed
	if err != nil {
		return Account{}, err
	}
	defer unlock()
	if err := c.save(s.with("DedeUserID", strconv.FormatInt(account.ID, 10))); err != nil {
		return Account{}, err
	}
	return account, c.gate.update(context.WithoutCancel(ctx), func(s *state) error {
		s.Check, s.Warned = time.Now().Add(checkEvery), time.Time{}
		return nil
	})
}

// stops tells whether the error of something that can be done without ends
// the whole.
func stops(ctx context.Context, err error) bool {
	return ctx.Err() != nil || fault.KindOf(err) == fault.Refused || fault.KindOf(err) == fault.Local
}

// visitor asks for the cookie buvid3, which browsers send from the first visit
// on: who has none is trusted less.
func (c *caller) visitor(ctx context.Context) (string, error) {
	data, err := c.get(ctx, api+"/x/frontend/finger/spi")
	if err != nil {
		return "", err
	}
	var found struct {
		Buvid3 string `json:"b_3"`
	}
	if json.Unmarshal(data, &found) != nil || len(found.Buvid3) > 100 {
		return "", &fault.Error{Kind: fault.BrokenAnswer, Host: Name}
	}
	return found.Buvid3, nil
}

// scan shows one code until it was confirmed, and returns the session that
// came of it, or errExpired.
func (c caller) scan(ctx context.Context, tell func(LoginStep)) (Session, error) {
	until := time.Now().Add(codeLife)
	data, err := c.get(ctx, passport+"/x/passport-login/web/qrcode/generate")
	if err != nil {
		return Session{}, err
	}
	var code struct {
		URL string `json:"url"`
		Key string `json:"qrcode_key"`
	}
	if json.Unmarshal(data, &code) != nil || code.URL == "" || code.Key == "" {
		return Session{}, &fault.Error{Kind: fault.BrokenAnswer, Host: Name}
	}
	c.secret, c.mute = code.Key, true
	poll := passport + "/x/passport-login/web/qrcode/poll?" + url.Values{"qrcode_key": {code.Key}}.Encode()
	step := LoginStep{State: LoginWaiting, Code: code.URL, Until: until}
	tell(step)
	for {
		if err := sleep(ctx, pollEvery); err != nil {
			return Session{}, err
		}
		if !time.Now().Before(until) {
			return Session{}, errExpired
		}
		found, header, err := c.poll(ctx, poll)
		switch {
		case fault.KindOf(err) == fault.Passing:
			continue
		case err != nil:
			return Session{}, err
		}
		switch *found.Code {
		case codeWaiting:
		case codeScanned:
			if step.State != LoginScanned {
				step = LoginStep{State: LoginScanned}
				tell(step)
			}
		case codeExpired:
			return Session{}, errExpired
		case codeConfirmed:
			return c.confirmed(ctx, found, header)
		default:
			return Session{}, &fault.Error{Kind: fault.Rejected, Why: "login", Host: Name, Code: *found.Code, Said: c.web().Excerpt(found.Message)}
		}
	}
}

// polled is what Bilibili says of a code.
type polled struct {
	Code         *int
	Message      string
	URL          string `json:"url"`
	RefreshToken string `json:"refresh_token"`
}

func (c *caller) poll(ctx context.Context, address string) (found polled, header http.Header, err error) {
	err = c.gate.ask(ctx, func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		a, err := c.send(req)
		if err != nil {
			return err
		}
		data, err := c.read(a)
		if err != nil {
			return err
		}
		if json.Unmarshal(data, &found) != nil || found.Code == nil {
			return &fault.Error{Kind: fault.BrokenAnswer, Host: Name}
		}
		header = a.Header
		return nil
	})
	return found, header, err
}

// confirmed finds the session in the answer to a confirmed code: in its
// cookies, in its address, or in the cookies of what that address leads to.
// The first of these that has SESSDATA and bili_jct is taken as a whole.
func (c *caller) confirmed(ctx context.Context, found polled, header http.Header) (Session, error) {
	cookies := setCookies(header)
	if !cookies.whole() {
		cookies = addressCookies(found.URL)
	}
	if !cookies.whole() {
		var err error
		if cookies, err = c.ticket(ctx, found.URL); err != nil {
			return Session{}, err
		}
	}
	return cookies.session(found.RefreshToken)
}

// ticketHosts are where an address with a ticket may lead.
var ticketHosts = []string{"passport.biligame.com", "passport.bilibili.com"}

// ticket gets the cookies of an address that Bilibili gave, if it is one of
// Bilibili's own. The ticket works once: it is not asked twice.
func (c *caller) ticket(ctx context.Context, address string) (jar, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || !slices.Contains(ticketHosts, u.Host) {
		return nil, nil
	}
	guest := *c
	guest.cookie, guest.secret = "", u.RawQuery // another site's cookies are none of its business
	var cookies jar
	err = c.gate.ask(ctx, func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return err
		}
		a, err := guest.send(req)
		if err == nil && a.Status == http.StatusPreconditionFailed {
			_, err = guest.read(a)
		}
		cookies = setCookies(a.Header)
		return err
	})
	return cookies, err
}

// jar holds cookies of the account, in wire form.
type jar map[string]string

// accountCookies are all that are taken from an answer.
var accountCookies = []string{"SESSDATA", "bili_jct", "DedeUserID", "DedeUserID__ckMd5", "sid"}

// setCookies returns the account's cookies that an answer sets, and none that
// it takes away.
func setCookies(header http.Header) jar {
	cookies := jar{}
	for _, cookie := range (&http.Response{Header: header}).Cookies() {
		gone := cookie.MaxAge < 0 || !cookie.Expires.IsZero() && cookie.Expires.Before(time.Now())
		if !gone {
			cookies.put(cookie.Name, cookie.Value)
		}
	}
	return cookies
}

// addressCookies returns those in an address's query, still encoded.
func addressCookies(address string) jar {
	cookies := jar{}
	u, err := url.Parse(address)
	if err != nil {
		return cookies
	}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		cookies.put(name, value)
	}
	return cookies
}

func (j jar) put(name, value string) {
	if slices.Contains(accountCookies, name) && value != "" && value != "deleted" && !strings.ContainsFunc(value, notInJar) {
		j[name] = value
	}
}

// notInJar is notInCookie but for the comma of a SESSDATA that is not encoded.
func notInJar(r rune) bool { return r != ',' && notInCookie(r) }

func (j jar) whole() bool { return j["SESSDATA"] != "" && j["bili_jct"] != "" }

// session makes a session of the cookies, which must be whole.
func (j jar) session(refreshToken string) (Session, error) {
	s, err := NewSession(j["SESSDATA"], j["bili_jct"])
	if err != nil || s.IsZero() {
		return Session{}, &fault.Error{Kind: fault.BrokenAnswer, Why: "session", Host: Name}
	}
	for _, name := range accountCookies[2:] {
		s = s.with(name, j[name])
	}
	if refreshToken != "" {
		s.refreshToken = &refreshToken
	}
	return s, nil
}

// get asks for the data of an address.
func (c *caller) get(ctx context.Context, address string) (data json.RawMessage, err error) {
	err = c.gate.ask(ctx, func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		data, err = c.do(req)
		return err
	})
	return data, err
}
