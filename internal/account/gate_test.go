package account_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
)

const (
	fine    = `{"code":0,"message":"0","data":{"location":"http://i0.hdslb.com/bfs/live/a.png","isLogin":true,"mid":1}}`
	blocked = `{"code":-412,"message":"-412"}`
	risk    = `{"code":-352,"message":"-352"}`
	often   = `{"code":-799,"message":"often"}`

	firstPause = 5 * time.Second
)

// scripted is Bilibili that answers as it is told, and its gate's folder.
type scripted struct {
	t      *testing.T
	dir    string
	pace   time.Duration
	body   atomic.Value
	asked  []time.Time
	logged bytes.Buffer
}

func newScripted(t *testing.T, pace time.Duration) *scripted {
	a := &scripted{t: t, dir: filepath.Join(t.TempDir(), "state"), pace: pace}
	a.body.Store(fine)
	return a
}

func (a *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	a.asked = append(a.asked, time.Now())
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(a.body.Load().(string)))}, nil
}

// client is the account's in a process that has just started.
func (a *scripted) client() *account.Client {
	log := slog.New(slog.NewTextHandler(&a.logged, nil))
	return account.NewClient(a, session(a.t), account.NewGate(a.dir, a.pace, log))
}

func (a *scripted) upload(body string) *fault.Error {
	a.t.Helper()
	a.body.Store(body)
	err := upload(a.t.Context(), a.t, a.client(), 1)
	e, ok := errors.AsType[*fault.Error](err)
	if err != nil && !ok {
		a.t.Fatal(err)
	}
	return e
}

func (a *scripted) state() string { return filepath.Join(a.dir, "bilibili-state.json") }

func TestUploadsArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, begun := newScripted(t, time.Second), time.Now()
		starts := func() (s []float64) {
			for _, at := range a.asked {
				s = append(s, at.Sub(begun).Seconds())
			}
			return s
		}
		for range 8 { // each in a process of its own
			if err := a.upload(fine); err != nil {
				t.Fatal(err)
			}
		}
		if got := fmt.Sprint(starts()); got != "[0 0 0 0 0 1 2 3]" {
			t.Errorf("uploads start at %s", got)
		}
		time.Sleep(time.Minute) // the burst is back, and no more than it
		a.asked, begun = nil, time.Now()
		for range 7 {
			if err := a.upload(fine); err != nil {
				t.Fatal(err)
			}
		}
		if got := fmt.Sprint(starts()); got != "[0 0 0 0 0 1 2]" {
			t.Errorf("after a rest, uploads start at %s", got)
		}
	})
}

func TestARefusalStopsAllCallsUntilItsTime(t *testing.T) {
	for body, first := range map[string]time.Duration{
		blocked: 10 * time.Minute,
		risk:    5 * time.Minute,
		`{"code":0,"data":{"v_voucher":"voucher_0"}}`: 5 * time.Minute,
	} {
		synctest.Test(t, func(t *testing.T) {
			a := newScripted(t, time.Second)
			for i, d := 0, first; i < 10; i, d = i+1, min(2*d, 6*time.Hour) {
				n := len(a.asked)
				err := a.upload(body)
				until := time.Now().Add(d)
				if err == nil || err.Kind != fault.Refused || !err.Until.Equal(until) || len(a.asked) != n+1 {
					t.Fatalf("refusal %d: until %v, want %v: %v", i, err.Until, until, err)
				}
				time.Sleep(d - time.Second)
				if err := a.upload(fine); err == nil || err.Kind != fault.Refused || !err.Until.Equal(until) {
					t.Errorf("an upload before its end: %v", err)
				}
				if _, err := a.client().User(t.Context()); fault.KindOf(err) != fault.Refused {
					t.Errorf("another call before its end: %v", err)
				}
				if got, err := account.NewGate(a.dir, 0, quiet).Refused(t.Context()); err != nil || !got.Equal(until) {
					t.Errorf("refused until %v, %v", got, err)
				}
				if len(a.asked) != n+1 {
					t.Errorf("%d requests were sent before its end", len(a.asked)-n-1)
				}
				time.Sleep(time.Second)
			}
			if err := a.upload(fine); err != nil {
				t.Fatalf("after its end: %v", err)
			}
			if err := a.upload(body); err == nil || !err.Until.Equal(time.Now().Add(first)) {
				t.Errorf("a success does not count: %v", err)
			}
		})
	}
}

func TestARefusalOfAnyCallCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newScripted(t, 0)
		a.body.Store(risk)
		_, err := a.client().User(t.Context())
		if e, _ := errors.AsType[*fault.Error](err); e == nil || !e.Until.Equal(time.Now().Add(5*time.Minute)) {
			t.Errorf("%v", err)
		}
		if err := a.upload(fine); err == nil || err.Kind != fault.Refused || len(a.asked) != 1 {
			t.Errorf("%d requests, %v", len(a.asked), err)
		}
	})
}

func TestTooFrequentMakesLongerPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newScripted(t, time.Second)
		for _, want := range []time.Duration{5, 10, 20, 40, 60, 60} {
			err := a.upload(often)
			if err == nil || err.Kind != fault.Passing || err.After != want*time.Second {
				t.Fatalf("want %ds: %+v", want, err)
			}
			last := a.asked[len(a.asked)-1]
			if err := a.upload(`{"code":-400}`); err == nil || err.Kind != fault.Rejected { // neither counts nor hides
				t.Fatal(err)
			}
			if got := a.asked[len(a.asked)-1].Sub(last); got != want*time.Second {
				t.Errorf("the next upload starts after %v, want %ds", got, want)
			}
			time.Sleep(time.Minute)
		}
		if err := a.upload(fine); err != nil {
			t.Fatal(err)
		}
		if err := a.upload(often); err == nil || err.After != 5*time.Second {
			t.Errorf("a success does not count: %v", err)
		}
	})
}

// A failure that asks for no pause makes none.
func TestAPlainFailureMakesNoPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newScripted(t, time.Second)
		begun := time.Now()
		for range 3 {
			if err := a.upload(`{"code":-500,"message":"busy"}`); err == nil || err.Kind != fault.Passing || err.After != 0 {
				t.Fatal(err)
			}
		}
		if past := time.Since(begun); past != 0 {
			t.Errorf("3 uploads within the burst take %v", past)
		}
	})
}

// slow is Bilibili to which an upload takes half a second.
type slow struct {
	inside
	name   string
	starts *[]string
}

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	*s.starts = append(*s.starts, s.name)
	time.Sleep(500 * time.Millisecond)
	return s.inside.RoundTrip(r)
}

// Of two processes with slow uploads, which never pause by themselves, neither
// waits for all of the other's.
func TestSlowUploadsOfProcessesAlternate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, starts := t.TempDir(), []string(nil)
		var processes sync.WaitGroup
		for _, name := range []string{"a", "b"} {
			transport := slow{inside{Handler: says(fine)}, name, &starts}
			client := account.NewClient(transport, session(t), account.NewGate(dir, 0, quiet))
			processes.Go(func() {
				for range 4 {
					if err := upload(t.Context(), t, client, 1); err != nil {
						t.Error(err)
					}
				}
			})
		}
		processes.Wait()
		got := strings.Join(starts, "")
		if got != "abababab" && got != "babababa" {
			t.Errorf("uploads start in the order %s", got)
		}
	})
}

// Every way of saying "too frequent" makes the next upload wait, and the next
// time longer.
func TestEveryWayOfTooFrequent(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"-799": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, often) },
		"-509": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"code":-509}`) },
		"429":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
	} {
		synctest.Test(t, func(t *testing.T) {
			client := client(t, inside{Handler: answer})
			for _, want := range []time.Duration{5 * time.Second, 10 * time.Second} {
				err := upload(t.Context(), t, client, 1)
				if e, ok := errors.AsType[*fault.Error](err); !ok || e.Kind != fault.Passing || e.After != want {
					t.Errorf("%s: %v, want a pause of %v", name, err, want)
				}
			}
		})
	}
}

// That a question is answered says nothing of uploads: what they were refused
// for counts on.
func TestOnlyAnUploadEndsTheDoubling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newScripted(t, 0)
		for _, want := range []time.Duration{5 * time.Minute, 10 * time.Minute} {
			err := a.upload(risk)
			if err == nil || !err.Until.Equal(time.Now().Add(want)) {
				t.Fatalf("want %v: %+v", want, err)
			}
			time.Sleep(want)
			a.body.Store(fine)
			if _, err := a.client().User(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		err := a.upload(often)
		if err == nil || err.After != firstPause {
			t.Fatalf("%+v", err)
		}
		a.body.Store(fine)
		if _, err := a.client().User(t.Context()); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if err := a.upload(fine); err != nil || time.Since(begun) != firstPause {
			t.Errorf("the next upload begins after %v: %v", time.Since(begun), err)
		}
	})
}

// An upload that waits for its pace is refused as soon as it would begin, and
// does not wait for the refusal's end.
func TestARefusalWhileAnUploadWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newScripted(t, time.Minute)
		for range 5 {
			if err := a.upload(fine); err != nil {
				t.Fatal(err)
			}
		}
		a.body.Store(risk)
		time.AfterFunc(time.Second, func() {
			if _, err := a.client().User(t.Context()); fault.KindOf(err) != fault.Refused {
				t.Errorf("the question: %v", err)
			}
		})
		begun := time.Now()
		if err := upload(t.Context(), t, a.client(), 1); fault.KindOf(err) != fault.Refused || time.Since(begun) != time.Minute || len(a.asked) != 6 {
			t.Errorf("after %v and %d requests: %v", time.Since(begun), len(a.asked), err)
		}
	})
}

func TestCancelledWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newScripted(t, time.Minute)
		for range 5 {
			if err := a.upload(fine); err != nil {
				t.Fatal(err)
			}
		}
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := upload(ctx, t, a.client(), 1)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second || len(a.asked) != 5 {
			t.Errorf("after %v and %d requests: %v", time.Since(begun), len(a.asked), err)
		}
	})
}

func TestABrokenStateIsNone(t *testing.T) {
	for name, text := range map[string]string{
		"empty":       "",
		"garbage":     "\x00\xff{{{",
		"other json":  `["a"]`,
		"other types": `{"next":5,"until":"soon"}`,
		"too long":    `{"until":"` + strings.Repeat("x", 1<<20),
		"bad year":    `{"until":"99999-01-01T00:00:00Z"}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			a := newScripted(t, time.Second)
			write(t, a, text)
			begun := time.Now()
			if err := a.upload(fine); err != nil || time.Since(begun) > 0 {
				t.Errorf("%s: after %v: %v", name, time.Since(begun), err)
			}
			if !strings.Contains(a.logged.String(), "level=WARN") {
				t.Errorf("%s: the log says nothing", name)
			}
			a.logged.Reset()
			if err := a.upload(fine); err != nil || a.logged.Len() > 0 {
				t.Errorf("%s: it is not mended: %v, %s", name, err, a.logged.String())
			}
		})
	}
}

func write(t *testing.T, a *scripted, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(a.dir, 0o700), os.WriteFile(a.state(), []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// A clock that was wrong blocks nothing for longer than a refusal lasts.
func TestAFarTimeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newScripted(t, time.Second)
		write(t, a, `{"until":"2999-01-01T00:00:00Z","code":-412,"refusals":-7}`)
		want := time.Now().Add(6 * time.Hour)
		for range 3 { // it does not move on with the clock
			if err := a.upload(fine); err == nil || !err.Until.Equal(want) {
				t.Fatalf("until %v, want %v", err.Until, want)
			}
			time.Sleep(time.Hour)
		}
		time.Sleep(time.Until(want))
		if err := a.upload(blocked); err == nil || !err.Until.Equal(time.Now().Add(10*time.Minute)) {
			t.Errorf("%v", err)
		}

		// A refusal of 10 minutes that was noted while the clock was 8 hours ahead.
		a = newScripted(t, time.Second)
		ahead := time.Now().Add(8 * time.Hour)
		write(t, a, fmt.Sprintf(`{"since":%q,"until":%q,"code":-412}`, ahead.Format(time.RFC3339), ahead.Add(10*time.Minute).Format(time.RFC3339)))
		if err := a.upload(fine); err == nil || !err.Until.Equal(time.Now().Add(10*time.Minute)) || err.Code != -412 {
			t.Errorf("%+v", err)
		}
		time.Sleep(10 * time.Minute)
		if err := a.upload(fine); err != nil {
			t.Error(err)
		}

		a = newScripted(t, time.Second)
		write(t, a, `{"next":"2999-01-01T00:00:00Z","pauses":1000000,"refusals":1000000}`)
		begun := time.Now()
		if err := a.upload(often); err == nil || err.After != time.Minute || time.Since(begun) > 0 {
			t.Errorf("after %v: %+v", time.Since(begun), err)
		}
		time.Sleep(time.Minute)
		if err := a.upload(blocked); err == nil || !err.Until.Equal(time.Now().Add(6*time.Hour)) {
			t.Errorf("%+v", err)
		}
	})
}

func TestAFolderThatCannotBeUsedIsAClearError(t *testing.T) {
	a := newScripted(t, time.Second)
	if err := os.WriteFile(a.dir, nil, 0o600); err != nil { // a file in the folder's place
		t.Fatal(err)
	}
	err := a.upload(fine)
	if err == nil || err.Kind != fault.Local || len(a.asked) > 0 {
		t.Fatalf("%d requests, %v", len(a.asked), err)
	}
	if what, hint := lang.New(lang.English).Error(err); !strings.Contains(what, a.dir) || hint == "" {
		t.Errorf("%q, %q", what, hint)
	}
	if _, err := a.client().User(t.Context()); fault.KindOf(err) != fault.Local || len(a.asked) > 0 {
		t.Errorf("%d requests, %v", len(a.asked), err)
	}

	a = newScripted(t, time.Second)
	if err := os.MkdirAll(filepath.Join(a.state(), "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := a.upload(fine); err == nil || err.Kind != fault.Local || len(a.asked) > 0 {
		t.Errorf("a folder in the state's place: %d requests, %v", len(a.asked), err)
	}
}

func TestTheStateIsTheUsersOwn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	a := newScripted(t, time.Second)
	if err := a.upload(fine); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(a.dir, "*"))
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, f := range append(files, a.dir) {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		want := os.FileMode(0o600)
		if info.IsDir() {
			want = 0o700
		}
		if mode := info.Mode().Perm(); mode != want {
			t.Errorf("%s: %v", f, mode)
		}
	}
}

// How long Bilibili is left alone the first time depends on who refuses.
func TestHowLongARefusalBegins(t *testing.T) {
	for status, want := range map[int]time.Duration{http.StatusPreconditionFailed: 10 * time.Minute, http.StatusForbidden: 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			c := client(t, direct{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })})
			_, err := c.User(t.Context())
			if e, _ := errors.AsType[*fault.Error](err); e == nil || e.Kind != fault.Refused || e.Code != status || !e.Until.Equal(time.Now().Add(want)) {
				t.Errorf("%d: %+v", status, err)
			}
		})
	}
}
