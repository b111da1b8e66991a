package watcher

import (
	"context"
	"errors"
	"testing"
	"time"
)

// putPicture puts a picture on the board.
func (b *board) putPicture(content string) {
	b.t.Helper()
	if err := b.w.PutPicture(b.t.Context(), "image/png", []byte(content)); err != nil {
		b.t.Fatal(err)
	}
}

func TestTheLikeSoonAfterAPutIsATakeOver(t *testing.T) {
	onBoard(t, func(t *testing.T, b *board) {
		b.putPicture("a")
		time.Sleep(takeOver - time.Millisecond)
		b.copy(&paper{content: "a"})
		b.expect()
		if err := b.w.PutText(t.Context(), "link"); err != nil || b.ours.text != "link" {
			t.Errorf("PutText: %v, the board holds %v", err, b.ours)
		}
	})
}

func TestTheLikeLaterThanAPutIsACopy(t *testing.T) {
	onBoard(t, func(t *testing.T, b *board) {
		b.putPicture("a")
		time.Sleep(takeOver)
		b.copy(&paper{content: "a"})
		b.putPicture("c")
		b.copy(&paper{content: "b"})
		b.expect("a", "b")
		if err := b.w.Replace(t.Context(), b.seen[1], "link"); err != nil {
			t.Error(err)
		}
	})
}

// What was copied before a Put and is judged after it changes nothing of that.
func TestAPutIsNewerThanWhatIsStillToBeJudged(t *testing.T) {
	onBoard(t, func(t *testing.T, b *board) {
		b.copy(&paper{content: "slow", slow: takeOver})
		time.Sleep(takeOver / 2)
		b.putPicture("a")
		time.Sleep(takeOver / 2)
		b.expect("slow")
		if err := b.w.Replace(t.Context(), b.seen[0], "link"); !errors.Is(err, ErrChanged) {
			t.Errorf("Replace: %v, want ErrChanged", err)
		}
		b.copy(&paper{content: "a"}) // a take-over
		b.expect("slow")
	})
}

func TestReadAndRunReadOneAfterTheOther(t *testing.T) {
	onBoard(t, func(t *testing.T, b *board) {
		b.copy(&paper{content: "a", slow: 3 * time.Second})
		start := time.Now()
		c, err := b.w.Read(t.Context())
		if err != nil || string(c.Data) != "a" || time.Since(start) != 6*time.Second {
			t.Errorf("%q after %v, %v", c.Data, time.Since(start), err)
		}
		b.expect("a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.w.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("given up: %v", err)
		}
		if err := b.w.Replace(t.Context(), c, "link"); err != nil || b.ours.text != "link" {
			t.Errorf("Replace: %v", err)
		}
		b.expect("a")
	})
}

func TestReadMakesAClipKnown(t *testing.T) {
	onBoard(t, func(t *testing.T, b *board) {
		b.now = &paper{content: "a"} // before Run
		c, err := b.w.Read(t.Context())
		if err != nil || string(c.Data) != "a" {
			t.Fatalf("%q, %v", c.Data, err)
		}
		b.copy(&paper{content: "a"}) // a take-over
		b.expect()
		if err := b.w.Replace(t.Context(), c, "link"); err != nil || b.ours.text != "link" {
			t.Errorf("Replace: %v", err)
		}
	})
}
