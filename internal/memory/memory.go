// Package memory knows how much memory this process may have, and rejects work that needs
// more before it begins.
package memory

import (
	"fmt"
	"math"
	"os"

	"github.com/dustin/go-humanize"
)

// Variable is the environment variable that overrides what is found: 64GiB, say, where there
// is swap space besides.
const Variable = "TANDEM_MEMORY"

// Limit returns the most memory in bytes that this process can have, and who sets that
// limit: the machine, a cgroup, a limit of the process's address space, or Variable. Where
// nothing is known, it is the largest number.
func Limit() (bytes uint64, who string) {
	if n, err := humanize.ParseBytes(os.Getenv(Variable)); err == nil {
		return n, Variable
	}
	return smallest(limits())
}

// limit is one limit of memory; 0 bytes: unknown, or none.
type limit struct {
	bytes uint64
	who   string
}

func smallest(all []limit) (bytes uint64, who string) {
	bytes, who = math.MaxUint64, "this machine"
	for _, l := range all {
		if l.bytes > 0 && l.bytes < bytes {
			bytes, who = l.bytes, l.who
		}
	}
	return bytes, who
}

// Error is the error of work that needs more memory than there is.
type Error struct {
	Need, Limit uint64
	Who         string // sets the limit
	hint        string
}

func (e *Error) Error() string {
	return fmt.Sprintf("needs about %s of memory, %s has %s", humanize.IBytes(e.Need), e.Who, humanize.IBytes(e.Limit))
}

// Hint returns what to do about it.
func (e *Error) Hint() string {
	if e.hint == "" {
		return Variable + " overrides what was found, as where there is swap space"
	}
	return e.hint
}

// Check returns an Error if work that needs some bytes cannot be done here. hint says what
// makes it need less.
func Check(need uint64, hint string) error {
	if s := os.Getenv(Variable); s != "" {
		if _, err := humanize.ParseBytes(s); err != nil {
			return fmt.Errorf("%s=%q: must be a size, as 64GiB is", Variable, s)
		}
	}
	if most, who := Limit(); need > most {
		return &Error{need, most, who, hint}
	}
	return nil
}

// Sum returns the sum of sizes, or the largest number where that is too small.
func Sum(sizes ...uint64) uint64 {
	sum := uint64(0)
	for _, n := range sizes {
		if sum+n < sum {
			return math.MaxUint64
		}
		sum += n
	}
	return sum
}
