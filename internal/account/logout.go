package account

import (
	"context"
	"errors"
	"strconv"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
)

// Logout ends the session at Bilibili, and then forgets it. Where Bilibili
// does not say that it has ended, nothing is forgotten, and the error says
// why. With nobody signed in it is of kind NotLoggedIn.
func (c *Client) Logout(ctx context.Context) error {
	session, unlock, err := c.latest(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if session.cookie("DedeUserID") == "" { // a browser's; logging out asks for it
		me := c.as(session)
		user, err := me.nav(ctx)
		switch {
		case fault.KindOf(err) == fault.NotLoggedIn:
			return c.forget()
		case err != nil:
			return lang.Errorf("account.logout", lang.Data{"Cause": err}, err)
		}
		session = session.with("DedeUserID", strconv.FormatInt(user.ID, 10))
	}
	me := c.as(session)
	_, err = me.do(ctx, Ask, Form(passport+"/login/exit/v2", nil, "biliCSRF"))
	e, _ := errors.AsType[*fault.Error](err)
	switch {
	case err == nil:
	case e != nil && e.Kind == fault.BrokenAnswer && e.Why == "page": // the login page: it was dead already
	case e != nil && e.Kind == fault.NotLoggedIn && e.Code == notLoggedIn:
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return lang.Errorf("account.logout", lang.Data{"Cause": err}, err)
	}
	return c.forget()
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

// latest returns the session that is stored now, and keeps others from
// changing it.
func (c *Client) latest(ctx context.Context) (Session, func(), error) {
	unlock, err := c.lockSession(ctx)
	if err != nil {
		return Session{}, nil, err
	}
	session := c.Session()
	if c.store != nil {
		session, err = LoadSession(c.store)
	}
	if err == nil && session.IsZero() {
		err = &fault.Error{Kind: fault.NotLoggedIn, Host: Service}
	}
	if err != nil {
		unlock()
		return Session{}, nil, err
	}
	return session, unlock, nil
}

func (c *Client) forget() error {
	if c.store != nil {
		if err := c.store.Delete(); err != nil {
			return err
		}
	}
	c.use(Session{})
	return nil
}
