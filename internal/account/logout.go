package account

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
)

// Logout ends the session at Bilibili, and all that are known to be signed in
// beside it, and then forgets them. Where Bilibili does not say that they have
// ended, nothing is forgotten, and the error says why. With nobody signed in it
// is of kind NotLoggedIn.
func (c *Client) Logout(ctx context.Context) error {
	r, unlock, err := c.latest(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	all := r.dropped()
	if !r.own {
		all = append(all, r.session)
	}
	for _, s := range all {
		switch err := c.end(ctx, s); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return lang.Errorf("account.logout", lang.Data{"Cause": err}, err)
		}
	}
	return c.forget()
}

// end ends a session at Bilibili. It returns nil if that has ended, also before.
func (c *Client) end(ctx context.Context, s Session) error {
	me := c.as(s)
	if s.cookie("DedeUserID") == "" { // a browser's; logging out asks for it
		user, err := me.nav(ctx)
		switch {
		case fault.KindOf(err) == fault.NotLoggedIn:
			return nil
		case err != nil:
			return err
		}
		me = c.as(s.with("DedeUserID", strconv.FormatInt(user.ID, 10)))
	}
	_, err := me.do(ctx, Ask, Form(passport+"/login/exit/v2", nil, "biliCSRF"))
	e, _ := errors.AsType[*fault.Error](err)
	switch {
	case e == nil:
		return err
	case e.Kind == fault.NotLoggedIn && e.Code == notLoggedIn:
		return nil
	case e.Kind == fault.Passing && e.Why == "page" && e.Code == http.StatusOK:
		// Bilibili's login page, for the session was dead already; or a hotel's.
		if _, err := me.nav(ctx); fault.KindOf(err) == fault.NotLoggedIn {
			return nil
		}
	}
	return err
}

// Forget forgets the session on this machine; at Bilibili it lives on.
func (c *Client) Forget(ctx context.Context) error {
	unlock, err := c.lockSession(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return c.forget()
}

// latest returns what is kept now, and keeps others from changing it.
func (c *Client) latest(ctx context.Context) (record, func(), error) {
	unlock, err := c.lockSession(ctx)
	if err != nil {
		return record{}, nil, err
	}
	r := c.inUse()
	if c.store != nil {
		r, err = c.load()
	}
	if err == nil && r.session.IsZero() {
		err = &fault.Error{Kind: fault.NotLoggedIn, Host: Service}
	}
	if err != nil {
		unlock()
		return record{}, nil, err
	}
	return r, unlock, nil
}

func (c *Client) forget() error {
	if c.store != nil {
		if err := c.store.Delete(); err != nil {
			return err
		}
	}
	c.use(record{})
	return nil
}
