package convert

import (
	"testing"
	"time"
)

// LimitTime sets how long a conversion may take in a test.
func LimitTime(t *testing.T, limit time.Duration) {
	old := timeLimit
	timeLimit = limit
	t.Cleanup(func() { timeLimit = old })
}

// Shrink is shrink.
var Shrink = shrink
