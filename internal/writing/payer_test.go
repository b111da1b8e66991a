package writing_test

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
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/fault"
	"bilipaste/internal/picture"
	"bilipaste/internal/writing"
	"bilipaste/uploader"
)

// till is an uploader with a host whose answer the test sets, and the user who
// is told.
type till struct {
	album *album.Album

	mu     sync.Mutex
	answer map[string]error // of a picture's name; "*": of all others
	tried  []string         // names
	at     []time.Duration  // since the start
	start  time.Time
	told   []string
}

func (c *till) Upload(ctx context.Context, p picture.Picture) (uploader.Link, error) {
	c.mu.Lock()
	err, ok := c.answer[p.Name]
	if !ok {
		err = c.answer["*"]
	}
	c.tried, c.at = append(c.tried, p.Name), append(c.at, time.Since(c.start))
	c.mu.Unlock()
	if err != nil {
		return uploader.Link{}, err
	}
	link := uploader.Link{URL: "https://host/" + p.Name, Host: "host", Made: time.Now()}
	return link, c.album.Record(ctx, uploader.Upload{
		To: place, Place: place, Picture: p, Given: picture.SumOf(p.Data), How: "-", Sent: picture.SumOf(p.Data), Link: link,
	})
}

func (c *till) set(name string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer[name] = err
}

// since returns the times of the tries that no call before has returned.
func (c *till) since() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.at
	c.at = nil
	return at
}

func (c *till) Done(_ context.Context, title, body, _ string) { c.tell("done: " + title + ": " + body) }
func (c *till) Failed(_ context.Context, title, body string) {
	c.tell("failed: " + title + ": " + body)
}
func (c *till) FailedAgain(context.Context) { c.tell("failed again") }
func (c *till) tell(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, strings.ReplaceAll(text, "\n", " / "))
}

// newTill returns a host that answers this, and a payer at it.
func newTill(t *testing.T, answer error) (*till, *writing.Payer) {
	t.Helper()
	c := &till{album: openAlbum(t), answer: map[string]error{"*": answer}, start: time.Now()}
	return c, &writing.Payer{
		Album: c.album, Uploader: c, Notifier: c, Format: markdown, Language: english,
		Report: func(writing.Paid) {}, Log: slog.New(slog.DiscardHandler),
	}
}

// waits enters pending uploads of pictures with these names.
func (c *till) waits(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		d, err := c.album.Keep(t.Context(), pictureOf(t, name), place)
		if err == nil {
			err = c.album.Postpone(t.Context(), d.ID, album.Failure{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
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

// run runs the payer until the test's end or stop.
func run(t *testing.T, p *writing.Payer) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
	return func() { cancel(); running.Wait() }
}

func pending(t *testing.T, a *album.Album) (names []string) {
	t.Helper()
	entries, err := a.Pending(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range entries {
		names = append(names, d.Picture.Name)
	}
	return names
}

var (
	passing = &fault.Error{Kind: fault.Passing, Host: "host", Code: 502}
	offline = &fault.Error{Kind: fault.Passing, Host: "host", Why: "network", Err: &net.OpError{Op: "dial", Err: errors.New("refused")}}
	noLogin = &fault.Error{Kind: fault.NotLoggedIn}
	refusal = &fault.Error{Kind: fault.Rejected, Host: "host"}
)

func TestWhatIsPendingGoesUpInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newTill(t, nil)
		c.set("bad.png", refusal)
		c.waits(t, "b.png", "bad.png", "a.png", "c.png")
		stop := run(t, p)
		synctest.Wait()
		stop()
		if want := []string{"b.png", "bad.png", "a.png", "c.png"}; !slices.Equal(c.tried, want) {
			t.Errorf("tried %q", c.tried)
		}
		if got := pending(t, c.album); !slices.Equal(got, []string{"bad.png"}) {
			t.Errorf("pending: %q", got)
		}
		want := []string{
			"done: 3 pictures copied earlier are uploaded: ![](https://host/b.png) / ![](https://host/a.png) / ![](https://host/c.png)",
			"failed: A picture copied earlier cannot be uploaded: host does not accept the picture",
		}
		if !slices.Equal(c.told, want) {
			t.Errorf("told %q", c.told)
		}
		entries, _ := c.album.Pending(t.Context())
		if d := entries[0]; !d.Failed || !strings.Contains(d.Why, "host does not accept") {
			t.Errorf("%+v", d)
		}

		// What failed for good waits for the user.
		c.tried = nil
		c.set("bad.png", nil)
		stop = run(t, p)
		synctest.Wait()
		p.Wake()
		synctest.Wait()
		if len(c.tried) != 0 {
			t.Errorf("tried %q", c.tried)
		}
		p.WakeAll()
		synctest.Wait()
		stop()
		if len(pending(t, c.album)) != 0 {
			t.Errorf("tried %q", c.tried)
		}
	})
}

func TestOnePictureDoesNotHoldUpTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newTill(t, passing)
		c.waits(t, "stuck.png", "next.png", "last.png")
		stop := run(t, p)
		time.Sleep(time.Minute)
		synctest.Wait()
		if slices.Contains(c.tried, "last.png") {
			t.Errorf("in an outage it tried %q", c.tried)
		}
		c.set("*", nil)
		c.set("stuck.png", passing)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		stop()
		if got := pending(t, c.album); !slices.Equal(got, []string{"stuck.png"}) {
			t.Errorf("pending: %q", got)
		}
	})
}

func TestManyLinksAreOneNotification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newTill(t, nil)
		for i := range 8 {
			c.waits(t, fmt.Sprintf("%d.png", i))
		}
		stop := run(t, p)
		synctest.Wait()
		stop()
		if len(c.told) != 1 || strings.Count(c.told[0], "https://") != 5 || !strings.HasSuffix(c.told[0], "and 3 more, among the recent links") {
			t.Errorf("told %q", c.told)
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
		"retry after": {&fault.Error{Kind: fault.Passing, After: 45 * s}, 2 * m, []time.Duration{0, 45 * s, 90 * s}},
		"refused":     {refused, 31 * m, []time.Duration{0, 10 * m, 20 * m, 25 * m, 25*m + s}},
		"no login":    {noLogin, 24 * time.Hour, []time.Duration{0}},
		"settings":    {errors.New("no such bucket"), 40 * s, []time.Duration{0, 10 * s, 30 * s}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host, p := newTill(t, c.answer)
				if name == "refused" {
					e := *refused
					e.Until = time.Now().Add(25 * m)
					host.set("*", &e)
					time.AfterFunc(25*m+500*time.Millisecond, func() { host.set("*", nil) })
				}
				host.waits(t, "first.png", "second.png")
				stop := run(t, p)
				time.Sleep(c.in)
				synctest.Wait()
				stop()
				got := slices.Compact(host.since()) // two in a round, where the first may be stuck
				if !slices.Equal(got, c.want) {
					t.Errorf("tried at %v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestItNoticesANetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newTill(t, offline)
		var mu sync.Mutex
		addresses, looked := "lo", 0
		p.Network(func() string {
			mu.Lock()
			defer mu.Unlock()
			looked++
			return addresses
		})
		c.waits(t, "a.png")
		stop := run(t, p)
		defer stop()
		time.Sleep(time.Hour)
		at := c.since()
		if at[1]-at[0] != time.Second || at[2]-at[1] != time.Second {
			t.Errorf("at first tried at %v", at[:3])
		}
		for i := range at[1:] {
			if wait, most := at[i+1]-at[i], min(max(time.Second, at[i]/10), 30*time.Second); wait > most+time.Second {
				t.Errorf("at %v it waited %v", at[i], wait)
			}
		}
		if last := at[len(at)-1] - at[len(at)-2]; last != 30*time.Second {
			t.Errorf("after an hour it waits %v", last)
		}

		// It comes, and can be used only a moment later.
		mu.Lock()
		addresses = "lo eth0"
		mu.Unlock()
		time.Sleep(5 * time.Second)
		c.set("*", nil)
		time.Sleep(time.Second)
		synctest.Wait()
		if len(pending(t, c.album)) != 0 {
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

func TestAMissingLoginIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newTill(t, noLogin)
		c.waits(t, "a.png", "b.png")
		stop := run(t, p)
		synctest.Wait()
		p.Wake()
		synctest.Wait()
		if want := []string{`failed: Pictures still wait for their upload: not logged in / run "bilipaste login"`}; !slices.Equal(c.told, want) {
			t.Errorf("told %q", c.told)
		}
		c.set("*", nil)
		p.Wake()
		synctest.Wait()
		stop()
		if len(c.told) != 2 || !strings.HasPrefix(c.told[1], "done: 2 pictures") {
			t.Errorf("told %q", c.told)
		}
	})
}

// So do two processes.
func TestSeveralPayersPayOnce(t *testing.T) {
	dir := t.TempDir()
	var all []*till
	var payers sync.WaitGroup
	for range 2 {
		a, err := album.Open(t.Context(), dir, album.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = a.Close() }()
		c, p := newTill(t, nil)
		c.album, p.Album = a, a
		if len(all) == 0 {
			for i := range 30 {
				c.waits(t, fmt.Sprintf("%d.png", i))
			}
		}
		all = append(all, c)
		payers.Go(func() {
			if err := p.Pay(t.Context(), false, func(writing.Paid) {}); err != nil {
				t.Error(err)
			}
		})
	}
	payers.Wait()
	tried := slices.Sorted(slices.Values(slices.Concat(all[0].tried, all[1].tried)))
	if once := slices.Compact(slices.Clone(tried)); len(tried) != 30 || len(once) != 30 || len(pending(t, all[0].album)) != 0 {
		t.Errorf("tried %q, pending %q", tried, pending(t, all[0].album))
	}
}

func TestALostOriginalWaitsForTheUser(t *testing.T) {
	c, p := newTill(t, nil)
	c.waits(t, "a.png", "b.png")
	entries, err := c.album.Pending(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file, err := c.album.Original(t.Context(), entries[0].Sum)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var paid []writing.Paid
	if err := p.Pay(t.Context(), false, func(one writing.Paid) { paid = append(paid, one) }); err != nil {
		t.Fatal(err)
	}
	if len(paid) != 2 || paid[0].Err == nil || paid[0].Waits || !strings.Contains(paid[0].Err.Error(), filepath.Base(file)) || paid[1].Err != nil {
		t.Errorf("%+v", paid)
	}
	if entries, _ = c.album.Pending(t.Context()); len(entries) != 1 || !entries[0].Failed {
		t.Errorf("pending: %+v", entries)
	}
}
