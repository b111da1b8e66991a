package posts

import (
	"bytes"
	"context"
	"slices"

	"bilipaste/internal/album"
	"bilipaste/internal/lang"
)

// Undone is what became of taking a run back.
type Undone struct {
	Run      int64
	Posts    int       // that are as they were before the run
	Mentions int       // that were given back what stood there
	Left     []Failure // mentions that were edited since, and files that are gone
}

// Undo takes back what a run has changed: the last one that is not taken back
// yet, if run is 0. A mention that was edited since is left alone. What was taken
// back is forgotten, so that it can be cut off and called again. The error is a
// lang.Teller: there is no such run, or the album cannot be read.
func Undo(ctx context.Context, a *album.Album, run int64) (Undone, error) {
	runs, err := a.Runs(ctx)
	if err != nil {
		return Undone{}, err
	}
	i := slices.IndexFunc(runs, func(r album.Run) bool { return run == 0 || r.ID == run })
	switch {
	case i < 0 && run == 0:
		return Undone{}, lang.Errorf("posts.no_runs", nil, nil)
	case i < 0:
		return Undone{}, lang.Errorf("posts.no_run", lang.Data{"Run": run}, nil)
	}
	u := Undone{Run: runs[i].ID}
	steps, err := a.Steps(ctx, u.Run, "")
	if err != nil {
		return u, err
	}
	files := map[string]bool{}
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return u, err
		}
		mentions, failures, err := undoStep(ctx, a, s)
		if err != nil {
			u.Left = append(u.Left, Failure{File: s.File, Err: err})
			continue
		}
		files[s.File] = true
		u.Mentions += mentions
		u.Left = append(u.Left, failures...)
		if err := a.DropStep(ctx, s.ID); err != nil {
			return u, err
		}
	}
	u.Posts = len(files)
	return u, a.EndRun(ctx, u.Run)
}

// undoStep takes back what was changed in one file at once.
func undoStep(ctx context.Context, a *album.Album, s album.Step) (mentions int, failures []Failure, err error) {
	file, unlock, err := claim(ctx, a, s.File)
	if err != nil {
		return 0, nil, err
	}
	defer unlock()
	const tries = 5
	for range tries {
		data, perm, err := readPost(file)
		if err != nil {
			return 0, nil, err
		}
		back, failures := findBack(s.File, data, s.Edits)
		if len(back) == 0 {
			return 0, failures, nil
		}
		before, err := Apply(data, back)
		if err != nil {
			return 0, nil, err
		}
		switch written, err := replace(file, data, before, perm); {
		case err != nil:
			return 0, nil, lang.Errorf("posts.unwritable", lang.Data{"File": file, "Cause": cause(err)}, err)
		case written:
			return len(back), failures, nil
		}
	}
	return 0, nil, lang.Errorf("posts.busy", lang.Data{"File": file}, nil)
}

// reverse returns the edits that take others back.
func reverse(edits []album.Edit) []album.Edit {
	back, shift := make([]album.Edit, len(edits)), 0
	for i, e := range edits {
		back[i] = album.Edit{Offset: e.Offset + shift, Before: e.After, After: e.Before}
		shift += len(e.After) - len(e.Before)
	}
	return back
}

// isDone tells whether a file is as edits have left it, at their offsets.
func isDone(data []byte, edits []album.Edit) bool {
	_, err := Apply(data, reverse(edits))
	return err == nil
}

// findBack returns the edits that take others back in a file as it is by now,
// and the mentions that were edited since.
func findBack(file string, data []byte, edits []album.Edit) (back []album.Edit, failures []Failure) {
	if isDone(data, edits) {
		return reverse(edits), nil
	}
	if _, err := Apply(data, edits); err == nil { // it was not done, or is taken back already
		return nil, nil
	}
	var shown []album.Edit // each mention as an edit that removes it
	d, err := Parse(file, data)
	if err == nil {
		mentions, _ := Find(d)
		var all []Change
		for _, p := range mentions {
			all = append(all, Change{Start: p.Start, End: p.End})
		}
		shown, err = d.Edits(all)
	}
	if err != nil {
		shown = nil
	}
	used := map[int]bool{}
	for _, e := range reverse(edits) {
		at, best := -1, 0
		for _, p := range shown {
			// What was put there may be more than the address alone.
			for from := max(0, p.Offset+len(p.Before)-len(e.Before)); from <= p.Offset; from++ {
				far := max(from-e.Offset, e.Offset-from)
				if bytes.HasPrefix(data[from:], e.Before) && !used[from] && (at < 0 || far < best) {
					at, best = from, far
				}
			}
		}
		if at >= 0 {
			used[at] = true
			back = append(back, album.Edit{Offset: at, Before: e.Before, After: e.After})
			continue
		}
		already := slices.IndexFunc(shown, func(p album.Edit) bool { return !used[p.Offset] && bytes.Equal(p.Before, e.After) })
		if already >= 0 {
			used[shown[already].Offset] = true
			continue
		}
		failures = append(failures, Failure{
			File: file, Address: string(e.Before), Line: 1 + bytes.Count(data[:min(e.Offset, len(data))], []byte("\n")),
			Err: lang.Errorf("posts.edited", nil, nil),
		})
	}
	slices.SortFunc(back, func(a, b album.Edit) int { return a.Offset - b.Offset })
	return back, failures
}
