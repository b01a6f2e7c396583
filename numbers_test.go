package main

import (
	"math"
	"path/filepath"
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
