// Package picgo reads what PicGo and PicList, the programs that many come from,
// keep on this machine.
package picgo

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bilipaste/internal/account"
	"bilipaste/internal/lang"
)

// Session takes the session out of a configuration: that of file, or of the
// first one that is found where file is "". The error is a lang.Teller: there is
// no such file, or none in it.
func Session(file string) (account.Session, error) {
	named, files := file != "", configurations()
	if named {
		files = []string{file}
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		switch {
		case err == nil:
			return read(file, data)
		case named || !errors.Is(err, fs.ErrNotExist):
			return account.Session{}, lang.Errorf("picgo.unreadable", lang.Data{"File": file, "Cause": err}, err)
		}
	}
	return account.Session{}, lang.Errorf("picgo.none", lang.Data{"Files": strings.Join(files, ", ")}, nil)
}

// configurations are where the configurations are: of the programs with windows,
// and of those without.
func configurations() []string {
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

// read finds the session in a configuration: the one in use, or else the
// chosen one of those that are kept.
func read(file string, data []byte) (account.Session, error) {
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
		return account.Session{}, lang.Errorf("picgo.unreadable", lang.Data{"File": file, "Cause": err}, err)
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
	return account.Session{}, lang.Errorf("picgo.no_session", lang.Data{"File": file}, nil)
}
