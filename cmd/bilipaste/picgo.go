package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"bilipaste/internal/control"
	"bilipaste/internal/lang"
	"bilipaste/internal/launch"
	"bilipaste/internal/queue"
)

// Editors that call the program "picgo" read its standard output: after a line
// with this mark there is a link a line, and none if any picture has failed.
const (
	picgoSuccess = "[PicGo SUCCESS]: "
	picgoError   = "[PicGo ERROR]: "
)

// arguments are those of the command line. Under the name of PicGo the program
// understands what editors say to it: "picgo upload FILE..." or "picgo u".
func arguments(all []string) []string {
	name := strings.TrimSuffix(strings.ToLower(filepath.Base(all[0])), ".exe")
	if name != "picgo" {
		return all[1:]
	}
	var rest []string
	for i := 1; i < len(all); i++ {
		switch flag, value, hasValue := strings.Cut(all[i], "="); flag {
		case "--":
			rest, i = append(rest, all[i:]...), len(all)
		case "-s", "--silent", "-d", "--debug": // how much it says
		case "-c", "--config", "-p", "--proxy", "--configName", "--configId": // which are in a file of its own
			if !hasValue {
				i++
			}
		case "--uploader":
			if !hasValue && i+1 < len(all) {
				i++
				value = all[i]
			}
			rest = append(rest, "--host", value)
		default:
			rest = append(rest, all[i])
		}
	}
	command := slices.IndexFunc(rest, func(s string) bool { return s == "upload" || s == "u" })
	switch {
	case command >= 0:
		return slices.Concat(rest[:command], []string{"upload", "--picgo"}, rest[command+1:])
	case len(rest) == 0: // which has no tray
		return []string{"help", "upload"}
	case rest[0] == "-v":
		return []string{"version"}
	case rest[0] == "server":
		return []string{"serve"}
	}
	return rest
}

// uploadAsPicGo prints as "picgo upload" does. Without files it is the clipboard
// that is uploaded; a file that is not there is an error, and never means that.
func (c *cli) uploadAsPicGo(ctx context.Context, files []string, again bool) error {
	var links []string
	var failed error
	take := func(name string, err error, url string) {
		if err == nil {
			links = append(links, url)
			return
		}
		if failed == nil {
			failed = err
		}
		what, hint := c.say.Error(err)
		if hint != "" {
			what += " (" + hint + ")"
		}
		if name != "" && !strings.Contains(what, filepath.Base(name)) {
			what = lang.OneLine(name) + ": " + what
		}
		fmt.Fprintln(c.out, picgoError+what)
	}
	var err error
	if len(files) > 0 {
		err = c.upload(ctx, files, again, func(f added, out queue.Outcome) { take(f.name, out.Err, out.Link.URL) })
	} else {
		err = c.clipboardAsPicGo(ctx, take)
	}
	if err != nil && failed == nil && ctx.Err() == nil {
		take("", err, "")
	}
	switch {
	case failed != nil:
		return told{failed}
	case err != nil:
		return err
	}
	fmt.Fprintln(c.out, picgoSuccess)
	for _, url := range links {
		fmt.Fprintln(c.out, url)
	}
	return nil
}

// clipboardAsPicGo uploads what is on the clipboard: by the running program if
// there is one.
func (c *cli) clipboardAsPicGo(ctx context.Context, take func(name string, err error, url string)) error {
	answer, err := control.Ask(ctx, launch.Scope(c.app), control.Request{Do: control.Upload})
	if errors.Is(err, control.ErrNotRunning) {
		answer, err = launch.Clipboard(ctx, c.app)
	}
	if err != nil {
		return err
	}
	if answer.Error != nil {
		take("", answer.Error, "")
		return nil
	}
	for _, l := range answer.Links {
		take(l.Name, nil, l.URL)
	}
	return nil
}
