package account

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"bilipaste/internal/fault"
)

// state is what a gate remembers, of the account, for every process.
type state struct {
	// Next is the theoretical start of the next upload or post, were there no burst:
	// one may start up to (burst-1) paces before it (GCRA).
	Next      time.Time `json:"next,omitzero"`
	Published time.Time `json:"published,omitzero"` // when the last post was sent
	Pauses    int       `json:"pauses,omitzero"`    // "too frequent", since the last success
	Until     time.Time `json:"until,omitzero"`     // Bilibili refuses until then
	Code      int       `json:"code,omitzero"`      // with this
	Refusals  int       `json:"refusals,omitzero"`  // since the last success

	Check  time.Time `json:"check,omitzero"`  // when Bilibili may be asked again whether the session is to be renewed
	Warned time.Time `json:"warned,omitzero"` // of a session that ends then
}

const maxDoublings = 10

// refusal is the error of a call while Bilibili refuses.
func (s *state) refusal() error {
	if !s.Until.After(time.Now()) {
		return nil
	}
	return &fault.Error{Kind: fault.Refused, Host: Service, Code: s.Code, Until: s.Until}
}

// begin notes that a call starts now, or returns how long it has to wait.
func (s *state) begin(of Pace, pace time.Duration, now time.Time) (wait time.Duration) {
	free := s.Next.Add(-(burst - 1) * pace)
	if of == Publish {
		free = later(free, s.Published.Add(publishPace))
	}
	if wait = free.Sub(now); wait > 0 {
		return wait
	}
	s.Next = later(s.Next, now).Add(pace)
	if of == Publish {
		s.Published = now
	}
	return 0
}

// bound brings what a changed clock or another hand made of the state into
// what a gate would write.
func (s *state) bound(now time.Time, pace time.Duration) {
	if last := now.Add(longestRefusal); s.Until.After(last) {
		s.Until = last
	}
	if s.Next.After(now.Add(burst*pace + longestPause)) {
		s.Next = now
	}
	if s.Published.After(now) {
		s.Published = now
	}
	if s.Check.After(now.Add(checkEvery)) {
		s.Check = now
	}
	s.Refusals = max(0, min(s.Refusals, maxDoublings))
	s.Pauses = max(0, min(s.Pauses, maxDoublings))
}

// readState reads the state of a file; that of no file is the zero state.
func readState(name string) (state, error) {
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, nil
	}
	if err != nil {
		return state{}, err
	}
	if !info.Mode().IsRegular() {
		return state{}, &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	file, err := os.Open(name)
	if err != nil {
		return state{}, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, 4<<10))
	if err != nil {
		return state{}, err
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return state{}, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return s, nil
}

// write puts the state in a file's place, whole or not at all. durable makes
// it outlive a power cut.
func (s *state) write(name string, durable bool) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	fresh := name + ".new"
	_ = os.Remove(fresh) // left by a crash; else there is none
	file, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil && durable {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(fresh))
	}
	return os.Rename(fresh, name)
}
