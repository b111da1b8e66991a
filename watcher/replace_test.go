package watcher

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// board is a clipboard whose programs nobody knows, as on Wayland.
type board struct {
	t       *testing.T
	w       *Watcher
	seen    []Clip
	changed func(offer)
	now     offer
	ours    *content
}

// paper is what a program has put on a board.
type paper struct {
	content string
	slow    time.Duration // what it takes to read it
}

func (p *paper) formats(context.Context) ([]string, error) { return []string{"image/png"}, nil }

func (p *paper) read(ctx context.Context, _ string, _ int) ([]byte, error) {
	select {
	case <-time.After(p.slow):
		return []byte(p.content), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (b *board) name() string { return "a board" }
func (b *board) close() error { return nil }

func (b *board) run(ctx context.Context, attached func(), changed func(offer)) error {
	b.changed = changed
	attached()
	<-ctx.Done()
	return ctx.Err()
}

func (b *board) current(context.Context) (offer, Reason, error) {
	switch {
	case b.now != nil:
		return b.now, "", nil
	case b.ours != nil:
		return nil, IsOurs, nil
	}
	return nil, IsEmpty, nil
}

func (b *board) put(_ context.Context, onlyIf offer, c content) error {
	if onlyIf != nil && b.now != onlyIf {
		return ErrChanged
	}
	b.now, b.ours = nil, &c
	return nil
}

// copy puts content on the board and lets it be seen.
func (b *board) copy(p offer) {
	b.now, b.ours = p, nil
	b.changed(p)
	synctest.Wait()
}

// onBoard runs a test with a watched board, in a time of its own.
func onBoard(t *testing.T, test func(*testing.T, *board)) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{t: t}
		b.w = watch(b, pngs)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.w.Run(ctx, func(c Clip) { b.seen = append(b.seen, c) }) }()
		synctest.Wait()
		test(t, b)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
}

// expect checks the contents of the clips so far.
func (b *board) expect(want ...string) {
	b.t.Helper()
	synctest.Wait()
	var got []string
	for _, c := range b.seen {
		got = append(got, string(c.Data))
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("clips: %q, want %q", got, want)
	}
}

func TestTheLikeSoonAfterIsATakeOver(t *testing.T) {
	onBoard(t, func(t *testing.T, b *board) {
		b.copy(&paper{content: "a"})
		time.Sleep(takeOver - time.Millisecond)
		b.copy(&paper{content: "a"})
		b.expect("a")
		if err := b.w.Replace(t.Context(), b.seen[0], "link"); err != nil || b.ours.text != "link" {
			t.Errorf("Replace: %v, the board holds %v", err, b.ours)
		}
	})
}

func TestTheLikeLaterIsACopy(t *testing.T) {
	onBoard(t, func(t *testing.T, b *board) {
		b.copy(&paper{content: "a"})
		time.Sleep(takeOver)
		b.copy(&paper{content: "a"})
		b.expect("a", "a")
		if err := b.w.Replace(t.Context(), b.seen[0], "link"); !errors.Is(err, ErrChanged) {
			t.Errorf("the first: %v", err)
		}
	})
}

func TestTheLikeAfterReplaceOrAnotherIsACopy(t *testing.T) {
	onBoard(t, func(t *testing.T, b *board) {
		b.copy(&paper{content: "a"})
		if err := b.w.Replace(t.Context(), b.seen[0], "link"); err != nil {
			t.Fatal(err)
		}
		b.copy(&paper{content: "a"})
		b.copy(&paper{content: "b"})
		b.copy(&paper{content: "a"})
		b.expect("a", "a", "b", "a")
	})
}

// Replace must not say that the clipboard has changed while the change may
// prove to be a take-over.
func TestReplaceWaitsForTheVerdict(t *testing.T) {
	onBoard(t, func(t *testing.T, b *board) {
		for _, c := range []struct {
			next string
			want error
		}{{"a", nil}, {"b", ErrChanged}} {
			b.copy(&paper{content: "a"})
			first := b.seen[len(b.seen)-1]
			b.copy(&paper{content: c.next, slow: 3 * time.Second})
			start := time.Now()
			if err := b.w.Replace(t.Context(), first, "link"); !errors.Is(err, c.want) {
				t.Errorf("a, then %s: %v, want %v", c.next, err, c.want)
			}
			if waited := time.Since(start); waited != 3*time.Second {
				t.Errorf("a, then %s: waited for %v", c.next, waited)
			}
		}
	})
}

func TestWhatIsNotJudgedWhenRunEndsIsLetPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{t: t}
		b.w = watch(b, pngs)
		for range 2 {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- b.w.Run(ctx, func(c Clip) { b.seen = append(b.seen, c) }) }()
			synctest.Wait()
			b.copy(&paper{content: "a"})
			b.copy(&paper{content: "b", slow: time.Hour})
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("Run ended with %v", err)
			}
			if err := b.w.Replace(t.Context(), b.seen[0], "link"); !errors.Is(err, ErrChanged) {
				t.Errorf("Replace: %v", err)
			}
			time.Sleep(takeOver)
		}
		b.expect("a", "a")
	})
}
