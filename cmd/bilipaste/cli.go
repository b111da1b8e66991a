package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/pflag"

	"bilipaste/internal/album"
	"bilipaste/internal/app"
	"bilipaste/internal/config"
	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/terminal"
)

// cli is the command line: the program's parts, and how one talks to its user.
type cli struct {
	app      *app.App
	settings config.Config
	bad      error // what is wrong with the settings
	nowhere  error // why there are no folders for settings and pictures
	exposed  error // that others may write the settings
	say      *lang.Printer

	in       io.Reader
	out, err io.Writer

	json, markupGiven bool // what the flags say
}

func newCLI(args []string, in io.Reader, out, errOut io.Writer) *cli {
	c := &cli{in: in, out: out, err: errOut}
	log := slog.New(terminal.NewLog(errOut, func() *lang.Printer { return c.say }))
	slog.SetDefault(log)
	dirs, nowhere := config.FindDirs()
	c.nowhere = nowhere
	c.app = &app.App{Dirs: dirs, Source: config.Source{File: cmp.Or(settingsFile(args), dirs.File())}, Version: programVersion(), Log: log}
	c.exposed = config.Exposed(c.app.Source.File) // before it is read, which may mend that
	c.settings, c.bad = c.app.Settings()          // for the language; the flags follow
	c.say = app.Printer(c.settings)
	return c
}

// settle takes in what the flags say.
func (c *cli) settle(flags *pflag.FlagSet) error {
	if c.nowhere != nil {
		return c.nowhere
	}
	if c.exposed != nil {
		c.complain(c.exposed)
	}
	for _, name := range []string{"host", "bucket", "format"} {
		if !flags.Changed(name) {
			continue
		}
		value, err := flags.GetString(name)
		if err == nil {
			err = c.settings.Set(name, value)
		}
		if err != nil {
			return usageError{err}
		}
		c.app.Source.Over = append(c.app.Source.Over, config.Value{Key: name, Text: value})
	}
	if flags.Changed("host") || flags.Changed("bucket") {
		if bad := app.CheckHosts(c.settings); bad != nil {
			return usageError{bad}
		}
	}
	var err error
	c.markupGiven = flags.Changed("format")
	c.json, _ = flags.GetBool("json")
	c.app.Sandboxed, err = flags.GetBool("sandbox")
	return cmp.Or(c.bad, err)
}

// uploader returns the way from a picture to its link, after the user was told
// what to know of its hosts and of the session.
func (c *cli) uploader(ctx context.Context, kept *album.Album) (*app.Uploader, error) {
	up, err := c.app.Uploader(c.settings, nil)
	if errors.Is(err, app.ErrUnusable) {
		return nil, usageError{err}
	}
	if err != nil {
		return nil, err
	}
	if kept != nil {
		up.Pipeline.Ledger = kept
	}
	if err := c.app.TendSession(ctx, up.Account); err != nil && !isNoLogin(err) {
		c.complain(err)
	}
	for _, m := range up.About {
		fmt.Fprintf(c.err, "bilipaste: %s\n", c.say.Say(m))
	}
	return up, nil
}

// complain tells the user of err, and what to do about it.
func (c *cli) complain(err error) { terminal.Complain(c.err, c.say, err) }

// print prints v for programs.
func (c *cli) print(v any) { terminal.JSON(c.out, v) }

func (c *cli) language() *lang.Printer { return c.say }

// isNoLogin tells whether err is that nobody is signed in.
func isNoLogin(err error) bool { return fault.KindOf(err) == fault.NotLoggedIn }

// sessionLocation says where the session in use comes from, or where that of a
// login is kept.
func (c *cli) sessionLocation(ofLogin bool) string {
	location, err := c.app.SessionLocation(c.settings, ofLogin)
	if err != nil {
		return ""
	}
	return c.say.Say(location)
}
