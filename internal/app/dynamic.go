package app

import (
	"context"
	"path/filepath"

	"bilipaste/internal/config"
	"bilipaste/internal/dynamic"
	"bilipaste/uploader"
	"bilipaste/uploader/bilibili"
)

// Publisher returns what publishes on Bilibili with the user's account. Its
// pictures are of the category that the settings name.
func (a *App) Publisher(ctx context.Context, c config.Config) (*dynamic.Publisher, error) {
	n, err := a.Network()
	if err != nil {
		return nil, err
	}
	n.SetProxy(c.Proxy)
	p := &dynamic.Publisher{
		Lock:    filepath.Join(n.State, "dynamic.lock"),
		Prepare: uploader.Prepare{KeepMetadata: !c.StripMetadata, RefuseLarge: c.TooLarge == "refuse"},
	}
	if p.Client, err = a.Account(c); err != nil {
		return nil, err
	}
	if p.Draw, err = bilibili.NewDraw(p.Client, c.DrawCategory, "new_dyn"); err != nil {
		return nil, unusable{err}
	}
	if p.Choices, err = bilibili.NewDraw(p.Client, "daily", "vote"); err != nil {
		return nil, unusable{err}
	}
	p.Album, err = a.Album(ctx, c)
	return p, err
}
