package main

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
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
	must(t, dir, "train", "--quiet", "--data", "x.csv", "--label-column", "answer", "--hidden", "6", "--updates", "2000", "--out", "run")
	complete := func(args ...string) string {
		t.Helper()
		return must(t, dir, append([]string{"complete", "run", "--images", "10", "--sweeps", "20", "--quiet"}, args...)...)
	}
	said := complete("--known", "x0,x1", "--npz", "c.npz")
	for _, want := range []string{"100 of 120 values", "by mean field", "by independent units", "given what is known, exactly"} {
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
