package desktop

import (
	"errors"
	"io/fs"
	"os"

	"bilipaste/internal/lang"
)

// autostartName names the entry among those of other programs.
const autostartName = "bilipaste"

// AutostartEnabled tells whether bilipaste starts when the user logs in: the
// entry is there, is not switched off by the desktop's own settings, and the
// program that it names exists.
func AutostartEnabled() (bool, error) {
	program, err := autostartProgram()
	if errors.Is(err, fs.ErrNotExist) || err == nil && program == "" {
		return false, nil
	}
	if err != nil {
		return false, autostartError(err)
	}
	_, err = os.Stat(program)
	return err == nil, nil
}

// EnableAutostart has a program, named by its absolute path, started with these
// arguments when the user logs in, and no other bilipaste.
func EnableAutostart(program string, args ...string) error {
	return autostartError(enableAutostart(program, args))
}

// DisableAutostart removes the entry. It may be gone already.
func DisableAutostart() error {
	if err := disableAutostart(); !errors.Is(err, fs.ErrNotExist) {
		return autostartError(err)
	}
	return nil
}

func autostartError(err error) error {
	if err == nil {
		return nil
	}
	return lang.Errorf("desktop.autostart", lang.Data{"Cause": err.Error()}, err)
}
