package server

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"bilipaste/internal/account"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/qr"
)

// The steps of a login that the account does not tell.
const (
	stepNone      = "none"
	stepStarting  = "starting"
	stepDone      = "done"
	stepFailed    = "failed"
	stepCancelled = "cancelled"
)

// step is how far a login is.
type step struct {
	Step    string      `json:"step"`
	Code    string      `json:"code,omitempty"`
	Until   *time.Time  `json:"until,omitempty"`
	Account string      `json:"account,omitempty"`
	Error   *fault.Told `json:"error,omitempty"`
}

// unseen is how long a login goes on while no page looks at it.
const unseen = 30 * time.Second

// login is the login that was begun in the page.
type login struct {
	server *Server

	mu       sync.Mutex
	step     step
	code     string // a secret, but for whoever looks at the page
	codes    int
	stop     context.CancelFunc // nil: none is under way
	running  sync.WaitGroup
	watchers map[chan struct{}]bool
	alone    *time.Timer // ends a login that nobody looks at
}

// follow returns what gets a token whenever there is a step to look at, and ends that.
func (l *login) follow() (steps <-chan struct{}, leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := make(chan struct{}, 1)
	if l.stop != nil {
		c <- struct{}{}
	}
	if l.watchers == nil {
		l.watchers = map[chan struct{}]bool{}
	}
	l.watchers[c] = true
	if l.alone != nil {
		l.alone.Stop()
		l.alone = nil
	}
	return c, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.watchers, c)
		l.watch()
	}
}

// watch sees to it that a login ends which nobody looks at. l.mu is held.
func (l *login) watch() {
	if len(l.watchers) == 0 && l.stop != nil && l.alone == nil {
		l.alone = time.AfterFunc(unseen, l.cancel)
	}
}

func (l *login) now() step {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.step.Step == "" {
		return step{Step: stepNone}
	}
	return l.step
}

// tell notes a step. l.mu is held.
func (l *login) tell(next step) {
	l.step = next
	if next.Code == "" {
		l.code = ""
	}
	for c := range l.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// start begins a login, unless one is under way.
func (l *login) start() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stop != nil || l.server.r.State().SigningIn {
		return false
	}
	var ctx context.Context
	ctx, l.stop = context.WithCancel(l.server.life)
	l.tell(step{Step: stepStarting})
	l.watch()
	l.running.Go(func() { l.run(ctx) })
	return true
}

func (l *login) run(ctx context.Context) {
	err := l.server.r.LogIn(ctx, func(s account.LoginStep) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		next := step{Step: string(s.State)}
		if s.State == account.LoginWaiting {
			l.codes++
			l.code = s.Code
			next.Code, next.Until = "/api/login/code?n="+strconv.Itoa(l.codes), &s.Until
		}
		l.tell(next)
		return nil
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	cancelled := ctx.Err() != nil
	l.stop()
	l.stop = nil
	if l.alone != nil {
		l.alone.Stop()
		l.alone = nil
	}
	switch {
	case cancelled:
		l.tell(step{Step: stepCancelled})
	case err != nil:
		l.tell(step{Step: stepFailed, Error: fault.Tell(l.server.r.Language(), err)})
	default:
		l.tell(step{Step: stepDone, Account: l.server.r.State().Account})
	}
}

// cancel ends the login that is under way, and waits for that.
func (l *login) cancel() {
	l.mu.Lock()
	if l.stop != nil {
		l.stop()
	}
	l.mu.Unlock()
	l.running.Wait()
}

func (s *Server) getLogin(http.ResponseWriter, *http.Request) (any, error) { return s.login.now(), nil }

func (s *Server) startLogin(w http.ResponseWriter, r *http.Request) (any, error) {
	if err := read(w, r, &struct{}{}); err != nil {
		return nil, err
	}
	if !s.login.start() {
		return nil, lang.Errorf("server.signing_in", nil, nil)
	}
	return nil, nil
}

func (s *Server) cancelLogin(w http.ResponseWriter, r *http.Request) (any, error) {
	if err := read(w, r, &struct{}{}); err != nil {
		return nil, err
	}
	s.login.cancel()
	return nil, nil
}

func (s *Server) loginCode(w http.ResponseWriter, _ *http.Request) (any, error) {
	s.login.mu.Lock()
	code := s.login.code
	s.login.mu.Unlock()
	if code == "" {
		return nil, notFound()
	}
	var picture bytes.Buffer
	if err := qr.SVG(&picture, code); err != nil {
		return nil, err
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	_, _ = w.Write(picture.Bytes())
	return streamed{}, nil
}
