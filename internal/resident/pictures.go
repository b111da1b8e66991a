package resident

import (
	"context"
	"iter"
	"os"

	"bilipaste/internal/album"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/queue"
	"bilipaste/internal/writing"
	"bilipaste/uploader"
	"bilipaste/watcher"
)

// Album returns the album. What changes it is seen by State soon.
func (r *Resident) Album() *album.Album { return r.album }

// Add puts a picture into the queue, beside what is copied: see queue.Add.
func (r *Resident) Add(ctx context.Context, request queue.Request) *queue.Job {
	return r.pending.Add(ctx, request)
}

// Clipboard yields the pictures that are on the clipboard now, which stays as it
// is. The error of the first is a lang.Teller that there are none; each other is
// that of one that cannot be read.
func (r *Resident) Clipboard(ctx context.Context) iter.Seq2[picture.Picture, error] {
	return func(yield func(picture.Picture, error) bool) {
		clip, err := r.clipboard.Read(ctx)
		if err == nil && clip.Take == watcher.Nothing {
			err = noPicture(clip)
		}
		if err != nil {
			yield(picture.Picture{}, err)
			return
		}
		writing.Pictures(clip)(yield)
	}
}

func noPicture(clip watcher.Clip) error {
	return lang.Errorf("resident.no_picture", lang.Data{"Why": lang.Message{ID: "watcher.why." + string(clip.Why)}}, nil)
}

// PutPicture puts the original of a picture on the clipboard. The error is a
// lang.Teller.
func (r *Resident) PutPicture(ctx context.Context, sum picture.Sum) error {
	file, err := r.album.Original(ctx, sum)
	if err != nil {
		return err
	}
	return r.putFile(ctx, file)
}

func (r *Resident) putFile(ctx context.Context, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return r.clipboard.PutPicture(ctx, picture.Sniff(data).Type(), data)
}

// Copy puts a text on the clipboard. Writing mode leaves it alone.
func (r *Resident) Copy(ctx context.Context, text string) error {
	return r.clipboard.PutText(ctx, text)
}

// Shown returns a link as a browser can open it.
func (r *Resident) Shown(link uploader.Link) uploader.Link { return r.open(link) }

// Drop gives these pending uploads up. The error is the album's.
func (r *Resident) Drop(ctx context.Context, ids ...int64) error {
	defer r.Refresh()
	return r.pending.Drop(ctx, ids...)
}

// SettingsFile is where the settings are.
func (r *Resident) SettingsFile() string { return r.app.Source.File }
