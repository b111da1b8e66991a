package config

import (
	"os"
	"path/filepath"

	"github.com/adrg/xdg"

	"bilipaste/internal/lang"
)

// Dirs are the program's folders. They need not exist.
type Dirs struct {
	Config string // the settings file's folder
	State  string // what survives a restart and is worth no backup
	Data   string // what the user wants to keep
}

// FindDirs returns the user's folders, or $BILIPASTE_HOME for all of them. The
// error is a lang.Teller: the environment does not say where they are.
func FindDirs() (Dirs, error) {
	if home := os.Getenv("BILIPASTE_HOME"); home != "" {
		home, err := filepath.Abs(home)
		if err != nil {
			return Dirs{}, lang.Errorf("config.unreadable", lang.Data{"File": home, "Cause": cause(err)}, err)
		}
		return Dirs{Config: home, State: home, Data: home}, nil
	}
	if _, err := os.UserHomeDir(); err != nil && !allSet("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME") {
		return Dirs{}, lang.Errorf("config.no_home", nil, err)
	}
	return Dirs{
		Config: filepath.Join(xdg.ConfigHome, "bilipaste"),
		State:  filepath.Join(xdg.StateHome, "bilipaste"),
		Data:   filepath.Join(xdg.DataHome, "bilipaste"),
	}, nil
}

// allSet tells whether the environment has a value for each name.
func allSet(names ...string) bool {
	for _, name := range names {
		if os.Getenv(name) == "" {
			return false
		}
	}
	return true
}

// File is the settings file's path.
func (d Dirs) File() string { return filepath.Join(d.Config, "config.json") }
