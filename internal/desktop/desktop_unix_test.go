//go:build unix

package desktop_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"bilipaste/internal/desktop"
)

func TestLanguageIsFoundInPOSIXOrder(t *testing.T) {
	for _, c := range []struct {
		all, messages, lang, language string
		want                          string
	}{
		{"", "", "zh_CN.UTF-8", "", "zh_CN.UTF-8"},
		{"", "en_GB.UTF-8", "zh_CN.UTF-8", "", "en_GB.UTF-8"},
		{"zh_TW.UTF-8", "en_GB.UTF-8", "de_DE", "", "zh_TW.UTF-8"},
		{"", "", "en_US.UTF-8", "zh_CN:en", "zh_CN"},
		{"", "", "en_US.UTF-8", ":zh_CN", "zh_CN"},
		{"C", "", "zh_CN.UTF-8", "zh_CN", "C"},
		{"", "", "C.UTF-8", "zh_CN", "C.UTF-8"},
		{"", "POSIX", "zh_CN.UTF-8", "zh_CN", "POSIX"},
	} {
		t.Setenv("LC_ALL", c.all)
		t.Setenv("LC_MESSAGES", c.messages)
		t.Setenv("LANG", c.lang)
		t.Setenv("LANGUAGE", c.language)
		if got := desktop.Language(); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestBusIsFoundByItsAddressOrItsSocket(t *testing.T) {
	const variable = "DBUS_SESSION_BUS_ADDRESS"
	dir, err := os.MkdirTemp("", "run,time")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("XDG_RUNTIME_DIR", dir)

	for _, address := range []string{"", "autolaunch:"} {
		t.Setenv(variable, address)
		if desktop.Bus() {
			t.Errorf("address %q and no socket: a bus was found", address)
		}
		if got := os.Getenv(variable); got != address {
			t.Errorf("address %q became %q", address, got)
		}
	}

	if err := os.WriteFile(filepath.Join(dir, "bus"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(variable, "")
	if desktop.Bus() {
		t.Error("a file that is no socket was taken for a bus")
	}
	if err := os.Remove(filepath.Join(dir, "bus")); err != nil {
		t.Fatal(err)
	}

	l, err := net.Listen("unix", filepath.Join(dir, "bus"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if !desktop.Bus() {
		t.Error("the socket was not found")
	}
	if got, want := os.Getenv(variable), "unix:path="+os.TempDir()+"/run%2ctime"; len(got) < len(want) || got[:len(want)] != want {
		t.Errorf("the bus is named %q, want %q…", got, want)
	}

	t.Setenv(variable, "unix:path=/elsewhere")
	if !desktop.Bus() || os.Getenv(variable) != "unix:path=/elsewhere" {
		t.Error("an address in the environment does not go first")
	}
}
