package watcher

import (
	"context"
	"errors"
	"hash/maphash"
	"time"
)

// A clipboard manager offers what another program has copied once more, as its
// own: at once, or when that program ends. To the user that is the same clip.
const (
	// takeOver is how soon after a clip its like by an unknown program is a
	// take-over, and not a second copy.
	takeOver = time.Second

	// handOver is how long a program may take to hand its clip over to a
	// clipboard manager, when it has been replaced meanwhile. A screenshot tool
	// hands over ten formats of a large picture before it ends.
	handOver = 5 * time.Second
)

// held is the newest change that was judged.
type held struct {
	clip  offer  // the offer that Clip tells of
	offer offer  // the one that holds it now: another one after a take-over
	why   Reason // of the clip
	sum   uint64 // of the content that was read; 0 if none was
	at    time.Time
	text  string // what Replace put in its place; "" if nothing
	size  int    // of the picture, if it is one that we have put there; clip is nil then
}

// settle notes the clip of a change as the newest, and reports whether it is
// new to the user: a take-over is not.
func (w *Watcher) settle(ctx context.Context, c change, clip Clip) (isNew bool) {
	w.replacing.Lock()
	defer w.replacing.Unlock()
	before := w.latest
	now := held{clip: c.offer, offer: c.offer, why: clip.Why, sum: w.sum(clip), at: c.at}
	switch isNew = !now.takesOver(before); {
	case now.at.Before(before.at): // we have put something there since
		now = before
	case isNew:
		w.spent(before.size)
	default:
		now = before
		now.offer, now.at = c.offer, c.at
		if now.text != "" && w.backend.put(ctx, c.offer, content{text: now.text}) != nil {
			now.text = ""
		}
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	w.latest = now
	if w.queue = w.queue[1:]; len(w.queue) == 0 {
		w.queue = nil
		close(w.settled)
	}
	return isNew
}

// takesOver reports whether h is the clip of before, offered by a clipboard
// manager in the first program's place.
func (h held) takesOver(before held) bool {
	var from origin
	if o, ok := h.offer.(signed); ok {
		from = o.from(before.offer)
	}
	like := h.sum == before.sum && h.why == before.why
	replaced := before.text != ""
	after := h.at.Sub(before.at)
	switch from {
	case sameProgram:
		return false
	case heir:
		// One that was told to take the clip, and finds our text there, is left
		// with the clip or with nothing.
		return like && !replaced || (like || h.why == IsEmpty) && after < handOver
	}
	return like && h.sum != 0 && !replaced && after < takeOver
}

// adopt makes a clip that was read at some time known to Replace, and returns it.
func (w *Watcher) adopt(ctx context.Context, clip Clip, at time.Time) (Clip, error) {
	if err := w.allJudged(ctx); err != nil {
		return Clip{}, err
	}
	w.replacing.Lock()
	defer w.replacing.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch before := w.latest; {
	case before.offer == clip.offer && before.clip != nil:
		clip.offer = before.clip // after a take-over, another one
	case !before.at.After(at):
		w.latest = held{clip: clip.offer, offer: clip.offer, why: clip.Why, sum: w.sum(clip), at: at}
	}
	return clip, nil
}

// sum returns a sum of what was read of a clip, 0 if nothing was. It keeps a
// take-over from being compared with a second copy of a large picture in memory.
func (w *Watcher) sum(clip Clip) uint64 {
	if clip.Take == Nothing {
		return 0
	}
	var h maphash.Hash
	h.SetSeed(w.seed)
	_, _ = h.Write(clip.Data) // never fails
	for _, path := range clip.Files {
		_, _ = h.WriteString(path + "\x00")
	}
	return h.Sum64()
}

// Replace puts text in the clip's place. It returns ErrChanged, and leaves the
// clipboard alone, if that holds something else by now. A clip whose program
// has ended, with nothing put there since, is replaced.
func (w *Watcher) Replace(ctx context.Context, clip Clip, text string) error {
	for {
		o, err := w.holder(ctx, clip)
		if err != nil {
			return err
		}
		err = w.write(ctx, o, text)
		if errors.Is(err, ErrChanged) && w.movedOn(o) {
			continue // perhaps only to a clipboard manager
		}
		return err
	}
}

// holder returns the offer that holds the clip now, after all changes are judged.
func (w *Watcher) holder(ctx context.Context, clip Clip) (offer, error) {
	for {
		w.mu.Lock()
		now, waiting := w.latest, len(w.queue)
		w.mu.Unlock()
		if now.clip != clip.offer || clip.offer == nil {
			return nil, ErrChanged
		}
		if waiting == 0 {
			return now.offer, nil
		}
		if err := w.allJudged(ctx); err != nil {
			return nil, err
		}
	}
}

// allJudged waits until all changes so far are judged.
func (w *Watcher) allJudged(ctx context.Context) error {
	w.mu.Lock()
	settled := w.settled
	w.mu.Unlock()
	select {
	case <-settled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write replaces o, and remembers with what.
func (w *Watcher) write(ctx context.Context, o offer, text string) error {
	w.replacing.Lock()
	defer w.replacing.Unlock()
	if err := w.backend.put(ctx, o, content{text: text}); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.latest.offer == o {
		w.latest.text = text
	}
	return nil
}

// movedOn reports whether a newer change than o is known.
func (w *Watcher) movedOn(o offer) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.latest.offer != o || len(w.queue) > 0
}
