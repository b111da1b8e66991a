// Package desktoptest starts the real programs that desktop tests talk to:
// display servers, sound servers, notification daemons. Where one is missing
// the test is skipped, or fails if BILIPASTE_DESKTOP=require, as it is in CI
// and scripts/test.
package desktoptest

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// Need skips the test unless all these programs are there.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	var missing []string
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing = append(missing, p)
		}
	}
	switch {
	case len(missing) == 0:
	case os.Getenv("BILIPASTE_DESKTOP") == "require" || os.Getenv("CI") != "" && runtime.GOOS == "linux":
		t.Fatalf("missing: %s (scripts/test installs them)", strings.Join(missing, ", "))
	default:
		t.Skipf("missing: %s (scripts/test installs them)", strings.Join(missing, ", "))
	}
}
