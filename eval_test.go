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
	if lines[0] != "split,image,negative_energy,entropy,bound" || !strings.Contains(out, `"negative_energy_test": `) ||
		strings.Contains(out, `"energy_`) {
		t.Errorf("the mean of minus the energy is called otherwise: %s\n%s", lines[0], out)
	}
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

// One value has no spread: no error, no interval, and no trust, in JSON null.
func TestNoErrorOfOneValue(t *testing.T) {
	dir := t.TempDir()
	writeSet(t, dir, "train", 6, 2, 2)
	writeSet(t, dir, "t10k", 1, 2, 2)
	must(t, dir, "train", "--quiet", "--data", ".", "--layers", "4,3,2", "--updates", "20", "--out", "run")
	for _, c := range []struct {
		args                []string
		logZ, test, trusted bool // has an error; is trusted
	}{
		{[]string{"--runs", "1"}, false, false, false},
		{[]string{"--runs", "1", "--split", "train"}, false, true, false},
		{[]string{"--runs", "40"}, true, false, true},
		{[]string{"--runs", "40", "--split", "train"}, true, true, true},
	} {
		args := append([]string{"eval", "run", "--temps", "100", "--quiet"}, c.args...)
		var e map[string]any
		if err := json.Unmarshal([]byte(must(t, dir, append(args, "--json")...)), &e); err != nil {
			t.Fatal(err)
		}
		bound := "bound_test_stderr"
		if len(c.args) > 2 {
			bound = "bound_train_stderr"
		}
		for name, want := range map[string]bool{"log_z_stderr": c.logZ, "log_z_low": c.logZ, "log_z_high": c.logZ,
			bound: c.test} {
			if got, ok := e[name]; !ok || (got != nil) != want {
				t.Errorf("%q: %s is %v", c.args, name, got)
			}
		}
		if e["trusted"] != c.trusted {
			t.Errorf("%q: trusted is %v", c.args, e["trusted"])
		}
		text := must(t, dir, args...)
		if strings.Contains(text, "one run: no error") == c.logZ || strings.Contains(text, "one image: no error") == c.test ||
			strings.Contains(text, "± 0.00 ") || strings.Contains(text, "± 0.00,") ||
			strings.Contains(text, "not to be trusted") == c.trusted {
			t.Errorf("%q says\n%s", c.args, text)
		}
		// The error of a bound has no part of log Z where that has none.
		if strings.Contains(text, "; ± is of the images alone)") != (c.test && !c.logZ) {
			t.Errorf("%q says of the bound's error\n%s", c.args, text)
		}
	}
}

// What can be enumerated is, unless --exact no asks for less; --quiet is quiet.
func TestExact(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--layers", "784,5", "--out", "run")...)
	eval := []string{"eval", "run", "--runs", "2", "--temps", "3", "--sweeps", "0", "--json", "--quiet"}
	out, messages, code := tandem(t, dir, eval...)
	if code != 0 || !strings.Contains(out, `"exact"`) || messages != "" {
		t.Errorf("exit code %d\n%s%s", code, out, messages)
	}
	if out := must(t, dir, append(eval, "--exact", "no")...); strings.Contains(out, `"exact"`) {
		t.Errorf("--exact no enumerates\n%s", out)
	}
	refuse(t, 2, dir, append(eval, "--exact", "yes"), "exact", "auto or no")
}
