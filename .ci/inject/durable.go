package main

import (
	"errors"
	"fmt"
	"path"
	"regexp"

	"tandem/internal/runs"
)

// What a trace by strace -y shows of a save. A call that is interrupted has its arguments all
// the same.
var (
	syncs   = regexp.MustCompile(`^\d+ +fsync\(\d+<([^>]*)>`)
	renames = regexp.MustCompile(`^\d+ +renameat\(.*"(checkpoint\.tandem\.[A-Z2-7]+\.tmp)", .*"checkpoint\.tandem"`)
)

// durable returns an error unless a trace of training shows so many checkpoints of a run, and
// three calls of fsync for each. The temporary file and the metrics are put on the disk before
// the file takes its name, and the folder after it. Without them all tests pass until a
// machine loses its power.
func durable(trace []string, run string, checkpoints int) error {
	found, named := 0, false // named: a checkpoint has its name, and its folder is not yet on the disk
	synced := map[string]bool{}
	for _, line := range trace {
		if m := syncs.FindStringSubmatch(line); m != nil {
			synced[path.Base(m[1])] = true
			named = named && path.Base(m[1]) != run
		}
		m := renames.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		found++
		for _, name := range []string{m[1], "metrics.jsonl"} {
			if !synced[name] {
				return fmt.Errorf("checkpoint %d takes its name before %s is on the disk", found, name)
			}
		}
		if named {
			break
		}
		clear(synced)
		named = true
	}
	switch {
	case named:
		return errors.New("the folder is not put on the disk after a checkpoint has its name")
	case found < checkpoints:
		return fmt.Errorf("%d times %s was replaced, want %d", found, runs.CheckpointFile, checkpoints)
	}
	return nil
}
