// Package server is the running program's face on loopback: the requests of
// editors that know PicGo, and the page, behind one guard.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"bilipaste/internal/lang"
	"bilipaste/internal/resident"
)

// Options are what the server is made with.
type Options struct {
	Thumbnails string // the folder for small pictures
	Marks      string // the folder for what is remembered of the page
	Version    string // of the program
	Log        *slog.Logger
}

// Server is the face. It is safe for concurrent use.
type Server struct {
	r       *resident.Resident
	options Options
	events  *resident.Listener
	handler http.Handler

	sessions sessions
	login    login
	thumbs   *thumbnails
	refused  refusals

	life context.Context // until Run's end
	end  context.CancelFunc

	mu      sync.Mutex
	editors *door // at the port of the settings; nil: closed
	page    *door // at a port of its own, where the settings have none; nil: closed
	tried   uint  // the port that was tried last

	busy chan bool // whether the user was told that another program has the port
}

// New returns the face of r.
func New(r *resident.Resident, o Options) *Server {
	s := &Server{r: r, options: o, events: r.Listen(), thumbs: newThumbnails(o.Thumbnails), busy: make(chan bool, 1)}
	s.life, s.end = context.WithCancel(context.Background())
	s.login.server = s
	s.handler = s.guard(s.routes())
	return s
}

// Listen opens the port of the settings. Run does so too; called before it, a
// port that cannot be had is an error: a lang.Teller.
func (s *Server) Listen(ctx context.Context) error {
	return s.listen(ctx, s.r.State().Settings.ServerPort)
}

// Run answers until ctx is done, and returns ctx's error. Where the port cannot
// be had, the user is told, and the program goes on without until it is free.
func (s *Server) Run(ctx context.Context) error {
	defer s.close()
	var parts sync.WaitGroup
	defer parts.Wait()
	parts.Go(func() { s.reclaim(ctx) })
	s.follow(ctx)
	return s.events.Run(ctx, func(e resident.Event) {
		if e == (resident.Event{}) {
			s.follow(ctx)
		}
	})
}

// follow opens and closes ports as the settings are by now.
func (s *Server) follow(ctx context.Context) {
	settings := s.r.State().Settings
	s.mu.Lock()
	editors, tried := s.editors, s.tried
	s.mu.Unlock()
	switch {
	case !settings.Server && (editors != nil || tried != 0):
		s.mu.Lock()
		s.editors, s.tried = nil, 0
		s.mu.Unlock()
		editors.close()
	case settings.Server && tried != settings.ServerPort:
		err := s.listen(ctx, settings.ServerPort)
		if err == nil {
			return
		}
		ours := errors.Is(err, errOurs) // of another session of the desktop, or of another user
		if ours {
			s.options.Log.Info("another bilipaste answers editors", "port", settings.ServerPort)
		} else {
			s.r.Tell("server.not_listening", err)
		}
		select {
		case <-s.busy: // of the port before
		default:
		}
		s.busy <- !ours
	}
}

// How long a port that another program has is left alone before it is tried
// again: it is when the user has just read who has it that it becomes free.
const (
	soonestReclaim = time.Second
	latestReclaim  = 30 * time.Second
)

// reclaim takes the port of the settings once the program that has it ends,
// until ctx is done. Trying is nothing that the other program would notice, and
// while the port is ours nothing is tried.
func (s *Server) reclaim(ctx context.Context) {
	var told bool
	var wait time.Duration
	var again <-chan time.Time // nil: the port is ours, or none is wanted
	for {
		select {
		case told = <-s.busy:
			wait = soonestReclaim
		case <-again:
			wait = min(2*wait, latestReclaim)
		case <-ctx.Done():
			return
		}
		port, err := s.take()
		again = nil
		switch {
		case err != nil:
			again = time.After(wait)
		case port != 0 && told:
			p := s.r.Language()
			s.r.Announce(p.Text("server.listening"), p.Text("server.listening.at", lang.Data{"Port": strconv.FormatUint(uint64(port), 10)}))
		}
	}
}

// take answers at the port of the settings if that is free, and returns it; 0
// says that there is nothing to be done.
func (s *Server) take() (port uint, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.editors != nil || s.tried == 0 {
		return 0, nil
	}
	s.editors, err = s.open(strconv.FormatUint(uint64(s.tried), 10))
	return s.tried, err
}

// listen answers at a port, and no longer at the one before.
func (s *Server) listen(ctx context.Context, port uint) error {
	s.mu.Lock()
	before := s.editors
	if before != nil && s.tried == port {
		s.mu.Unlock()
		return nil
	}
	s.editors, s.tried = nil, port
	s.mu.Unlock()
	before.close()
	d, err := s.open(strconv.FormatUint(uint64(port), 10))
	if err != nil {
		return busy(ctx, port, err)
	}
	s.mu.Lock()
	s.editors = d
	s.mu.Unlock()
	return nil
}

// Page returns the address of the page, with a token that lets one browser in,
// once. It is a secret until then. Where the settings have no server, or its
// port is another's, the page has a port of its own.
func (s *Server) Page() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.editors
	if at == nil {
		if s.page == nil {
			d, err := s.open("0")
			if err != nil {
				return "", notListening(err)
			}
			s.page = d
		}
		at = s.page
	}
	return (&url.URL{Scheme: "http", Host: at.address, Path: "/open", RawQuery: url.Values{"token": {s.sessions.token()}}.Encode()}).String(), nil
}

// close ends everything.
func (s *Server) close() {
	s.end()
	s.mu.Lock()
	editors, page := s.editors, s.page
	s.editors, s.page = nil, nil
	s.mu.Unlock()
	editors.close()
	page.close()
	s.login.cancel()
}

const (
	headLimit  = 10 * time.Second // until a request's head is there
	bodyLimit  = 2 * time.Minute  // until all of it is
	idleLimit  = 2 * time.Minute  // from one request to the next
	writeLimit = 30 * time.Second // until an answer that is ready was taken
	closeLimit = time.Second      // for requests under way when the program ends
	headBytes  = 64 << 10
)

// door is where the server answers: a port on 127.0.0.1 and, where the machine
// has it, on [::1].
type door struct {
	address string // 127.0.0.1:PORT
	server  *http.Server
	serving sync.WaitGroup
}

// open opens a door. Where there is no IPv6, 127.0.0.1 is enough.
func (s *Server) open(port string) (*door, error) {
	four, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, err
	}
	listeners := []net.Listener{four}
	_, port, _ = net.SplitHostPort(four.Addr().String())
	six, err := net.Listen("tcp6", net.JoinHostPort("::1", port))
	switch {
	case err == nil:
		listeners = append(listeners, six)
	case isBusy(err):
		_ = four.Close()
		return nil, err
	}
	d := &door{address: four.Addr().String(), server: &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: headLimit,
		ReadTimeout:       bodyLimit,
		IdleTimeout:       idleLimit,
		MaxHeaderBytes:    headBytes,
		ErrorLog:          slog.NewLogLogger(s.options.Log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return s.life },
	}}
	for _, l := range listeners {
		d.serving.Go(func() { _ = d.server.Serve(l) }) // it ends when it is closed
	}
	return d, nil
}

// close ends a door; nil is closed already.
func (d *door) close() {
	if d == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	if d.server.Shutdown(ctx) != nil {
		_ = d.server.Close()
	}
	d.serving.Wait()
}

// routes is what the server answers.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	s.editorRoutes(mux)
	s.pageRoutes(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "//") || strings.Contains(r.URL.Path, "/.") { // which the mux would answer with another address
			http.NotFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
