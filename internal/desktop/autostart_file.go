//go:build unix

package desktop

import "os"

func disableAutostart() error {
	file, err := autostartFile()
	if err != nil {
		return err
	}
	return os.Remove(file)
}
