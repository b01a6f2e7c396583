package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// failures are the calls of the system with which files are read and written, and the errors
// that each may give.
var failures = map[string][]string{
	"openat": {"EMFILE", "EACCES", "ENOSPC", "EIO"}, "write": {"ENOSPC", "EIO"}, "pwrite64": {"ENOSPC"},
	"fsync": {"EIO", "ENOSPC"}, "renameat": {"ENOSPC", "EIO", "EACCES"}, "unlinkat": {"EACCES", "EIO"},
	"mkdirat": {"ENOSPC", "EACCES"}, "ftruncate": {"EIO"}, "flock": {"ENOLCK"}, "close": {"EIO"}, "read": {"EIO"},
	"pread64": {"EIO"}, "newfstatat": {"EIO", "EACCES"}, "fstat": {"EIO"}, "getdents64": {"EIO"}, "lseek": {"EIO"},
	"fchmodat": {"EPERM"}, "fchmod": {"EPERM"},
}

// systemCalls ends the process at each call of the system that a save makes, and makes each
// of them fail, once and from then on.
func (s *suite) systemCalls() error {
	killed, failed := s.begin("killed at a system call of training"), s.begin("a system call fails")
	if exec.Command("strace", "-qq", "-o", os.DevNull, "true").Run() != nil {
		killed.note, failed.note = "not here: strace cannot trace", "not here: strace cannot trace"
		return nil
	}
	for _, begins := range []bool{false, true} {
		counts, err := s.countCalls(begins)
		if err != nil {
			return err
		}
		for _, call := range sortedKeys(counts) {
			for k := 1; k <= counts[call]; k++ {
				if s.skip(3) {
					continue
				}
				s.inject(killed, begins, call, fmt.Sprintf("signal=KILL:when=%d", k))
			}
			for _, e := range failures[call] {
				for k := 1; k <= counts[call]; k++ {
					for _, onwards := range []string{"", "+"} {
						if s.skip(9) {
							continue
						}
						s.inject(failed, begins, call, fmt.Sprintf("error=%s:when=%d%s", e, k, onwards))
					}
				}
			}
		}
	}
	return nil
}

// skip reports whether the short part leaves something out: all but one in some.
func (s *suite) skip(some int) bool { return !s.long && s.random.IntN(some) > 0 }

// command returns what is traced: a run that begins, or one that is resumed.
func (s *suite) command(begins bool) ([]string, error) {
	if begins {
		os.RemoveAll(filepath.Join(s.dir, "traced"))
		return append(s.training("traced"), "--updates", fmt.Sprint(after)), nil
	}
	return s.resuming("traced"), s.fresh("traced")
}

var callName = regexp.MustCompile(`^(\d+) +([a-z0-9_]+)\(`)

// countCalls returns how often one thread at most makes each call. It returns an error where
// a checkpoint is not put on the disk.
func (s *suite) countCalls(begins bool) (map[string]int, error) {
	args, err := s.command(begins)
	if err != nil {
		return nil, err
	}
	log := filepath.Join(s.dir, "calls")
	set := "trace=" + strings.Join(sortedKeys(failures), ",")
	if o := s.start([]string{"strace", "-f", "-y", "-qq", "-o", log, "-e", set}, args...); o.code != 0 {
		return nil, fmt.Errorf("strace: %s", o.said)
	}
	data, err := os.ReadFile(log)
	if err != nil {
		return nil, err
	}
	checkpoints := (after - before) / every
	if begins {
		checkpoints = after / every
	}
	lines := strings.Split(string(data), "\n")
	if err := durable(lines, "traced", checkpoints); err != nil {
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	thread, counts := map[string]int{}, map[string]int{}
	for _, line := range lines {
		if m := callName.FindStringSubmatch(line); m != nil {
			thread[m[1]+m[2]]++
			counts[m[2]] = max(counts[m[2]], thread[m[1]+m[2]])
		}
	}
	return counts, nil
}

// inject runs the command with one fault, and looks at what is left.
func (s *suite) inject(r *row, begins bool, call, fault string) {
	args, err := s.command(begins)
	what := fmt.Sprintf("%s of %s:%s", args[0], call, fault)
	if err != nil {
		r.wrong(&r.panics, "%s: %v", what, err)
		return
	}
	r.injected++
	o := s.start([]string{"strace", "-f", "-qq", "-o", os.DevNull, "-e", "trace=" + call, "-e",
		"inject=" + call + ":" + fault}, args...)
	if !r.judge(o, what) && o.took > patience {
		return
	}
	if o.code == 0 {
		r.survived++
	} else {
		r.refused++
	}
	least := uint64(before)
	if begins {
		least = 0
	}
	s.recovers(r, "traced", least, what)
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
