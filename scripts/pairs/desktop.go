//go:build linux || windows

package main

import "time"

// desktop is a program's way to the clipboard. Each has one file here.
type desktop interface {
	// watch calls ready, and then taken for each picture that another program
	// copies, and puts the text that it returns in the picture's place. It does
	// only what must be done. It returns with an error alone.
	watch(ready func(), taken func(picture []byte) (text string, err error)) error

	// copy copies a picture as a PNG, as programs do, and returns how long it took
	// until a text could be read in its place, and that text.
	copy(picture []byte) (time.Duration, string, error)

	close()
}
