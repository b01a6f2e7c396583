//go:build linux

package memory

import (
	"path"
	"strconv"
	"strings"
)

// inCgroup is who sets the limit of a cgroup.
const inCgroup = "this container (cgroup)"

// cgroups returns the limits of the cgroups that /proc/self/cgroup names, and of those
// that they are in. root is the root of the file system.
func cgroups(root, list string) []limit {
	var all []limit
	for line := range strings.Lines(list) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3) // number:controllers:path
		if len(fields) < 3 {
			continue
		}
		switch {
		case fields[0] == "0" && fields[1] == "": // version 2
			all = append(all, upward(path.Join(root, "sys/fs/cgroup"), fields[2], "memory.max")...)
			all = append(all, upward(path.Join(root, "sys/fs/cgroup/unified"), fields[2], "memory.max")...)
		case strings.Contains(","+fields[1]+",", ",memory,"):
			all = append(all, upward(path.Join(root, "sys/fs/cgroup/memory"), fields[2], "memory.limit_in_bytes")...)
		}
	}
	return all
}

// upward returns the limits that a file sets in a cgroup and in those around it. In a
// container the path may be that outside of it: then only the top is there.
func upward(top, group, file string) []limit {
	var all []limit
	for at := path.Join("/", group); ; at = path.Dir(at) {
		// max stands for no limit, as very large numbers do in version 1.
		if n, err := strconv.ParseUint(strings.TrimSpace(read(path.Join(top, at, file))), 10, 64); err == nil && n < 1<<60 {
			all = append(all, limit{max(n, 1), inCgroup})
		}
		if at == "/" {
			return all
		}
	}
}
