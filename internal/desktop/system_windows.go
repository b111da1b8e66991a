package desktop

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// System names the operating system and its version.
func System() string {
	v := windows.RtlGetVersion()
	return fmt.Sprintf("Windows %d.%d.%d", v.MajorVersion, v.MinorVersion, v.BuildNumber)
}

// Environment tells what the environment says of the desktop: here nothing.
func Environment() []string { return nil }
