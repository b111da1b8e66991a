package account

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/web"
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
// new one, ten in all. The session is stored and used at once: a code cannot
// be scanned twice. If Bilibili says that nobody is signed in by it, what was
// stored before comes back; if it cannot be asked, the error says so, is of
// kind Passing or Refused, and a later Refresh or User asks. The session of an
// earlier login is ended. The errors are Do's, or a lang.Teller.
func (c *Client) Login(ctx context.Context, tell func(LoginStep)) (User, error) {
	guest := c.as(Session{})
	visitor := c.Session().cookie("buvid3")
	if visitor == "" {
		visitor = guest.visitor(ctx)
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
			return User{}, err
		}
		tell(LoginStep{State: LoginConfirmed})
		return c.keep(ctx, s.with("buvid3", visitor))
	}
	return User{}, lang.Errorf("account.login.unscanned", nil, nil)
}

// Adopt signs in with a session that the user already has, such as a
// browser's: Bilibili is asked whose it is, then it is stored and used.
func (c *Client) Adopt(ctx context.Context, s Session) (User, error) {
	if s.IsZero() {
		return User{}, &fault.Error{Kind: fault.NotLoggedIn, Host: Service}
	}
	if s.cookie("buvid3") == "" {
		guest := c.as(Session{})
		s = s.with("buvid3", guest.visitor(ctx))
	}
	unlock, err := c.lockSession(ctx)
	if err != nil {
		return User{}, err
	}
	defer unlock()
	r := record{session: s, before: c.stored()}
	user, err := c.whose(ctx, s)
	switch {
	case fault.KindOf(err) == fault.NotLoggedIn:
		return User{}, lang.Errorf("account.login.denied", nil, err)
	case err != nil:
		return User{}, err
	}
	return user, c.settleLogin(ctx, r, user)
}

// keep stores and uses s, which came of a login here, and asks whose it is.
func (c *Client) keep(ctx context.Context, s Session) (User, error) {
	unlock, err := c.lockSession(context.WithoutCancel(ctx)) // not while the old one is being renewed
	if err != nil {
		return User{}, err
	}
	defer unlock()
	r := record{session: s, own: true, unchecked: true, before: c.stored()}
	if r.before != nil && r.before.unchecked { // it was never known to be good
		older := r.before.before
		r.end(r.before.session)
		r.end(r.before.ending...)
		r.before = older
	}
	if err := c.save(r); err != nil {
		return User{}, err
	}
	user, err := c.whose(ctx, s)
	switch {
	case fault.KindOf(err) == fault.NotLoggedIn:
		return User{}, errors.Join(lang.Errorf("account.login.denied", nil, err), c.takeBack(r))
	case err != nil:
		unasked := lang.Errorf("account.login.unchecked", lang.Data{"Cause": err}, err)
		return User{}, errors.Join(unasked, c.checkIn(context.WithoutCancel(ctx), checkAgain))
	}
	return user, c.settleLogin(ctx, r, user)
}

// stored returns what is kept now, nil if it is nothing that can be used.
func (c *Client) stored() *record {
	r := c.inUse()
	if c.store != nil {
		r, _ = c.load() // a login replaces what is broken
	}
	if r.session.IsZero() {
		return nil
	}
	return &r
}

// whose asks who is signed in by s, and again where the trouble may pass soon.
func (c *Client) whose(ctx context.Context, s Session) (User, error) {
	me := c.as(s)
	user, err := me.nav(ctx)
	for wait := time.Second; fault.KindOf(err) == fault.Passing && wait <= 4*time.Second; wait *= 2 {
		if err := sleep(ctx, wait); err != nil {
			return User{}, err
		}
		user, err = me.nav(ctx)
	}
	return user, err
}

// settleLogin stores r as the session of user, and ends what it replaces.
func (c *Client) settleLogin(ctx context.Context, r record, user User) error {
	r.session = r.session.with("DedeUserID", strconv.FormatInt(user.ID, 10))
	r = r.checked()
	if err := c.save(r); err != nil {
		return err
	}
	c.tidy(ctx, r)
	return c.gate.update(context.WithoutCancel(ctx), func(n *notes) error {
		n.Check, n.Warned = time.Now().Add(checkEvery), time.Time{}
		return nil
	})
}

// takeBack puts what was kept before into the place of r, which is signed in
// nowhere.
func (c *Client) takeBack(r record) error {
	before := record{}
	if r.before != nil {
		before = *r.before
	}
	before.end(r.ending...)
	if c.store == nil {
		c.use(before)
		return nil
	}
	if err := c.forget(); err != nil || before.session.IsZero() {
		return err
	}
	if there, err := c.load(); err == nil && there.session.Equal(before.session) {
		return nil // it was of the settings, and never in the store
	}
	return c.save(before)
}

// tidy ends the sessions that nobody uses any more. What cannot be ended now is
// tried again at the next Refresh.
func (c *Client) tidy(ctx context.Context, r record) {
	left := r.ending
	for _, s := range r.ending {
		if err := c.end(ctx, s); err != nil {
			c.gate.log.Warn("an earlier session could not be ended yet", "error", err)
			break
		}
		left = left[1:]
	}
	if len(left) == len(r.ending) {
		return
	}
	r.ending = left
	if err := c.save(r); err != nil {
		c.gate.log.Warn("what became of the sessions could not be stored", "error", err)
	}
}

// visitor asks for the cookie buvid3, which browsers send from the first visit
// on: who has none is trusted less. It is "" if there is none to be had; of what
// ends more than that the next call tells.
func (c *caller) visitor(ctx context.Context) string {
	data, err := c.do(ctx, Ask, Get(API+"/x/frontend/finger/spi", nil))
	var found struct {
		Buvid3 string `json:"b_3"`
	}
	if err != nil || json.Unmarshal(data, &found) != nil || len(found.Buvid3) > 100 {
		return ""
	}
	return found.Buvid3
}

// scan shows one code until it was confirmed, and returns the session that
// came of it, or errExpired.
func (c caller) scan(ctx context.Context, tell func(LoginStep)) (Session, error) {
	until := time.Now().Add(codeLife)
	data, err := c.do(ctx, Ask, Get(passport+"/x/passport-login/web/qrcode/generate", nil))
	if err != nil {
		return Session{}, err
	}
	var code struct {
		URL string `json:"url"`
		Key string `json:"qrcode_key"`
	}
	if json.Unmarshal(data, &code) != nil || code.URL == "" || code.Key == "" {
		return Session{}, &fault.Error{Kind: fault.BrokenAnswer, Host: Service}
	}
	c.secrets.add(code.Key)
	c.mute = true
	step := LoginStep{State: LoginWaiting, Code: code.URL, Until: until}
	tell(step)
	for {
		if err := sleep(ctx, pollEvery); err != nil {
			return Session{}, err
		}
		if !time.Now().Before(until) {
			return Session{}, errExpired
		}
		found, header, err := c.poll(ctx, code.Key)
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
			return Session{}, &fault.Error{Kind: fault.Rejected, Why: "login", Host: Service, Code: *found.Code, Said: c.web().Excerpt(found.Message)}
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

func (c *caller) poll(ctx context.Context, key string) (found polled, header http.Header, err error) {
	call := Get(passport+"/x/passport-login/web/qrcode/poll", url.Values{"qrcode_key": {key}})
	err = c.ask(ctx, Ask, call, func(a web.Answer) error {
		data, err := c.read(a)
		if err != nil {
			return err
		}
		if json.Unmarshal(data, &found) != nil || found.Code == nil {
			return &fault.Error{Kind: fault.BrokenAnswer, Host: Service}
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
	guest.cookie = "" // another site's cookies are none of its business
	guest.secrets.add(u.RawQuery, u.Query().Get("ticket"))
	var cookies jar
	err = guest.ask(ctx, Ask, Get(u.String(), nil), func(a web.Answer) (err error) {
		if a.Status == http.StatusPreconditionFailed {
			_, err = guest.read(a)
		}
		cookies = setCookies(a.Header)
		return err
	})
	return cookies, err
}
