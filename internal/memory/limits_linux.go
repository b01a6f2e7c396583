package memory

import (
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// limits returns all limits of this process.
func limits() []limit {
	var all []limit
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		all = append(all, limit{uint64(info.Totalram) * uint64(max(info.Unit, 1)), "this machine"})
	}
	all = append(all, cgroups("/", read("/proc/self/cgroup"))...)
	return append(all, addressSpace(used()))
}

// used returns the bytes of address space in use.
func used() uint64 {
	pages, _, _ := strings.Cut(read("/proc/self/statm"), " ")
	n, _ := strconv.ParseUint(pages, 10, 64)
	return n * uint64(os.Getpagesize())
}

// read returns the beginning of a file, or nothing where it cannot be read.
func read(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	data, _ := io.ReadAll(io.LimitReader(f, 1<<16))
	return string(data)
}
