//go:build !darwin && !windows

package watcher

// ways lists the ways to the clipboard, the best one first. Where a compositor
// has no data-control (GNOME), X11 leads there through Xwayland.
func ways() []way {
	return []way{
		{"Wayland", openWayland},
		{"X11", openX11},
	}
}
