package posts

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
)

// Failure is what could not be done, and where.
type Failure struct {
	File    string
	Line    int    // 0: the file as a whole
	Address string // "": the file as a whole
	Err     error
}

// Result is what a migration has done.
type Result struct {
	Run      int64 // its number, for Undo; 0: nothing was changed
	Posts    int   // that were changed
	Mentions int   // in these
	Failures []Failure
}

// Run does what a plan says, post after post: it sends the pictures of one, and
// then changes it. It tells of each picture, and of each that failed. What cannot
// be done is left as it is, and the rest goes on; after a refusal or without a
// login nothing more is sent, and err is that. err may also be ctx's, or the
// album's. A run that was cut off is gone on with by the next one for the same
// posts.
func (m *Migration) Run(ctx context.Context, plan *Plan, told func(*Picture)) (r Result, err error) {
	key, err := json.Marshal([]any{m.Site.tops, m.Sender.To, m.NoReferrer})
	if err != nil {
		return r, err
	}
	w, err := begin(ctx, m.Album, "migrate", string(key))
	if err != nil {
		return r, err
	}
	for _, post := range plan.Posts {
		if err := m.post(ctx, w, post, &r, told); err != nil {
			r.Run = w.run
			return r, err
		}
	}
	if r.Posts > 0 || w.resumed {
		r.Run = w.run
	}
	return r, m.Album.EndRun(ctx, w.run)
}

// post moves the pictures of one post. The error is one that stops the run.
func (m *Migration) post(ctx context.Context, w *rewriter, post *Post, r *Result, told func(*Picture)) error {
	if post.Err != nil {
		r.Failures = append(r.Failures, Failure{File: post.File, Err: post.Err})
	}
	var stop error
	for _, s := range post.Spots {
		if s.Picture.State != Moved && s.Picture.State != Bad && stop == nil {
			stop = m.send(ctx, s.Picture)
			told(s.Picture)
		}
		if s.Picture.State == Bad {
			r.Failures = append(r.Failures, Failure{post.File, s.Line, s.Address, s.Picture.Err})
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(post.Spots) == 0 {
		return nil
	}
	n, err := w.rewrite(ctx, post.File, func(_ *Document, mentions []Mention) (changes []Change) {
		for _, p := range mentions {
			pic, ok := m.picture(post.File, p)
			if !ok || pic.State != Moved {
				continue
			}
			if to := newAddress(p.Address, pic.Link.URL); to != p.Address {
				changes = append(changes, p.Change(to, m.NoReferrer))
			}
		}
		return changes
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		r.Failures = append(r.Failures, Failure{File: post.File, Err: err})
	}
	if n > 0 {
		r.Posts++
		r.Mentions += n
	}
	return stop
}

// send gets the link of a picture. The error is one after which no other can be
// sent.
func (m *Migration) send(ctx context.Context, pic *Picture) error {
	if pic.State == Known {
		pic.State = Moved
		return nil
	}
	p, err := m.read(ctx, pic)
	if err == nil {
		pic.Link, err = m.Sender.Send(ctx, p, m.Sender.To)
	}
	if err == nil {
		pic.State = Moved
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	pic.State, pic.Err = Bad, err
	switch fault.KindOf(err) {
	case fault.NotLoggedIn, fault.Refused:
		return err
	}
	return nil
}

// read reads a picture from where it is: the album's copy, where it has one of
// what is on another machine.
func (m *Migration) read(ctx context.Context, pic *Picture) (picture.Picture, error) {
	if !IsRemote(pic.Source) {
		return m.open(pic)
	}
	if p, ok := m.original(ctx, pic.Source); ok {
		return p, nil
	}
	return m.Fetch(ctx, pic.Source)
}

// Diff writes what a plan would change in a post as a unified diff. A link that
// is not known yet is shown as "upload:" and the picture's name.
func (m *Migration) Diff(post *Post) ([]byte, error) {
	data, err := os.ReadFile(post.File)
	if err != nil {
		return nil, lang.Errorf("posts.unreadable", lang.Data{"File": post.File, "Cause": cause(err)}, err)
	}
	d, err := Parse(post.File, data)
	if err != nil {
		return nil, err
	}
	mentions, _ := Find(d)
	after := Document{Text: d.Text}
	var changes []Change
	for _, p := range mentions {
		pic, ok := m.picture(post.File, p)
		if !ok || pic.State == Bad {
			continue
		}
		to := "upload:" + filepath.Base(pic.Source)
		if pic.State == Known {
			to = newAddress(p.Address, pic.Link.URL)
		}
		changes = append(changes, p.Change(to, m.NoReferrer))
	}
	edits, err := after.Edits(changes)
	if err != nil {
		return nil, err
	}
	text, err := Apply(d.Text, edits)
	name := filepath.ToSlash(post.File)
	if strings.Contains(name, " ") {
		name += "\t" // so that patch and git read it
	}
	return diff.Diff("a/"+name, d.Text, "b/"+name, text), err
}

// Uncommitted returns those of the files that are in a git repository with changes
// that are not committed. Without git it is none.
func Uncommitted(ctx context.Context, files []string) (changed []string) {
	byRepository := map[string]map[string]string{} // the path in the repository, and as it was given
	for _, file := range files {
		real, err := filepath.Abs(file)
		if err == nil {
			real, err = filepath.EvalSymlinks(real)
		}
		root := repository(filepath.Dir(real))
		if err != nil || root == "" {
			continue
		}
		if byRepository[root] == nil {
			byRepository[root] = map[string]string{}
		}
		if rel, err := filepath.Rel(root, real); err == nil {
			byRepository[root][filepath.ToSlash(rel)] = file
		}
	}
	for root, paths := range byRepository {
		// A repository's own settings are not to start programs here.
		status := exec.CommandContext(ctx, "git", "-c", "core.fsmonitor=false", "-C", root, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
		status.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0")
		out, err := status.Output()
		if err != nil {
			continue
		}
		for line := range strings.SplitSeq(string(out), "\x00") {
			if file, ok := paths[strings.TrimSpace(line[min(3, len(line)):])]; ok {
				changed = append(changed, file)
			}
		}
	}
	return changed
}

// String says a failure in English, for logs.
func (f Failure) String() string {
	return fmt.Sprintf("%s:%d: %s: %v", f.File, f.Line, f.Address, f.Err)
}
