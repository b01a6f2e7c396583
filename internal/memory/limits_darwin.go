package memory

import "golang.org/x/sys/unix"

// limits returns all limits of this process.
func limits() []limit {
	n, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		n = 0
	}
	return []limit{{n, "this machine"}, addressSpace(0)}
}
