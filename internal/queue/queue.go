// Package queue sends pictures: one ordered queue of pending uploads, with one
// worker in a process. Whoever wants the same picture at the same destination
// joins the upload that is there, also across processes.
package queue

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// Queue is the queue of one process. Its worker is Run, or for a command Drain.
// It is safe for concurrent use, and any number of processes may have one.
type Queue struct {
	Album *album.Album // where pictures are kept and links recorded; nil: nowhere

	// Way returns the way to a destination, by the settings as they are by now.
	// To one that is not that of the settings it has no fallback.
	Way func(to uploader.Place) (*uploader.Uploader, error)

	Shown    func(uploader.Link) uploader.Link // a link as a browser can open it; nil: as it is
	Language func() *lang.Printer              // of the reason that is noted with a pending upload
	Active   func(n int)                       // told how many pictures somebody waits for, and calls nothing of the Queue; nil: nobody is told
	OnlyOwn  bool                              // Run sends what was added here alone
	Log      *slog.Logger

	addresses func() string                                   // of the machine; nil: the real ones
	watch     func(ctx context.Context, changed func()) error // nil: the album's

	mu     sync.Mutex
	jobs   map[key]*Job // from Add, or from when the worker takes it, until it is recorded
	fresh  []*Job       // that somebody waits for, in the order in which they came
	held   int64        // bytes of their pictures in memory
	active int
	unseen event
	token  chan struct{}
	over   chan struct{} // closed while the worker ends; nil: it was not asked for yet
	ended  bool
	beside sync.WaitGroup
}

type key struct {
	sum picture.Sum
	to  uploader.Place
}

// Job is one upload.
type Job struct {
	key
	at      time.Time // when its clip was copied
	passing bool      // it is not to stay pending when it fails
	late    bool      // nobody waits for it

	picture picture.Picture // without data: that is in the album
	held    int64           // bytes that count in Queue.held
	entry   album.Pending   // without an ID: there is none
	notKept error           // why
	synced  chan struct{}   // closed when the original outlives a power cut, or notKept says why not

	prepare sync.Once
	ready   chan struct{} // closed when it is prepared
	way     *uploader.Ready
	failed  error // why it could not be

	cancel   context.CancelCauseFunc // of its sending; nil: it is not being sent
	answered bool                    // the link is there
	done     chan struct{}           // closed when out is there
	out      Outcome
}

// Outcome is what became of an upload.
type Outcome struct {
	Sum     picture.Sum   // of the picture
	Entry   album.Pending // what was pending; without an ID if nothing was
	Link    uploader.Link // unless Err
	Err     error         // why there is none; ErrStopped: it was given up
	Waits   bool          // with Err: it goes up by itself, later
	NotKept error         // why the picture is not in the album; nil: it is
}

// ErrStopped is the error of an upload that the user has given up.
var ErrStopped = errors.New("the upload was given up")

// Request is what Add is asked for.
type Request struct {
	Picture picture.Picture
	To      uploader.Place
	Copied  time.Time // when it came: what came before an outage was found is not tried in it
	Passing bool      // it is not to stay pending when it fails: the user has it, and asks again
}

// hold is how many bytes of pictures that wait for their turn are held in
// memory. What is more is read from the album when it is its turn.
const hold = 32 << 20

// Add puts a picture into the album and into the queue. It returns when a kill
// loses nothing. A picture whose link is known is done at once.
func (q *Queue) Add(ctx context.Context, r Request) *Job {
	ctx = context.WithoutCancel(ctx)
	j := &Job{
		key: key{picture.SumOf(r.Picture.Data), r.To}, at: r.Copied, passing: r.Passing, picture: r.Picture,
		synced: make(chan struct{}), ready: make(chan struct{}), done: make(chan struct{}),
	}
	q.mu.Lock()
	if there := q.jobs[j.key]; there != nil {
		if there.late { // somebody waits for it from now on
			there.late, there.at = false, r.Copied
			q.count(1)
		}
		there.passing = there.passing && r.Passing
		q.mu.Unlock()
		return there
	}
	q.enter(j)
	q.count(1)
	q.mu.Unlock()

	way, err := q.Way(r.To)
	if err == nil {
		if known, ok := way.Known(ctx, r.Picture, j.sum); ok {
			close(j.synced)
			q.made(ctx, j, known)
			return j
		}
	}
	if err := q.keep(ctx, j); err != nil || q.Album == nil || r.Passing {
		j.notKept = err
		close(j.synced) // what the user has anyway need not outlive a power cut here
	} else if j.entry.Taken && !j.entry.Ours {
		close(j.synced)
		q.begin(func() { q.follow(ctx, j) })
		return j
	} else {
		q.begin(func() {
			j.notKept = q.Album.Sync(ctx, j.entry)
			close(j.synced)
		})
	}
	q.push(j)
	return j
}

// keep puts a job's picture into the album, and enters that it is pending.
func (q *Queue) keep(ctx context.Context, j *Job) error {
	if q.Album == nil {
		return nil
	}
	e, err := q.Album.Enqueue(ctx, j.picture, j.sum, j.to)
	q.mu.Lock()
	j.entry = e
	q.mu.Unlock()
	return err
}

// Wait returns what became of the upload. Its link is to be handed out: the
// answer was checked, and the original is on the disk. The error is ctx's.
func (j *Job) Wait(ctx context.Context) (Outcome, error) {
	select {
	case <-j.done:
		return j.out, nil
	case <-ctx.Done():
		return Outcome{}, ctx.Err()
	}
}

// enter makes a job one that others can join. q.mu is held.
func (q *Queue) enter(j *Job) {
	if q.jobs == nil {
		q.jobs = map[key]*Job{}
	}
	q.jobs[j.key] = j
}

// count counts what somebody waits for. q.mu is held.
func (q *Queue) count(more int) {
	q.active += more
	if q.Active != nil {
		q.Active(q.active)
	}
}

// push gives a job its place in the queue.
func (q *Queue) push(j *Job) {
	q.mu.Lock()
	if size := int64(len(j.picture.Data)); j.entry.ID != 0 && q.held > 0 && q.held+size > hold {
		j.picture.Data = nil
	} else {
		j.held = size
		q.held += size
	}
	q.fresh = append(q.fresh, j)
	q.mu.Unlock()
	q.post(event{})
}

// begin has something done beside, which the worker's end waits for; after that
// it is done at once.
func (q *Queue) begin(task func()) {
	q.mu.Lock()
	ended := q.ended
	if !ended {
		q.beside.Go(task)
	}
	q.mu.Unlock()
	if ended {
		task()
	}
}

// sleep waits a while, and returns false if the worker ends meanwhile.
func (q *Queue) sleep(d time.Duration) bool {
	q.mu.Lock()
	if q.over == nil {
		q.over = make(chan struct{})
	}
	over, ended := q.over, q.ended
	q.mu.Unlock()
	if ended {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-over:
		return false
	}
}

// end gives up what is not to stay pending, and waits for what is done beside.
func (q *Queue) end(ctx context.Context) {
	q.mu.Lock()
	q.ended = true
	if q.over != nil {
		close(q.over)
	}
	left := q.fresh
	q.fresh = nil
	q.mu.Unlock()
	q.beside.Wait()
	for _, j := range left {
		if q.isPassing(j) && j.entry.ID != 0 {
			_ = q.Album.Drop(context.WithoutCancel(ctx), j.entry.ID)
		}
	}
	q.mu.Lock()
	q.ended, q.over = false, nil
	q.mu.Unlock()
}

// follow waits for an upload that another process is at. What that one lets go
// of is this one's.
func (q *Queue) follow(ctx context.Context, j *Job) {
	const look = 100 * time.Millisecond
	for q.sleep(look) {
		e, ok, err := q.Album.Find(ctx, j.sum, j.to)
		switch {
		case err != nil:
			q.fail(j, Outcome{Err: err, NotKept: err})
			return
		case ok && e.Taken:
			continue
		}
		if !ok { // it was sent, or given up
			way, err := q.Way(j.to)
			known := uploader.Upload{}
			if err == nil {
				known, ok = way.Known(ctx, j.picture, j.sum)
			}
			if ok {
				q.made(ctx, j, known)
				return
			}
		}
		// Its sender has let go of it, or it went elsewhere.
		err = q.keep(ctx, j)
		if err == nil && j.entry.Taken && !j.entry.Ours {
			continue
		}
		if err == nil && !q.isPassing(j) {
			err = q.Album.Sync(ctx, j.entry)
		}
		j.notKept = err
		q.push(j)
		return
	}
}

// made hands a link out, and records it beside.
func (q *Queue) made(ctx context.Context, j *Job, u uploader.Upload) {
	q.mu.Lock()
	j.answered = true
	q.mu.Unlock()
	u.To = j.to // also where the host calls that otherwise by now
	<-j.synced
	out := Outcome{Entry: j.entry, Link: u.Link, NotKept: j.notKept}
	if q.Shown != nil {
		out.Link = q.Shown(out.Link)
	}
	q.finish(j, out)
	if q.Album == nil {
		q.forget(j)
		return
	}
	if j.entry.ID != 0 {
		u.Picture.Data = nil // it is in the album
	}
	q.begin(func() { q.record(ctx, j, u) })
}

// record enters a link in the album, until that succeeds: the picture is not
// sent once more for it.
func (q *Queue) record(ctx context.Context, j *Job, u uploader.Upload) {
	defer q.forget(j)
	if q.isPassing(j) && j.entry.ID != 0 {
		if err := q.Album.Sync(ctx, j.entry); err != nil {
			q.Log.Warn("the original of a link is not kept", "error", err)
		}
	}
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		err := q.Album.Record(ctx, u)
		if err == nil {
			return
		}
		q.Log.Warn("a link is not recorded yet", "error", err)
		if !q.sleep(wait) {
			if err := q.Album.Record(ctx, u); err != nil {
				q.Log.Error("a link could not be recorded", "error", err)
			}
			return
		}
	}
}

// isPassing tells whether a job is not to stay pending when it fails.
func (q *Queue) isPassing(j *Job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return j.passing
}

// fail ends a job that has no link.
func (q *Queue) fail(j *Job, out Outcome) {
	q.finish(j, out)
	q.forget(j)
}

// finish tells those who wait what became of a job. The first to do so is right.
func (q *Queue) finish(j *Job, out Outcome) {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-j.done:
		return
	default:
	}
	j.out, j.out.Sum = out, j.sum
	close(j.done)
	if !j.late {
		q.count(-1)
	}
	q.held -= j.held
	j.held = 0
}

// forget lets the next one who wants the picture begin anew.
func (q *Queue) forget(j *Job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.jobs[j.key] == j {
		delete(q.jobs, j.key)
	}
}

// Stop gives up every pending upload, also what is being sent, and returns how
// many there were. Links that are there already stay.
func (q *Queue) Stop(ctx context.Context) (int, error) {
	entries, err := q.Album.Pending(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, e := range entries {
		switch dropErr := q.Album.Drop(ctx, e.ID); {
		case dropErr == nil:
			n++
		case !errors.Is(dropErr, album.ErrNotPending):
			err = errors.Join(err, dropErr)
		}
	}
	q.mu.Lock()
	var all []*Job
	for _, j := range q.jobs {
		all = append(all, j)
	}
	q.mu.Unlock()
	for _, j := range all {
		q.stop(j)
	}
	return n, err
}

// stop gives one job up, unless its link is there.
func (q *Queue) stop(j *Job) {
	q.mu.Lock()
	answered, cancel, e := j.answered, j.cancel, j.entry
	q.mu.Unlock()
	switch {
	case answered:
	case cancel != nil:
		cancel(ErrStopped)
	default:
		q.fail(j, Outcome{Entry: e, Err: ErrStopped})
	}
}
