//go:build unix

package desktop

import (
	"os"
	"strings"
)

// Session names the desktop session that the program is in, in letters that a
// file's name may have; "" where it is in none. A user can have several at once,
// each with a clipboard of its own.
func Session() string {
	name := os.Getenv("WAYLAND_DISPLAY")
	if name == "" {
		display := os.Getenv("DISPLAY")
		host, number, _ := strings.Cut(display, ":")
		number, _, _ = strings.Cut(number, ".") // the screen
		if display != "" {
			name = "x" + number + host
		}
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, name)
}
