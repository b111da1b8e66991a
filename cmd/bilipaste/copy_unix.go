//go:build unix && !darwin

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"github.com/spf13/cobra"
)

// What is on the clipboard lives here in the program that has put it there. So
// a command that copies leaves a process behind that holds the text until
// something else is copied, as other programs of the terminal do.

// held is what that process says once the text is on the clipboard.
const held = "held\n"

// copyText puts a text on the clipboard, where it stays after the program's end.
func (c *cli) copyText(ctx context.Context, text string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	holder := exec.Command(program, "hold", "--config", c.app.Source.File) // it outlives ctx
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
	said, err := await(ctx, func() ([]byte, error) { return io.ReadAll(heard) })
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), holder.Process.Kill(), holder.Wait())
	}
	if err == nil && string(said) == held {
		return holder.Process.Release()
	}
	_, _ = c.err.Write(said) // in the user's language
	return told{errors.Join(err, holder.Wait(), errors.New("the clipboard was not written"))}
}

func (c *cli) holdCommands() []*cobra.Command {
	hold := &cobra.Command{Use: "hold", Hidden: true, Args: args(0, 0)}
	hold.RunE = func(cmd *cobra.Command, _ []string) error { return c.hold(cmd.Context()) }
	return []*cobra.Command{hold}
}

// hold puts its input on the clipboard and stays until something else is copied.
func (c *cli) hold(ctx context.Context) (err error) {
	text, err := io.ReadAll(c.in)
	if err != nil {
		return err
	}
	clipboard, err := c.app.Clipboard(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clipboard.Close()) }()
	return clipboard.Hold(ctx, string(text), func() {
		fmt.Fprint(c.out, held)
		_, _ = os.Stdout.Close(), os.Stderr.Close() // whoever waits for their end need not
	})
}
