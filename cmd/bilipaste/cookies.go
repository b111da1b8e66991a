package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/term"

	"bilipaste/internal/account"
	"bilipaste/internal/lang"
)

// pastedSession asks for the two cookies without showing them, or reads them
// from standard input.
func (c *cli) pastedSession(ctx context.Context) (account.Session, error) {
	if f, ok := c.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
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

const anyPicGo = "auto" // the file that is found, rather than one that is named

// picGoSession takes the session out of a configuration of PicGo or PicList.
func picGoSession(file string) (account.Session, error) {
	named, files := file != anyPicGo, picGoFiles()
	if named {
		files = []string{file}
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		switch {
		case err == nil:
			return readPicGo(file, data)
		case named || !errors.Is(err, fs.ErrNotExist):
			return account.Session{}, lang.Errorf("cli.picgo.unreadable", lang.Data{"File": file, "Cause": err}, err)
		}
	}
	return account.Session{}, lang.Errorf("cli.picgo.none", lang.Data{"Files": strings.Join(files, ", ")}, nil)
}

// picGoFiles are where the configurations are: of the programs with windows,
// and of those without.
func picGoFiles() []string {
	var files []string
	for _, name := range []string{"picgo", "piclist"} {
		if dir, err := os.UserConfigDir(); err == nil {
			files = append(files, filepath.Join(dir, name, "data.json"))
		}
		if home, err := os.UserHomeDir(); err == nil {
			files = append(files, filepath.Join(home, "."+name, "config.json"))
		}
	}
	return files
}

// readPicGo finds the session in a configuration: the one in use, or else the
// chosen one of those that are kept.
func readPicGo(file string, data []byte) (account.Session, error) {
	type picBed struct {
		ID       string `json:"_id"`
		SESSDATA string `json:"SESSDATA"`
		CSRF     string `json:"csrf"`
	}
	var settings struct {
		PicBed struct {
			Bilibili picBed `json:"bilibili"`
		} `json:"picBed"`
		Uploader struct {
			Bilibili struct {
				ConfigList []picBed `json:"configList"`
				DefaultID  string   `json:"defaultId"`
			} `json:"bilibili"`
		} `json:"uploader"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &settings); err != nil {
		return account.Session{}, lang.Errorf("cli.picgo.unreadable", lang.Data{"File": file, "Cause": err}, err)
	}
	kept := settings.Uploader.Bilibili
	accounts := []picBed{settings.PicBed.Bilibili}
	for _, chosen := range []bool{true, false} {
		for _, c := range kept.ConfigList {
			if (c.ID == kept.DefaultID) == chosen {
				accounts = append(accounts, c)
			}
		}
	}
	for _, c := range accounts {
		if s, err := account.NewSession(c.SESSDATA, c.CSRF); err != nil || !s.IsZero() {
			return s, err
		}
	}
	return account.Session{}, lang.Errorf("cli.picgo.no_session", lang.Data{"File": file}, nil)
}
