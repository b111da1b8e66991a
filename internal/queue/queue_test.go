package queue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/queue"
	"bilipaste/uploader"
)

// host is a host whose answers the test sets. Everything between it and the
// queue is real.
type host struct {
	is uploader.Destination

	mu      sync.Mutex
	answers map[string]error // of a picture's name; "*": of all others
	tried   []string         // names
	at      []time.Duration  // since the start, of the first try of each burst
	start   time.Time
	sending chan string   // a name, when its sending begins
	proceed chan struct{} // nil: sending ends at once
}

func (h *host) Name() string { return h.is.Host }
func (h *host) Limits() uploader.Limits {
	return uploader.Limits{Formats: []picture.Format{picture.PNG}, Bytes: 1e6}
}
func (h *host) Destination() (uploader.Destination, bool) { return h.is, true }

func (h *host) Upload(ctx context.Context, p picture.Picture) (uploader.Link, error) {
	if err := uploader.Await(ctx); err != nil {
		return uploader.Link{}, err
	}
	h.mu.Lock()
	err, ok := h.answers[p.Name]
	if !ok {
		err = h.answers["*"]
	}
	if n := len(h.tried); n == 0 || h.tried[n-1] != p.Name || err == nil { // else the uploader tries again
		h.tried = append(h.tried, p.Name)
	}
	h.at = append(h.at, time.Since(h.start))
	h.mu.Unlock()
	h.sending <- p.Name
	if h.proceed != nil {
		select {
		case <-h.proceed:
		case <-ctx.Done():
			return uploader.Link{}, ctx.Err()
		}
	}
	if err != nil {
		return uploader.Link{}, err
	}
	return uploader.Link{URL: "https://" + h.is.Host + "/" + p.Name, Host: h.is.Host, Made: time.Now()}, nil
}

func (h *host) set(name string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answers[name] = err
}

// names returns what was tried, and forgets it.
func (h *host) names() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	names := h.tried
	h.tried = nil
	return names
}

// bursts returns when something was tried: the uploader tries up to three times
// within a few seconds, which counts as once, at the first.
func (h *host) bursts() []time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	var first []time.Duration
	for i, at := range h.at {
		if i == 0 || at-h.at[i-1] > 4*time.Second {
			first = append(first, at)
		}
	}
	h.at = nil
	return first
}

var shelf = uploader.Destination{Host: "host"}

func newHost(answer error) *host {
	return &host{is: shelf, answers: map[string]error{"*": answer}, start: time.Now(), sending: make(chan string, 10000)}
}

// open opens the album in a folder for as long as the test lasts.
func open(t *testing.T, dir string) *album.Album {
	t.Helper()
	a, err := album.Open(t.Context(), dir, album.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// newQueue returns a queue whose pictures go to these hosts.
func newQueue(t *testing.T, a *album.Album, hosts ...*host) *queue.Queue {
	t.Helper()
	return &queue.Queue{
		Album: a, Language: func() *lang.Printer { return lang.New(lang.English) }, Log: slog.New(slog.DiscardHandler),
		Way: func(to uploader.Destination) (*uploader.Uploader, error) {
			for _, h := range hosts {
				if h.is == to {
					return &uploader.Uploader{Host: h, Ledger: a}, nil
				}
			}
			return nil, fmt.Errorf("no way to %v", to)
		},
	}
}

// run runs the queue until stop.
func run(t *testing.T, q *queue.Queue) (rounds func() []queue.Round, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	var mu sync.Mutex
	var told []queue.Round
	running.Go(func() {
		err := q.Run(ctx, func(r queue.Round) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, r)
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
	rounds = func() []queue.Round {
		mu.Lock()
		defer mu.Unlock()
		return told
	}
	return rounds, func() { cancel(); running.Wait() }
}

// pictureOf returns a picture of which there is one for each name.
func pictureOf(t *testing.T, name string) picture.Picture {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 16, 16))
	for i := range name {
		m.SetGray(i%16, i/16, color.Gray{name[i]})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	p, err := picture.New(name, b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// waits enters pending uploads of pictures with these names.
func waits(t *testing.T, a *album.Album, to uploader.Destination, names ...string) {
	t.Helper()
	for _, name := range names {
		e, err := a.Keep(t.Context(), pictureOf(t, name), to)
		if err == nil {
			err = a.Postpone(t.Context(), e.ID, album.Failure{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// pending returns the names of what is pending.
func pending(t *testing.T, a *album.Album) (names []string) {
	t.Helper()
	entries, err := a.Pending(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Picture.Name)
	}
	return names
}

// add adds a picture that was copied just now.
func add(t *testing.T, q *queue.Queue, name string) *queue.Job {
	t.Helper()
	return q.Add(t.Context(), queue.Request{Picture: pictureOf(t, name), To: shelf, Copied: time.Now()})
}

// result waits for a job.
func result(t *testing.T, j *queue.Job) queue.Outcome {
	t.Helper()
	out, err := j.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

var (
	passing = &fault.Error{Kind: fault.Passing, Host: "host", Code: 502}
	offline = &fault.Error{Kind: fault.Passing, Host: "host", Why: "network", Err: &net.OpError{Op: "dial", Err: errors.New("refused")}}
	noLogin = &fault.Error{Kind: fault.NotLoggedIn}
	refusal = &fault.Error{Kind: fault.Rejected, Host: "host"}
)

func TestWhatIsAddedIsPendingUntilItIsRecorded(t *testing.T) {
	a, h := open(t, t.TempDir()), newHost(nil)
	h.proceed = make(chan struct{})
	q := newQueue(t, a, h)
	_, stop := run(t, q)
	defer stop()
	one, two := add(t, q, "one.png"), add(t, q, "two.png")
	<-h.sending
	if got := pending(t, a); !slices.Equal(got, []string{"one.png", "two.png"}) {
		t.Errorf("pending: %q", got)
	}
	close(h.proceed)
	for name, j := range map[string]*queue.Job{"one.png": one, "two.png": two} {
		if out := result(t, j); out.Err != nil || out.Link.URL != "https://host/"+name || out.NotKept != nil {
			t.Errorf("%s: %+v", name, out)
		}
	}
	eventually(t, "both are recorded", func() bool { return len(pending(t, a)) == 0 })
	if got := h.names(); !slices.Equal(got, []string{"one.png", "two.png"}) {
		t.Errorf("tried %q", got)
	}
	// What is known is done at once, and sent no more.
	if out := result(t, add(t, q, "one.png")); !out.Link.Known || out.Link.URL != "https://host/one.png" || len(h.names()) > 0 {
		t.Errorf("%+v", out)
	}
}

// Whoever wants a picture joins the upload that is under way: also while it is
// tried again, and while it is one that nobody waited for.
func TestWhoeverWantsThePictureJoins(t *testing.T) {
	for name, late := range map[string]bool{"somebody waits": false, "nobody waits": true} {
		t.Run(name, func(t *testing.T) {
			a, h := open(t, t.TempDir()), newHost(nil)
			h.proceed = make(chan struct{})
			if late {
				waits(t, a, shelf, "a.png")
			}
			q := newQueue(t, a, h)
			rounds, stop := run(t, q)
			if !late {
				add(t, q, "a.png")
			}
			<-h.sending
			jobs := []*queue.Job{add(t, q, "a.png"), add(t, q, "a.png")}
			close(h.proceed)
			for _, j := range jobs {
				if out := result(t, j); out.Err != nil || out.Link.URL != "https://host/a.png" {
					t.Errorf("%+v", out)
				}
			}
			eventually(t, "it is recorded", func() bool { return len(pending(t, a)) == 0 })
			stop()
			if got := h.names(); len(got) != 1 {
				t.Errorf("sent %q", got)
			}
			if got := rounds(); len(got) > 0 {
				t.Errorf("told of %+v, although somebody waited", got)
			}
		})
	}
}

// So do other processes, which hear what becomes of it: also that it is theirs now.
func TestAnotherProcessJoins(t *testing.T) {
	for name, killed := range map[string]bool{"sent there": false, "let go of there": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			a, b := open(t, dir), open(t, dir)
			first, second := newHost(nil), newHost(nil)
			first.proceed = make(chan struct{})
			q, other := newQueue(t, a, first), newQueue(t, b, second)
			_, stop := run(t, q)
			_, stopOther := run(t, other)
			defer stopOther()
			add(t, q, "a.png")
			<-first.sending
			joined := add(t, other, "a.png")
			if killed {
				stop()
				if err := a.Release(context.WithoutCancel(t.Context()), entryOf(t, a)); err != nil {
					t.Fatal(err)
				}
			} else {
				close(first.proceed)
			}
			out := result(t, joined)
			if out.Err != nil || out.Link.URL != "https://host/a.png" || out.Link.Known == killed {
				t.Errorf("%+v", out)
			}
			if got := len(second.names()); (got == 1) != killed {
				t.Errorf("sent %d times by the second", got)
			}
			if !killed {
				stop()
			}
		})
	}
}

func entriesOf(t *testing.T, q *queue.Queue) []album.Pending {
	t.Helper()
	entries, err := q.Album.Pending(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func entryOf(t *testing.T, a *album.Album) int64 {
	t.Helper()
	entries, err := a.Pending(context.WithoutCancel(t.Context()))
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	return entries[0].ID
}

// What another process leaves goes up while this one runs.
func TestWhatOthersLeaveGoesUp(t *testing.T) {
	dir := t.TempDir()
	a, b, h := open(t, dir), open(t, dir), newHost(nil)
	rounds, stop := run(t, newQueue(t, a, h))
	defer stop()
	waits(t, b, shelf, "left.png")
	eventually(t, "it goes up", func() bool { return len(pending(t, a)) == 0 && len(rounds()) > 0 })
	// One that is killed says nothing.
	killed, err := album.Open(t.Context(), dir, album.Options{})
	if err == nil {
		_, err = killed.Keep(t.Context(), pictureOf(t, "killed.png"), shelf)
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the queue has looked", func() bool { return len(rounds()) > 0 })
	if err := killed.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the killed one's goes up", func() bool { return len(pending(t, a)) == 0 })
	if got := h.names(); !slices.Equal(got, []string{"left.png", "killed.png"}) {
		t.Errorf("sent %q", got)
	}
}

// A pending upload goes where it was meant to go, whatever the settings say by now.
func TestItGoesWhereItWasMeantToGo(t *testing.T) {
	a, private, public := open(t, t.TempDir()), newHost(nil), newHost(nil)
	private.is = uploader.Destination{Host: "folder"}
	waits(t, a, private.is, "private.png")
	waits(t, a, uploader.Destination{Host: "gone"}, "nowhere.png")
	q := newQueue(t, a, public, private)
	var outs []queue.Outcome
	if err := q.Drain(t.Context(), func(out queue.Outcome) { outs = append(outs, out) }); err == nil {
		t.Error("there is no way to the second")
	}
	if len(outs) != 2 || outs[0].Link.Host != "folder" || outs[1].Err == nil || !outs[1].Waits || len(public.names()) > 0 {
		t.Errorf("%+v", outs)
	}
	if got := pending(t, a); !slices.Equal(got, []string{"nowhere.png"}) {
		t.Errorf("pending: %q", got)
	}
}

func TestStoppedIsGivenUp(t *testing.T) {
	a, h := open(t, t.TempDir()), newHost(nil)
	h.proceed = make(chan struct{})
	q := newQueue(t, a, h)
	_, stop := run(t, q)
	defer stop()
	jobs := []*queue.Job{add(t, q, "a.png"), add(t, q, "b.png")}
	<-h.sending
	if n, err := q.Stop(t.Context()); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, j := range jobs {
		if out := result(t, j); !errors.Is(out.Err, queue.ErrStopped) || out.Waits {
			t.Errorf("%+v", out)
		}
	}
	if got := pending(t, a); len(got) > 0 {
		t.Errorf("pending: %q", got)
	}
	close(h.proceed)
	if out := result(t, add(t, q, "a.png")); out.Err != nil {
		t.Errorf("copied again: %+v", out)
	}
}

// So is what another process drops.
func TestWhatIsDroppedElsewhereIsNotSent(t *testing.T) {
	dir := t.TempDir()
	a, b, h := open(t, dir), open(t, dir), newHost(nil)
	h.proceed = make(chan struct{})
	q := newQueue(t, a, h)
	_, stop := run(t, q)
	defer stop()
	j := add(t, q, "a.png")
	<-h.sending
	if err := b.Drop(t.Context(), entryOf(t, b)); err != nil {
		t.Fatal(err)
	}
	if out := result(t, j); !errors.Is(out.Err, queue.ErrStopped) {
		t.Errorf("%+v", out)
	}
}

// What the album cannot keep is sent all the same, and so is what has no album.
func TestWithoutRoomItIsSentAllTheSame(t *testing.T) {
	a, h := open(t, t.TempDir()), newHost(nil)
	q := newQueue(t, a, h)
	_, stop := run(t, q)
	defer stop()
	spoilOriginals(t, a)
	if out := result(t, add(t, q, "a.png")); out.Err != nil || out.NotKept == nil || out.Link.URL == "" {
		t.Errorf("%+v", out)
	}
	h.set("*", passing)
	if out := result(t, add(t, q, "b.png")); out.Err == nil || out.Waits || out.NotKept == nil {
		t.Errorf("%+v", out)
	}
}

// A picture whose link cannot be recorded is not sent again for it.
func TestALinkIsRecordedUntilThatSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, h := open(t, t.TempDir()), newHost(nil)
		q := newQueue(t, a, h)
		q.Unwatched()
		_, stop := run(t, q)
		breakLinks(t, a)
		if out := result(t, add(t, q, "a.png")); out.Err != nil {
			t.Errorf("%+v", out)
		}
		time.Sleep(10 * time.Second)
		if out := result(t, add(t, q, "a.png")); out.Err != nil || len(h.names()) != 1 {
			t.Errorf("copied again: %+v", out)
		}
		mendLinks(t, a)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := pending(t, a); len(got) > 0 {
			t.Errorf("pending: %q", got)
		}
		if entries, err := a.History(t.Context(), album.Query{}); err != nil || len(entries) != 1 {
			t.Errorf("%+v, %v", entries, err)
		}
		stop()
	})
}

// What is not to stay pending does not, whether it fails or is interrupted.
func TestWhatTheUserHasDoesNotStayPending(t *testing.T) {
	a, h := open(t, t.TempDir()), newHost(refusal)
	q := newQueue(t, a, h)
	q.OnlyOwn = true
	_, stop := run(t, q)
	file := func(name string) *queue.Job {
		return q.Add(t.Context(), queue.Request{Picture: pictureOf(t, name), To: shelf, Copied: time.Now(), Passing: true})
	}
	if out := result(t, file("bad.png")); out.Err == nil || out.Waits {
		t.Errorf("%+v", out)
	}
	h.set("*", nil)
	h.proceed = make(chan struct{})
	file("interrupted.png")
	file("next.png")
	<-h.sending
	<-h.sending
	stop()
	if got := pending(t, a); len(got) > 0 {
		t.Errorf("pending: %q", got)
	}
}
