package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tandem/internal/npz"
)

// readArray returns an array of an archive that a command wrote.
func readArray(t *testing.T, dir, file, name string) []float32 {
	t.Helper()
	r, err := npz.Open(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	a, err := r.Array(name, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, a.Len())
	for i := range x {
		x[i] = float32(a.At(i))
	}
	return x
}

// Annealed samples leave with the weights by which they count.
func TestWeightedSamples(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	must(t, dir, "sample", "run", "--fresh", "20", "--anneal", "10", "--npz", "s.npz", "--quiet")
	sum := 0.0
	logs := readArray(t, dir, "s.npz", "log_weights")
	for _, x := range logs {
		sum += math.Exp(float64(x))
	}
	if len(logs) != 20 || math.Abs(sum/20-1) > 1e-4 || logs[0] == logs[1] {
		t.Errorf("log-weights %v with a mean weight of %v", logs, sum/20)
	}
}

// What was completed is judged beside independent units, and each example may have a mask of its
// own.
func TestCompletedExamples(t *testing.T) {
	dir := t.TempDir()
	rows, labels := stripes(300, 12)
	lay(t, dir, "x.csv", asText(rows, labels, ","))
	must(t, dir, "train", "--quiet", "--data", "x.csv", "--label-column", "answer", "--hidden", "6", "--updates",
		"2000", "--out", "run")
	complete := func(args ...string) string {
		t.Helper()
		return must(t, dir, append([]string{"complete", "run", "--images", "10", "--sweeps", "20", "--quiet"}, args...)...)
	}
	said := complete("--known", "x0,x1", "--npz", "c.npz")
	for _, want := range []string{"100 of 120 values", "by mean field", "by independent units", "given what is known, " +
		"exactly"} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing of %q in\n%s", want, said)
		}
	}
	known := readArray(t, dir, "c.npz", "known")
	if len(known) != 120 || known[0] != 1 || known[1] != 1 || known[2] != 0 || known[12] != 1 {
		t.Errorf("known: %v", known)
	}
	mean, shared := 0.0, regexp.MustCompile(`log-probability +(-?[0-9.]+)`).FindStringSubmatch(said)
	for _, p := range readArray(t, dir, "c.npz", "log_probability") {
		mean += float64(p) / 10
	}
	if printed, err := strconv.ParseFloat(shared[1], 64); err != nil || math.Abs(printed-mean) > 0.006 {
		t.Errorf("prints %v for a mean of %v", shared[1], mean)
	}
	// A mask for each of the 30 examples held out; of the first example all is known.
	mask := strings.Repeat("1,1,1,1,1,1,1,1,1,1,1,1\n", 1) + strings.Repeat("0,1,0,0,0,0,0,0,0,0,0,0\n", 29)
	lay(t, dir, "mask.csv", []byte(mask))
	if said := complete("--known", "mask.csv", "--npz", "m.npz"); !strings.Contains(said, "99 of 120 values") {
		t.Errorf("says\n%s", said)
	}
	if logs := readArray(t, dir, "m.npz", "log_probability"); logs[0] != 0 || logs[1] >= 0 {
		t.Errorf("log-probabilities %v; the first example is known", logs)
	}
	refuse(t, 2, dir, []string{"complete", "run", "--known", "x0,xx1"}, `"xx1"`, "did you mean x1?")
	lay(t, dir, "short.csv", []byte("1,0\n"))
	refuse(t, 2, dir, []string{"complete", "run", "--known", "short.csv"}, "must be 12, one a unit, or 360")
}

// A model without its examples can be sampled from others.
func TestSamplesFromOtherExamples(t *testing.T) {
	dir := t.TempDir()
	rows, labels := stripes(100, 12)
	lay(t, dir, "x.csv", asText(rows, labels, ","))
	must(t, dir, "train", "--quiet", "--data", "x.csv", "--label-column", "answer", "--hidden", "6", "--updates", "50",
		"--out", "run")
	must(t, dir, "export", "run", "--npz", "m.npz")
	if err := os.Rename(filepath.Join(dir, "x.csv"), filepath.Join(dir, "y.csv")); err != nil {
		t.Fatal(err)
	}
	ladder := []string{"sample", "m.npz", "--ladder", "8", "--sweeps", "200", "--quiet", "--out", "s.png"}
	refuse(t, 1, dir, ladder, "x.csv")
	must(t, dir, append(ladder, "--data", "y.csv")...)
	must(t, dir, "sample", "m.npz", "--fresh", "3", "--anneal", "5", "--data", "y.csv", "--quiet", "--out", "s.png")
	refuse(t, 2, dir, []string{"sample", "m.npz", "--data", "y.csv"}, "data", "--ladder or --anneal")
}

// Values that are missing are filled in; what is there stays as it is, and nothing is called right
// that nobody knows.
func TestMissingValues(t *testing.T) {
	dir := t.TempDir()
	rows, labels := stripes(300, 12)
	lay(t, dir, "x.csv", asText(rows, labels, ","))
	must(t, dir, "train", "--quiet", "--data", "x.csv", "--label-column", "answer", "--hidden", "6", "--updates", "500",
		"--out", "run")
	lay(t, dir, "gaps.csv",
		[]byte("x0,x1,x2,x3,x4,x5,x6,x7,x8,x9,x10,x11\n1,,1,1,1,1,NA,1,1,1,1,1\n0,0,0,0,?,0,0,0,0,0,0,nan\n"))
	said := must(t, dir, "complete", "run", "--data", "gaps.csv", "--csv", "filled.csv", "--npz", "f.npz", "--quiet")
	if !strings.Contains(said, "4 of 24 values, filled in") || strings.Contains(said, "right") {
		t.Errorf("says\n%s", said)
	}
	data, err := os.ReadFile(filepath.Join(dir, "filled.csv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	first, second := strings.Split(lines[1], ","), strings.Split(lines[2], ",")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "x0,x1,x2") || first[0] != "1" || second[3] != "0" ||
		first[1] < "0.5" || first[6] < "0.5" || second[4] > "0.5" || second[11] > "0.5" {
		t.Errorf("filled in as\n%s", data)
	}
	if known := readArray(t, dir, "f.npz", "known"); known[1] != 0 || known[0] != 1 || known[12+4] != 0 ||
		len(known) != 24 {
		t.Errorf("known: %v", known)
	}
	// With more hidden, only what is there is judged: 2 × 11 values without x0, of which 4 are missing.
	said = must(t, dir, "complete", "run", "--data", "gaps.csv", "--known", "x0", "--quiet")
	if !strings.Contains(said, "18 of 24 values") || strings.Contains(said, "log-probability") {
		t.Errorf("says\n%s", said)
	}
	refuse(t, 1, dir, []string{"eval", "run", "--data", "gaps.csv"}, "gaps.csv", "line 2", "empty")
}

// Test examples that cannot be scored are found before training, and are not passed over after it.
func TestWrongTestExamples(t *testing.T) {
	dir := t.TempDir()
	rows, labels := stripes(100, 12)
	lay(t, dir, "x.csv", asText(rows, labels, ","))
	lay(t, dir, "test.csv", asText(rows, labels, ","))
	lay(t, dir, "other.csv", asText(rows, slices.Repeat([]string{"maybe"}, 100), ","))
	lay(t, dir, "narrow.csv", []byte("a,b\n0,1\n"))
	lay(t, dir, "gaps.csv", []byte("x0,x1,x2,x3,x4,x5,x6,x7,x8,x9,x10,x11,answer\n1,,1,1,1,1,1,1,1,1,1,1,yes\n"))
	train := func(test string) []string {
		return []string{"train", "--quiet", "--data", "x.csv", "--label-column", "answer", "--hidden", "6", "--updates", "20",
			"--test", test, "--out", "run"}
	}
	for name, says := range map[string]string{"nowhere.csv": "nowhere.csv", "narrow.csv": "narrow.csv",
		"gaps.csv":  "line 2",
		"other.csv": "maybe"} {
		refuse(t, 1, dir, train(name), says)
	}
	if _, err := os.Stat(filepath.Join(dir, "run")); err == nil {
		t.Error("a run was begun")
	}
	must(t, dir, train("test.csv")...)
	if err := os.Remove(filepath.Join(dir, "test.csv")); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"eval", "classify", "complete"} {
		refuse(t, 1, dir, []string{verb, "run"}, "test.csv") // not as if the held-out examples had been asked for
	}
	// Labels that the model does not know matter to a classifier alone.
	must(t, dir, "classify", "run", "--data", "x.csv", "--epochs", "2", "--save", "net.npz", "--quiet")
	refuse(t, 1, dir, []string{"classify", "run", "--network", "net.npz", "--data", "other.csv"}, "maybe")
	_, said, code := tandem(t, dir, "features", "run", "--data", "other.csv", "--npz", "q.npz", "--quiet")
	if code != 0 || !strings.Contains(said, "labels of other.csv are left out") {
		t.Errorf("exit code %d, %s", code, said)
	}
	// Where the column is another one, or not named, a flag says which it is.
	bare := asText(rows, labels, ",")
	bare = bare[bytes.IndexByte(bare, '\n')+1:]
	lay(t, dir, "bare.csv", bare)
	refuse(t, 1, dir, []string{"features", "run", "--data", "bare.csv", "--npz", "q.npz"}, "--label-column")
	must(t, dir, "features", "run", "--data", "bare.csv", "--label-column", "13", "--header", "no", "--npz", "q.npz",
		"--quiet")
}
