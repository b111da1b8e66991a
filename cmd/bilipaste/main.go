// Command bilipaste turns copied pictures into links that can be pasted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"bilipaste/uploader"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

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
	a := newApp(args, in, out, errOut)
	defer a.close()
	root := a.rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch _, silent := errors.AsType[told](err); {
	case err == nil:
		return exitDone
	case ctx.Err() != nil:
		return exitInterrupted
	case !silent:
		a.complain(err)
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	switch uploader.KindOf(err) {
	case uploader.NotLoggedIn:
		return exitNotLoggedIn
	case uploader.Refused:
		return exitRefused
	}
	return exitFailed
}

// told is an error that the user was told of where it happened.
type told struct{ error }

func (t told) Unwrap() error { return t.error }

// usageError is an error in how the program was called.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// complain tells the user of err, and what to do about it.
func (a *app) complain(err error) {
	what, hint := a.say.Error(err)
	fmt.Fprintf(a.err, "bilipaste: %s\n", what)
	if hint != "" {
		fmt.Fprintf(a.err, "%s: %s\n", a.say.Text("cli.hint"), hint)
	}
}
