package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Every verb that works for long stops cleanly when it is interrupted: exit code 130, one
// message, and no file that is new or half-written. train, resume and reproduce, which
// keep what they have made, have tests of their own.
func TestEveryLongVerbStopsCleanly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals to other processes")
	}
	dir := t.TempDir()
	large, err := filepath.Abs(filepath.Join("docs", "results", "best.npz"))
	if err != nil {
		t.Fatal(err)
	}
	must(t, dir, small("--out", "run", "--layers", "784,60,60")...)
	for _, args := range [][]string{
		{"eval", "run", "--temps", "10000000", "--per-example", "out.csv"},
		{"classify", "run", "--epochs", "100000"},
		{"classify", "run", "--labels", "100", "--epochs", "1000000"},
		{"features", large, "--split", "train", "--npz", "out.npz", "--threads", "1"},
		{"sample", "run", "--fresh", "50", "--sweeps", "100000000", "--gif", "out.gif", "--out", "out.png"},
		{"sample", "run", "--fresh", "50", "--anneal", "100000000", "--out", "out.png"},
		{"complete", "run", "--sweeps", "100000000", "--out", "out.png"},
		{"bench", "update", "--seconds", "1000"},
		{"bench", "kernels"},
		{"verify", "archive.tar.gz", "--updates", "100000000"},
		{"reproduce", "--out", "study"},
	} {
		if args[0] == "verify" {
			must(t, dir, small("--out", "long", "--layers", "784,100,100", "--updates", "8000", "--checkpoint-every", "8000")...)
			must(t, dir, "archive", "long", "--out", "archive.tar.gz", "--binary=false")
		}
		before := names(t, dir)
		c := command(t, dir, args...)
		var messages bytes.Buffer
		c.Stderr = &messages
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Process.Kill() })
		time.Sleep(600 * time.Millisecond)
		if err := c.Process.Signal(syscall.SIGINT); err != nil {
			t.Errorf("%q had ended: %v", args, err)
		}
		c.Wait()
		if got := c.ProcessState.ExitCode(); got != 130 {
			t.Errorf("%q: exit code %d, want 130\n%s", args, got, &messages)
		}
		if want := "tandem: " + args[0] + ": stopped by an interrupt\n"; !strings.HasPrefix(messages.String(), want) &&
			args[0] != "reproduce" {
			t.Errorf("%q says %q, want %q", args, &messages, want)
		}
		if after := names(t, dir); !slices.Equal(before, after) {
			t.Errorf("%q leaves %q, where %q were", args, after, before)
		}
	}
}

// A verb that is busy with a file that does not answer is ended soon after a signal.
func TestSignalEndsWhatDoesNotAnswer(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals to other processes")
	}
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	pipe := filepath.Join(dir, "pipe.npz")
	if err := exec.Command("mkfifo", pipe).Run(); err != nil {
		t.Skip(err)
	}
	for sig, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		c := command(t, dir, "export", "run", "--npz", pipe) // which nobody reads
		var messages bytes.Buffer
		c.Stderr = &messages
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(30*time.Second, func() { c.Process.Kill() })
		defer kill.Stop()
		time.Sleep(300 * time.Millisecond)
		if err := c.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		c.Wait()
		if got := c.ProcessState.ExitCode(); got != code || !strings.HasPrefix(messages.String(), "tandem: stopped by ") {
			t.Errorf("%v: exit code %d, want %d\n%s", sig, got, code, &messages)
		}
	}
}

// names returns the names of all files below a folder.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		all = append(all, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
