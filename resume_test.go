package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dustin/go-humanize"

	"tandem/internal/runs"
)

// begin starts a long run and returns when the folder has a file that is not empty.
func begin(t *testing.T, dir, file, every string, more ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no signals to other processes")
	}
	tandem(t, dir, "version") // skips where no process can be started
	args := small("--updates", "10000000", "--out", "run", "--threads", "1", "--checkpoint-every", every)
	c := command(t, dir, append(args, more...)...)
	messages := new(bytes.Buffer)
	c.Stderr = messages
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	for range 1000 {
		if info, err := os.Stat(filepath.Join(dir, "run", file)); err == nil && info.Size() > 0 {
			return c, messages
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no %s after ten seconds", file)
	return nil, nil
}

// A signal finishes the update and writes a checkpoint where there would be none.
func TestSignalsStopCleanly(t *testing.T) {
	for signal, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143,
		syscall.SIGHUP: 129} {
		dir := t.TempDir()
		c, messages := begin(t, dir, "metrics.jsonl", "9999999")
		refuse(t, 1, dir, []string{"resume", "run", "--updates", "20000000"}, strconv.Itoa(c.Process.Pid))
		if err := c.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		c.Wait()
		if got := c.ProcessState.ExitCode(); got != code {
			t.Errorf("%v: exit code %d, want %d\n%s", signal, got, code, messages)
		}
		done := uint64(about(t, dir, "run")["updates"].(float64))
		if want := fmt.Sprintf("stopped at update %s; the checkpoint is written",
			humanize.Comma(int64(done))); !strings.Contains(messages.String(), want) {
			t.Errorf("%v: no %q in\n%s", signal, want, messages)
		}
		metrics, err := runs.ReadMetrics(filepath.Join(dir, "run"))
		if err != nil || metrics[len(metrics)-1].Update != done {
			t.Errorf("%v: the metrics end with update %d, not %d (%v)", signal, metrics[len(metrics)-1].Update, done, err)
		}
		must(t, dir, "resume", "run", "--quiet", "--updates", fmt.Sprint(done+7))
		must(t, dir, small("--out", "whole", "--updates", fmt.Sprint(done+7))...)
		if sha(t, dir, "run") != sha(t, dir, "whole") {
			t.Errorf("%v: the stop shows", signal)
		}
	}
}

func TestKilledRunResumes(t *testing.T) {
	dir := t.TempDir()
	c, _ := begin(t, dir, "checkpoint.tandem", "10")
	time.Sleep(30 * time.Millisecond)
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.Wait()
	done := uint64(about(t, dir, "run")["updates"].(float64))
	must(t, dir, "resume", "run", "--quiet", "--updates", fmt.Sprint(done+13))
	must(t, dir, small("--out", "whole", "--updates", fmt.Sprint(done+13))...)
	if sha(t, dir, "run") != sha(t, dir, "whole") {
		t.Error("the kill shows")
	}
}

// A run whose checkpoint is gone keeps what it has recorded; one that never had one
// begins again.
func TestCheckpointIsGone(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run", "--updates", "30", "--checkpoint-every", "10")...)
	must(t, dir, small("--out", "short", "--updates", "30", "--checkpoint-every", "30")...)
	for _, run := range []string{"run", "short"} {
		if err := os.Remove(filepath.Join(dir, run, "checkpoint.tandem")); err != nil {
			t.Fatal(err)
		}
	}
	before := get(t, filepath.Join(dir, "run", "metrics.jsonl"))
	for _, args := range [][]string{{"resume", "run", "--updates", "60", "--quiet"}, {"info", "run"}, {"filters", "run"}} {
		refuse(t, 1, dir, args, "30 updates", "its checkpoint is gone", "--config")
	}
	if !bytes.Equal(get(t, filepath.Join(dir, "run", "metrics.jsonl")), before) {
		t.Error("resume has changed what was recorded")
	}
	must(t, dir, "resume", "short", "--quiet", "--updates", "40")
	must(t, dir, small("--out", "whole", "--updates", "40")...)
	if sha(t, dir, "short") != sha(t, dir, "whole") {
		t.Error("the beginning anew shows")
	}
}

// A run that has made its updates, and whose manifest is missing or damaged, is described
// anew: it could not be archived.
func TestManifestOfACompleteRun(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	manifest := filepath.Join(dir, "run", "manifest.json")
	for i, damage := range []func() error{
		func() error { return os.Remove(manifest) },
		func() error { return os.WriteFile(manifest, []byte("{"), 0o666) },
		func() error { return os.WriteFile(manifest, nil, 0o666) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		refuse(t, 1, dir, []string{"archive", "run", "--out", "bad.tar.gz", "--binary=false"}, "manifest.json")
		if _, said, code := tandem(t, dir, "resume", "run", "--quiet"); code != 0 || !strings.Contains(said, "warning: ") {
			t.Errorf("resume: exit code %d\n%s", code, said)
		}
		must(t, dir, "archive", "run", "--out", fmt.Sprint(i, ".tar.gz"), "--binary=false")
		must(t, dir, "verify", fmt.Sprint(i, ".tar.gz"))
	}
	for _, name := range []string{"manifest.damaged.json", "manifest.damaged-2.json"} { // none over another
		if _, err := os.Stat(filepath.Join(dir, "run", name)); err != nil {
			t.Error(err)
		}
	}
	refuse(t, 1, dir, []string{"resume", "run"}, "has made all")
}

// A run that was killed between its last checkpoint and its pictures gets them.
func TestPicturesOfACompleteRun(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	picture := filepath.Join(dir, "run", "filters.png")
	want, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, 1, dir, []string{"resume", "run", "--updates", "40", "--quiet", "--memprofile", "no/such/file"}, "profile")
	// A run may be gone that was not there before.
	must(t, dir, small("--out", "again", "--updates", "30", "--checkpoint-every", "30")...)
	if err := os.RemoveAll(filepath.Join(dir, "run")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "again"), filepath.Join(dir, "run")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "run", "checkpoint.tandem")); err != nil {
		t.Fatal(err)
	}
	refuse(t, 2, dir, []string{"resume", "run", "--updates", "0"}, "updates")
	must(t, dir, "resume", "run", "--quiet")
	if err := os.Remove(picture); err != nil {
		t.Fatal(err)
	}
	refuse(t, 1, dir, []string{"resume", "run", "--updates", "10"}, "30 updates")
	must(t, dir, "resume", "run")
	if got, err := os.ReadFile(picture); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the picture is another: %v", err)
	}
}

// The metrics of a run in two parts are those of the whole, but for the times.
func TestMetricsOfACutRun(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "whole")...)
	must(t, dir, small("--out", "cut", "--updates", "20")...)
	before, err := runs.ReadHeader(filepath.Join(dir, "cut"))
	if err != nil {
		t.Fatal(err)
	}
	must(t, dir, "resume", "cut", "--quiet", "--updates", "30")
	whole, err := runs.ReadMetrics(filepath.Join(dir, "whole"))
	if err != nil {
		t.Fatal(err)
	}
	cut, err := runs.ReadMetrics(filepath.Join(dir, "cut"))
	if err != nil {
		t.Fatal(err)
	}
	if last := cut[len(cut)-1]; last.Seconds <= before.Seconds {
		t.Errorf("the seconds go from %v to %v", before.Seconds, last.Seconds)
	}
	for _, m := range [][]runs.Metrics{whole, cut} {
		for i := range m {
			m[i].Seconds, m[i].PerSecond = 0, 0
		}
	}
	if !reflect.DeepEqual(whole, cut) {
		t.Errorf("the metrics are\n%+v, want\n%+v", cut, whole)
	}
}
