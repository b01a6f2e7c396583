//go:build linux || darwin

package memory

import "golang.org/x/sys/unix"

// addressSpace returns the limit that ulimit -v sets, less what is used already: Go reserves
// much more address space than it uses.
func addressSpace(used uint64) limit {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_AS, &r) != nil || r.Cur >= 1<<60 {
		return limit{}
	}
	return limit{max(r.Cur, used+1) - used, "this process (ulimit -v)"}
}
