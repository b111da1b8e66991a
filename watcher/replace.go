package watcher

import (
	"context"
	"errors"
	"strings"
	"time"

	"bilipaste/internal/picture"
)

// A clipboard manager offers what another program has copied once more, as its
// own: at once, or when that program ends. To the user that is the same clip.
const (
	// takeOver is how soon after a clip its like by an unknown program is a
	// take-over, and not a second copy.
	takeOver = time.Second

	// stepIn is how soon after a program's end another's offer is a clipboard
	// manager's, which fills the place. Some look only now and then.
	stepIn = 2 * time.Second

	// handOver is how long a program may take to hand its clip over to a
	// clipboard manager, when it has been replaced meanwhile. A screenshot tool
	// hands over ten formats of a large picture before it ends.
	handOver = 5 * time.Second
)

// held is the newest change that was judged.
type held struct {
	clip  offer       // the offer that Clip tells of
	offer offer       // the one that holds it now: another one after a take-over
	why   Reason      // of the clip
	sum   picture.Sum // of what was read; zero if nothing was
	at    time.Time
	text  string // what Replace put in its place; "" if nothing
	data  []byte // of the picture, for a minute at most, until something is put in its place
	size  int    // of the picture, if it is one that we have put there; clip is nil then
}

// settle notes the clip of a change as the newest, and reports whether it is
// new to the user: a take-over is not. heirOf is what bringsBack says.
func (w *Watcher) settle(ctx context.Context, c change, clip Clip, heirOf offer) (isNew bool) {
	w.replacing.Lock()
	defer w.replacing.Unlock()
	before := w.latest
	now := held{clip: c.offer, offer: c.offer, why: clip.Why, sum: sum(clip), at: c.at, data: clip.Data}
	isHeir := heirOf != nil && heirOf == before.offer
	switch isNew = !isHeir && !now.takesOver(before); {
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
	if now.data != nil {
		w.comparable.Reset(time.Minute)
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

// bringsBack returns the offer whose place o has taken, nil if it is none: a
// clipboard manager that fills the place of a program which has just ended may
// offer the picture in other bytes, or our text of the time before.
func (w *Watcher) bringsBack(ctx context.Context, o offer, clip Clip) offer {
	w.mu.Lock()
	before, texts := w.latest, w.texts
	w.mu.Unlock()
	known, ok := o.(signed)
	if !ok || before.clip == nil || known.from(before.offer) != heir {
		return nil
	}
	if clip.Take == Picture {
		if before.text == "" && before.why == IsPicture && samePixels(before.data, clip.Data) {
			return before.offer
		}
		return nil
	}
	old := texts[0]
	if before.text != "" {
		old = texts[1]
	}
	format := bestText(clip.Formats)
	if before.sum == (picture.Sum{}) || old == "" || format == "" || !w.begin(ctx) {
		return nil
	}
	defer w.end()
	text, err := o.read(ctx, format, len(old)+2, nil)
	if err == nil && strings.TrimRight(plainText(format, text), "\x00") == old {
		return before.offer
	}
	return nil
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
		if before.clip == nil && h.sum == (picture.Sum{}) {
			return false // what we have put there has no heir while we are there, and this was not read
		}
		// One that was told to take the clip, and finds our text there, is left
		// with the clip or with nothing.
		return like && !replaced || (like || h.why == IsEmpty) && after < handOver
	}
	return like && h.sum != (picture.Sum{}) && !replaced && after < takeOver
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
		w.latest = held{clip: clip.offer, offer: clip.offer, why: clip.Why, sum: sum(clip), at: at, data: clip.Data}
		w.comparable.Reset(time.Minute)
	}
	return clip, nil
}

// sum returns a sum of what was read of a clip, the zero one if nothing was.
func sum(clip Clip) picture.Sum {
	switch clip.Take {
	case Picture:
		return clip.Sum
	case Files:
		return picture.SumOf([]byte(strings.Join(clip.Files, "\x00")))
	}
	return picture.Sum{}
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
	w.noteText(text)
	if w.latest.offer == o {
		w.latest.text, w.latest.data = text, nil
	}
	return nil
}

// noteText notes a text that we have put on the clipboard. w.mu is held.
func (w *Watcher) noteText(text string) {
	if text != w.texts[0] {
		w.texts = [2]string{text, w.texts[0]}
	}
}

// forgetPicture lets go of the picture that was copied last.
func (w *Watcher) forgetPicture() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spent(len(w.latest.data))
	w.latest.data = nil
}

// movedOn reports whether a newer change than o is known.
func (w *Watcher) movedOn(o offer) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.latest.offer != o || len(w.queue) > 0
}
