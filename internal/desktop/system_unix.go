//go:build unix

package desktop

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// System names the operating system and its version, as far as it tells.
func System() string {
	var words []string
	if f, err := os.Open("/etc/os-release"); err == nil {
		defer func() { _ = f.Close() }()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if value, ok := strings.CutPrefix(lines.Text(), "PRETTY_NAME="); ok {
				if name, err := strconv.Unquote(value); err == nil {
					value = name
				}
				words = append(words, value)
			}
		}
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		words = append(words, unix.ByteSliceToString(u.Sysname[:]), unix.ByteSliceToString(u.Release[:]))
	}
	return strings.Join(words, ", ")
}

// Environment tells, a line each, what the environment says of the desktop. Of
// an address it tells only that there is one.
func Environment() []string {
	var told []string
	for _, name := range []string{"XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE", "DESKTOP_SESSION", "LANG", "LC_ALL"} {
		if value := os.Getenv(name); value != "" {
			told = append(told, name+"="+value)
		}
	}
	for _, name := range []string{"WAYLAND_DISPLAY", "DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "SWAYSOCK", "HYPRLAND_INSTANCE_SIGNATURE"} {
		if os.Getenv(name) != "" {
			told = append(told, name+" is set")
		}
	}
	return told
}
