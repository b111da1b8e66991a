package posts

import (
	"context"
	"errors"
	"slices"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/picture"
	"bilipaste/internal/queue"
	"bilipaste/uploader"
)

// Sender is the way of a picture to its link.
type Sender struct {
	Queue *queue.Queue // its worker runs elsewhere
	To    uploader.Destination
}

// Look tells what is known of a picture before it is sent: its link, if it has
// one, and else why the host will not take it, if that can be seen.
func (s *Sender) Look(ctx context.Context, p picture.Picture, sum picture.Sum) (link uploader.Link, known bool, err error) {
	way, err := s.Queue.Way(s.To)
	if err != nil {
		if fault.KindOf(err) == fault.NotLoggedIn { // of which sending tells
			err = nil
		}
		return uploader.Link{}, false, err
	}
	if u, ok := way.Known(ctx, p, sum); ok {
		return u.Link, true, nil
	}
	// What is in a format that the host takes, and small enough, is not prepared only to look.
	limits := way.Host.Limits()
	if slices.Contains(limits.Formats, p.Format) && int64(len(p.Data)) <= limits.Bytes && !p.Animated() || len(way.Fallback) > 0 || way.Moving != nil {
		return uploader.Link{}, false, nil
	}
	_, _, err = way.Prepare.Do(ctx, p, way.Host)
	return uploader.Link{}, false, err
}

// Send returns the link of a picture, which is sent if it has none. The album
// knows the link when it returns, unless it cannot take it up for the moment.
func (s *Sender) Send(ctx context.Context, p picture.Picture, to uploader.Destination) (uploader.Link, error) {
	job := s.Queue.Add(ctx, queue.Request{Picture: p, To: to, Copied: time.Now(), Passing: true})
	out, err := job.Wait(ctx)
	if err == nil && out.Err == nil {
		const patience = 10 * time.Second
		soon, stop := context.WithTimeout(ctx, patience)
		_ = job.WaitRecorded(soon)
		stop()
		err = ctx.Err()
	}
	return out.Link, errors.Join(err, out.Err)
}
