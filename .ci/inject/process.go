package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tandem/internal/runs"
)

// A process may take this long before it counts as one that hangs; strace takes its share.
const (
	patience = 5 * time.Second
	forStart = 20 * time.Second
)

// maxMemory is the most memory in KiB that a process of these small runs may take.
const maxMemory = 300 << 10

// outcome is how a process ended.
type outcome struct {
	code   int // −1: by a signal
	said   string
	took   time.Duration
	memory int64 // KiB
}

// start runs tandem in the folder of the suite, below another program if there is one.
func (s *suite) start(above []string, args ...string) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), forStart)
	defer cancel()
	line := append(append(above, s.tandem), args...)
	c := exec.CommandContext(ctx, line[0], line[1:]...)
	c.Dir = s.dir
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	c.WaitDelay = time.Second
	began := time.Now()
	err := c.Run()
	o := outcome{code: -1, said: said.String(), took: time.Since(began)}
	if c.ProcessState == nil {
		o.said = err.Error()
		return o
	}
	o.code = c.ProcessState.ExitCode()
	if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		o.memory = usage.Maxrss
	}
	return o
}

// runtimesOwn is what Go's runtime says where the call that failed was its own, to wake its
// poller, and not one of tandem's. It ends the process then, as a kill does.
const runtimesOwn = "fatal error: runtime: netpoll"

// judge counts what no process may do, and reports whether it did none of it.
func (r *row) judge(o outcome, what string) bool {
	r.memory = max(r.memory, o.memory)
	switch {
	case strings.Contains(o.said, runtimesOwn) && o.took <= patience:
		return true // what it left is looked at all the same
	case o.took > patience:
		r.wrong(&r.hangs, "%s: took %v", what, o.took)
	case strings.Contains(o.said, "goroutine ") || strings.Contains(o.said, "panic:") || o.memory > maxMemory:
		r.wrong(&r.panics, "%s: %d MiB, says %.300s", what, o.memory>>10, o.said)
	default:
		return true
	}
	return false
}

// The updates at which the run of the suite is, to which it is resumed, and between two
// checkpoints.
const (
	before = 10
	after  = 20
	every  = 5
)

// prepare makes small images, the run that all faults meet, and the run that it becomes.
func (s *suite) prepare() error {
	if err := os.Mkdir(filepath.Join(s.dir, "data"), 0o777); err != nil {
		return err
	}
	for set, n := range map[string]int{"train": 12, "t10k": 5} {
		images := binary.BigEndian.AppendUint32([]byte{0, 0, 8, 3}, uint32(n))
		images = append(images, 0, 0, 0, 3, 0, 0, 0, 3)
		for i := range 9 * n {
			images = append(images, byte(i*i*7))
		}
		labels := binary.BigEndian.AppendUint32([]byte{0, 0, 8, 1}, uint32(n))
		for i := range n {
			labels = append(labels, byte(i%2))
		}
		for name, data := range map[string][]byte{set + "-images-idx3-ubyte": images, set + "-labels-idx1-ubyte": labels} {
			if err := os.WriteFile(filepath.Join(s.dir, "data", name), data, 0o666); err != nil {
				return err
			}
		}
	}
	for _, args := range [][]string{
		s.training("run"),
		append(s.training("whole"), "--updates", fmt.Sprint(after)),
		{"export", "run", "--npz", "model.npz"},
		{"archive", "run", "--out", "study.tar.gz", "--binary=false"},
	} {
		if o := s.start(nil, args...); o.code != 0 {
			return fmt.Errorf("%q: %s", args, o.said)
		}
	}
	return nil
}

// training returns the command that trains the run.
func (s *suite) training(out string) []string {
	return []string{"train", "--data", "data", "--layers", "9,4,3", "--batch", "3", "--chains", "2", "--updates",
		fmt.Sprint(before), "--learning-rate-end", "1000", "--checkpoint-every", fmt.Sprint(every), "--threads", "1",
		"--moments", "2", "--quiet", "--out", out}
}

// resuming returns the command that resumes it.
func (s *suite) resuming(run string) []string {
	return []string{"resume", run, "--updates", fmt.Sprint(after), "--threads", "1", "--quiet"}
}

// fresh copies the run, and returns the name of the copy.
func (s *suite) fresh(name string) error {
	os.RemoveAll(filepath.Join(s.dir, name))
	return os.CopyFS(filepath.Join(s.dir, name), os.DirFS(filepath.Join(s.dir, "run")))
}

// sum returns the update and the hash of the checkpoint of a run.
func (s *suite) sum(name string) (uint64, string, error) {
	c, err := runs.ReadCheckpoint(filepath.Join(s.dir, name))
	if err != nil {
		return 0, "", err
	}
	return c.Updates, c.State.SHA256(), nil
}

// recovers counts what has become of a run after a fault: its checkpoint must be there, at
// update least or later, and a resume must end with the numbers of the run that nothing
// happened to.
func (s *suite) recovers(r *row, name string, least uint64, what string) {
	at, _, err := s.sum(name)
	switch {
	case err != nil && least > 0:
		r.wrong(&r.lost, "%s: the checkpoint: %v", what, err)
		return
	case err != nil && !errors.Is(err, runs.ErrNoCheckpoint):
		// No checkpoint was ever written: what there is can go, and the same command begins it.
		if _, err := os.Lstat(filepath.Join(s.dir, name, runs.CheckpointFile)); !errors.Is(err, os.ErrNotExist) {
			r.wrong(&r.lost, "%s: a checkpoint that cannot be read: %v", what, err)
			return
		}
		os.RemoveAll(filepath.Join(s.dir, name))
		if o := s.start(nil, append(s.training(name), "--updates", fmt.Sprint(after))...); !r.judge(o, what) || o.code != 0 {
			r.wrong(&r.lost, "%s: begun again: %s", what, o.said)
			return
		}
	case at < least:
		r.wrong(&r.lost, "%s: the checkpoint is at update %d", what, at)
		return
	case at < after:
		if o := s.start(nil, s.resuming(name)...); !r.judge(o, what) || o.code != 0 {
			r.wrong(&r.lost, "%s: resumed: %s", what, o.said)
			return
		}
	}
	_, want, _ := s.sum("whole")
	at, got, err := s.sum(name)
	if err != nil || at != after || got != want {
		r.wrong(&r.lost, "%s: ends at update %d with other numbers, %v", what, at, err)
		return
	}
	left, _ := filepath.Glob(filepath.Join(s.dir, name, "*checkpoint*.tmp"))
	if len(left) > 0 {
		r.wrong(&r.lost, "%s: %q is left", what, left)
	}
}
