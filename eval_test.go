package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// eval of a model that can be enumerated finds what enumeration does, and the
// figures of each image add up to those of the set.
func TestEval(t *testing.T) {
	long(t)
	dir := t.TempDir()
	must(t, dir, small("--out", "run", "--layers", "784,9", "--updates", "60", "--learning-rate", "0.1", "--pixels",
		"sample")...)
	var e struct {
		LogZ    float64 `json:"log_z"`
		StdErr  float64 `json:"log_z_stderr"`
		Reverse float64 `json:"log_z_reverse"`
		Test    float64 `json:"bound_test"`
		TestErr float64 `json:"bound_test_stderr"`
		Train   float64 `json:"bound_train"`
		Trusted bool    `json:"trusted"`
		Exact   struct {
			LogZ float64 `json:"log_z"`
			Test float64 `json:"log_likelihood_test"`
		} `json:"exact"`
	}
	out := must(t, dir, "eval", "run", "--runs", "30", "--temps", "300", "--sweeps", "50", "--split", "test,train",
		"--json", "--per-example", "all.csv", "--quiet")
	if err := json.Unmarshal([]byte(out), &e); err != nil {
		t.Fatal(err)
	}
	if d := math.Abs(e.LogZ - e.Exact.LogZ); !(d < 4*e.StdErr) || math.Abs(e.Reverse-e.LogZ) > 1 || !e.Trusted {
		t.Errorf("log Z is %v ± %v, from above %v, exactly %v", e.LogZ, e.StdErr, e.Reverse, e.Exact.LogZ)
	}
	if d := (e.Test + e.LogZ) - (e.Exact.Test + e.Exact.LogZ); math.Abs(d) > 1e-3 || e.TestErr <= 0 || e.Train == 0 {
		t.Errorf("the bound is %v ± %v, %v nats beside the truth", e.Test, e.TestErr, d)
	}
	data, err := os.ReadFile(filepath.Join(dir, "all.csv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	sum := 0.0
	for _, line := range lines[1:] {
		if words := strings.Split(line, ","); words[0] == "test" {
			x, err := strconv.ParseFloat(words[4], 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += x / 10000
		}
	}
	if len(lines) != 70001 || math.Abs(sum-e.Test) > 1e-6 {
		t.Errorf("%d lines, the bounds of the test images have mean %v, not %v", len(lines), sum, e.Test)
	}
	if text := must(t, dir, "eval", "run", "--runs", "3", "--temps", "30", "--quiet"); !strings.Contains(text,
		"bound, test") || !strings.Contains(text, "from above") {
		t.Errorf("eval says %q", text)
	}
	refuse(t, 2, dir, []string{"eval", "run", "--pixels", "grey"}, "grey", "fixed")
	refuse(t, 2, dir, []string{"eval", "run", "--split", "all"}, "split", "test")
	refuse(t, 2, dir, []string{"eval", "run", "--split", "test,test"}, "split", "test")
	refuse(t, 2, dir, []string{"eval", "run", "--runs", "0"}, "runs")
	refuse(t, 1, dir, []string{"eval", "nowhere"}, "nowhere")
}
