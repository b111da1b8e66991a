package main

import "os"

// open connects to the display that the environment names.
func open() (desktop, error) {
	if os.Getenv("WAYLAND_DISPLAY") != "" {
		return openWayland()
	}
	return openX11()
}
