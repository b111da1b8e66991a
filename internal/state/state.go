// Package state keeps small notes that all processes of a user share: one JSON
// file for each kind, of which one process at a time reads, changes and writes
// all. What is in a file is not trusted: of what cannot be read nothing is
// taken, and whatever else can be read still counts.
package state

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"bilipaste/internal/durable"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
)

const (
	lockWait = 10 * time.Second // no change takes nearly as long
	lockPoll = 20 * time.Millisecond
	largest  = 64 << 10 // bytes of a file
	sector   = 512      // bytes that a disk writes as a whole or not at all
)

// File is a file of notes, each note a field of T. It is safe for concurrent
// use, also by other processes.
type File[T any] struct {
	Dir  string // made when it is first needed
	Name string // the file is NAME.json in Dir; who holds NAME.lock may use it
	Host string // named in errors
	Log  *slog.Logger

	// Sync tells whether a change has to survive a power cut; nil: none has.
	Sync func(before, after *T) bool
}

// Update reads the notes, lets change look at them or change them, and writes
// what changed, also where change fails. Its error is change's, ctx's, of kind
// Passing where another process holds the notes for more than 10 s, or of kind
// Local: the notes cannot be kept, so nothing may be done that they guard.
func (f *File[T]) Update(ctx context.Context, change func(*T) error) error {
	unlock, err := Lock(ctx, filepath.Join(f.Dir, f.Name+".lock"), lockWait)
	switch {
	case errors.Is(err, ErrHeld):
		return &fault.Error{Kind: fault.Passing, Why: "locked", Host: f.Host, Err: err}
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return f.local(err)
	}
	defer func() {
		if err := unlock(); err != nil {
			f.Log.Error("a lock could not be given back", "host", f.Host, "error", err)
		}
	}()
	file := filepath.Join(f.Dir, f.Name+".json")
	var notes T
	data, err := read(file)
	if data != nil {
		err = errors.Join(err, decode(data, &notes))
	}
	inPlace := err == nil && data != nil
	if err != nil {
		f.Log.Warn("notes are taken as none, as far as they cannot be read", "host", f.Host,
			"error", lang.Errorf("state.broken", lang.Data{"File": file, "Cause": err}, err))
	}
	before := notes
	changeErr := change(&notes)
	after, err := json.Marshal(&notes)
	if err != nil {
		return errors.Join(changeErr, f.local(err))
	}
	if bytes.Equal(bytes.TrimRight(data, " "), after) {
		return changeErr
	}
	switch {
	case f.Sync != nil && f.Sync(&before, &notes):
		err = durable.Write(file, after, 0o600)
	case inPlace && max(len(data), len(after)) <= sector:
		err = overwrite(file, after, len(data))
	default:
		err = durable.Replace(file, after, 0o600)
	}
	if err != nil {
		return errors.Join(changeErr, f.local(err))
	}
	return changeErr
}

func (f *File[T]) local(err error) error {
	return &fault.Error{Kind: fault.Local, Why: "state", Host: f.Host, Err: err}
}

// overwrite writes notes over the old bytes of their file, in one write, which
// neither a kill nor a power cut splits: to make a new file takes several times
// as long. What was there beyond them becomes spaces, which JSON lets pass.
func overwrite(name string, notes []byte, old int) error {
	file, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(append(notes, bytes.Repeat([]byte{' '}, max(0, old-len(notes)))...))
	return errors.Join(err, file.Close())
}

// ErrHeld is the error of a lock that another process holds for too long.
var ErrHeld = errors.New("the lock is held by another process")

// Lock takes a lock among all processes: the file of that name, whose folder is
// made. The error is ErrHeld after limit, ctx's, or the file system's.
func Lock(ctx context.Context, name string, limit time.Duration) (unlock func() error, err error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	lock := flock.New(name)
	switch ok, err := lock.TryLock(); {
	case ok:
		return lock.Unlock, nil
	case errors.Is(err, fs.ErrNotExist):
		if err := durable.MakeFolder(filepath.Dir(name)); err != nil {
			return nil, err
		}
	}
	switch ok, err := lock.TryLockContext(limited, lockPoll); {
	case ok:
		return lock.Unlock, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil:
		return nil, ErrHeld
	default:
		return nil, err
	}
}

// read returns the bytes of a file, nil where there is none.
func read(name string) ([]byte, error) {
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, largest+1))
	if len(data) > largest {
		err = fmt.Errorf("more than %d bytes", largest)
	}
	if data == nil {
		data = []byte{}
	}
	return data, err
}

// decode reads a JSON object field by field, so that one that is no such field
// costs no other, and one that breaks off keeps what stands before.
func decode[T any](data []byte, notes *T) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil {
		return err
	} else if start != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	var all []error
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return errors.Join(append(all, err)...)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return errors.Join(append(all, err)...)
		}
		one, err := json.Marshal(map[string]json.RawMessage{name.(string): value})
		if err != nil {
			return errors.Join(append(all, err)...)
		}
		trial := *notes
		if err := json.Unmarshal(one, &trial); err != nil {
			all = append(all, err)
			continue
		}
		*notes = trial
	}
	if _, err := d.Token(); err != nil {
		all = append(all, err)
	} else if _, err := d.Token(); !errors.Is(err, io.EOF) {
		all = append(all, errors.New("more than a JSON object"))
	}
	return errors.Join(all...)
}

// Pause is a time in which nothing may be asked, as a part of notes. It holds
// its start, too, so that a clock that is set back makes it no longer than it
// was to be.
type Pause struct {
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// Begin makes the pause last from now on for d.
func (p *Pause) Begin(now time.Time, d time.Duration) { p.Since, p.Until = now, now.Add(d) }

// Bound brings the pause into what Begin could have made of it by now, at most
// longest.
func (p *Pause) Bound(now time.Time, longest time.Duration) {
	if p.Until.IsZero() {
		p.Since = time.Time{}
		return
	}
	if p.Since.IsZero() || p.Since.After(now) {
		d := longest
		if !p.Since.IsZero() {
			d = max(0, min(p.Until.Sub(p.Since), longest))
		}
		if last := now.Add(d); p.Until.After(last) {
			p.Until = last
		}
		p.Since = now
	}
	if last := p.Since.Add(longest); p.Until.After(last) {
		p.Until = last
	}
}
