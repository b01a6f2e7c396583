package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
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
	type part struct {
		LogZ    float64 `json:"log_z"`
		StdErr  float64 `json:"log_z_stderr"`
		Trusted bool    `json:"trusted"`
	}
	var e struct {
		LogZ    float64 `json:"log_z"`
		StdErr  float64 `json:"log_z_stderr"`
		Test    float64 `json:"bound_test"`
		TestErr float64 `json:"bound_test_stderr"`
		Train   float64 `json:"bound_train"`
		Trusted bool    `json:"trusted"`
		Exact   struct {
			LogZ  float64 `json:"log_z"`
			Test  float64 `json:"log_likelihood_test"`
			Train float64 `json:"log_likelihood_train"`
		} `json:"exact"`
		Exchange  part `json:"exchange"`
		Annealing part `json:"annealing"`
	}
	out := must(t, dir, "eval", "run", "--runs", "200", "--temps", "300", "--sweeps", "2000", "--split", "test,train",
		"--json", "--per-example", "all.csv", "--quiet")
	if err := json.Unmarshal([]byte(out), &e); err != nil {
		t.Fatal(err)
	}
	if e.LogZ != e.Exact.LogZ || e.StdErr != 0 || !e.Trusted {
		t.Errorf("log Z is %v ± %v, exactly %v", e.LogZ, e.StdErr, e.Exact.LogZ)
	}
	for name, x := range map[string]part{"exchange": e.Exchange, "annealing": e.Annealing} {
		if d := math.Abs(x.LogZ - e.Exact.LogZ); !(d < 5*x.StdErr) || !x.Trusted {
			t.Errorf("%s: log Z is %v ± %v, exactly %v", name, x.LogZ, x.StdErr, e.Exact.LogZ)
		}
	}
	d := max(math.Abs(e.Test-e.Exact.Test), math.Abs(e.Train-e.Exact.Train))
	if d > 1e-3 || e.TestErr <= 0 || e.Train == 0 {
		t.Errorf("the bound is %v ± %v, %v nats beside the truth", e.Test, e.TestErr, d)
	}
	data, err := os.ReadFile(filepath.Join(dir, "all.csv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if lines[0] != "split,image,negative_energy,entropy,bound,log_likelihood" ||
		!strings.Contains(out, `"negative_energy_test": `) || strings.Contains(out, `"energy_`) {
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
	if text := must(t, dir, "eval", "run", "--runs", "3", "--temps", "30", "--sweeps", "200",
		"--importance", "5", "--quiet"); !strings.Contains(text, "bound, test") ||
		!strings.Contains(text, "replica exchange") || !strings.Contains(text, "weighted, test") ||
		!strings.Contains(text, "enumerated") {
		t.Errorf("eval says %q", text)
	}
	refuse(t, 2, dir, []string{"eval", "run", "--pixels", "grey"}, "grey", "fixed")
	refuse(t, 2, dir, []string{"eval", "run", "--split", "all"}, "split", "test")
	refuse(t, 2, dir, []string{"eval", "run", "--split", "test,test"}, "split", "test")
	refuse(t, 2, dir, []string{"eval", "run", "--runs", "-1"}, "runs")
	refuse(t, 2, dir, []string{"eval", "run", "--ensembles", "0", "--runs", "0", "--exact", "no"}, "nothing finds log Z")
	refuse(t, 2, dir, []string{"eval", "run", "--ensembles", "3"}, "even")
	refuse(t, 2, dir, []string{"eval", "run", "--worth"}, "no upper layer")
	refuse(t, 2, dir, []string{"eval", "run", "--heal", "10"}, "without --worth")
	refuse(t, 2, dir, []string{"eval", "run", "--posterior", "10"}, "posterior", "nothing to anneal")
	refuse(t, 2, dir, []string{"eval", "run", "--sweeps", "5"}, "sweeps")
	refuse(t, 2, dir, []string{"eval", "run", "--error", "-1"}, "error")
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
		{[]string{"--runs", "400"}, true, false, true},
		{[]string{"--runs", "400", "--split", "train"}, true, true, true},
	} {
		args := append([]string{"eval", "run", "--temps", "100", "--ensembles", "0", "--exact", "no", "--quiet"}, c.args...)
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
		if strings.Contains(text, "one run: no error") == c.logZ || strings.Contains(text, "one example: no "+
			"error") == c.test ||
			strings.Contains(text, "± 0.00 ") || strings.Contains(text, "± 0.00,") ||
			strings.Contains(text, "not to be trusted") == c.trusted {
			t.Errorf("%q says\n%s", c.args, text)
		}
		// The error of a bound has no part of log Z where that has none.
		if strings.Contains(text, "; ± is of the examples alone)") != (c.test && !c.logZ) {
			t.Errorf("%q says of the bound's error\n%s", c.args, text)
		}
	}
}

// What can be enumerated is, unless --exact no asks for less; --quiet is quiet.
func TestExact(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--layers", "784,5", "--out", "run")...)
	eval := []string{"eval", "run", "--runs", "2", "--temps", "3", "--sweeps", "100", "--json", "--quiet"}
	out, messages, code := tandem(t, dir, eval...)
	if code != 0 || !strings.Contains(out, `"exact"`) || messages != "" {
		t.Errorf("exit code %d\n%s%s", code, out, messages)
	}
	if out := must(t, dir, append(eval, "--exact", "no")...); strings.Contains(out, `"exact"`) {
		t.Errorf("--exact no enumerates\n%s", out)
	}
	refuse(t, 2, dir, append(eval, "--exact", "yes"), "exact", "auto or no")
}

// Each upper layer has its worth, with those above it, and again after training on.
func TestWorthOfLayers(t *testing.T) {
	dir := t.TempDir()
	writeSet(t, dir, "train", 20, 3, 4)
	writeSet(t, dir, "t10k", 10, 3, 4)
	must(t, dir, "train", "--quiet", "--data", ".", "--layers", "12,5,4,3", "--updates", "60", "--learning-rate", "0.1",
		"--pixels", "sample", "--batch", "5", "--out", "run")
	type gain struct {
		Test   float64 `json:"test"`
		StdErr float64 `json:"test_stderr"`
	}
	type z struct {
		LogZ   float64 `json:"log_z"`
		StdErr float64 `json:"log_z_stderr"`
	}
	var e struct {
		Worth []struct {
			gain
			Layer  int     `json:"layer"`
			Ratio  float64 `json:"log_z_ratio"`
			Healed struct {
				gain
				Updates uint64 `json:"updates"`
				Whole   z      `json:"whole"`
				Without z      `json:"without"`
			} `json:"healed"`
		} `json:"worth"`
	}
	eval := []string{"eval", "run", "--quiet", "--sweeps", "500", "--runs", "0", "--worth", "--importance", "50"}
	out := must(t, dir, append(eval, "--heal", "40", "--threads", "2", "--json")...)
	if err := json.Unmarshal([]byte(out), &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Worth) != 2 || e.Worth[0].Layer != 3 || e.Worth[1].Layer != 2 {
		t.Fatalf("%+v", e.Worth)
	}
	for _, w := range e.Worth {
		if h := w.Healed; w.Ratio == 0 || w.StdErr <= 0 || h.Updates != 40 || h.Whole != e.Worth[0].Healed.Whole ||
			h.Without == h.Whole || h.Test == w.Test || math.Abs(h.Test) > 1 {
			t.Errorf("%+v", w)
		}
	}
	if e.Worth[0].Healed.Without == e.Worth[1].Healed.Without {
		t.Error("the healed models are the same")
	}
	seconds := regexp.MustCompile(`(?m)^.*seconds.*$`)
	if other := must(t, dir, append(eval, "--heal", "40", "--threads", "1", "--json")...); seconds.ReplaceAllString(out,
		"") != seconds.ReplaceAllString(other, "") {
		t.Error("threads show")
	}
	text := must(t, dir, append(eval, "--heal", "3", "--posterior", "4")...)
	if !strings.Contains(text, "worth, layer 2 up") || !strings.Contains(text, "after 3 updates more") ||
		!strings.Contains(text, "on 4 examples by annealing: ") {
		t.Errorf("eval says\n%s", text)
	}
}

// An estimate in two goes has the bits of one, and a part of something else is rejected.
func TestEvalInTwoGoes(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, small("--layers", "784,9,5", "--out", "run")...)
	must(t, dir, small("--layers", "784,9,5", "--seed", "2", "--out", "other")...)
	eval := []string{"eval", "run", "--json", "--quiet", "--exact", "no", "--sweeps", "200", "--temps", "30"}
	must(t, dir, append(eval, "--ensembles", "4", "--runs", "20", "--threads", "1", "--save", "part.json")...)
	two := must(t, dir, append(eval, "--ensembles", "8", "--runs", "50", "--more", "part.json", "--save", "two.json")...)
	one := must(t, dir, append(eval, "--ensembles", "8", "--runs", "50", "--save", "one.json")...)
	seconds := regexp.MustCompile(`(?m)^.*seconds.*$`)
	if seconds.ReplaceAllString(one, "") != seconds.ReplaceAllString(two, "") {
		t.Errorf("in one go\n%s\nin two\n%s", one, two)
	}
	a, err := os.ReadFile(filepath.Join(dir, "one.json"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "two.json")); err != nil || !bytes.Equal(a, b) {
		t.Errorf("the parts differ (%v)", err)
	}
	again := must(t, dir, "eval", "run", "--json", "--quiet", "--exact", "no", "--more", "two.json")
	if seconds.ReplaceAllString(one, "") != seconds.ReplaceAllString(again, "") {
		t.Errorf("with nothing to add\n%s", again)
	}
	refuse(t, 1, dir, []string{"eval", "other", "--more", "part.json"}, "another model")
	refuse(t, 2, dir, append(eval, "--more", "part.json", "--seed", "3"), "seed: 3", "made with 0")
	refuse(t, 1, dir, append(eval, "--more", "part.json", "--ensembles", "2"), "4 of 200 sweeps were run before")
	refuse(t, 1, dir, append(eval, "--more", "part.json", "--runs", "10"), "20 were made before")
	refuse(t, 2, dir, append(eval, "--more", "part.json", "--error", "1"), "leave it out")
	changed := func(from, to string) string { return strings.Replace(string(a), from, to, 1) }
	for _, damage := range []string{"", "{", "{}", "null", string(a[:len(a)/2]), changed(`"format": 1`, `"format": 2`),
		changed(`"temperatures": [`, `"temperatures": [7,`), changed(`"sweeps": 200`, `"sweeps": -1`)} {
		if err := os.WriteFile(filepath.Join(dir, "bad.json"), []byte(damage), 0o666); err != nil {
			t.Fatal(err)
		}
		refuse(t, 1, dir, []string{"eval", "run", "--json", "--quiet", "--exact", "no", "--more", "bad.json"})
	}
}
