// Package keystore keeps one secret: in the system's keyring, else in a file
// that its owner alone can read, and says in which. On Windows the file's
// secret is also encrypted for its owner.
package keystore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/zalando/go-keyring"

	"bilipaste/internal/desktop"
	"bilipaste/internal/durable"
	"bilipaste/internal/lang"
)

// Mode chooses where secrets are kept: the setting "keystore".
type Mode string

// The modes.
const (
	Auto    Mode = "auto"    // in the keyring; where that does not work, in the file
	Keyring Mode = "keyring" // in the keyring or not at all
	File    Mode = "file"
)

// Location is where a secret is.
type Location string

// The locations.
const (
	Nowhere   Location = ""
	InKeyring Location = "keyring"
	InFile    Location = "file"
)

const (
	service = "bilipaste" // the name in the keyring
	limit   = 3 * time.Second
)

// Store keeps a secret. The file is always there while there is one: it holds
// the secret, or says that it is in the keyring, which is not asked otherwise.
// It is safe for concurrent use, also by other processes, whose last Save holds.
type Store struct {
	mode Mode
	file string
	turn chan struct{} // held by the one call to the keyring

	mu       sync.Mutex
	stuck    bool // a call goes on that was given up
	fallback error
}

// New returns the store with this file, an absolute path, whose folder is made
// when it is needed.
func New(mode Mode, file string) *Store {
	return &Store{mode: mode, file: file, turn: make(chan struct{}, 1)}
}

// note is what is in the file.
type note struct {
	Location Location `json:"kept_in"`
	Secret   string   `json:"secret,omitempty"`
	Sealed   []byte   `json:"sealed,omitempty"` // the secret, where the system seals
}

// Load returns the secret, nil if there is none. The error is a lang.Teller:
// the file or the keyring cannot be read, or the keyring did not answer within
// 3 s, as one that is locked does.
func (s *Store) Load() ([]byte, error) {
	n, err := s.read()
	if err != nil {
		return nil, err
	}
	switch n.Location {
	case InKeyring:
		var secret string
		err := s.ask(func() (err error) {
			secret, err = keyring.Get(service, s.file)
			return err
		})
		if errors.Is(err, keyring.ErrNotFound) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
		return []byte(secret), nil
	case InFile:
		if n.Sealed == nil {
			return []byte(n.Secret), nil
		}
		secret, err := unseal(n.Sealed)
		if err != nil {
			return nil, lang.Errorf("keystore.sealed", lang.Data{"File": s.file, "Cause": err.Error()}, err)
		}
		return secret, nil
	}
	return nil, nil
}

// Save keeps the secret in the place of the one before. The error is a
// lang.Teller: the secret is kept nowhere new.
func (s *Store) Save(secret []byte) error {
	before, err := s.read()
	if err != nil {
		before = note{} // a broken file is replaced
	}
	n := note{Location: InKeyring}
	var fallback error
	if s.mode != File {
		fallback = s.ask(func() error { return keyring.Set(service, s.file, string(secret)) })
		if fallback != nil && s.mode == Keyring {
			return fallback
		}
	}
	if s.mode == File || fallback != nil {
		if n, err = inFile(secret); err != nil {
			return s.failed("keystore.unwritable", err)
		}
	}
	if err := s.write(n); err != nil {
		return err
	}
	s.mu.Lock()
	s.fallback = fallback
	s.mu.Unlock()
	if before.Location == InKeyring && (s.mode == File || errors.Is(fallback, keyring.ErrSetDataTooBig)) {
		_ = s.remove() // what stays there is not looked at any more
	}
	return nil
}

// inFile returns the note that holds a secret.
func inFile(secret []byte) (note, error) {
	sealed, err := seal(secret)
	if errors.Is(err, errors.ErrUnsupported) {
		return note{Location: InFile, Secret: string(secret)}, nil
	}
	return note{Location: InFile, Sealed: sealed}, err
}

// Delete forgets the secret. The error is a lang.Teller: the secret may still
// be in the keyring, or in the file.
func (s *Store) Delete() error {
	n, err := s.read()
	// A Save that was killed halfway may have left one in the keyring, whatever
	// the file says. Only that of Windows is sure not to ask for a password.
	if err == nil && (n.Location == InKeyring || runtime.GOOS == "windows") {
		if err := s.remove(); err != nil {
			return err
		}
	}
	if err := os.Remove(s.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s.failed("keystore.unwritable", err)
	}
	s.tidy()
	return nil
}

// tidy removes the secrets that Saves have left beside the file that were killed.
// A minute is longer than any takes.
func (s *Store) tidy() { durable.Tidy(filepath.Dir(s.file), time.Minute) }

// Where tells where the secret is. The error is Load's.
func (s *Store) Where() (Location, error) {
	n, err := s.read()
	return n.Location, err
}

// Fallback returns why the last Save of this Store, in mode Auto, took the
// file: a lang.Teller, nil if it did not.
func (s *Store) Fallback() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fallback
}

// Check asks the keyring for something that it does not have. The error is a
// lang.Teller: it cannot be used.
func Check() error {
	s := New(Keyring, "check")
	err := s.ask(func() error {
		_, err := keyring.Get(service, s.file)
		return err
	})
	if errors.Is(err, keyring.ErrNotFound) {
		return nil
	}
	return err
}

func (s *Store) remove() error {
	err := s.ask(func() error { return keyring.Delete(service, s.file) })
	if errors.Is(err, keyring.ErrNotFound) {
		return nil
	}
	return err
}

// ask calls the keyring and waits 3 s. While a call goes on after that, as one
// does for which the desktop asks for a password, no other is made.
func (s *Store) ask(call func() error) error {
	if runtime.GOOS != "windows" && runtime.GOOS != "darwin" && !desktop.Bus() {
		return lang.Errorf("keystore.no_bus", nil, nil)
	}
	if s.isStuck() {
		return lang.Errorf("keystore.no_answer", nil, nil)
	}
	late := time.After(limit)
	select {
	case s.turn <- struct{}{}:
	case <-late:
		return lang.Errorf("keystore.no_answer", nil, nil)
	}
	done := make(chan error, 1)
	go func() {
		defer func() {
			if wrong := recover(); wrong != nil { // the library's, where the bus ends while it asks
				done <- fmt.Errorf("%v", wrong)
			}
			s.setStuck(false)
			<-s.turn
		}()
		done <- call()
	}()
	select {
	case err := <-done:
		switch {
		case err == nil || errors.Is(err, keyring.ErrNotFound):
			return err
		case errors.Is(err, keyring.ErrSetDataTooBig):
			return lang.Errorf("keystore.too_long", nil, err)
		}
		return lang.Errorf("keystore.keyring", lang.Data{"Cause": err.Error()}, err)
	case <-late:
		s.setStuck(len(done) == 0)
		return lang.Errorf("keystore.no_answer", nil, nil)
	}
}

func (s *Store) isStuck() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stuck
}

func (s *Store) setStuck(stuck bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stuck = stuck
}

// read reads the file; none is the zero note.
func (s *Store) read() (note, error) {
	data, err := durable.Read(s.file)
	if errors.Is(err, fs.ErrNotExist) {
		return note{}, nil
	}
	if err != nil {
		return note{}, s.failed("keystore.unreadable", err)
	}
	var n note
	if json.Unmarshal(data, &n) != nil || n.Location != InKeyring && n.Location != InFile {
		return note{}, lang.Errorf("keystore.broken", lang.Data{"File": s.file}, nil)
	}
	return n, nil
}

// write puts n in the file's place, whole or not at all.
func (s *Store) write(n note) error {
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	if err := durable.Write(s.file, data, 0o600); err != nil {
		return s.failed("keystore.unwritable", err)
	}
	s.tidy()
	return nil
}

// failed is a file error without its path, which the message names.
func (s *Store) failed(id string, err error) error {
	cause := err
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		cause = e.Err
	} else if e, ok := errors.AsType[*os.LinkError](err); ok {
		cause = e.Err
	}
	return lang.Errorf(id, lang.Data{"File": s.file, "Cause": cause.Error()}, err)
}
