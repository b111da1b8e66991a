package control

import (
	"bufio"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"bilipaste/internal/fault"

	"github.com/gofrs/flock"
)

// Verb is what can be asked of the running program.
type Verb string

// The requests.
const (
	Show    Verb = "show"     // tell the user that it runs, or leave if its desktop has ended
	Writing Verb = "writing"  // writing mode: Value is "on", "off", "toggle" or "status"
	Now     Verb = "now"      // upload what is on the clipboard
	Upload  Verb = "upload"   // upload what is on the clipboard, which stays as it is; all links or none
	PutBack Verb = "put-back" // undo the last replacement
	Open    Verb = "open"     // say where the page is
)

// Request is one request.
type Request struct {
	Do    Verb   `json:"do"`
	Value string `json:"value,omitempty"`
}

// Answer is what became of a request.
type Answer struct {
	Writing bool        `json:"writing"`         // writing mode is on
	Links   []Link      `json:"links,omitempty"` // Now, Upload: those that were made
	Left    bool        `json:"left,omitempty"`  // Show: it ends
	Page    string      `json:"page,omitempty"`  // Open: its address, which lets one browser in, once
	Error   *fault.Told `json:"error,omitempty"` // in the user's language
}

// Link is where an uploaded picture is.
type Link struct {
	URL    string `json:"url"`
	Name   string `json:"name,omitempty"` // the picture's
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"` // pixels
}

// The conversation, a line each: the client says the token, the instance
// greets; the client says its request, the instance its answer. Whoever does not
// know the token gets no answer.
const (
	greeting = "bilipaste\n"

	tokenWait    = time.Second     // for the token and the request of a client
	greetingWait = 3 * time.Second // for an instance, also if it has only just begun
	longest      = 64 << 10        // bytes of a request
)

// exchange is a request and where its answer goes.
type exchange struct {
	request Request
	answer  chan<- Answer
}

// converse talks with one client.
func (i *Instance) converse(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(tokenWait))
	said := make([]byte, len(i.token)+1)
	if _, err := io.ReadFull(conn, said); err != nil {
		return
	}
	if subtle.ConstantTimeCompare(said, []byte(i.token+"\n")) == 0 {
		return
	}
	if _, err := io.WriteString(conn, greeting); err != nil {
		return
	}
	var request Request
	if json.NewDecoder(io.LimitReader(conn, longest)).Decode(&request) != nil {
		return
	}
	answer := make(chan Answer, 1)
	select {
	case i.requests <- exchange{request, answer}:
	case <-i.closed:
		return
	}
	reply := func(a Answer) {
		_ = conn.SetDeadline(time.Now().Add(tokenWait))
		_ = json.NewEncoder(conn).Encode(a) // a client that is gone needs none
	}
	select {
	case a := <-answer:
		reply(a)
	case <-i.closed:
		select {
		case a := <-answer: // that it leaves
			reply(a)
		default:
		}
	}
}

// Serve passes each request to do until ctx is done, and returns ctx's error
// when all of them have ended. Several may run at once.
func (i *Instance) Serve(ctx context.Context, do func(context.Context, Request) Answer) error {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case e := <-i.requests:
			running.Go(func() { e.answer <- do(ctx, e.request) })
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Ask asks the running program of a scope. The error is ErrNotRunning
// where there is none; one that does not answer is ErrRunning, and so is one
// that ends before it has answered.
func Ask(ctx context.Context, at Scope, r Request) (Answer, error) {
	at = at.running()
	greeted, cancel := context.WithTimeout(ctx, greetingWait)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		conn, answers, err := call(greeted, at.address())
		if err == nil {
			defer func() { _ = conn.Close() }()
			return request(ctx, conn, answers, r)
		}
		if !at.isClaimed() {
			return Answer{}, ErrNotRunning
		}
		select {
		case <-again.C: // the address may be another's that has ended, or not be there yet
		case <-greeted.Done():
			if ctx.Err() != nil {
				return Answer{}, ctx.Err()
			}
			return Answer{}, fmt.Errorf("%w, and does not answer: %w", ErrRunning, err)
		}
	}
}

// isClaimed tells whether an instance holds the lock.
func (at Scope) isClaimed() bool {
	if _, err := os.Stat(at.lock()); err != nil {
		return false
	}
	lock := flock.New(at.lock(), flock.SetPermissions(0o600))
	free, err := lock.TryRLock()
	if free {
		_ = lock.Unlock()
	}
	return err == nil && !free
}

// call returns a connection to the instance of that address, which has greeted.
func call(ctx context.Context, file string) (net.Conn, *bufio.Reader, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	var a address
	if err := json.Unmarshal(data, &a); err != nil {
		return nil, nil, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(a.Port)))
	if err != nil {
		return nil, nil, err
	}
	if end, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(end)
	}
	answers := bufio.NewReader(conn)
	if _, err = io.WriteString(conn, a.Token+"\n"); err == nil {
		var said string
		if said, err = answers.ReadString('\n'); said != greeting && err == nil {
			err = errors.New("another program answers")
		}
	}
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, answers, nil
}

// request says a request and waits for its answer, for as long as that takes.
func request(ctx context.Context, conn net.Conn, answers *bufio.Reader, r Request) (a Answer, err error) {
	_ = conn.SetDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err = json.NewEncoder(conn).Encode(r); err == nil {
		err = json.NewDecoder(answers).Decode(&a)
	}
	switch {
	case ctx.Err() != nil:
		return Answer{}, ctx.Err()
	case err != nil:
		return Answer{}, fmt.Errorf("%w, and gave no answer: %w", ErrRunning, err)
	}
	return a, nil
}
