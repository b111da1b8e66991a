package memory_test

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"bilipaste/internal/memory"
)

// resident is how many kilobytes of files this process has in memory.
func resident(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`RssFile:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("%s", status)
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestReleaseGivesThePagesOfTheProgramBack(t *testing.T) {
	before := resident(t)
	memory.Release()
	if after := resident(t); after >= before {
		t.Errorf("%d kB before, %d kB after", before, after)
	}
}
