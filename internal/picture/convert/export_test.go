package convert

import (
	"context"
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

// WritePages writes n bytes to pages that take up to limit.
func WritePages(limit, n int) error {
	p := pages{ctx: context.Background(), limit: limit}
	_, err := p.Write(make([]byte, n))
	return err
}
