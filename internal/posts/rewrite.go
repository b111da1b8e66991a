package posts

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"bilipaste/internal/album"
	"bilipaste/internal/durable"
	"bilipaste/internal/lang"
)

// rewriter changes posts, each as a whole, and notes in the album how to take
// that back before it does so. Of all processes one at a time changes a file.
type rewriter struct {
	album   *album.Album
	run     int64
	resumed bool // a run that was cut off goes on
}

// begin begins a run, or goes on with the last one of the same kind and key if
// that was cut off.
func begin(ctx context.Context, a *album.Album, what, key string) (*rewriter, error) {
	id, resumed, err := a.BeginRun(ctx, what, key)
	return &rewriter{a, id, resumed}, err
}

// rewrite makes the changes that choose returns for what is in a file by now. A
// file that somebody else changes meanwhile is read anew. It returns the number
// of changes. The error is a lang.Teller, and the file is as it was.
func (r *rewriter) rewrite(ctx context.Context, file string, choose func(*Document, []Mention) []Change) (int, error) {
	real, unlock, err := claim(ctx, r.album, file)
	if err != nil {
		return 0, err
	}
	defer unlock()
	if r.resumed {
		if err := r.tidy(ctx, real); err != nil {
			return 0, err
		}
	}
	const tries = 5
	for range tries {
		data, perm, err := readPost(real)
		if err != nil {
			return 0, err
		}
		d, err := Parse(file, data)
		if err != nil {
			return 0, err
		}
		mentions, _ := Find(d) // of front matter that cannot be read the plan has told
		changes := choose(d, mentions)
		if len(changes) == 0 {
			return 0, nil
		}
		edits, err := d.Edits(changes)
		if err != nil {
			return 0, lang.Errorf("posts.unwritable", lang.Data{"File": file, "Cause": err}, err)
		}
		after, err := Apply(data, edits)
		if err != nil {
			return 0, err
		}
		step := album.Step{Run: r.run, File: real, Edits: edits}
		if err := r.album.SaveStep(ctx, &step); err != nil {
			return 0, err
		}
		written, err := replace(real, data, after, perm)
		if written {
			return len(edits), nil
		}
		if dropErr := r.album.DropStep(ctx, step.ID); err == nil {
			err = dropErr
		}
		if err != nil {
			return 0, lang.Errorf("posts.unwritable", lang.Data{"File": file, "Cause": cause(err)}, err)
		}
	}
	return 0, lang.Errorf("posts.busy", lang.Data{"File": file}, nil)
}

// claim resolves the links on the way to a file, and keeps other processes from
// changing posts until unlock is called.
func claim(ctx context.Context, a *album.Album, file string) (real string, unlock func(), err error) {
	if real, err = filepath.Abs(file); err == nil {
		real, err = filepath.EvalSymlinks(real)
	}
	if err != nil {
		return "", nil, lang.Errorf("posts.unreadable", lang.Data{"File": file, "Cause": cause(err)}, err)
	}
	lock := flock.New(filepath.Join(a.Dir(), "posts.lock"), flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return "", nil, err
	}
	return real, func() { _ = lock.Close() }, nil
}

// readPost reads a file that is to be changed. The error tells that it cannot be
// read, or that its owner does not want it to be changed.
func readPost(file string) ([]byte, os.FileMode, error) {
	info, err := os.Stat(file)
	if err == nil && info.Mode().Perm()&0o200 == 0 {
		return nil, 0, lang.Errorf("posts.read_only", lang.Data{"File": file}, nil)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, 0, lang.Errorf("posts.unreadable", lang.Data{"File": file, "Cause": cause(err)}, err)
	}
	return data, info.Mode().Perm(), nil
}

// replace writes a file anew, unless it is not what it was any more.
func replace(file string, was, is []byte, perm os.FileMode) (written bool, err error) {
	now, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(now, was) {
		return false, err
	}
	err = durable.Write(file, is, perm)
	return err == nil, err
}

// tidy removes what the run that was cut off has left beside a file, and forgets
// the step that it did not come to.
func (r *rewriter) tidy(ctx context.Context, file string) error {
	durable.Tidy(filepath.Dir(file), 0)
	steps, err := r.album.Steps(ctx, r.run, file)
	if err != nil || len(steps) == 0 {
		return err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil //nolint:nilerr // who reads it next tells
	}
	if isDone(data, steps[0].Edits) {
		return nil
	}
	if _, err := Apply(data, steps[0].Edits); err != nil {
		return nil //nolint:nilerr // its author has changed it since
	}
	return r.album.DropStep(ctx, steps[0].ID)
}
