package queue_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/queue"
	"bilipaste/uploader"
)

// bubble is a queue in a synctest bubble, with an album of its own and a host
// with this answer.
func bubble(t *testing.T, answer error) (*queue.Queue, *host) {
	t.Helper()
	h := newHost(answer)
	q := newQueue(t, open(t, t.TempDir()), h)
	q.Unwatched()
	q.Network(func() string { return "lo" })
	return q, h
}

func TestWhatIsPendingGoesUpInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, h := bubble(t, nil)
		h.set("bad.png", refusal)
		waits(t, q.Album, shelf, "b.png", "bad.png", "a.png", "c.png")
		rounds, stop := run(t, q)
		synctest.Wait()
		stop()
		if got := h.names(); !slices.Equal(got, []string{"b.png", "bad.png", "a.png", "c.png"}) {
			t.Errorf("tried %q", got)
		}
		if got := pending(t, q.Album); !slices.Equal(got, []string{"bad.png"}) {
			t.Errorf("pending: %q", got)
		}
		if r := rounds(); len(r) != 1 || len(r[0].Done) != 4 || r[0].Err != nil || r[0].Done[1].Waits || r[0].Done[2].Link.URL != "https://host/a.png" {
			t.Errorf("told %+v", r)
		}
		entries, _ := q.Album.Pending(t.Context())
		if e := entries[0]; !e.Failed || e.Taken || !strings.Contains(e.Why, "host does not accept") {
			t.Errorf("%+v", e)
		}

		// What failed waits for the user.
		h.set("bad.png", nil)
		_, stop = run(t, q)
		synctest.Wait()
		q.Wake()
		synctest.Wait()
		if got := h.names(); len(got) != 0 {
			t.Errorf("tried %q", got)
		}
		q.WakeAll()
		synctest.Wait()
		stop()
		if got := pending(t, q.Album); len(got) != 0 {
			t.Errorf("pending: %q", got)
		}
	})
}

// What somebody waits for comes before what nobody does.
func TestWhatIsWaitedForComesFirst(t *testing.T) {
	a, h := open(t, t.TempDir()), newHost(nil)
	h.proceed = make(chan struct{})
	waits(t, a, shelf, "1.png", "2.png", "3.png", "4.png")
	q := newQueue(t, a, h)
	_, stop := run(t, q)
	defer stop()
	<-h.sending
	j := add(t, q, "now.png")
	close(h.proceed)
	result(t, j)
	eventually(t, "all are sent", func() bool { return len(pending(t, a)) == 0 })
	if got := h.names(); got[1] != "now.png" && got[2] != "now.png" { // one is ready when the first is sent
		t.Errorf("sent %q", got)
	}
}

// In an outage nothing else is tried, unless it may be with one picture alone.
func TestOnePictureDoesNotHoldUpTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, h := bubble(t, passing)
		waits(t, q.Album, shelf, "stuck.png", "next.png", "last.png")
		_, stop := run(t, q)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := h.names(); slices.Contains(got, "last.png") {
			t.Errorf("in an outage it tried %q", got)
		}
		for _, e := range entriesOf(t, q) {
			if e.Taken {
				t.Errorf("it holds on to %+v", e)
			}
		}
		h.set("*", nil)
		h.set("stuck.png", passing)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		stop()
		if got := pending(t, q.Album); !slices.Equal(got, []string{"stuck.png"}) {
			t.Errorf("pending: %q", got)
		}
	})
}

func TestItWaitsAsTheFailureAsks(t *testing.T) {
	const s, m = time.Second, time.Minute
	refused := &fault.Error{Kind: fault.Refused, Host: "host"}
	for name, c := range map[string]struct {
		answer error
		in     time.Duration
		want   []time.Duration
	}{
		"trouble":     {passing, 40 * m, []time.Duration{0, 10 * s, 30 * s, 70 * s, 150 * s, 310 * s, 630 * s, 1230 * s, 1830 * s}},
		"retry after": {&fault.Error{Kind: fault.Passing, After: 90 * s}, 4 * m, []time.Duration{0, 90 * s, 180 * s}},
		"refused":     {refused, 31 * m, []time.Duration{0, 10 * m, 20 * m, 25 * m, 25*m + s}},
		"no login":    {noLogin, 24 * time.Hour, []time.Duration{0}},
		"settings":    {errors.New("no such bucket"), 40 * s, []time.Duration{0, 10 * s, 30 * s}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, h := bubble(t, c.answer)
				if name == "refused" {
					e := *refused
					e.Until = time.Now().Add(25 * m)
					h.set("*", &e)
					time.AfterFunc(25*m+500*time.Millisecond, func() { h.set("*", nil) })
				}
				waits(t, q.Album, shelf, "first.png", "second.png")
				_, stop := run(t, q)
				time.Sleep(c.in)
				synctest.Wait()
				stop()
				if name == "refused" { // the last two are a second apart
					h.mu.Lock()
					got := slices.Compact(h.at)
					h.mu.Unlock()
					if !slices.Equal(got, c.want) {
						t.Errorf("tried at %v, want %v", got, c.want)
					}
					return
				}
				got := h.bursts()
				ok := len(got) == len(c.want)
				for i := range min(len(got), len(c.want)) { // a burst takes up to 3 s, or twice that where the first may be stuck
					late := got[i] - c.want[i]
					ok = ok && late >= 0 && late <= time.Duration(i)*6*s
				}
				if !ok {
					t.Errorf("tried at %v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestItNoticesANetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, h := bubble(t, offline)
		var mu sync.Mutex
		addresses, looked := "lo", 0
		q.Network(func() string {
			mu.Lock()
			defer mu.Unlock()
			looked++
			return addresses
		})
		waits(t, q.Album, shelf, "a.png")
		_, stop := run(t, q)
		defer stop()
		time.Sleep(time.Hour)
		h.mu.Lock()
		at := h.at
		h.mu.Unlock()
		for i := range at[1:] { // the uploader's own tries are closer
			if wait, most := at[i+1]-at[i], min(max(time.Second, at[i]/10), 30*time.Second); wait > most+time.Second+500*time.Millisecond {
				t.Errorf("at %v it waited %v", at[i], wait)
			}
		}
		if last := at[len(at)-1] - at[0]; last < 59*time.Minute || len(at) > 1200 {
			t.Errorf("%d tries within %v", len(at), last)
		}

		// It comes, and can be used only a moment later.
		mu.Lock()
		addresses = "lo eth0"
		mu.Unlock()
		time.Sleep(8 * time.Second)
		h.set("*", nil)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if len(pending(t, q.Album)) != 0 {
			t.Error("a network came, and it did not try")
		}

		// Nothing waits, so nothing is looked at.
		mu.Lock()
		before := looked
		mu.Unlock()
		time.Sleep(time.Hour)
		mu.Lock()
		defer mu.Unlock()
		if looked != before {
			t.Errorf("it looked %d times", looked-before)
		}
	})
}

// Timers stand still while a machine sleeps.
func TestASleepCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, h := bubble(t, passing)
		var slept atomic.Int64
		q.Clock(func() time.Time { return time.Now().Add(time.Duration(slept.Load())).Round(0) })
		waits(t, q.Album, shelf, "a.png")
		_, stop := run(t, q)
		defer stop()
		time.Sleep(25 * time.Minute) // the next try is 5 minutes away
		h.set("*", nil)
		slept.Store(int64(8 * time.Hour))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(pending(t, q.Album)) != 0 {
			t.Error("the machine woke up, and it did not try")
		}
	})
}

// What was copied before an outage was found waits at once; what is copied after
// it is tried. Trouble of the host may be with one picture alone, or with a clip.
func TestAnOutageIsFoundOnce(t *testing.T) {
	for name, c := range map[string]struct {
		err      error
		sameClip bool
		tried    int // of those that were copied before
	}{
		"not signed in":     {noLogin, false, 1},
		"trouble":           {passing, false, 3},
		"trouble of a clip": {passing, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, h := bubble(t, c.err)
				copied := time.Now().Add(-time.Second)
				var jobs []*queue.Job
				for _, name := range []string{"1.png", "2.png", "3.png"} {
					if !c.sameClip {
						copied = copied.Add(time.Nanosecond)
					}
					jobs = append(jobs, q.Add(t.Context(), queue.Request{Picture: pictureOf(t, name), To: shelf, Copied: copied}))
				}
				_, stop := run(t, q)
				for _, j := range jobs {
					if out := result(t, j); !out.Waits || fault.KindOf(out.Err) != fault.KindOf(c.err) {
						t.Errorf("%v", out.Err)
					}
				}
				if got := h.names(); len(got) != c.tried {
					t.Errorf("tried %q", got)
				}
				// The next one that goes up brings the others along.
				h.set("*", nil)
				time.Sleep(time.Second)
				if out := result(t, add(t, q, "4.png")); out.Err != nil {
					t.Errorf("%+v", out)
				}
				synctest.Wait()
				stop()
				if got := pending(t, q.Album); len(got) > 0 {
					t.Errorf("pending: %q", got)
				}
			})
		})
	}
}

// So do two processes.
func TestSeveralDrainOnce(t *testing.T) {
	dir := t.TempDir()
	var hosts []*host
	var drains sync.WaitGroup
	for range 2 {
		a, h := open(t, dir), newHost(nil)
		if len(hosts) == 0 {
			for i := range 30 {
				waits(t, a, shelf, fmt.Sprintf("%d.png", i))
			}
		}
		hosts = append(hosts, h)
		drains.Go(func() {
			if err := newQueue(t, a, h).Drain(t.Context(), func(queue.Outcome) {}); err != nil {
				t.Error(err)
			}
		})
	}
	drains.Wait()
	tried := slices.Sorted(slices.Values(slices.Concat(hosts[0].names(), hosts[1].names())))
	once := slices.Compact(slices.Clone(tried))
	if left := pending(t, open(t, dir)); len(tried) != 30 || len(once) != 30 || len(left) != 0 {
		t.Errorf("tried %q, pending %q", tried, left)
	}
}

func TestALostOriginalWaitsForTheUser(t *testing.T) {
	a, h := open(t, t.TempDir()), newHost(nil)
	waits(t, a, shelf, "a.png", "b.png")
	q := newQueue(t, a, h)
	entries := entriesOf(t, q)
	file := a.File(entries[0].Sum, entries[0].Picture.Format)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var outs []queue.Outcome
	if err := q.Drain(t.Context(), func(out queue.Outcome) { outs = append(outs, out) }); err != nil {
		t.Fatal(err)
	}
	if len(outs) != 2 || outs[0].Err == nil || outs[0].Waits || !strings.Contains(outs[0].Err.Error(), filepath.Base(file)) || outs[1].Err != nil {
		t.Errorf("%+v", outs)
	}
	if entries := entriesOf(t, q); len(entries) != 1 || !entries[0].Failed {
		t.Errorf("pending: %+v", entries)
	}
}

// The order of fallbacks is the uploader's; one that another host took is done.
func TestWhatWentElsewhereIsDone(t *testing.T) {
	a, h, other := open(t, t.TempDir()), newHost(offline), newHost(nil)
	other.is = uploader.Destination{Host: "other"}
	q := newQueue(t, a, h)
	q.Way = func(uploader.Destination) (*uploader.Uploader, error) {
		return &uploader.Uploader{Host: h, Fallback: []uploader.Host{other}, Ledger: a}, nil
	}
	q.OnlyOwn = true
	_, stop := run(t, q)
	out := result(t, add(t, q, "a.png"))
	stop()
	if out.Err != nil || out.Link.Host != "other" || len(out.Link.Notes) != 1 || len(pending(t, a)) > 0 {
		t.Errorf("%+v, pending %q", out, pending(t, a))
	}
}
