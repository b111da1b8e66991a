package account

import (
	"context"
	"encoding/json"
	"time"

	"bilipaste/internal/fault"
)

// User is who is signed in.
type User struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// User asks Bilibili who is signed in. Its errors are Do's: one of kind
// NotLoggedIn if nobody is.
func (c *Client) User(ctx context.Context) (user User, err error) {
	err = c.signedIn(func(me caller) error {
		user, err = me.nav(ctx)
		return err
	})
	if r := c.inUse(); err == nil && r.unchecked {
		c.noteChecked(ctx, r)
	}
	return user, err
}

// noteChecked stores that Bilibili has said whose r's session is.
func (c *Client) noteChecked(ctx context.Context, r record) {
	unlock, err := c.lockSession(ctx)
	if err != nil {
		return // Refresh asks again
	}
	defer unlock()
	if c.store != nil {
		now, err := c.load()
		if err != nil || !now.unchecked || !now.session.Equal(r.session) {
			return
		}
		r = now
	}
	r = r.checked()
	if c.save(r) == nil {
		c.tidy(ctx, r)
	}
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

func (c *caller) nav(ctx context.Context) (User, error) {
	data, err := c.do(ctx, Ask, Get(API+"/x/web-interface/nav", nil))
	if err != nil {
		return User{}, err
	}
	var nav struct {
		IsLogin bool   `json:"isLogin"`
		Mid     int64  `json:"mid"`
		Uname   string `json:"uname"`
	}
	if json.Unmarshal(data, &nav) != nil {
		return User{}, &fault.Error{Kind: fault.BrokenAnswer, Host: Service}
	}
	if !nav.IsLogin {
		return User{}, &fault.Error{Kind: fault.NotLoggedIn, Host: Service}
	}
	return User{nav.Mid, nav.Uname}, nil
}

const warnBefore = 14 * 24 * time.Hour

// EndsSoon returns when the session ends, or has ended, if that is within 14
// days or past, and nobody was told: once for each session, for all processes of the user. Else it is
// the zero time.
func (c *Client) EndsSoon(ctx context.Context) (ends time.Time, err error) {
	expires := c.Session().Expires()
	if expires.IsZero() || time.Until(expires) > warnBefore {
		return time.Time{}, nil
	}
	err = c.gate.update(ctx, func(n *notes) error {
		if !n.Warned.Equal(expires) {
			n.Warned, ends = expires, expires
		}
		return nil
	})
	return ends, err
}
