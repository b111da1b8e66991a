// Command bilipaste turns copied pictures into links that can be pasted.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"bilipaste/internal/desktop"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/launch"
	"bilipaste/internal/memory"
)

func main() {
	memory.Bound()
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, func() {
		stop() // a second signal ends the program at once
		time.AfterFunc(longestEnd, func() { os.Exit(exitInterrupted) })
	})
	errOut, end := desktop.Messages()
	status := run(ctx, arguments(os.Args), os.Stdin, os.Stdout, errOut)
	end(status != exitDone && status != exitInterrupted)
	os.Exit(status)
}

// longestEnd is how long the program may take to end after a signal.
const longestEnd = 2 * time.Second

// The exit statuses.
const (
	exitDone        = 0
	exitFailed      = 1 // something failed; what succeeded is printed
	exitUsage       = 2
	exitNotLoggedIn = 3
	exitRefused     = 4 // the host refuses for now
	exitInterrupted = 130
)

// run is the program: it does what args say, tells the user of an error, and
// returns the exit status.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	results := &output{to: out}
	c := newCLI(args, in, results, errOut)
	defer func() { _ = c.app.Close() }()
	root := c.rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	lost := results.failed()
	switch {
	case err == nil && lost != nil:
		err = lang.Errorf("cli.no_output", lang.Data{"Cause": lost}, lost)
		c.complain(err)
	case err == nil:
		return exitDone
	case ctx.Err() != nil:
		return exitInterrupted
	case !errors.Is(err, launch.ErrTold):
		c.complain(err)
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	switch fault.KindOf(err) {
	case fault.NotLoggedIn:
		return exitNotLoggedIn
	case fault.Refused:
		return exitRefused
	}
	return exitFailed
}

// output is standard output; it remembers what could not be written. It is safe
// for concurrent use.
type output struct {
	to io.Writer

	mu  sync.Mutex
	err error
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.to.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// failed returns the first error.
func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// await runs a task that may wait for input, and leaves it alone once ctx is done.
func await[T any](ctx context.Context, task func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := task()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// told is an error that the user was told of where it happened.
type told struct{ error }

func (t told) Unwrap() error { return t.error }

func (t told) Is(target error) bool { return target == launch.ErrTold }

// usageError is an error in how the program was called.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }
