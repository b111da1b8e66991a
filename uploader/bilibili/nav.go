package bilibili

import (
	"context"
	"encoding/json"
	"net/http"

	"bilipaste/uploader"
)

// Account is who is signed in.
type Account struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// Account asks Bilibili who is signed in. Its errors are those of a Host: one
// of kind NotLoggedIn if nobody is.
func (c *Client) Account(ctx context.Context) (Account, error) {
	if err := c.signedIn(); err != nil {
		return Account{}, err
	}
	return c.nav(ctx)
}

// Reach asks Bilibili anything, signed in or not, and returns nil if it answered.
func (c *Client) Reach(ctx context.Context) error {
	_, err := c.nav(ctx)
	if uploader.KindOf(err) == uploader.NotLoggedIn {
		return nil
	}
	return err
}

func (c *Client) nav(ctx context.Context) (Account, error) {
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
			return &uploader.Error{Kind: uploader.BrokenAnswer, Host: Name}
		}
		if !nav.IsLogin {
			return &uploader.Error{Kind: uploader.NotLoggedIn, Host: Name}
		}
		account = Account{nav.Mid, nav.Uname}
		return nil
	})
	return account, err
}
