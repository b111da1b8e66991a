//go:build windows

package watcher

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/windows"

	"bilipaste/internal/lang"
)

// ways lists the ways to the clipboard.
func ways() []way {
	return []way{{"Windows", openWindows}}
}

// winClipboard is the clipboard of Windows. A window that is never shown is told
// of changes. What may have to wait for another program is done by a goroutine
// that is given up after a time limit.
type winClipboard struct {
	limits winLimits
	window windows.HWND  // owns what is ours
	over   chan struct{} // closed when the window is gone
	turn   chan struct{} // has a token while we have the clipboard open
	tasks  sync.WaitGroup

	mu      sync.Mutex
	changed func(offer) // nil without a Run
	number  uint32      // the sequence number of what is known
	latest  *winOffer   // what another program has put there; nil if it is ours
}

// winLimits are the times that other programs get.
type winLimits struct {
	hold   time.Duration // to close the clipboard, while we want to read it
	answer time.Duration // to hand over what they copied
	put    time.Duration // to close the clipboard, while we want to write it
}

func openWindows(context.Context) (backend, error) {
	b := &winClipboard{
		limits: winLimits{hold: 10 * time.Second, answer: 20 * time.Second, put: 5 * time.Second},
		over:   make(chan struct{}),
		turn:   make(chan struct{}, 1),
	}
	ready := make(chan error)
	go b.listen(ready)
	if err := <-ready; err != nil {
		return nil, lang.Errorf("watcher.windows", lang.Data{"Cause": err}, err)
	}
	return b, nil
}

func (b *winClipboard) name() string { return "Windows" }

// listen makes the window and handles what it is told, until close.
func (b *winClipboard) listen(ready chan<- error) {
	defer close(b.over)
	runtime.LockOSThread() // a window belongs to its thread
	defer runtime.UnlockOSThread()
	window, err := newMessageWindow()
	if err != nil {
		ready <- err
		return
	}
	defer func() { _, _, _ = destroyWindow.Call(uintptr(window)) }()
	b.window = window
	b.number = sequenceNumber()
	b.latest = &winOffer{clipboard: b, number: b.number}
	if r, _, err := addClipboardFormatListener.Call(uintptr(window)); r == 0 {
		ready <- err
		return
	}
	defer func() { _, _, _ = removeClipboardFormatListener.Call(uintptr(window)) }()
	ready <- nil
	for m := new(message); nextMessage(m); {
		if m.kind == wmClipboardUpdate {
			b.look()
		}
		dispatch(m)
	}
}

// look notes what is on the clipboard by now.
func (b *winClipboard) look() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lookLocked()
}

func (b *winClipboard) lookLocked() {
	number := sequenceNumber()
	if number == b.number {
		return
	}
	b.number, b.latest = number, nil
	if clipboardOwner() == b.window {
		return
	}
	b.latest = &winOffer{clipboard: b, number: number}
	if b.changed != nil {
		b.changed(b.latest)
	}
}

func (b *winClipboard) run(ctx context.Context, attached func(), changed func(offer)) error {
	b.tell(changed)
	attached()
	defer b.tell(nil)
	<-ctx.Done()
	return ctx.Err()
}

func (b *winClipboard) tell(changed func(offer)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lookLocked() // what is there already does not count
	b.changed = changed
}

func (b *winClipboard) current(ctx context.Context) (offer, Reason, error) {
	var there *winOffer
	var formats []uint32
	err := b.attempt(ctx, func(ctx context.Context) error {
		return b.opened(ctx, b.limits.hold, func() (err error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.lookLocked()
			there = b.latest
			formats, err = clipboardFormats()
			return err
		})
	})
	switch {
	case err != nil:
		return nil, "", err
	case there == nil:
		return nil, IsOurs, nil
	case len(formats) == 0:
		return nil, IsEmpty, nil
	}
	return there, "", nil
}

// attempt calls f, and gives it up where another program holds it up. What f
// writes counts only if no error is returned.
func (b *winClipboard) attempt(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, b.limits.hold+b.limits.answer)
	defer cancel()
	done := make(chan error, 1)
	b.tasks.Go(func() { done <- f(ctx) })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errSilent
	}
}

// opened calls use while the clipboard is open: nobody else changes it then. Others
// may hold it for as long as hold before.
func (b *winClipboard) opened(ctx context.Context, hold time.Duration, use func() error) error {
	runtime.LockOSThread() // the clipboard is open for this thread
	defer runtime.UnlockOSThread()
	if err := b.open(ctx, hold); err != nil {
		return err
	}
	defer func() {
		_, _, _ = closeClipboard.Call()
		<-b.turn
	}()
	return use()
}

// open opens the clipboard, as soon as nobody else has it open.
func (b *winClipboard) open(ctx context.Context, hold time.Duration) error {
	const soonest, latest = time.Millisecond, 50 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, hold)
	defer cancel()
	select { // Windows may let one window open it twice
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return errSilent
	}
	for pause := soonest; ; pause = min(2*pause, latest) {
		r, _, err := openClipboard.Call(uintptr(b.window))
		if r != 0 {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			<-b.turn
			return lang.Errorf("watcher.held", lang.Data{"Program": clipboardHolder()}, err)
		}
	}
}

// close ends it. What we have put on the clipboard stays there: Windows keeps it.
func (b *winClipboard) close() error {
	_, _, _ = postMessage.Call(uintptr(b.window), wmQuit, 0, 0)
	<-b.over
	ended := make(chan struct{})
	go func() { b.tasks.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(time.Second): // a program is frozen
	}
	return nil
}

// winOffer is what one program has put on the clipboard.
type winOffer struct {
	clipboard *winClipboard
	number    uint32 // the sequence number; of clipboard.mu
}

// isThere reports whether the clipboard still holds the offer. If not, what it
// holds is noted.
func (o *winOffer) isThere() bool {
	b := o.clipboard
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lookLocked()
	return b.number == o.number
}

func (o *winOffer) formats(ctx context.Context) ([]string, error) {
	b := o.clipboard
	var ids []uint32
	err := b.attempt(ctx, func(ctx context.Context) error {
		return b.opened(ctx, b.limits.hold, func() (err error) {
			if !o.isThere() {
				return errSuperseded
			}
			ids, err = clipboardFormats()
			return err
		})
	})
	switch {
	case errors.Is(err, errSuperseded):
		return nil, err
	case err != nil: // somebody has it open: there may be more of them soon
		known, _ := clipboardFormats()
		return formatNames(known), err
	}
	return formatNames(ids), nil
}

func (o *winOffer) read(ctx context.Context, format string, limit int, _ io.Writer) ([]byte, error) {
	id, err := formatID(format)
	if err != nil {
		return nil, err
	}
	b := o.clipboard
	var data []byte
	err = b.attempt(ctx, func(ctx context.Context) error {
		if err := o.awake(ctx); err != nil {
			return err
		}
		return b.opened(ctx, b.limits.hold, func() (err error) {
			data, err = o.take(id, limit)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return data, nil
}

// awake waits until the program handles its messages. A busy one that is to hand
// over what it copied would keep the clipboard open, for all other programs too.
func (o *winOffer) awake(ctx context.Context) error {
	const step = 250 * time.Millisecond
	limit := o.clipboard.limits.answer
	for end := time.Now().Add(limit); ; {
		owner := clipboardOwner()
		switch {
		case owner == 0 || answers(owner, min(step, limit)):
			return nil
		case !o.isThere():
			return errSuperseded
		case time.Now().After(end):
			return errSilent
		}
		select {
		case <-time.After(min(step, limit) / 5): // Windows may know at once that it is busy
		case <-ctx.Done():
			return errSilent
		}
	}
}

// take returns the content in one format. The clipboard is open.
func (o *winOffer) take(id uint32, limit int) ([]byte, error) {
	if !o.isThere() {
		return nil, errSuperseded
	}
	block, _, err := getClipboardData.Call(uintptr(id))
	if block == 0 {
		return nil, err
	}
	// On Windows, a program that puts it there only now makes the number grow.
	b := o.clipboard
	b.mu.Lock()
	o.number = sequenceNumber()
	b.number = o.number
	b.mu.Unlock()
	return copyOf(block, limit)
}
