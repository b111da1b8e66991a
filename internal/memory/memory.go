// Package memory keeps what the program takes of the machine's memory small: while
// it works, and while it waits.
package memory

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// limit is how many bytes the program tries to get by with while a large
// picture is converted. Its heap would otherwise grow to twice what is in use.
const limit = 320 << 20

// garbage is how many bytes may lie about until they are collected, whatever is
// in use: with less, each copied screenshot would have a collection of its own,
// and in proportion to a picture of 12 MB there would be another 12 MB.
const garbage = 4 << 20

// Bound sets how the collector works, unless the environment does.
func Bound() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
	if os.Getenv("GOGC") == "" {
		// Before the first collection 4 MB may lie about anyway.
		afterCollection(boundGarbage)
	}
}

// boundGarbage sets garbage, in percent of what is in use, from now on after
// each collection.
func boundGarbage(struct{}) {
	const least = 10 // percent: large pictures, whose collection costs little
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetGCPercent(max(least, int(100*garbage/max(live[0].Value.Uint64(), 4<<20))))
	afterCollection(boundGarbage)
}

func afterCollection(do func(struct{})) { runtime.AddCleanup(new([16]byte), do, struct{}{}) }

// Release gives back what the program does not need while it waits: memory that is
// not in use, and the pages of the program itself. It takes some milliseconds.
func Release() {
	debug.FreeOSMemory()
	releaseProgram()
}
