package desktop

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// The entry is a value of the user's Run key. Windows' own settings switch it
// off in another key, by an odd first byte.
const (
	runKey      = `Software\Microsoft\Windows\CurrentVersion\Run`
	approvedKey = `Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`
)

// autostartProgram returns the program that the entry starts; "" if it is switched off.
func autostartProgram() (string, error) {
	key, err := registry.OpenKey(registry.CURRENT_USER, runKey, registry.QUERY_VALUE)
	if err != nil {
		return "", err
	}
	defer func() { _ = key.Close() }()
	line, _, err := key.GetStringValue(autostartName)
	if err != nil {
		return "", err
	}
	if approved, err := registry.OpenKey(registry.CURRENT_USER, approvedKey, registry.QUERY_VALUE); err == nil {
		defer func() { _ = approved.Close() }()
		if v, _, err := approved.GetBinaryValue(autostartName); err == nil && len(v) > 0 && v[0]&1 == 1 {
			return "", nil
		}
	}
	words, err := windows.DecomposeCommandLine(line)
	if err != nil || len(words) == 0 {
		return "", err
	}
	return words[0], nil
}

func enableAutostart(program string, args []string) error {
	if err := removeValue(approvedKey); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	key, _, err := registry.CreateKey(registry.CURRENT_USER, runKey, registry.SET_VALUE)
	if err != nil {
		return err
	}
	defer func() { _ = key.Close() }()
	return key.SetStringValue(autostartName, windows.ComposeCommandLine(append([]string{program}, args...)))
}

func disableAutostart() error { return removeValue(runKey) }

func removeValue(path string) error {
	key, err := registry.OpenKey(registry.CURRENT_USER, path, registry.SET_VALUE)
	if err != nil {
		return err
	}
	defer func() { _ = key.Close() }()
	return key.DeleteValue(autostartName)
}
