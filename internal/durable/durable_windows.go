package durable

import (
	"errors"
	"time"

	"golang.org/x/sys/windows"
)

// patience is how long a file is waited for that another program has open: a
// virus scanner looks at each new one.
const patience = 2 * time.Second

// patiently repeats a call until no other program has its file open.
func patiently(call func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := call()
		busy := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
		if !busy || time.Now().After(end) {
			return err
		}
	}
}

// SyncFolder does nothing: NTFS writes names down by itself.
func SyncFolder(string) error { return nil }
