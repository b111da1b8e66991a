// Package server is the running program's face on loopback: what editors ask of
// PicGo under the address that they know, and the page.
package server

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"bilipaste/internal/config"
	"bilipaste/internal/lang"
	"bilipaste/internal/resident"
)

const (
	maxBody     = 64 << 20 // of a request, in bytes
	headerLimit = 10 * time.Second
	bodyLimit   = 2 * time.Minute // for a body to come
	idleLimit   = 2 * time.Minute
	endLimit    = time.Second // for answers under way when the program ends
	maxSaid     = 100         // refusals that the log tells of
)

// Server is the face. It is safe for concurrent use.
type Server struct {
	r      *resident.Resident
	log    *slog.Logger
	events *resident.Listener
	tell   bool // the user of why it cannot listen, by a notification

	mu   sync.Mutex
	said map[string]bool
	bad  error // why it does not listen
}

// New returns the server of r. With notify the user is told by a notification
// where it cannot listen.
func New(r *resident.Resident, log *slog.Logger, notify bool) *Server {
	return &Server{r: r, log: log, events: r.Listen(), tell: notify, said: map[string]bool{}}
}

// Run serves on 127.0.0.1 and [::1] while the settings say so, until ctx is done,
// and returns ctx's error.
func (s *Server) Run(ctx context.Context) error {
	changed := make(chan struct{}, 1)
	var listening sync.WaitGroup
	defer listening.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	listening.Go(func() {
		_ = s.events.Run(ctx, func(resident.Event) {
			select {
			case changed <- struct{}{}:
			default:
			}
		})
	})
	for {
		now := at(s.settings())
		serving, stop := context.WithCancel(ctx)
		var ended sync.WaitGroup
		if now.on {
			ended.Go(func() { s.failed(s.serve(serving, now.port)) })
		}
		for ctx.Err() == nil && at(s.settings()) == now {
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
		stop()
		ended.Wait()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// place is what the settings say of where it listens.
type place struct {
	on   bool
	port int
}

func at(c config.Config) place { return place{c.Server, c.ServerPort} }

func (s *Server) settings() config.Config { return s.r.State().Settings }

// failed notes why it does not listen, and tells the user.
func (s *Server) failed(err error) {
	s.mu.Lock()
	s.bad = err
	s.mu.Unlock()
	if err == nil {
		return
	}
	s.log.Warn("editors and the page cannot reach bilipaste", "error", err)
	if s.tell {
		s.r.Tell("server.not_listening", err)
	}
}

// serve serves until ctx is done, and then returns nil. The error is a
// lang.Teller: the port is taken.
func (s *Server) serve(ctx context.Context, port int) error {
	var listeners []net.Listener
	for _, host := range []string{"127.0.0.1", "::1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		switch {
		case err == nil:
			listeners = append(listeners, l)
		case host == "::1" && len(listeners) > 0: // there may be no IPv6 on this machine
		default:
			return busy(ctx, port, err)
		}
	}
	server := &http.Server{
		Handler: s.Handler(), ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: headerLimit, ReadTimeout: bodyLimit, IdleTimeout: idleLimit, MaxHeaderBytes: 32 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	var serving sync.WaitGroup
	for _, l := range listeners {
		serving.Go(func() { _ = server.Serve(l) })
	}
	<-ctx.Done()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	if server.Shutdown(end) != nil {
		_ = server.Close()
	}
	serving.Wait()
	return nil
}

// busy says why the port cannot be had: who answers there as PicGo does has it.
func busy(ctx context.Context, port int, cause error) error {
	data := lang.Data{"Port": port, "Cause": cause}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	address := "http://127.0.0.1:" + strconv.Itoa(port) + "/heartbeat"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
	if err != nil {
		return err
	}
	if resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req); err == nil {
		defer resp.Body.Close()
		var alive struct {
			Success bool
			Result  string
			App     string
		}
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		switch {
		case json.Unmarshal(body, &alive) != nil || !alive.Success || alive.Result != "alive":
		case alive.App == heartbeatApp:
			return lang.Errorf("server.ours", data, cause)
		default:
			return lang.Errorf("server.picgo", data, cause)
		}
	}
	return lang.Errorf("server.busy", data, cause)
}

// Handler answers requests, behind the guard.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	s.picgo(mux)
	return s.guard(mux)
}

// first tells whether something is said for the first time.
func (s *Server) first(what string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.said[what] || len(s.said) >= maxSaid {
		return false
	}
	s.said[what] = true
	return true
}
