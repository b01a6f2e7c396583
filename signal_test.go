package main

import (
	"bytes"
	"fmt"
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
			must(t, dir, small("--out", "long", "--layers", "784,300,300", "--updates", "6000", "--checkpoint-every", "6000")...)
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

// A signal that comes twice within microseconds, to a process and to its group, is one
// signal: the checkpoint is written, and a message says at once what is being done.
func TestDoubledSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		dir := t.TempDir()
		c, messages := begin(t, dir, "metrics.jsonl", "9999999", "--layers", "784,300,300", "--batch", "500")
		for range 3 { // while an update is made
			if err := c.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Millisecond)
		}
		c.Wait()
		said := messages.String()
		if !strings.Contains(said, "the checkpoint is written") || !strings.HasPrefix(said, "tandem: finishing update ") ||
			!strings.Contains(said, "a second signal ends tandem at once") {
			t.Errorf("%v three times: exit code %d\n%s", sig, c.ProcessState.ExitCode(), said)
		}
		must(t, dir, "info", "run")
	}
}

// Within a second, another signal of any kind is still the first one, also while an update
// takes longer than it took to come: Ctrl-C held down, or a service manager that repeats.
func TestSecondSignalWithinASecond(t *testing.T) {
	const apart = 300 * time.Millisecond
	for first, second := range map[syscall.Signal]syscall.Signal{
		syscall.SIGINT: syscall.SIGINT, syscall.SIGTERM: syscall.SIGHUP,
	} {
		dir := t.TempDir()
		c, messages := begin(t, dir, "metrics.jsonl", "9999999", "--layers", "784,500,500", "--batch", "1000",
			"--mean-field-max", "100", "--mean-field-tolerance", "0") // an update takes a second or so
		began := time.Now()
		c.Process.Signal(first)
		time.Sleep(apart)
		c.Process.Signal(second)
		sent := time.Since(began)
		c.Wait()
		switch took := time.Since(began); {
		case sent > 900*time.Millisecond:
			t.Skipf("a busy machine: the signals came %v apart", sent)
		case took < apart+50*time.Millisecond:
			t.Logf("%v: no update takes as long here; it ended after %v", first, took)
		}
		code := map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143}[first]
		said := messages.String()
		if got := c.ProcessState.ExitCode(); got != code || !strings.Contains(said, "the checkpoint is written") {
			t.Errorf("%v, then %v: exit code %d, want %d\n%s", first, second, got, code, said)
		}
		if n := strings.Count(said, "finishing update"); n != 1 {
			t.Errorf("%v, then %v: the first is announced %d times\n%s", first, second, n, said)
		}
		must(t, dir, "info", "run")
	}
}

// A second signal after a second ends the program, whatever it is busy with.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	dir := t.TempDir()
	begin(t, dir, "metrics.jsonl", "9999999") // skips where there are no signals
	c := command(t, dir, "train", "--layers", "784,4000,4000", "--batch", "2000", "--mean-field-max", "1000",
		"--mean-field-tolerance", "0", "--threads", "1", "--out", "slow") // an update takes minutes
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(time.Minute, func() { c.Process.Kill() })
	defer kill.Stop()
	time.Sleep(time.Second)
	for range 3 {
		c.Process.Signal(syscall.SIGTERM)
		time.Sleep(1200 * time.Millisecond)
	}
	c.Wait()
	if got := c.ProcessState.ExitCode(); got != 143 {
		t.Errorf("exit code %d, want 143", got)
	}
}

// nohup keeps a run going when its terminal closes.
func TestIgnoredHangup(t *testing.T) {
	dir := t.TempDir()
	c, _ := begin(t, dir, "metrics.jsonl", "9999999")
	c.Process.Kill()
	c.Wait()
	shell := exec.Command("sh", "-c", `trap "" HUP; exec "$@"`, "sh", os.Args[0], "resume", "run", "--quiet")
	shell.Dir, shell.Env = dir, append(os.Environ(), asTandem+"=1")
	if err := shell.Start(); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { shell.Process.Kill() })
	time.Sleep(500 * time.Millisecond)
	shell.Process.Signal(syscall.SIGHUP)
	time.Sleep(300 * time.Millisecond)
	shell.Process.Signal(syscall.SIGTERM)
	shell.Wait()
	if got := shell.ProcessState.ExitCode(); got != 143 {
		t.Errorf("exit code %d, want 143", got)
	}
}

// A run goes on to its end when whoever reads its messages has gone.
func TestReaderThatGoes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such pipes")
	}
	dir := t.TempDir()
	tandem(t, dir, "version") // skips where no process can be started
	for i, closed := range []string{"both", "out", "err"} {
		run := fmt.Sprintf("run%d", i)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		args := append([]string{}, small("--out", run)...)
		c := command(t, dir, slices.DeleteFunc(args, func(s string) bool { return s == "--quiet" })...)
		if closed != "err" {
			c.Stdout = w
		}
		if closed != "out" {
			c.Stderr = w
		}
		r.Close()
		err = c.Run()
		w.Close()
		if err != nil {
			t.Errorf("%s: %v", closed, err)
		}
		if done := about(t, dir, run)["updates"].(float64); done != 30 {
			t.Errorf("%s: %v updates", closed, done)
		}
	}
}
