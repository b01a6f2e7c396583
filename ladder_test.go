package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// sample --ladder draws samples of both halves of the ensembles, says how well they mix, and
// of which classes they are.
func TestSampleLadder(t *testing.T) {
	long(t)
	dir := t.TempDir()
	must(t, dir, small("--out", "run")...)
	text := must(t, dir, "sample", "run", "--ladder", "20", "--sweeps", "200", "--classes", "--quiet", "--out", "x.png")
	for _, want := range []string{"8 ensembles of 204 sweeps", "round trips", "mean pixel", "in the chains of training",
		"begun at images", "chains of training", "new chains", "x.png"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing of %q in\n%s", want, text)
		}
	}
	sum := 0.0
	for _, found := range regexp.MustCompile(`(?m)^[0-9] +([0-9.]+) ±`).FindAllStringSubmatch(text, -1) {
		x, err := strconv.ParseFloat(found[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += x
	}
	if sum < 99 || sum > 101 {
		t.Errorf("the shares at equilibrium add up to %v%%:\n%s", sum, text)
	}
	if info, err := os.Stat(filepath.Join(dir, "x.png")); err != nil || info.Size() < 1000 {
		t.Errorf("the picture: %v, %v", info, err)
	}
	refuse(t, 2, dir, []string{"sample", "run", "--classes"}, "classes", "--ladder")
	refuse(t, 2, dir, []string{"sample", "run", "--ladder", "5", "--fresh", "5"}, "ladder")
	writeSet(t, dir, "train", 20, 3, 4)
	must(t, dir, "train", "--quiet", "--data", ".", "--layers", "12,5", "--alpha", "0", "--updates", "10", "--out", "bare")
	refuse(t, 1, dir, []string{"sample", "bare", "--ladder", "5", "--classes"}, "no labels")
}
