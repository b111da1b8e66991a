package server

import (
	"net/http"

	"bilipaste/internal/app"
	"bilipaste/internal/config"
	"bilipaste/internal/markup"
)

// setting is one key of the settings, for the page.
type setting struct {
	Key     string   `json:"key"`
	Meaning string   `json:"meaning"`
	Kind    string   `json:"kind"`
	Choices []string `json:"choices,omitempty"`
	Open    bool     `json:"open"`
	Value   string   `json:"value"`
	Default string   `json:"default"`
	Set     bool     `json:"set"`
}

func (s *Server) listSettings(http.ResponseWriter, *http.Request) (any, error) {
	c, p := s.r.State().Settings, s.r.Language()
	file := s.r.SettingsFile()
	named, err := config.Named(file)
	if err != nil {
		return nil, err
	}
	all := []setting{}
	for _, key := range config.Keys() {
		about := config.About(key)
		one := setting{Key: key, Meaning: p.Text("config.meaning." + key), Kind: string(about.Kind), Choices: about.Choices, Set: named[key]}
		switch key { // which the hosts know
		case "host":
			one.Kind, one.Choices = string(config.Choice), app.HostNames()
		case "bucket":
			one.Kind, one.Choices, one.Open = string(config.Choice), app.BucketNames(), c.BucketUnlisted
		case "format":
			one.Kind, one.Choices, one.Open = string(config.Choice), markup.Names(), true
		}
		if about.Kind != config.SecretText {
			one.Value, _ = c.Get(key)
			one.Default, _ = config.Default().Get(key)
		}
		all = append(all, one)
	}
	return map[string]any{"file": file, "settings": all}, nil
}

// change is a request about one setting.
type change struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func (s *Server) setSetting(w http.ResponseWriter, r *http.Request) (any, error) {
	asked, err := s.readChange(w, r)
	if err == nil {
		err = s.r.Set(asked.Key, asked.Value)
	}
	return nil, err
}

func (s *Server) checkSetting(w http.ResponseWriter, r *http.Request) (any, error) {
	_, err := s.readChange(w, r)
	return nil, err
}

// readChange reads a change that the settings can take.
func (s *Server) readChange(w http.ResponseWriter, r *http.Request) (change, error) {
	var asked change
	if err := read(w, r, &asked); err != nil {
		return asked, err
	}
	c := s.r.State().Settings
	if err := c.Set(asked.Key, asked.Value); err != nil {
		return asked, bad(err)
	}
	if err := app.CheckHosts(c); err != nil {
		return asked, bad(err)
	}
	return asked, nil
}
