package queue

import (
	"context"
	"errors"
	"slices"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/fault"
	"bilipaste/uploader"
)

// Round is what became of pictures that nobody waited for any more.
type Round struct {
	Done []Outcome // those that were tried
	Err  error     // why what is left waits; nil: nothing that can be tried is left
	All  bool      // the user has asked for it
}

// Run sends what is added, and what is pending: at once, whenever it is woken or
// another process leaves something, and by itself when what stood in the way may
// have passed, until ctx is done. Pictures that somebody waits for come first.
// It tells of each round in which it has sent something else. It returns ctx's
// error. While nothing is to be done it does nothing.
func (q *Queue) Run(ctx context.Context, told func(Round)) error {
	defer q.end(ctx)
	stop := context.AfterFunc(ctx, func() { q.post(event{}) })
	defer stop()
	if !q.OnlyOwn {
		watch := q.watch
		if watch == nil {
			watch = q.Album.Watch
		}
		q.begin(func() {
			if err := watch(ctx, func() { q.changed(ctx) }); ctx.Err() == nil {
				q.Log.Warn("what other programs leave to be uploaded is not noticed", "error", err)
			}
		})
	}
	w := worker{q: q}
	for e := (event{try: !q.OnlyOwn}); ctx.Err() == nil; e = q.wait(ctx, &w) {
		if w.moved() { // it may take a moment until it can be used
			w.outage.since = time.Now()
		}
		if e.changed && w.outage.err == nil {
			e.try = true
		}
		if e.try {
			w.late = q.due(ctx, e.all, &w)
		}
		tried := e.try && len(w.late) > 0
		if e.try && !tried { // nothing stands in the way of anything
			w.outage.tried(nil)
		}
		r := Round{All: e.all}
		r.Err = w.round(ctx, func(out Outcome) { r.Done = append(r.Done, out) })
		if ctx.Err() != nil {
			break
		}
		if tried {
			w.outage.tried(r.Err)
		}
		if told != nil && (len(r.Done) > 0 || r.Err != nil) {
			told(r)
		}
	}
	return ctx.Err()
}

// Drain sends what is pending, also what has failed, in the order in which it
// came, and tells done of each that it tried. What is being sent elsewhere is
// left out. It stops at the first failure that will pass, and returns it; any
// other error is the album's or ctx's. Only one picture with which the host has
// trouble again and again does not keep those after it from being tried.
func (q *Queue) Drain(ctx context.Context, done func(Outcome)) error {
	defer q.end(ctx)
	w := worker{q: q}
	entries, err := q.Album.Pending(ctx)
	if err != nil {
		return err
	}
	w.late = entries
	return w.round(ctx, done)
}

// worker is what the one goroutine that sends knows.
type worker struct {
	q      *Queue
	late   []album.Pending // of the round, that nobody waits for
	next   *Job            // of these, taken and being prepared
	outage outage
	others bool // other processes are at something

	network string // before the latest try, while there is none that leads to the host

	latest struct { // of the pictures that somebody waited for
		err    error
		copied time.Time // the clip of the one that failed
		found  time.Time
	}
}

// due are the pending uploads that may be tried.
func (q *Queue) due(ctx context.Context, all bool, w *worker) []album.Pending {
	entries, err := q.Album.Pending(ctx)
	if err != nil {
		q.Log.Error("the album cannot be asked what is pending", "error", err)
		return nil
	}
	w.others = slices.ContainsFunc(entries, func(e album.Pending) bool { return e.Taken && !e.Ours })
	return slices.DeleteFunc(entries, func(e album.Pending) bool { return e.Taken || e.Failed && !all })
}

// round sends what somebody waits for, and w.late, until nothing is left or a
// failure will pass, which it returns. It tells done of the late ones.
func (w *worker) round(ctx context.Context, done func(Outcome)) error {
	var stuck error
	defer w.giveBack(ctx)
	for ctx.Err() == nil {
		j, err := w.pop(ctx)
		if j == nil || err != nil {
			return errors.Join(err, stuck)
		}
		w.ahead(ctx)
		if late, copied := w.q.isLate(j); !late {
			w.sendFresh(ctx, j, copied)
			continue
		}
		out := w.send(ctx, j)
		if ctx.Err() != nil {
			break
		}
		if errors.Is(out.Err, ErrStopped) {
			continue
		}
		if late, _ := w.q.isLate(j); late {
			done(out)
		}
		switch {
		case !out.Waits:
		case stuck == nil && j.entry.Tries >= patience && isTrouble(out.Err):
			stuck = out.Err
		default:
			w.giveBack(ctx)
			if w.fresh() { // these are tried all the same
				_ = w.round(ctx, done)
			}
			return out.Err
		}
	}
	return ctx.Err()
}

// patience is how often a picture is tried before the host's trouble may be
// with this one alone.
const patience = 3

// isLate tells whether nobody waits for a job, and when it was copied.
func (q *Queue) isLate(j *Job) (late bool, copied time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return j.late, j.at
}

// fresh tells whether somebody waits for a picture.
func (w *worker) fresh() bool {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	return len(w.q.fresh) > 0
}

// pop returns the next job; nil if there is none. The error is the album's.
func (w *worker) pop(ctx context.Context) (*Job, error) {
	w.q.mu.Lock()
	if len(w.q.fresh) > 0 {
		j := w.q.fresh[0]
		w.q.fresh[0] = nil
		w.q.fresh = w.q.fresh[1:]
		w.q.mu.Unlock()
		return j, nil
	}
	w.q.mu.Unlock()
	if w.next == nil {
		if err := w.takeNext(ctx); err != nil {
			return nil, err
		}
	}
	j := w.next
	w.next = nil
	return j, nil
}

// ahead begins to prepare what comes next, while another one is being sent.
func (w *worker) ahead(ctx context.Context) {
	w.q.mu.Lock()
	var next *Job
	if len(w.q.fresh) > 0 {
		next = w.q.fresh[0]
	}
	w.q.mu.Unlock()
	if next == nil {
		if w.next == nil && w.takeNext(ctx) != nil {
			return // pop will say so
		}
		next = w.next
	}
	if next != nil {
		w.q.begin(func() { w.q.prepare(ctx, next) })
	}
}

// takeNext takes the next late upload that is still to be done.
func (w *worker) takeNext(ctx context.Context) error {
	for len(w.late) > 0 {
		e := w.late[0]
		k := key{e.Sum, e.To}
		w.q.mu.Lock()
		_, there := w.q.jobs[k]
		w.q.mu.Unlock()
		if there {
			w.late = w.late[1:]
			continue
		}
		p, err := w.q.Album.Take(ctx, e.ID)
		if err != nil && !errors.Is(err, album.ErrLost) && !errors.Is(err, album.ErrTaken) && !errors.Is(err, album.ErrNotPending) {
			return err
		}
		w.late = w.late[1:]
		if errors.Is(err, album.ErrTaken) || errors.Is(err, album.ErrNotPending) {
			continue
		}
		j := newJob(k, p)
		j.at, j.late, j.entry, j.failed = e.Since, true, e, err
		close(j.kept)
		close(j.synced)
		w.q.mu.Lock()
		if w.q.jobs[k] != nil { // somebody wants it since a moment ago
			w.q.mu.Unlock()
			_ = w.q.Album.Release(ctx, e.ID)
			continue
		}
		w.q.enter(j)
		w.q.mu.Unlock()
		w.next = j
		return nil
	}
	return nil
}

// giveBack lets go of what was taken and not tried. What somebody has come to
// wait for meanwhile is tried.
func (w *worker) giveBack(ctx context.Context) {
	j := w.next
	w.late, w.next = nil, nil
	if j == nil {
		return
	}
	w.q.mu.Lock()
	wanted := !j.late
	if wanted {
		w.q.fresh = append(w.q.fresh, j)
	}
	w.q.mu.Unlock()
	if !wanted {
		w.q.forget(j)
		_ = w.q.Album.Release(context.WithoutCancel(ctx), j.entry.ID)
	}
}

// sendFresh sends a picture that somebody waits for. After one that waits the
// others of its clip are not tried but wait, too, and so do those that were
// copied before its failure was found, unless that may be with one picture alone.
// What does not stay pending is tried all the same, but for a refusal or a missing
// login.
func (w *worker) sendFresh(ctx context.Context, j *Job, copied time.Time) {
	l := &w.latest
	if l.err != nil && !copied.Equal(l.copied) && (copied.After(l.found) || isTrouble(l.err)) {
		l.err = nil
	}
	if l.err != nil && (!w.q.isPassing(j) || isShut(l.err)) {
		w.q.postpone(ctx, j, l.err)
		return
	}
	switch out := w.send(ctx, j); {
	case ctx.Err() != nil || errors.Is(out.Err, ErrStopped) || errors.Is(out.Err, errForeign):
	case out.Err == nil && !out.Link.Known: // else it says nothing of the host
		if w.outage.err != nil {
			w.q.Wake()
		}
	case out.Err != nil && willPass(out.Err):
		l.err, l.copied, l.found = out.Err, copied, j.found
		if !w.outage.like(out.Err) {
			w.outage.tried(out.Err)
		}
	}
}

// send sends one picture, and returns what became of it.
func (w *worker) send(ctx context.Context, j *Job) Outcome {
	q := w.q
	q.prepare(ctx, j)
	sending, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	q.mu.Lock()
	if isClosed(j.done) { // given up meanwhile
		q.mu.Unlock()
		return j.out
	}
	if j.foreign {
		q.mu.Unlock()
		return Outcome{Err: errForeign}
	}
	j.cancel = cancel
	q.mu.Unlock()
	var made uploader.Upload
	err := j.failed
	switch {
	case err != nil:
	case j.known != nil:
		made = *j.known
	default:
		made, err = j.way.Send(uploader.Tell(uploader.Hold(sending, j.hold), func(sent, of int64) {
			q.mu.Lock()
			tell := j.progress
			q.mu.Unlock()
			if tell != nil {
				tell(sent, of)
			}
		}))
	}
	switch {
	case err == nil && !j.isKept():
		return Outcome{Err: errForeign}
	case err == nil:
		q.mu.Lock()
		j.picture.Data, j.way, j.known = nil, nil, nil
		q.mu.Unlock()
		q.made(context.WithoutCancel(ctx), j, made)
		return j.out
	case errors.Is(context.Cause(sending), errForeign):
		return Outcome{Err: errForeign}
	case ctx.Err() != nil: // it stays pending
		if j.isKept() && q.isPassing(j) && j.entry.ID != 0 {
			_ = q.Album.Drop(context.WithoutCancel(ctx), j.entry.ID)
		}
		q.fail(j, Outcome{Entry: j.entry, Err: ctx.Err()})
		return j.out
	case sending.Err() != nil:
		<-j.kept
		q.fail(j, Outcome{Entry: j.entry, Err: ErrStopped})
		return j.out
	}
	return q.postpone(ctx, j, err)
}

// prepare does with a job what can be done before it is sent, once.
func (q *Queue) prepare(ctx context.Context, j *Job) {
	j.prepare.Do(func() {
		defer close(j.ready)
		if j.failed != nil {
			return
		}
		way, err := q.Way(j.to)
		q.mu.Lock()
		j.begun = true
		p := j.picture
		q.mu.Unlock()
		if err == nil && p.Data == nil {
			p, err = q.Album.Load(j.entry)
		}
		if err != nil {
			j.failed = err
			return
		}
		if j.again {
			anew := *way
			anew.Again = true
			way = &anew
		} else if late, _ := q.isLate(j); late { // else Add has looked
			if known, ok := way.Known(ctx, p, j.sum); ok {
				j.known = &known
				return
			}
		}
		j.way = way.Ready(ctx, p, j.sum)
	})
	<-j.ready
}

// postpone ends a job that was not sent because of err. It waits for that to
// pass, or else for the user.
func (q *Queue) postpone(ctx context.Context, j *Job, err error) Outcome {
	if !j.isKept() {
		return Outcome{Err: errForeign}
	}
	<-j.synced
	out := Outcome{Entry: j.entry, Err: err, Waits: willPass(err), NotKept: j.notKept}
	switch {
	case j.entry.ID == 0:
		out.Waits = false
	case q.isPassing(j):
		out.Waits = false
		if err := q.Album.Drop(ctx, j.entry.ID); err != nil && !errors.Is(err, album.ErrNotPending) {
			q.Log.Error("an upload that has failed stays pending", "error", err)
		}
	default:
		why, _ := q.Language().Error(err)
		f := album.Failure{Why: why, Failed: !out.Waits}
		if e := fault.Temporary(err); e != nil {
			f.Again = e.Until
		}
		if err := q.Album.Postpone(ctx, j.entry.ID, f); err != nil {
			q.Log.Error("the album could not be told why an upload is still pending", "error", err)
		}
	}
	j.found = time.Now() // before it is told: what is asked for after that is tried
	q.fail(j, out)
	return out
}

// isShut tells whether err is that the host lets nothing in for now.
func isShut(err error) bool {
	kind := KindOf(err)
	return kind == fault.NotLoggedIn || kind == fault.Refused
}

// isTrouble tells whether err is a host's trouble of its own.
func isTrouble(err error) bool {
	e := fault.Temporary(err)
	return e != nil && e.Kind == fault.Passing && !fault.Offline(err)
}

// willPass tells whether the same upload can succeed later. An error that is no
// upload's is one of the settings, which can be mended.
func willPass(err error) bool {
	_, upload := errors.AsType[*fault.Error](err)
	return (fault.Temporary(err) != nil || !upload) && !errors.Is(err, album.ErrLost)
}
