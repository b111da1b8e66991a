package desktop_test

import (
	"os"
	"testing"

	"golang.org/x/sys/windows/registry"

	"bilipaste/internal/desktop"
)

func TestTheProxyOfTheInternetSettings(t *testing.T) {
	if os.Getenv("WINEPREFIX") == "" {
		t.Skip("these are a user's own settings")
	}
	key, _, err := registry.CreateKey(registry.CURRENT_USER, `Software\Microsoft\Windows\CurrentVersion\Internet Settings`, registry.ALL_ACCESS)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = key.Close() }()
	names := []string{"ProxyEnable", "ProxyServer", "ProxyOverride", "AutoConfigURL"}
	forget := func() {
		for _, name := range names {
			_ = key.DeleteValue(name) // it may not be there
		}
	}
	forget()
	defer forget()
	if got := desktop.SystemProxy(); got != (desktop.Proxy{}) {
		t.Errorf("%+v", got)
	}
	for _, name := range names[1:] {
		if err := key.SetStringValue(name, name); err != nil {
			t.Fatal(err)
		}
	}
	for on, want := range map[uint32]desktop.Proxy{
		0: {Script: "AutoConfigURL"},
		1: {Server: "ProxyServer", Bypass: "ProxyOverride", Script: "AutoConfigURL"},
	} {
		if err := key.SetDWordValue("ProxyEnable", on); err != nil {
			t.Fatal(err)
		}
		if got := desktop.SystemProxy(); got != want {
			t.Errorf("switched to %d: %+v", on, got)
		}
	}
}
