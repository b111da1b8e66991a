package bilibili

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"bilipaste/internal/fault"
)

// Account is who is signed in.
type Account struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// Account asks Bilibili who is signed in. Its errors are those of a Host: one
// of kind NotLoggedIn if nobody is.
func (c *Client) Account(ctx context.Context) (Account, error) {
	var account Account
	err := c.signedIn(func(me caller) (err error) {
		account, err = me.nav(ctx)
		return err
	})
	return account, err
}

// Reach asks Bilibili anything, signed in or not, and returns nil if it answered.
func (c *Client) Reach(ctx context.Context) error {
	me := c.as(c.Session())
	_, err := me.nav(ctx)
	if fault.KindOf(err) == fault.NotLoggedIn {
		return nil
	}
	return err
}

func (c *caller) nav(ctx context.Context) (Account, error) {
	var account Account
	err := c.gate.ask(ctx, func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"/x/web-interface/nav", nil)
		if err != nil {
			return err
		}
		data, err := c.do(req)
		if err != nil {
			return err
		}
		var nav struct {
			IsLogin bool   `json:"isLogin"`
			Mid     int64  `json:"mid"`
			Uname   string `json:"uname"`
		}
		if json.Unmarshal(data, &nav) != nil {
			return &fault.Error{Kind: fault.BrokenAnswer, Host: Name}
		}
		if !nav.IsLogin {
			return &fault.Error{Kind: fault.NotLoggedIn, Host: Name}
		}
		account = Account{nav.Mid, nav.Uname}
		return nil
	})
	return account, err
}

const warnBefore = 14 * 24 * time.Hour

// EndsSoon returns when the session ends if that is within 14 days and nobody
// was told: once for each session, for all processes of the user. Else it is
// the zero time.
func (c *Client) EndsSoon(ctx context.Context) (ends time.Time, err error) {
	expires := c.Session().Expires()
	if expires.IsZero() || time.Until(expires) > warnBefore {
		return time.Time{}, nil
	}
	err = c.gate.update(ctx, func(s *state) error {
		if !s.Warned.Equal(expires) {
			s.Warned, ends = expires, expires
		}
		return nil
	})
	return ends, err
}
