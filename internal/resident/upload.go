package resident

import (
	"context"
	"iter"
	"time"

	"bilipaste/internal/app"
	"bilipaste/internal/picture"
	"bilipaste/internal/queue"
	"bilipaste/uploader"
)

// Destination returns where a picture goes that is meant for a host and a bucket; ""
// is what the settings say. The error is a lang.Teller: there is none of that name.
func (r *Resident) Destination(host, bucket string) (uploader.Destination, error) {
	if host == "" && bucket == "" {
		return r.chosen(), nil
	}
	c := r.State().Settings
	for key, value := range map[string]string{"host": host, "bucket": bucket} {
		if value == "" {
			continue
		}
		if err := c.Set(key, value); err != nil {
			return uploader.Destination{}, err
		}
	}
	if err := app.CheckHosts(c); err != nil {
		return uploader.Destination{}, err
	}
	up, err := r.app.Uploader(c, r.album)
	if err != nil {
		return uploader.Destination{}, err
	}
	r.about(up)
	return up.Destination(), nil
}

// Upload uploads pictures to a destination, and returns what became of each, in their
// order. The clipboard is left alone. Who asks has the pictures, so none that
// fails stays pending. The error is ctx's, or that of a picture that cannot be
// read; those before it are uploaded all the same.
func (r *Resident) Upload(ctx context.Context, pictures iter.Seq2[picture.Picture, error], to uploader.Destination) ([]queue.Outcome, error) {
	now := time.Now() // what stands in the way of one does so for the rest
	var jobs []*queue.Job
	for p, err := range pictures {
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, r.pending.Add(ctx, queue.Request{Picture: p, To: to, Copied: now, Passing: true}))
	}
	outcomes := make([]queue.Outcome, len(jobs))
	for i, j := range jobs {
		var err error
		if outcomes[i], err = j.Wait(ctx); err != nil {
			return nil, err
		}
	}
	return outcomes, nil
}

// UploadClipboard uploads the pictures that are on the clipboard, which stays as
// it is, where the settings say, and returns them with what became of each. The
// error is a lang.Teller: there are none, or one cannot be read.
func (r *Resident) UploadClipboard(ctx context.Context) ([]picture.Picture, []queue.Outcome, error) {
	var pictures []picture.Picture
	outcomes, err := r.Upload(ctx, func(yield func(picture.Picture, error) bool) {
		for p, err := range r.Clipboard(ctx) {
			named := p
			named.Data = nil
			pictures = append(pictures, named)
			if !yield(p, err) {
				return
			}
		}
	}, r.chosen())
	return pictures, outcomes, err
}

// Forget removes links from the history, and returns how many were there. The
// hosts keep their copies. The error is a lang.Teller.
func (r *Resident) Forget(ctx context.Context, urls []string) (n int, err error) {
	network, err := r.app.Network()
	if err != nil {
		return 0, err
	}
	for _, url := range urls {
		url = network.Link(url) // it was shown as Open has it
		ids, err := r.album.WithURL(ctx, url)
		if err != nil {
			return n, err
		}
		for _, id := range ids {
			if err := r.album.Forget(ctx, id); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}
