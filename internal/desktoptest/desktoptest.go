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
	lacks(t, missing)
}

// Python is the system's own, which has the bindings of the toolkits.
const Python = "/usr/bin/python3"

// NeedPython skips the test unless Python can carry out a program, such as an import.
func NeedPython(t testing.TB, program string) {
	t.Helper()
	Need(t, Python)
	if err := exec.Command(Python, "-c", program).Run(); err != nil {
		lacks(t, []string{"Python's " + program})
	}
}

// lacks skips the test if something is missing, or fails it where all must be there.
func lacks(t testing.TB, missing []string) {
	t.Helper()
	switch {
	case len(missing) == 0:
	case os.Getenv("BILIPASTE_DESKTOP") == "require" || os.Getenv("CI") != "" && runtime.GOOS == "linux":
		t.Fatalf("missing: %s (scripts/test installs them)", strings.Join(missing, ", "))
	default:
		t.Skipf("missing: %s (scripts/test installs them)", strings.Join(missing, ", "))
	}
}
