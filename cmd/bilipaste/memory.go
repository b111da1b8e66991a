package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// memory is how many bytes the program tries to get by with while a large
// picture is converted. Its heap would otherwise grow to twice what is in use.
const memory = 320 << 20

// garbage is how many bytes may lie about until they are collected, whatever is
// in use: with less, each copied screenshot would have a collection of its own,
// and in proportion to a picture of 12 MB there would be another 12 MB.
const garbage = 4 << 20

// boundMemory sets how the collector works, unless the environment does.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory)
	}
	if os.Getenv("GOGC") == "" { // its first goal is 4 MB, however little is in use
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
