package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"bilipaste/internal/account"
	"bilipaste/internal/lang"
)

// pastedSession asks for the two cookies without showing them, or reads them
// from standard input.
func (c *cli) pastedSession(ctx context.Context) (account.Session, error) {
	if f := c.terminal(); f != nil {
		sessdata, err := c.askSecret(ctx, f, "SESSDATA")
		if err != nil {
			return account.Session{}, err
		}
		if s, err := account.NewSession(sessdata, ""); err != nil || !s.IsZero() {
			return s, err // a whole Cookie header
		}
		jct, err := c.askSecret(ctx, f, "bili_jct")
		if err != nil {
			return account.Session{}, err
		}
		return someSession(account.NewSession(sessdata, jct))
	}
	text, err := io.ReadAll(io.LimitReader(c.in, 64<<10))
	if err != nil {
		return account.Session{}, err
	}
	lines := slices.DeleteFunc(strings.Split(string(text), "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
	if s, err := account.NewSession(strings.Join(lines, ";"), ""); err != nil || !s.IsZero() || len(lines) != 2 {
		return someSession(s, err)
	}
	return someSession(account.NewSession(lines[0], lines[1]))
}

// terminal returns the terminal that the user types at, nil if there is none.
func (c *cli) terminal() *os.File {
	if f, ok := c.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// someSession makes nobody's session an error.
func someSession(s account.Session, err error) (account.Session, error) {
	if err == nil && s.IsZero() {
		err = usage("cli.login.no_cookie", lang.Data{})
	}
	return s, err
}

// askSecret asks for a line on the terminal, without echo.
func (c *cli) askSecret(ctx context.Context, terminal *os.File, name string) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	fmt.Fprint(c.err, c.say.Text("cli.login.prompt", lang.Data{"Name": name}))
	defer fmt.Fprintln(c.err)
	type line struct {
		text []byte
		err  error
	}
	typed := make(chan line, 1)
	go func() { // a read of a terminal ends with the program at the latest
		text, err := term.ReadPassword(fd)
		typed <- line{text, err}
	}()
	select {
	case l := <-typed:
		return string(l.text), l.err
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}
