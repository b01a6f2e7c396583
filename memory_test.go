package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Every verb that takes memory says how much it needs, and makes nothing where there is not
// as much.
func TestMemoryIsChecked(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	must(t, dir, "archive", "run", "--out", "runs.tar.gz", "--binary=false")
	for _, name := range []string{"run/filters.png", "run/samples.png"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	writeSet(t, filepath.Join(dir, "large"), "train", 1, 64, 64)
	large := filepath.Join(dir, "large", "train-images-idx3-ubyte")
	header := []byte{0, 0, 8, 3, 0, 1, 0, 0, 0, 0, 0, 64, 0, 0, 0, 64}
	if err := errors.Join(os.WriteFile(large, header, 0o666), os.Truncate(large, 16+64*64<<16)); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	needs := []string{"needs about ", " of memory, TANDEM_MEMORY has ", "hint: "}
	for _, c := range []struct {
		memory string
		args   []string
		code   int
	}{
		{"2GiB", []string{"train", "--batch", "1_048_576", "--out", "new"}, 1},
		{"2GiB", []string{"train", "--layers", "784,30000,30000", "--out", "new"}, 1},
		{"2GiB", []string{"train", "--chains", "1e6", "--layers", "784,200"}, 1},
		{"90MiB", []string{"resume", "run", "--updates", "40"}, 1},
		{"2GiB", []string{"eval", "run", "--temps", "1_000_000_000"}, 1},
		{"300MiB", []string{"eval", "run", "--ensembles", "1000"}, 1},
		{"1GiB", []string{"classify", "run", "--batch", "65536"}, 1},
		{"90MiB", []string{"features", "run", "--npz", "new.npz"}, 1},
		{"2GiB", []string{"sample", "run", "--fresh", "1e6"}, 1},
		{"300MiB", []string{"complete", "run", "--images", "9000"}, 1},
		{"10KiB", []string{"filters", "run"}, 1},
		{"10KiB", []string{"info", "run"}, 1},
		{"2GiB", []string{"bench", "update", "--batch", "1e6"}, 1},
		{"10MiB", []string{"reproduce", "figure2", "--scale", "1", "--out", "new"}, 1},
		{"90MiB", []string{"archive", "run", "--out", "new.tar.gz"}, 1},
	} {
		t.Setenv("TANDEM_MEMORY", c.memory)
		refuse(t, c.code, dir, c.args, needs...)
	}
	// What an archive holds counts before anything is trained again.
	t.Setenv("TANDEM_MEMORY", "300KiB")
	refuse(t, 1, dir, []string{"verify", "runs.tar.gz"}, "runs.tar.gz: runs/run/", "bytes of other files",
		"all together may have 102400")
	t.Setenv("TANDEM_MEMORY", "1MiB")
	if _, said, code := tandem(t, dir, "verify", "runs.tar.gz"); code != 1 || !strings.Contains(said, "needs about ") {
		t.Errorf("verify: exit code %d\n%s", code, said)
	}
	t.Setenv("TANDEM_MEMORY", "200MiB") // images are not even read
	refuse(t, 1, dir, []string{"train", "--data", "large", "--out", "new"}, append(needs, "train images of")...)
	t.Setenv("TANDEM_MEMORY", "much")
	refuse(t, 1, dir, []string{"info", "run"}, `TANDEM_MEMORY="much"`, "64GiB")
	if after := tree(t, dir); after != before {
		t.Errorf("what was there was\n%s, is\n%s", before, after)
	}
}

// tree returns all that is in a folder.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
		all = append(all, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

// A limit of the address space counts, as ulimit sets it.
func TestAddressSpaceIsChecked(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getenv("TANDEM_TEST_REQUIRE") != "" {
		t.Skip("ulimit -v, on a machine of its own")
	}
	dir := t.TempDir()
	c := exec.Command("sh", "-c", `ulimit -v 4000000 && exec "$0" train --batch 1048576 --out run`, os.Args[0])
	c.Dir, c.Env = dir, append(os.Environ(), asTandem+"=1")
	var messages bytes.Buffer
	c.Stderr = &messages
	err := c.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 ||
		!strings.Contains(messages.String(), "this process (ulimit -v) has ") {
		t.Errorf("%v\n%s", err, messages.String())
	}
	if _, err := os.Stat(filepath.Join(dir, "run")); err == nil {
		t.Error("a folder is left")
	}
}

// A dry run says what a run would take, whether it fits or not, and makes nothing.
func TestDryRun(t *testing.T) {
	dir := t.TempDir()
	out := must(t, dir, small("--dry-run", "--out", "run")...)
	for _, w := range []string{"784-20-10", "16,694", "60,000 images", "30, a checkpoint every 10", " has ", "checkpoint",
		"a guess"} {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
	t.Setenv("TANDEM_MEMORY", "100MiB")
	if out := must(t, dir, "train", "--dry-run", "--batch", "1e6"); !strings.Contains(out, "TANDEM_MEMORY has 100 MiB") ||
		!strings.Contains(out, "not enough memory") {
		t.Errorf("a run that does not fit:\n%s", out)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("something was made: %v %v", entries, err)
	}
}
