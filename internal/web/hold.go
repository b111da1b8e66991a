package web

import "context"

type holdKey struct{}

// tail is how much of a body is held back. What is smaller is held back whole.
const tail = 64 << 10

// Hold returns a context whose requests do not send the end of their body, and
// no picture that fits into 64 kB, before ready has returned nil. Ready waits,
// until ctx is done; its error is the body's.
func Hold(ctx context.Context, ready func(context.Context) error) context.Context {
	return context.WithValue(ctx, holdKey{}, ready)
}

// Await waits as Hold says, and at once returns nil where ctx is none of Hold's.
func Await(ctx context.Context) error {
	if ready, ok := ctx.Value(holdKey{}).(func(context.Context) error); ok {
		return ready(ctx)
	}
	return nil
}

type toldKey struct{}

// Tell returns a context whose requests tell how many bytes of their body are
// sent, of how many; from 0 again if one is sent once more. It must be quick.
func Tell(ctx context.Context, sent func(sent, of int64)) context.Context {
	return context.WithValue(ctx, toldKey{}, sent)
}

// told returns who is told as Tell says, nil where nobody is.
func told(ctx context.Context) func(sent, of int64) {
	tell, _ := ctx.Value(toldKey{}).(func(sent, of int64))
	return tell
}
