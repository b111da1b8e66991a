// Package sandbox is a stand-in of the picture hosts on loopback: to try the
// program with no account and no network, and to test it. It is as strict as
// what is known of the real hosts allows, so that a client that passes here
// would have worked there.
//
// It is a gateway: a request for https://HOST/PATH arrives as /HOST/PATH.
package sandbox

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The one account of the sandbox. Its values have the real ones' shape.
const (
	SESSDATA = "5a6b7c8d%2C4102444800%2C9e0f1%2Ab2" // in wire form
	BiliJct  = "a1b2c3d4e5f60718293a4b5c6d7e8f90"
	Mid      = 10010086
	Uname    = "沙盒用户"
)

const (
	keptPictures = 200 << 20 // bytes
	keptRequests = 1000
)

// Server is the stand-in. It is an http.Handler, and can also listen by
// itself. It is safe for concurrent use.
type Server struct {
	mux http.Handler

	mu sync.Mutex
	accounts
	dynamics
	pictures map[string]*picture // by their path
	order    []*picture          // oldest first
	size     int
	requests []*Request
	odd      Odd
	times    int // that the oddity still plays, -1 without end
	delay    time.Duration
	ahead    time.Duration // of the real time
	scdn     scdn

	server *http.Server
	url    string
	served sync.WaitGroup
}

// picture is an uploaded picture.
type picture struct {
	host, path, mediaType, sum string
	expires                    time.Time // zero: never
	data                       []byte
}

// Request is a request that arrived, for tests to look at.
type Request struct {
	Method string
	Host   string // the real host that was meant
	Path   string
	Header http.Header
	Length int64             // as Content-Length said, -1 if it did not
	At     time.Time         // when it began
	Fields []string          // an upload's form fields, in their order
	Values map[string]string // and what they held, but for the file's
	File   string            // an upload's file name
	Bucket string            // an upload's bucket
}

// New returns a stand-in that plays no oddity.
func New() *Server {
	s := &Server{pictures: map[string]*picture{}, accounts: newAccounts(), dynamics: dynamics{votes: map[int64]string{}}}
	s.scdn = scdn{requests: map[string][]time.Time{}, short: 5, long: 120}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", s.index)
	mux.HandleFunc("/api.bilibili.com/x/upload/web/image", s.bilibili(http.MethodPost, s.upload))
	mux.HandleFunc("/api.bilibili.com/x/dynamic/feed/draw/upload_bfs", s.bilibili(http.MethodPost, s.draw))
	mux.HandleFunc("/api.bilibili.com/x/web-interface/nav", s.bilibili(http.MethodGet, s.nav))
	for _, host := range []string{"i0.hdslb.com", "i1.hdslb.com", "i2.hdslb.com", "archive.biliimg.com", "article.biliimg.com"} {
		mux.HandleFunc("/"+host+"/bfs/", s.image)
	}
	s.routePassport(mux)
	s.routeDynamics(mux)
	mux.HandleFunc("/img.scdn.io/api/v1.php", s.scdnAPI)
	for _, host := range scdnDomains {
		mux.HandleFunc("/"+host+"/i/", s.scdnImage)
		mux.HandleFunc("/"+host+"/p/", s.scdnImage)
	}
	s.mux = mux
	return s
}

// recordKey is the key of a request's own *Request in its context.
type recordKey struct{}

// header is in every answer: it tells a Gateway that a browser finds the
// pictures here.
const header = "Bilipaste-Sandbox"

// ServeHTTP answers for every host.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(header, "1")
	host, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if host != "" {
		record := &Request{
			Method: r.Method, Host: host, Path: "/" + path, Header: r.Header.Clone(), Length: r.ContentLength, At: time.Now(),
		}
		s.record(record)
		r = r.WithContext(context.WithValue(r.Context(), recordKey{}, record))
	}
	s.mux.ServeHTTP(w, r)
}

// Start listens on address, such as "127.0.0.1:0", and serves until Close.
func (s *Server) Start(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	s.url = "http://" + listener.Addr().String()
	s.server = &http.Server{Handler: http.HandlerFunc(s.local), ReadHeaderTimeout: 10 * time.Second}
	s.served.Go(func() { _ = s.server.Serve(listener) }) // it returns when Close asks it to
	return nil
}

// local answers who asked for this machine. A web page whose own name leads
// here would otherwise read and use all that the stand-in knows.
func (s *Server) local(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	if !isLoopback(host) {
		http.Error(w, "this machine is asked for by another name", http.StatusMisdirectedRequest)
		return
	}
	s.ServeHTTP(w, r)
}

// URL returns the address of the index page, which is also the gateway's,
// such as "http://127.0.0.1:41234".
func (s *Server) URL() string { return s.url }

// Close stops listening, after a second for requests on their way, and waits
// for what Start began.
func (s *Server) Close() error {
	if s.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.server.Close()
	}
	s.served.Wait()
	return err
}

// Play makes the next uploads odd, as many as times says; 0 means all of them.
func (s *Server) Play(odd Odd, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.odd, s.times = odd, times; times <= 0 {
		s.times = -1
	}
}

// Delay makes every answer to an upload come this late.
func (s *Server) Delay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// Advance moves the stand-in's time forward: windows open, links expire.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

// Now returns the stand-in's time.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

func (s *Server) now() time.Time { return time.Now().Add(s.ahead) }

// oddity returns what a call of that kind has to play.
func (s *Server) oddity(of kind) (Odd, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.times == 0 || s.odd.kind() != of {
		return "", s.delay
	}
	if s.times > 0 {
		s.times--
	}
	return s.odd, s.delay
}

// Requests returns the last 1000 requests, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Request, len(s.requests))
	for i, r := range s.requests {
		all[i] = *r
	}
	return all
}

func (s *Server) record(r *Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) == keptRequests {
		s.requests = slices.Delete(s.requests, 0, keptRequests/10)
	}
	s.requests = append(s.requests, r)
}

// store keeps a picture, and forgets the oldest past keptPictures.
func (s *Server) store(p *picture) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pictures[p.path] != nil {
		return
	}
	s.pictures[p.path] = p
	s.order = append(s.order, p)
	for s.size += len(p.data); s.size > keptPictures; {
		oldest := s.order[0]
		s.size -= len(oldest.data)
		s.order[0] = nil
		s.order = s.order[1:]
		delete(s.pictures, oldest.path)
	}
}

// Lose forgets the picture of a link, as hosts do now and then.
func (s *Server) Lose(link string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path, p := range s.pictures {
		if strings.HasSuffix(link, path) {
			delete(s.pictures, path)
			s.order = slices.DeleteFunc(s.order, func(other *picture) bool { return other == p })
			s.size -= len(p.data)
		}
	}
}

func (s *Server) find(path string) *picture {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pictures[path]
	if p != nil && !p.expires.IsZero() && s.now().After(p.expires) {
		return nil
	}
	return p
}
