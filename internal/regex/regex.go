// Package regex compiles regular expressions when they are first used: most runs
// of the program use few of its expressions, and would wait for all.
package regex

import (
	"regexp"
	"sync"
)

// Lazy returns what compiles expr when it is first called. It is safe for
// concurrent use. A fault in expr panics then; a test looks at all there are.
func Lazy(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
