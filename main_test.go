package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The test binary is tandem itself when a test runs it with this variable set.
const asTandem = "TANDEM_TEST_AS_TANDEM"

func TestMain(m *testing.M) {
	if os.Getenv(asTandem) != "" {
		main()
	}
	os.Exit(m.Run())
}

// patience is how long a command may take. One that hangs fails its own test then, and not
// all tests by the limit of go test.
const patience = 2 * time.Minute

// command is tandem with arguments, in a folder of its own.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, os.Args[0], args...)
	c.Cancel = func() error {
		if ctx.Err() == context.DeadlineExceeded { // else the test has ended
			t.Errorf("tandem %s: still busy after %v; killed", strings.Join(args, " "), patience)
		}
		return c.Process.Kill()
	}
	c.WaitDelay = 10 * time.Second // a process of its own may hold the pipes
	c.Dir = dir
	c.Env = append(os.Environ(), asTandem+"=1")
	return c
}

// tandem runs tandem and returns what it wrote and its exit code.
func tandem(t *testing.T, dir string, args ...string) (out, messages string, code int) {
	t.Helper()
	if runtime.GOARCH == "arm64" && os.Getenv("TANDEM_TEST_REQUIRE") != "" {
		t.Skip("an emulator may not start a second process")
	}
	var stdout, stderr bytes.Buffer
	c := command(t, dir, args...)
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), c.ProcessState.ExitCode()
}

// must runs tandem, which must succeed, and returns what it wrote.
func must(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, messages, code := tandem(t, dir, args...)
	if code != 0 {
		t.Fatalf("tandem %s: exit code %d\n%s", strings.Join(args, " "), code, messages)
	}
	return out
}

// refuse runs tandem, which must fail with an exit code and a message with all
// of some words.
func refuse(t *testing.T, code int, dir string, args []string, words ...string) {
	t.Helper()
	out, messages, got := tandem(t, dir, args...)
	if got != code {
		t.Errorf("tandem %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, out, messages)
	}
	for _, w := range words {
		if !strings.Contains(messages, w) {
			t.Errorf("tandem %s: no %q in the message\n%s", strings.Join(args, " "), w, messages)
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(messages), "\n") {
		if !strings.HasPrefix(line, "tandem: ") || strings.Contains(line, "goroutine") {
			t.Errorf("tandem %s: not a message of tandem: %q", strings.Join(args, " "), line)
		}
	}
}

// small is the flags of a run that takes no time.
func small(more ...string) []string {
	return append([]string{"train", "--quiet", "--preset", "quick", "--layers", "784,20,10", "--batch", "5", "--chains",
		"4", "--updates",
		"30", "--checkpoint-every", "10"}, more...)
}

// about is what info tells about a run.
func about(t *testing.T, dir, run string) map[string]any {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal([]byte(must(t, dir, "info", run, "--json")), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func sha(t *testing.T, dir, run string) string {
	t.Helper()
	return about(t, dir, run)["params_sha256"].(string)
}

func TestTandemAloneListsItsVerbs(t *testing.T) {
	out := must(t, t.TempDir())
	for _, v := range []string{"train", "resume", "filters", "sample", "export", "info", "version"} {
		if !strings.Contains(out, "\n  tandem "+v+" ") {
			t.Errorf("no %s in\n%s", v, out)
		}
	}
	for _, v := range []string{"TANDEM_KERNEL", "TANDEM_MEMORY"} {
		if !strings.Contains(out, "\n  "+v+" ") {
			t.Errorf("no %s in\n%s", v, out)
		}
	}
	if out := must(t, t.TempDir(), "train", "--help"); !strings.Contains(out, "--mean-field-tolerance X") ||
		!strings.Contains(out, "(default 784,500,500)") {
		t.Errorf("train --help prints\n%s", out)
	}
	if out := must(t, t.TempDir(),
		"version"); !regexp.MustCompile(`^tandem \d+\.\d+\.\d+ \(numerics \d+, go`).MatchString(out) {
		t.Errorf("version prints %q", out)
	}
	if out := must(t, t.TempDir(), "info"); !strings.Contains(out, "Yann LeCun") || !strings.Contains(out, "kernels") {
		t.Errorf("info prints\n%s", out)
	}
}

// long skips a test that takes minutes on an emulated machine.
func long(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
}

func TestMistakesAreExplained(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bad.json"), []byte(`{"layres": [784]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "papr.json"), []byte(`{"preset": "papr"}`), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  []string
		code  int
		words []string
	}{
		{[]string{"trian"}, 2, []string{"trian: no such command; did you mean tandem train?"}},
		{[]string{"train", "extra"}, 2, []string{"extra"}},
		{[]string{"train", "--bathc", "5"}, 2, []string{"no flag --bathc; did you mean --batch?", "--help"}},
		{[]string{"sampl", "run"}, 2, []string{"did you mean tandem sample?"}},
		{[]string{"fly"}, 2, []string{"fly: no such command; tandem alone"}},
		{[]string{"train", "--qwertyuiop"}, 2, []string{"no flag --qwertyuiop;"}},
		{[]string{"train", "--batch"}, 2, []string{"--batch needs a value"}},
		{[]string{"train", "-updates", "-5"}, 2, []string{`--updates: "-5": `}},
		{[]string{"train", "--quiet=perhaps"}, 2, []string{`--quiet: "perhaps": `}},
		{[]string{"train", "--config", "papr.json"}, 2, []string{"papr.json", `"papr"`, "quick"}},
		{[]string{"train", "--on-save-error", "panic"}, 2, []string{"--on-save-error", "stop or continue"}},
		{[]string{"train", "--pixels", "x"}, 2, []string{`train: --pixels: "x" is not`}},
		{[]string{"eval", "run", "--pixels", "x"}, 2, []string{`eval: --pixels: "x" is not`}},
		{[]string{"features", "run", "--npz", "f", "--pixels", "x"}, 2, []string{`features: --pixels: "x" is not`}},
		{[]string{"train", "--batch", "0"}, 2, []string{"batch"}},
		{[]string{"train", "--batch", "x"}, 2, []string{"batch"}},
		{[]string{"train", "--layers", "784,x"}, 2, []string{"layers", `"x"`}},
		{[]string{"train", "--layers", "100,50"}, 2, []string{"100 units", "784 pixels"}},
		{[]string{"train", "--layers", "784"}, 2, []string{"layers", "hidden"}},
		{[]string{"train", "--alpha", "0.1,0.2,0.3"}, 2, []string{"alpha"}},
		{[]string{"train", "--alpha", "-1"}, 2, []string{"alpha"}},
		{[]string{"train", "--learning-rate", "NaN"}, 2, []string{"learning-rate", "finite"}},
		{[]string{"train", "--preset", "slow"}, 2, []string{"slow", "quick"}},
		{[]string{"train", "--pixels", "red"}, 2, []string{"red", "threshold"}},
		{[]string{"train", "--threads", "0"}, 2, []string{"threads"}},
		{[]string{"train", "--updates", "0"}, 2, []string{"updates"}},
		{[]string{"train", "--pprof", "0.0.0.0:6060"}, 2, []string{"loopback"}},
		{[]string{"train", "--out", ""}, 2, []string{"--out", "must not be empty"}},
		{[]string{"train", "--config="}, 2, []string{"--config", "must not be empty"}},
		{[]string{"resume", "run", "--memprofile", ""}, 2, []string{"--memprofile", "must not be empty"}},
		{[]string{"train", "--chains=" + strings.Repeat("A", 50_000)}, 2, []string{"--chains", " … "}},
		{[]string{"train", "--config", "bad.json"}, 1, []string{"bad.json", "layres"}},
		{[]string{"train", "--config", "none.json"}, 1, []string{"none.json"}},
		{[]string{"train", "--data", "nowhere"}, 1, []string{"nowhere"}},
		{[]string{"train", "--cpuprofile", "no/such/folder/file"}, 1, []string{"cpuprofile"}},
		{[]string{"resume"}, 2, []string{"RUN is missing"}},
		{[]string{"resume", "nowhere"}, 1, []string{"nowhere"}},
		{[]string{"resume", "."}, 1, []string{"."}},
		{[]string{"info", "nowhere"}, 1, []string{"nowhere"}},
		{[]string{"filters", "nowhere"}, 1, []string{"nowhere"}},
		{[]string{"sample", "nowhere", "--fresh", "-1"}, 2, []string{"fresh"}},
		{[]string{"export", "nowhere"}, 2, []string{"--npz"}},
	} {
		refuse(t, c.code, dir, c.args, c.words...)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("something was left behind: %v %v", entries, err)
	}
	t.Setenv("TANDEM_KERNEL", "abacus")
	refuse(t, 2, dir, []string{"version"}, "abacus", "generic")
}

// writeImages writes a training set of n images without labels.
func writeImages(t *testing.T, dir string, n, rows, columns int) {
	t.Helper()
	writeSet(t, dir, "train", n, rows, columns)
}

// writeSet writes a set, train or t10k, of n images, with labels if there are any.
func writeSet(t *testing.T, dir, set string, n, rows, columns int, labels ...byte) {
	t.Helper()
	b := []byte{0, 0, 8, 3}
	for _, x := range []int{n, rows, columns} {
		b = binary.BigEndian.AppendUint32(b, uint32(x))
	}
	for i := range n * rows * columns {
		b = append(b, byte(i*i%251))
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, set+"-images-idx3-ubyte"), b, 0o666); err != nil {
		t.Fatal(err)
	}
	if labels == nil {
		return
	}
	b = append(binary.BigEndian.AppendUint32([]byte{0, 0, 8, 1}, uint32(len(labels))), labels...)
	if err := os.WriteFile(filepath.Join(dir, set+"-labels-idx1-ubyte"), b, 0o666); err != nil {
		t.Fatal(err)
	}
}
