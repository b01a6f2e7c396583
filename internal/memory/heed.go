package memory

import (
	"math"
	"os"
	"runtime/debug"
)

// heeded is the part of the limit from which on the garbage collector works harder rather
// than let the heap grow.
const heeded = 0.9

// leastHeeded is the smallest limit that the garbage collector is given: below it, it would
// do little else.
const leastHeeded = 256 << 20

// Heed makes the garbage collector heed the limit, unless GOMEMLIMIT has one. Without it
// the heap may grow to twice of what is in use, whatever the machine has.
func Heed() {
	most, _ := Limit()
	if os.Getenv("GOMEMLIMIT") == "" && most < math.MaxInt64 {
		debug.SetMemoryLimit(max(int64(heeded*float64(most)), leastHeeded))
	}
}
