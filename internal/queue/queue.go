// Package queue sends pictures: one ordered queue of pending uploads, with one
// worker in a process. Whoever wants the same picture at the same destination
// joins the upload that is there, also across processes.
package queue

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
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
	Way func(to uploader.Destination) (*uploader.Uploader, error)

	Shown    func(uploader.Link) uploader.Link // a link as a browser can open it; nil: as it is
	Language func() *lang.Printer              // of the reason that is noted with a pending upload
	Active   func(n int)                       // told how many pictures somebody waits for, and calls nothing of the Queue; nil: nobody is told
	OnlyOwn  bool                              // Run sends what was added here alone
	Log      *slog.Logger

	addresses func() string                                   // of the machine; nil: the real ones
	clock     func() time.Time                                // without a monotonic reading; nil: the real one
	watch     func(ctx context.Context, changed func()) error // nil: the album's

	mu     sync.Mutex
	jobs   map[key]*Job // from Add, or from when the worker takes it, until it is recorded
	fresh  []*Job       // that somebody waits for, in the order in which they came
	held   int64        // bytes of their pictures in memory
	links  []recording  // that are not in the album yet, in the order in which they were made
	active int
	unseen event
	token  chan struct{}
	over   chan struct{} // closed while the worker ends; nil: it was not asked for yet
	ended  bool
	beside sync.WaitGroup
}

type key struct {
	sum picture.Sum
	to  uploader.Destination
}

// Job is one upload.
type Job struct {
	key
	at      time.Time // when its clip was copied
	passing bool      // it is not to stay pending when it fails
	again   bool      // it is sent also if its link is known
	late    bool      // nobody waits for it

	picture picture.Picture // without data: that is in the album
	size    int64           // of the picture, in bytes
	held    int64           // bytes that count in Queue.held
	begun   bool            // it is being prepared, or was
	kept    chan struct{}   // closed when it is in the album, as far as it can be: then the next three are there
	entry   album.Pending   // without an ID: there is none
	notKept error           // why
	foreign bool            // another process is at it
	synced  chan struct{}   // closed when the original outlives a power cut, or notKept says why not

	prepare sync.Once
	ready   chan struct{}    // closed when it is prepared
	known   *uploader.Upload // it was found to be known
	way     *uploader.Ready  // else
	failed  error            // why it could not be
	found   time.Time        // when its failure was

	progress func(sent, bytes int64) // is told of its sending; nil: nobody is
	cancel   context.CancelCauseFunc // of its sending; nil: it is not being sent
	answered bool                    // the link is there
	whole    bool                    // that the original is on the disk is entered with the link
	done     chan struct{}           // closed when out is there
	out      Outcome
	settled  sync.Once // the album has it, or there is nothing to enter
	entered  chan struct{}
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
	Sum     picture.Sum // of its data, where that is known by now; else Add finds it
	To      uploader.Destination
	Copied  time.Time // when it came: what came before an outage was found is not tried in it
	Passing bool      // it is not to stay pending when it fails: the user has it, and asks again
	Again   bool      // it is sent also if its link is known

	// Progress is told how many bytes of the request to the host are sent, of how
	// many; again from few if it is tried again. It must be quick. nil: nobody is told.
	Progress func(sent, bytes int64)
}

// hold is how many bytes of pictures that wait for their turn are held in
// memory. What is more is read from the album when it is its turn.
const hold = 32 << 20

// large is from how many bytes on a picture's memory is collected at once.
const large = 4 << 20

// Add puts a picture into the album and into the queue. It returns when a kill
// loses nothing. A picture whose link is known is done at once. Another one may
// be on its way to the host before it is in the album, but for its end.
func (q *Queue) Add(ctx context.Context, r Request) *Job {
	ctx = context.WithoutCancel(ctx)
	if r.Sum == (picture.Sum{}) {
		r.Sum = picture.SumOf(r.Picture.Data)
	}
	j := newJob(key{r.Sum, r.To}, r.Picture)
	j.at, j.passing, j.again, j.progress = r.Copied, r.Passing, r.Again, r.Progress
	q.mu.Lock()
	if there := q.jobs[j.key]; there != nil {
		if there.late { // somebody waits for it from now on
			there.late, there.at = false, r.Copied
			q.count(1)
		}
		there.passing = there.passing && r.Passing
		if r.Progress != nil {
			there.progress = r.Progress
		}
		q.mu.Unlock()
		return there
	}
	q.enter(j)
	q.count(1)
	q.mu.Unlock()

	way, err := q.Way(r.To)
	if err == nil && !r.Again {
		if known, ok := way.Known(ctx, r.Picture, j.sum); ok {
			close(j.kept)
			close(j.synced)
			q.made(ctx, j, known)
			return j
		}
	}
	q.push(j)
	q.keep(ctx, j, r.Picture)
	return j
}

func newJob(k key, p picture.Picture) *Job {
	return &Job{
		key: k, picture: p, size: int64(len(p.Data)),
		kept: make(chan struct{}), synced: make(chan struct{}), ready: make(chan struct{}), done: make(chan struct{}),
		entered: make(chan struct{}),
	}
}

// keep puts a job's picture into the album, and enters that it is pending. What
// another process is at is not sent here, but followed.
func (q *Queue) keep(ctx context.Context, j *Job, p picture.Picture) {
	var e album.Pending
	var err error
	if q.Album != nil {
		e, err = q.Album.Enqueue(ctx, p, j.sum, j.to)
	}
	q.mu.Lock()
	j.entry, j.notKept = e, err
	j.foreign = e.Taken && !e.Ours
	foreign, cancel, passing := j.foreign, j.cancel, j.passing
	if foreign {
		q.fresh = slices.DeleteFunc(q.fresh, func(other *Job) bool { return other == j })
	}
	if !j.begun && e.ID != 0 && !foreign && q.held > hold {
		q.held -= j.held
		j.held, j.picture.Data = 0, nil
	}
	stopped := isClosed(j.done) && errors.Is(j.out.Err, ErrStopped)
	q.mu.Unlock()
	if foreign && cancel != nil {
		cancel(errForeign)
	}
	close(j.kept)
	switch {
	case foreign:
		q.begin(func() { q.follow(ctx, j, p) })
	case stopped && e.ID != 0: // before it was entered
		_ = q.Album.Drop(ctx, e.ID)
		close(j.synced)
	case e.ID == 0 || passing: // what the user has anyway need not outlive a power cut here
		close(j.synced)
	default:
		q.begin(func() {
			err := q.Album.Sync(ctx, e)
			if err != nil {
				j.notKept = err
			}
			q.mu.Lock()
			j.whole = err == nil && j.answered
			wait := j.whole
			q.mu.Unlock()
			close(j.synced)
			if err == nil && !wait {
				q.complete(ctx, e)
			}
		})
	}
}

// isKept waits until a job is in the album, as far as it can be. It returns
// false where another process is at it.
func (j *Job) isKept() bool {
	<-j.kept
	return !j.foreign
}

// hold is what a picture's end waits for on its way to the host: so that a host
// has no picture that the album has not.
func (j *Job) hold(ctx context.Context) error {
	select {
	case <-j.kept:
	case <-ctx.Done():
		return ctx.Err()
	}
	if j.foreign { // which ends ctx
		<-ctx.Done()
	}
	return ctx.Err()
}

// errForeign is the cause with which an upload ends that another process is at.
var errForeign = errors.New("another process is at it")

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
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

// WaitRecorded waits, after Wait, until the album knows the link, too: a kill
// from then on makes nobody send the picture again. The error is ctx's.
func (j *Job) WaitRecorded(ctx context.Context) error {
	select {
	case <-j.entered:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (j *Job) settle() { j.settled.Do(func() { close(j.entered) }) }

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
	j.held = int64(len(j.picture.Data))
	q.held += j.held
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
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-q.ending():
		return false
	}
}

// ending returns the channel that is closed while the worker ends.
func (q *Queue) ending() chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.over == nil {
		q.over = make(chan struct{})
		if q.ended {
			close(q.over)
		}
	}
	return q.over
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
func (q *Queue) follow(ctx context.Context, j *Job, p picture.Picture) {
	const look = 100 * time.Millisecond
	for q.sleep(look) {
		e, ok, err := q.Album.Find(ctx, j.sum, j.to)
		if err != nil || ok && e.Taken {
			continue
		}
		if !ok { // it was sent, or given up
			way, err := q.Way(j.to)
			known := uploader.Upload{}
			if err == nil {
				known, ok = way.Known(ctx, p, j.sum)
			}
			if ok {
				close(j.synced)
				q.made(ctx, j, known)
				return
			}
		}
		// Its sender has let go of it, or it went elsewhere: all begins anew.
		again := newJob(j.key, p)
		q.mu.Lock()
		again.at, again.passing, again.again, again.progress = j.at, j.passing, j.again, j.progress
		q.enter(again)
		q.count(1)
		q.mu.Unlock()
		q.push(again)
		q.keep(ctx, again, p)
		select {
		case <-again.done:
			q.finish(j, again.out)
			select {
			case <-again.entered:
				j.settle()
			case <-q.ending():
			}
		case <-q.ending():
		}
		return
	}
}

// made hands a link out, and records it beside.
func (q *Queue) made(ctx context.Context, j *Job, u uploader.Upload) {
	q.mu.Lock()
	j.answered = true
	q.mu.Unlock()
	u.To = j.to // also where the host calls that otherwise by now
	<-j.kept
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
	q.mu.Lock()
	q.links = append(q.links, recording{j, u})
	first := len(q.links) == 1
	q.mu.Unlock()
	if first {
		q.begin(func() { q.recordAll(ctx) })
	}
}

// recording is a link that is not in the album yet.
type recording struct {
	job    *Job
	upload uploader.Upload
}

// recordAll enters links in the order in which they were made, until there is
// none left.
func (q *Queue) recordAll(ctx context.Context) {
	for {
		q.mu.Lock()
		next := q.links[0]
		q.mu.Unlock()
		q.record(ctx, next.job, next.upload)
		if next.job.size >= large { // else its garbage would be the measure of the next one's
			runtime.GC()
		}
		q.mu.Lock()
		q.links[0] = recording{} // lets go of its picture
		q.links = q.links[1:]
		left := len(q.links)
		q.mu.Unlock()
		if left == 0 {
			return
		}
	}
}

// record enters a link. One that cannot be now is entered later: its picture is
// not sent once more for it.
func (q *Queue) record(ctx context.Context, j *Job, u uploader.Upload) {
	record := q.Album.Record
	if q.isPassing(j) && j.entry.ID != 0 {
		err := q.Album.Sync(ctx, j.entry)
		if err != nil {
			q.Log.Warn("the original of a link is not kept", "error", err)
		}
		j.whole = err == nil
	}
	if j.whole {
		record = q.Album.RecordKept
	}
	err := record(ctx, u)
	if err == nil {
		q.forget(j)
		return
	}
	q.Log.Warn("a link is not recorded yet", "error", err)
	q.begin(func() {
		defer q.forget(j)
		for wait := time.Second; q.sleep(wait); wait = min(2*wait, time.Minute) {
			if record(ctx, u) == nil {
				return
			}
		}
		if err := record(ctx, u); err != nil {
			q.Log.Error("a link could not be recorded", "error", err)
		}
	})
}

// isPassing tells whether a job is not to stay pending when it fails.
func (q *Queue) isPassing(j *Job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return j.passing
}

// complete enters that an original is on the disk.
func (q *Queue) complete(ctx context.Context, e album.Pending) {
	if err := q.Album.Complete(ctx, e); err != nil {
		q.Log.Warn("the album does not know yet that an original is on the disk", "error", err)
	}
}

// fail ends a job that has no link.
func (q *Queue) fail(j *Job, out Outcome) {
	q.forget(j) // first: whoever asks again once it is told is to begin anew
	q.finish(j, out)
}

// finish tells those who wait what became of a job. The first to do so is right.
func (q *Queue) finish(j *Job, out Outcome) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if isClosed(j.done) {
		return
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
	j.settle()
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

// Drop gives some pending uploads up, also what is being sent. The error is the
// album's: one of ids is not pending, and none was dropped.
func (q *Queue) Drop(ctx context.Context, ids ...int64) error {
	if err := q.Album.Drop(ctx, ids...); err != nil {
		return err
	}
	q.mu.Lock()
	var all []*Job
	for _, j := range q.jobs {
		if slices.Contains(ids, j.entry.ID) {
			all = append(all, j)
		}
	}
	q.mu.Unlock()
	for _, j := range all {
		q.stop(j)
	}
	return nil
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
