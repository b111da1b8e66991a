package posts

import (
	"context"
	"time"

	"bilipaste/uploader/bilibili"
	"bilipaste/uploader/folder"
)

// few is how many of the album's links are looked at in one go.
const few = 60

// Tend looks at a few of the album's own links, of those that are due by now, and
// enters in the album which are dead: those that their host has said to be gone on
// two days. It returns these. The error is ctx's, or the album's.
func (c *Checker) Tend(ctx context.Context) (dead []string, err error) {
	// Links that expire, and files on this machine, are not looked at.
	due, err := c.Album.DueChecks(ctx, time.Now(), few, bilibili.DrawName, folder.Name)
	if err != nil || len(due) == 0 {
		return nil, err
	}
	found, err := c.Check(ctx, due, func() {})
	if err != nil {
		return nil, err
	}
	for _, url := range due {
		r := found[Plain(url)]
		if !r.IsDead() {
			continue
		}
		if err := c.Album.Dead(ctx, url, r.At); err != nil {
			return dead, err
		}
		dead = append(dead, url)
	}
	return dead, nil
}

// IsDead tells whether the host has said on two days that the picture is gone.
func (r Checked) IsDead() bool { return r.Life == Gone && r.At.Sub(r.Since) >= fresh }
