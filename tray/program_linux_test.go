package tray

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"bilipaste/internal/desktoptest"
	"bilipaste/internal/lang"
)

// The icon is that of a process, on the bus of its environment: each test has a
// program of its own, this binary.
const programEnv = "BILIPASTE_TRAY_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(programEnv) != "" {
		os.Exit(program())
	}
	os.Exit(m.Run())
}

// order is a line that the program reads.
type order struct {
	State    *State `json:",omitempty"` // to show, in Language, and with Err if Problem is set
	Language string `json:",omitempty"`
	Problem  string `json:",omitempty"`
	Hold     bool   `json:",omitempty"` // the next action's callback waits for
	Release  bool   `json:",omitempty"`
}

// event is a line that the program prints.
type event struct {
	Started bool // signals are heeded
	Action  Action
	Notice  string
	Hint    string
}

func program() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	p := lang.New(lang.English)
	var print sync.Mutex
	say := func(e event) {
		print.Lock()
		defer print.Unlock()
		_ = json.NewEncoder(os.Stdout).Encode(e)
	}
	var hold sync.Mutex
	t := New(
		func(a Action) {
			say(event{Action: a})
			hold.Lock()
			defer hold.Unlock()
		},
		func(err error) {
			what, hint := p.Error(err)
			say(event{Notice: what, Hint: hint})
		})
	if d, err := time.ParseDuration(os.Getenv(programEnv)); err == nil {
		t.patience = d
	}
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			var o order
			if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
				panic(err)
			}
			if o.State != nil {
				o.State.Language = lang.New(o.Language)
				if o.Problem != "" {
					o.State.Err = errors.New(o.Problem)
				}
				t.Show(*o.State)
			}
			if o.Hold {
				hold.Lock()
			}
			if o.Release {
				hold.Unlock()
			}
		}
	}()
	say(event{Started: true})
	err := t.Run(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled):
		return 3
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// How a program ended.
const (
	quitChosen = 0
	cancelled  = 3
)

// running is a started program.
type running struct {
	t      *testing.T
	cmd    *exec.Cmd
	stderr bytes.Buffer
	orders *json.Encoder
	events chan event
}

// start starts the program with a patience.
func start(t *testing.T, patience string) *running {
	t.Helper()
	r := &running{t: t, cmd: exec.Command(os.Args[0]), events: make(chan event, 1000)}
	r.cmd.Env = append(os.Environ(), programEnv+"="+patience, "GORACE=exitcode=0 atexit_sleep_ms=0")
	r.cmd.Stderr = &r.stderr
	in, err := r.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.orders = json.NewEncoder(in)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(r.events)
		for lines := json.NewDecoder(out); ; {
			var e event
			if lines.Decode(&e) != nil {
				return
			}
			r.events <- e
		}
	})
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		reading.Wait()
		_ = r.cmd.Wait()
		r.checkErrors()
	})
	if e := r.next(); !e.Started {
		t.Fatalf("at the start: %+v", e)
	}
	return r
}

// order sends a line.
func (r *running) order(o order) {
	r.t.Helper()
	if err := r.orders.Encode(o); err != nil {
		r.t.Fatal(err)
	}
}

// show has the program show a state in English.
func (r *running) show(s State) {
	r.t.Helper()
	r.order(order{State: &s, Language: lang.English})
}

// next returns the next line that the program prints.
func (r *running) next() event {
	r.t.Helper()
	select {
	case e, ok := <-r.events:
		if !ok {
			r.t.Fatal("the program has ended")
		}
		return e
	case <-time.After(20 * time.Second):
		r.t.Fatal("the program says nothing")
	}
	panic("unreachable")
}

// wants fails the test unless the next lines are these actions.
func (r *running) wants(actions ...Action) {
	r.t.Helper()
	for _, want := range actions {
		if got := r.next(); got != (event{Action: want}) {
			r.t.Fatalf("got %+v, want %+v", got, want)
		}
	}
}

// terminate ends the program.
func (r *running) terminate() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
}

// ended waits for the program's end and fails the test unless it is this one,
// with nothing more said.
func (r *running) ended(status int) {
	r.t.Helper()
	late := time.AfterFunc(20*time.Second, func() { _ = r.cmd.Process.Kill() })
	defer late.Stop()
	for e := range r.events {
		r.t.Errorf("at the end: %+v", e)
	}
	_ = r.cmd.Wait()
	if got := r.cmd.ProcessState.ExitCode(); got != status {
		r.t.Fatalf("it ended with %d, want %d", got, status)
	}
}

// checkErrors fails the test if the program panicked or raced.
func (r *running) checkErrors() {
	for _, fault := range desktoptest.Faults(r.stderr.String()) {
		r.t.Errorf("the program says: %s", fault)
	}
	if r.t.Failed() {
		r.t.Logf("the program's stderr: %.2000s", r.stderr.String())
	}
}
