package account

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/state"
	"bilipaste/internal/web"
)

const (
	checkEvery = 24 * time.Hour // that Bilibili is asked whether the session is to be renewed
	checkAgain = time.Hour      // after a failure

	sessionLock = "session" // held by whoever changes the stored session
	sessionWait = 3 * time.Minute
)

// refreshKey is Bilibili's public key, to which the time is encrypted.
const refreshKey = `-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDLgd2OAkcGVtoE3ThUREbio0Eg
Uc/prcajMKXvkCKFCWhJYJcLkcM2DKKcSeFpD/j6Boy538YXnR6VhcuUJOhH2x71
nzPjfdTcqMz7djHum0qSZA0AyCBDABUqCrfNgCiJ00Ra7GmRj+YCK1NJEuewlb40
JNrRuoEUXpabUzGB8QIDAQAB
-----END PUBLIC KEY-----
`

func bilibiliKey() *rsa.PublicKey {
	key, err := parseKey([]byte(refreshKey))
	if err != nil {
		panic(err) // a constant
	}
	return key
}

// UseRefreshKey makes the client encrypt to another public key (PEM) than
// Bilibili's: a stand-in's.
func (c *Client) UseRefreshKey(key []byte) error {
	parsed, err := parseKey(key)
	if err != nil {
		return lang.Errorf("account.refresh_key", lang.Data{"Cause": err}, err)
	}
	c.refreshKey = parsed
	return nil
}

func parseKey(text []byte) (*rsa.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("no RSA key")
	}
	return key, nil
}

// Refresh renews the stored session where Bilibili asks for it. It asks once a
// day, for all processes of the user, and does nothing in between; killed
// anywhere, it goes on with the next call. A session without a refresh token,
// such as a browser's, is left as it is. An error says that the session was
// not renewed; if it is of kind NotLoggedIn, the session is dead.
func (c *Client) Refresh(ctx context.Context) error {
	if c.store == nil {
		return nil
	}
	if due, err := c.checkDue(ctx); err != nil || !due {
		return err
	}
	unlock, err := c.gate.lock(ctx, sessionLock, lockPoll, "session")
	if errors.Is(err, state.ErrHeld) {
		return nil // by another process, for the same reason
	} else if err != nil {
		return err
	}
	defer unlock()
	if due, err := c.checkDue(ctx); err != nil || !due {
		return err
	}
	err = c.refresh(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	next := checkEvery
	if k := fault.KindOf(err); err != nil && k != fault.NotLoggedIn && k != fault.Rejected {
		next = checkAgain
	}
	return errors.Join(err, c.checkIn(ctx, next))
}

func (c *Client) checkDue(ctx context.Context) (due bool, err error) {
	err = c.gate.update(ctx, func(n *notes) error {
		due = !n.Check.After(time.Now())
		return nil
	})
	return due, err
}

// checkIn has the session looked at again that much later, and not before.
func (c *Client) checkIn(ctx context.Context, d time.Duration) error {
	return c.gate.update(ctx, func(n *notes) error {
		n.Check = time.Now().Add(d)
		return nil
	})
}

// refresh does what there is to do, holding the lock.
func (c *Client) refresh(ctx context.Context) error {
	r, err := c.load()
	if err != nil || r.session.IsZero() {
		return err
	}
	if r.unchecked { // for Bilibili could not be asked at the login
		me := c.as(r.session)
		switch _, err := me.nav(ctx); {
		case fault.KindOf(err) == fault.NotLoggedIn:
			return errors.Join(err, c.takeBack(r))
		case err != nil:
			return err
		}
		r = r.checked()
		if err := c.save(r); err != nil {
			return err
		}
	}
	if !r.replaced.IsZero() { // and then the program was killed
		if r, err = c.settle(ctx, r); err != nil {
			return err
		}
	}
	defer func() { c.tidy(ctx, c.inUse()) }()
	if reveal(r.session.refreshToken) == "" {
		return nil
	}
	me := c.as(r.session)
	clock, err := me.refreshClock(ctx)
	if err != nil || clock == 0 {
		return err
	}
	csrf, err := me.refreshCSRF(ctx, c.refreshKey, clock)
	if err != nil {
		return err
	}
	fresh, err := me.renew(ctx, csrf)
	if err != nil {
		return err
	}
	r.replaced, r.session = r.session, fresh
	if err := c.save(r); err != nil { // before anything else: the old one still holds
		return err
	}
	_, err = c.settle(ctx, r)
	return err
}

// refreshClock asks whether the session is to be renewed, and returns
// Bilibili's clock in milliseconds if it is, else 0.
func (c *caller) refreshClock(ctx context.Context) (int64, error) {
	data, err := c.do(ctx, Ask, Get(passport+"/x/passport-login/web/cookie/info", url.Values{"csrf": {*c.session.jct}}))
	if err != nil {
		return 0, err
	}
	var info struct {
		Refresh   *bool `json:"refresh"`
		Timestamp int64 `json:"timestamp"`
	}
	switch {
	case json.Unmarshal(data, &info) != nil || info.Refresh == nil || *info.Refresh && info.Timestamp <= 0:
		return 0, &fault.Error{Kind: fault.BrokenAnswer, Host: Service}
	case !*info.Refresh:
		return 0, nil
	}
	return info.Timestamp, nil
}

// refreshCSRF gets the page whose address proves that we know the time.
func (c *caller) refreshCSRF(ctx context.Context, key *rsa.PublicKey, clock int64) (token string, err error) {
	path, err := correspondPath(key, clock)
	if err != nil {
		return "", err
	}
	err = c.ask(ctx, Ask, Get("https://www.bilibili.com/correspond/1/"+path, nil), func(a web.Answer) error {
		switch a.Status {
		case http.StatusOK:
			if token = pageToken(a.Body); token != "" {
				return nil
			}
		case http.StatusNotFound: // the time was not accepted
		default:
			if _, err := c.read(a); err != nil {
				return err
			}
		}
		return &fault.Error{Kind: fault.BrokenAnswer, Why: "refresh", Host: Service, Code: a.Status}
	})
	return token, err
}

// correspondPath is the time, encrypted, as 256 hexadecimal digits.
func correspondPath(key *rsa.PublicKey, clock int64) (string, error) {
	sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, key, []byte("refresh_"+strconv.FormatInt(clock, 10)), nil)
	return hex.EncodeToString(sealed), err
}

// pageToken returns the text of a page's element with the id "1-name", "" if
// there is none.
func pageToken(page []byte) string {
	tokens := html.NewTokenizer(bytes.NewReader(page))
	for inside := false; ; {
		switch tokens.Next() {
		case html.ErrorToken:
			return ""
		case html.StartTagToken:
			for _, attr := range tokens.Token().Attr {
				inside = inside || attr.Key == "id" && attr.Val == "1-name"
			}
		case html.EndTagToken:
			inside = false
		case html.TextToken:
			if found := strings.TrimSpace(string(tokens.Text())); inside && found != "" {
				return found
			}
		}
	}
}

// renew exchanges the session for a new one.
func (c caller) renew(ctx context.Context, csrf string) (Session, error) {
	c.mute = true
	c.secrets.add(csrf)
	call := Form(passport+"/x/passport-login/web/cookie/refresh", url.Values{
		"refresh_csrf": {csrf}, "source": {"main_web"}, "refresh_token": {*c.session.refreshToken},
	}, "csrf")
	var fresh Session
	err := c.ask(ctx, Ask, call, func(a web.Answer) error {
		data, err := c.read(a)
		if err != nil {
			return err
		}
		var renewed struct {
			RefreshToken string `json:"refresh_token"`
		}
		if json.Unmarshal(data, &renewed) != nil || renewed.RefreshToken == "" {
			return &fault.Error{Kind: fault.BrokenAnswer, Why: "session", Host: Service}
		}
		fresh, err = setCookies(a.Header).session(renewed.RefreshToken)
		return err
	})
	if err != nil {
		return Session{}, err
	}
	for _, name := range otherCookies {
		fresh = fresh.with(name, c.session.cookie(name))
	}
	return fresh, nil
}

// settle confirms that r's session replaces the one before it, which ends that,
// and returns what holds, stored. Where Bilibili does not know the new one, the
// old one is taken back.
func (c *Client) settle(ctx context.Context, r record) (record, error) {
	me, before := c.as(r.session), c.as(r.replaced)
	_, confirmErr := me.do(ctx, Ask, Form(passport+"/x/passport-login/web/confirm/refresh",
		url.Values{"refresh_token": {reveal(r.replaced.refreshToken)}}, "csrf"))
	switch fault.KindOf(confirmErr) {
	case fault.NotLoggedIn, fault.Rejected: // perhaps for it was confirmed already: nav knows
	default:
		if confirmErr != nil {
			return record{}, confirmErr
		}
	}
	_, err := me.nav(ctx)
	settled := r
	settled.replaced = Session{}
	switch {
	case fault.KindOf(err) == fault.NotLoggedIn:
		if _, oldErr := before.nav(ctx); oldErr != nil {
			return record{}, errors.Join(oldErr, err)
		}
		settled.session = r.replaced
	case err != nil:
		return record{}, err
	case confirmErr != nil: // then the old one may live
		settled.end(r.replaced)
	}
	return settled, c.save(settled)
}
