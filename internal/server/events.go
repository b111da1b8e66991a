package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"bilipaste/internal/fault"
	"bilipaste/internal/resident"
)

// stamp is the time now, as JSON has it.
func stamp() string { return time.Now().Format(time.RFC3339) }

// notice is an event "uploaded" or "told".
type notice struct {
	Time      string      `json:"time"`
	Title     string      `json:"title,omitempty"`
	Body      string      `json:"body,omitempty"`
	Name      string      `json:"name,omitempty"`
	URL       string      `json:"url,omitempty"`
	Thumbnail string      `json:"thumbnail,omitempty"`
	Waits     bool        `json:"waits,omitempty"`
	Error     *fault.Told `json:"error,omitempty"`
}

// streamEvents tells a page what happens until it goes. While nothing happens
// nothing is sent.
func (s *Server) streamEvents(w http.ResponseWriter, r *http.Request) (any, error) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // else the server ends the request with its time for a body
	send := func(event string, value any) {
		data, err := json.Marshal(value)
		if err != nil {
			return
		}
		_ = out.SetWriteDeadline(time.Now().Add(writeLimit))
		_, _ = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, data) // a page that is gone ends the request
		_ = out.Flush()
	}
	events := s.r.Listen()
	steps, leave := s.login.follow()
	defer leave()
	send("state", s.state())
	heard := make(chan resident.Event)
	go func() {
		_ = events.Run(r.Context(), func(e resident.Event) {
			select {
			case heard <- e:
			case <-r.Context().Done():
			}
		})
	}()
	for {
		select {
		case e := <-heard:
			s.tell(send, e)
		case <-steps:
			send("login", s.login.now())
		case <-r.Context().Done():
			return streamed{}, nil
		}
	}
}

func (s *Server) tell(send func(string, any), e resident.Event) {
	p := s.r.Language()
	switch {
	case e.Clip != nil:
		send("clip", s.clip(*e.Clip))
	case e.Uploaded != nil:
		u := e.Uploaded
		send("uploaded", notice{
			Time: stamp(), Name: u.Entry.Picture.Name, URL: u.Link.URL, Thumbnail: thumbnailOf(u.Entry.Picture.Format, u.Entry.Sum.String()),
			Waits: u.Waits, Error: fault.Tell(p, u.Err),
		})
	case e.Told != nil:
		send("told", notice{Time: stamp(), Title: e.Told.Title, Body: e.Told.Body, Error: fault.Tell(p, e.Told.Err)})
	default:
		send("state", s.state())
	}
}
