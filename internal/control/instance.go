// Package control is how other starts of the program reach the running one: it
// shows itself, turns writing mode on and off, uploads what is on the clipboard.
package control

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/gofrs/flock"

	"bilipaste/internal/durable"
	"bilipaste/internal/lang"
)

var (
	// ErrRunning says that the user's bilipaste is running already.
	ErrRunning error = lang.Errorf("control.running", nil, nil)

	// ErrNotRunning says that there is no running bilipaste to ask.
	ErrNotRunning error = lang.Errorf("control.not_running", nil, nil)
)

// Instance is the one running program of a user in one session of the desktop:
// each session has a clipboard of its own.
//
// It holds a lock, which the system gives back however the program ends. How
// to reach it stands in a file beside the lock that only the user can read: a
// port on loopback, and a token that shows the user to be who asks. That much
// works alike on every system; Unix sockets, say, not on each Windows.
type Instance struct {
	Page  func() (string, error) // where the page is, as Open is answered; nil: there is none
	Shown func() bool            // whether the user sees that writing mode is on or off; nil: yes
	Leave func()                 // ends the program; nil: it stays where its desktop has ended

	lock     *flock.Flock
	file     string
	token    string
	listener net.Listener
	requests chan exchange
	serving  sync.WaitGroup
	closed   chan struct{}
}

// address is the file's content.
type address struct {
	Port  int
	Token string
}

// Scope is what at most one instance runs in.
type Scope struct {
	Dir     string // the user's own folder
	Session string // of the desktop, as desktop.Session names it; "" for none
}

// Claim makes this program the one instance of a scope, whose folder is made if
// it is not there. If there is one already, the error is ErrRunning. Requests
// wait until Serve takes them.
func Claim(at Scope) (*Instance, error) {
	dir := at.Dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unclaimed(err)
	}
	i := &Instance{
		lock:  flock.New(at.lock(), flock.SetPermissions(0o600)),
		file:  at.address(),
		token: rand.Text(), requests: make(chan exchange), closed: make(chan struct{}),
	}
	ours, err := i.lock.TryLock()
	if err != nil {
		return nil, unclaimed(err)
	}
	if !ours {
		return nil, ErrRunning
	}
	if err := i.listen(); err != nil {
		return nil, errors.Join(unclaimed(err), i.lock.Unlock())
	}
	return i, nil
}

func (at Scope) lock() string    { return at.file(".lock") }
func (at Scope) address() string { return at.file(".json") }

func (at Scope) file(end string) string {
	name := "instance"
	if at.Session != "" {
		name += "-" + at.Session
	}
	return filepath.Join(at.Dir, name+end)
}

// running returns the scope itself or, where it is in no session, as a terminal
// on another machine is, that of the one session in which an instance runs.
func (at Scope) running() Scope {
	if at.Session != "" || at.isClaimed() {
		return at
	}
	locks, _ := filepath.Glob(filepath.Join(at.Dir, "instance-*.lock"))
	var found []Scope
	for _, lock := range locks {
		session := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(lock), "instance-"), ".lock")
		if one := (Scope{at.Dir, session}); one.isClaimed() {
			found = append(found, one)
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return at
}

func unclaimed(err error) error {
	return lang.Errorf("control.unclaimed", lang.Data{"Cause": err.Error()}, err)
}

// listen starts to wait for other starts of the program.
func (i *Instance) listen() (err error) {
	if i.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	data, err := json.Marshal(address{i.listener.Addr().(*net.TCPAddr).Port, i.token})
	if err == nil {
		err = durable.Write(i.file, data, 0o600) // a reader sees the whole address or none
	}
	if err != nil {
		_ = i.listener.Close()
		return err
	}
	i.serving.Go(func() {
		for {
			conn, err := i.listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				i.serving.Go(func() { i.converse(conn) })
			}
		}
	})
	return nil
}

// Close gives the scope up to another.
func (i *Instance) Close() error {
	close(i.closed)
	err := i.listener.Close()
	i.serving.Wait()
	if gone := os.Remove(i.file); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return errors.Join(err, i.lock.Unlock())
}
