//go:build unix

package desktop

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// language looks where POSIX says that the language of messages is set, and
// then at LANGUAGE, which as in gettext goes first unless the locale is C.
func language() string {
	locale := cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG"))
	if locale == "" && runtime.GOOS == "darwin" {
		locale = appleLocale()
	}
	if base, _, _ := strings.Cut(locale, "."); base == "C" || base == "POSIX" {
		return locale
	}
	for l := range strings.SplitSeq(os.Getenv("LANGUAGE"), ":") {
		if l != "" {
			return l
		}
	}
	return locale
}

// appleLocale asks macOS, where programs that are not started in a terminal
// have no locale in their environment.
func appleLocale() string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "defaults", "read", "-g", "AppleLocale").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
