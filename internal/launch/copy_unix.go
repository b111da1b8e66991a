//go:build unix && !darwin

package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"bilipaste/internal/app"
)

// What is on the clipboard lives here in the program that has put it there. So
// a command that copies leaves a process behind that holds the text until
// something else is copied, as other programs of the terminal do.

// HoldCommand is the hidden command of that process; its text is its input.
const HoldCommand = "hold"

// held is what the process says once the text is on the clipboard.
const held = "held\n"

// Copy puts a text on the clipboard, where it stays after the program's end.
// Where that fails the user is told on errOut, and the error is ErrTold.
func Copy(ctx context.Context, a *app.App, errOut io.Writer, text string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	holder := exec.Command(program, HoldCommand, "--config", a.Source.File) // it outlives ctx
	holder.Args[0] = os.Args[0]
	holder.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // and the terminal
	in, err := holder.StdinPipe()
	if err != nil {
		return err
	}
	heard, says, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = heard.Close() }()
	holder.Stdout, holder.Stderr = says, says
	err = holder.Start()
	_ = says.Close()
	if err != nil {
		return err
	}
	_, err = io.WriteString(in, text)
	if err = errors.Join(err, in.Close()); err != nil {
		return errors.Join(err, holder.Process.Kill(), holder.Wait())
	}
	stop := context.AfterFunc(ctx, func() { _ = holder.Process.Kill() })
	said, err := io.ReadAll(heard)
	if !stop() {
		return errors.Join(ctx.Err(), holder.Wait())
	}
	if err == nil && string(said) == held {
		return holder.Process.Release()
	}
	_, _ = errOut.Write(said) // in the user's language
	return errors.Join(ErrTold, err, holder.Wait())
}

// Hold puts what in holds on the clipboard, says so on out, and stays until
// something else is copied.
func Hold(ctx context.Context, a *app.App, in io.Reader, out io.Writer) (err error) {
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	clipboard, err := a.Clipboard(ctx, app.NoTexts, nil, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clipboard.Close()) }()
	return clipboard.Hold(ctx, string(text), func() {
		fmt.Fprint(out, held)
		_, _ = os.Stdout.Close(), os.Stderr.Close() // whoever waits for their end need not
	})
}
