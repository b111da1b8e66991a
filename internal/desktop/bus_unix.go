//go:build unix

package desktop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/godbus/dbus/v5"
)

// Bus tells whether a D-Bus session bus is there, and names it in
// DBUS_SESSION_BUS_ADDRESS, where libraries look for it: without that, some
// start a bus of their own, one more with each call. Ask before using any.
func Bus() bool {
	const variable = "DBUS_SESSION_BUS_ADDRESS"
	if a := os.Getenv(variable); a != "" && !strings.HasPrefix(a, "autolaunch:") {
		return true
	}
	socket := filepath.Join(RuntimeDir(), "bus")
	if info, err := os.Stat(socket); err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	return os.Setenv(variable, "unix:path="+dbus.EscapeBusAddressValue(socket)) == nil
}

// RuntimeDir returns the folder of the user's sockets.
func RuntimeDir() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return dir
	}
	return fmt.Sprintf("/run/user/%d", os.Getuid())
}
