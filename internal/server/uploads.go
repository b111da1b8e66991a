package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/queue"
	"bilipaste/uploader"
)

// stage is a line of what becomes of an upload, for the page.
type stage struct {
	ID      int64         `json:"id,omitempty"`
	Stage   string        `json:"stage"`
	Sent    *int64        `json:"sent,omitempty"`
	Bytes   int64         `json:"bytes,omitempty"`
	Picture *stagePicture `json:"picture,omitempty"`
	Waits   bool          `json:"waits,omitempty"`
	Error   *fault.Told   `json:"error,omitempty"`
}

type stagePicture struct {
	Name      string   `json:"name"`
	URL       string   `json:"url"`
	Text      string   `json:"text"`
	Thumbnail string   `json:"thumbnail"`
	Known     bool     `json:"known"`
	Notes     []string `json:"notes"`
}

// stages sends the lines of an answer, as they come from several goroutines.
type stages struct {
	w   http.ResponseWriter
	mu  sync.Mutex
	out *json.Encoder // nil: the answer is over
}

func (s *Server) stages(w http.ResponseWriter) *stages {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	return &stages{w: w, out: json.NewEncoder(w)}
}

func (l *stages) send(line stage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out == nil {
		return
	}
	out := http.NewResponseController(l.w)
	_ = out.SetWriteDeadline(time.Now().Add(writeLimit))
	_ = l.out.Encode(line) // to a page that is still there
	_ = out.Flush()
}

// end ends the answer: what becomes of an upload is not told any more.
func (l *stages) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = nil
}

func (s *Server) uploadOne(w http.ResponseWriter, r *http.Request) (any, error) {
	query := r.URL.Query()
	to, err := s.r.Destination(query.Get("host"), query.Get("bucket"))
	if err != nil {
		return nil, bad(err)
	}
	p, err := picture.Read(query.Get("name"), http.MaxBytesReader(w, r.Body, picture.MaxSize+1), r.ContentLength)
	if err != nil {
		status := http.StatusBadRequest
		if fault.KindOf(err) == fault.TooLarge {
			status = http.StatusRequestEntityTooLarge
		}
		return nil, statusError{status, err}
	}
	lines := s.stages(w)
	defer lines.end()
	s.upload(r, lines, 0, queue.Request{Picture: p, To: to, Copied: time.Now()})
	return streamed{}, nil
}

// upload uploads one picture, and says what becomes of it. It goes on when the
// page is gone.
func (s *Server) upload(r *http.Request, lines *stages, id int64, request queue.Request) {
	p := s.r.Language()
	var mu sync.Mutex
	received, early := false, stage{} // it may be on its way to the host before
	request.Progress = progress(func(sent, bytes int64) {
		line := stage{ID: id, Stage: "sending", Sent: &sent, Bytes: bytes}
		mu.Lock()
		defer mu.Unlock()
		if !received {
			early = line
			return
		}
		lines.send(line)
	})
	job := s.r.Add(r.Context(), request)
	lines.send(stage{ID: id, Stage: "received", Bytes: int64(len(request.Picture.Data))})
	mu.Lock()
	received = true
	if early.Sent != nil {
		lines.send(early)
	}
	mu.Unlock()
	out, err := job.Wait(r.Context())
	if err == nil {
		err = out.Err
	}
	if err != nil {
		if errors.Is(err, queue.ErrStopped) {
			err = lang.Errorf("server.stopped", nil, err)
		}
		lines.send(stage{ID: id, Stage: "failed", Waits: out.Waits, Error: fault.Tell(p, err)})
		return
	}
	one := &stagePicture{
		Name: request.Picture.Name, URL: out.Link.URL, Text: s.written("", request.Picture.Name, out.Link),
		Thumbnail: thumbnailOf(request.Picture.Format, out.Sum.String()), Known: out.Link.Known, Notes: s.notes(out.Link),
	}
	lines.send(stage{ID: id, Stage: "done", Picture: one})
}

// notes are what the user has to know of a link.
func (s *Server) notes(link uploader.Link) []string {
	notes := []string{}
	for _, m := range link.Notes {
		notes = append(notes, s.r.Language().Say(m))
	}
	return notes
}

// progress tells of bytes that are sent, a few times a second.
func progress(tell func(sent, bytes int64)) func(sent, bytes int64) {
	var last time.Time
	return func(sent, bytes int64) {
		if now := time.Now(); sent == bytes || now.Sub(last) > 100*time.Millisecond {
			last = now
			tell(sent, bytes)
		}
	}
}

func (s *Server) uploadAgain(w http.ResponseWriter, r *http.Request) (any, error) {
	var asked chosen
	if err := read(w, r, &asked); err != nil {
		return nil, err
	}
	entries, err := s.entries(r, asked.IDs)
	if err != nil {
		return nil, err
	}
	to, err := s.r.Destination("", "")
	if err != nil {
		return nil, err
	}
	lines, p := s.stages(w), s.r.Language()
	defer lines.end()
	for _, e := range entries {
		file, err := s.r.Album().Original(r.Context(), e.Sum)
		var again picture.Picture
		if err == nil {
			again, err = picture.Open(file)
		}
		if err != nil {
			lines.send(stage{ID: e.ID, Stage: "failed", Error: fault.Tell(p, err)})
			continue
		}
		again.Name = e.Picture.Name
		s.upload(r, lines, e.ID, queue.Request{Picture: again, To: to, Copied: time.Now(), Again: true})
	}
	return streamed{}, nil
}
