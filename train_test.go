package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tandem/dbm"
	"tandem/internal/runs"
)

func TestTrainAndWhatComesAfter(t *testing.T) {
	dir := t.TempDir()
	out := must(t, dir, small("--out", "run")...)
	for _, w := range []string{"filters.png", "samples.png", "tandem resume run --updates 60"} {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
	for _, name := range []string{"config.json", "manifest.json", "metrics.jsonl", "checkpoint.tandem", "filters.png",
		"samples.png"} {
		if _, err := os.Stat(filepath.Join(dir, "run", name)); err != nil {
			t.Error(err)
		}
	}
	r := about(t, dir, "run")
	if r["updates"] != 30.0 || fmt.Sprint(r["layers"]) != "[784 20 10]" || r["seed"] != 1.0 || r["kernel"] == "" {
		t.Errorf("info prints %v", r)
	}
	for _, key := range []string{"live_filters", "noise_filters", "duplicate_filters", "norm_mean", "norm_sd"} {
		if list, ok := r[key].([]any); !ok || len(list) != 2 {
			t.Errorf("%s is %v", key, r[key])
		}
	}
	if len(r["params_sha256"].(string)) != 64 {
		t.Errorf("params_sha256 is %v", r["params_sha256"])
	}
	metrics, err := runs.ReadMetrics(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	var at []uint64
	for _, m := range metrics {
		at = append(at, m.Update)
	}
	if !slices.Equal(at, []uint64{1, 10, 20, 30}) || metrics[3].ParamsSHA256 != r["params_sha256"] {
		t.Errorf("metrics are at %v and end with %s", at, metrics[len(metrics)-1].ParamsSHA256)
	}

	refuse(t, 1, dir, small("--out", "run"), "run", "tandem resume run")
	refuse(t, 1, dir, []string{"resume", "run"}, "30 updates", "--updates 60")

	// A run as config.json says, in a folder found by itself, ends the same.
	out = must(t, dir, "train", "--quiet", "--config", "run/config.json")
	again := regexp.MustCompile(`runs/[^/]+`).FindString(filepath.ToSlash(out))
	if sha(t, dir, again) != r["params_sha256"] {
		t.Errorf("%s differs from the run whose configuration it has", again)
	}
	// So does one cut in two, and flags beat the configuration.
	must(t, dir, "train", "--quiet", "--config", "run/config.json", "--updates", "17", "--threads", "1", "--out", "cut")
	must(t, dir, "resume", "cut", "--updates", "30", "--threads", "3", "--quiet")
	if sha(t, dir, "cut") != r["params_sha256"] {
		t.Error("the cut shows")
	}
	for _, name := range []string{must(t, dir, "filters", "run", "--units", "0", "--out", "all.png"), must(t, dir,
		"sample", "run", "--fresh", "7", "--sweeps", "3", "--out", "fresh.png")} {
		data, err := os.ReadFile(filepath.Join(dir, strings.TrimSpace(name)))
		if err != nil || !bytes.HasPrefix(data, []byte("\x89PNG")) {
			t.Errorf("%s is no picture: %v", name, err)
		}
	}
}

// Rough estimates come while a model trains.
func TestEstimates(t *testing.T) {
	long(t)
	dir := t.TempDir()
	must(t, dir, small("--out", "run", "--updates", "14000", "--batch", "50", "--chains", "50", "--checkpoint-every",
		"7000", "--eval-every", "500", "--pixels", "sample", "--offset-rate", "0.01", "--learning-rate", "0.05")...)
	all, err := runs.ReadMetrics(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	last := 0.0
	for _, m := range all {
		if m.BoundTest != 0 {
			last = m.BoundTest
			if m.Update%500 != 0 {
				t.Errorf("an estimate at update %d", m.Update)
			}
		}
	}
	if last > -50 || last < -250 {
		t.Errorf("the last estimate of the bound is %v", last)
	}
}

// Every flag of a configuration lands in its field, and beats the file, which
// beats the preset.
func TestFlagsAndFilesAndPresets(t *testing.T) {
	dir := t.TempDir()
	config := func(run string) runs.Settings {
		t.Helper()
		c, err := runs.ReadSettings(filepath.Join(dir, run))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	writeImages(t, filepath.Join(dir, "data"), 9, 4, 4)
	must(t, dir, "train", "--quiet", "--preset", "direct", "--layers", "16,5,4", "--updates", "3", "--batch", "7",
		"--chains", "6", "--gibbs", "2", "--mean-field-tolerance", "0.01", "--mean-field-max", "9",
		"--learning-rate", "0.03", "--alpha", "0.4,0.5", "--gamma", "0.7", "--mu-damping", "0.02", "--pixels", "threshold",
		"--init-scale", "0.06", "--seed", "12", "--checkpoint-every", "2",
		"--moments", "9", "--data", "data", "--out", "a")
	want := runs.Settings{Preset: "direct", Config: dbm.Config{Layers: []int{16, 5, 4}, Batch: 7, Chains: 6, Gibbs: 2,
		MeanFieldTolerance: 0.01, MeanFieldMax: 9, LearningRate: 0.03, Alpha: []float64{0.4, 0.5}, Gamma: 0.7,
		MuDamping: 0.02, InitScale: 0.06, Seed: 12},
		Pixels: "threshold", Reading: runs.Reading{Data: filepath.Join(dir, "data")}, Updates: 3, CheckpointEvery: 2,
		Moments: 9}
	if got := config("a"); !reflect.DeepEqual(got, want) {
		t.Errorf("the flags give\n%+v, want\n%+v", got, want)
	}
	// The two experiments of the paper's Section 5, and the beginning of the first.
	paper := runs.Settings{Preset: "paper", Config: dbm.Config{Layers: []int{784, 500, 500}, Batch: 50, Chains: 50,
		Gibbs: 1, MeanFieldTolerance: 1e-4, MeanFieldMax: 50, LearningRate: 0.01, Alpha: []float64{0.1, 0.1}, Gamma: 1,
		MuDamping: 1e-3, InitScale: 0.003, Seed: 1},
		Pixels: "grey", Updates: 1, CheckpointEvery: 5000, Moments: 30}
	quick, direct := paper, paper
	quick.Preset, quick.CheckpointEvery = "quick", 2000
	direct.Preset, direct.Layers, direct.LearningRate, direct.Alpha = "direct", []int{784, 500, 500, 1000}, 0.001,
		[]float64{0, 0, 0}
	for _, want := range []runs.Settings{paper, quick, direct} {
		must(t, dir, "train", "--quiet", "--preset", want.Preset, "--updates", "1", "--out", want.Preset)
		if got := config(want.Preset); !reflect.DeepEqual(got, want) {
			t.Errorf("preset %s is\n%+v, want\n%+v", want.Preset, got, want)
		}
	}
	// A file that names a preset begins with it; one spring serves all layers.
	file := filepath.Join(dir, "few.json")
	if err := os.WriteFile(file, []byte(`{"preset": "direct", "updates": 2, "batch": 3, "layers": [784, 9, 8, 7, 6]}`),
		0o666); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "train", "--quiet", "--config", file, "--batch", "4", "--alpha", "0.2", "--out", "file")
	got := config("file")
	if got.Preset != "direct" || got.LearningRate != 0.001 || got.Updates != 2 || got.Batch != 4 ||
		fmt.Sprint(got.Alpha) != "[0.2 0.2 0.2 0.2]" {
		t.Errorf("the file and flags give %+v", got)
	}
	refuse(t, 2, dir, []string{"train", "--layers", "784,20,10,8", "--alpha", "0.1,0.1"}, "alpha")
}

// Without --quiet there are messages and a last line with all figures.
func TestProgress(t *testing.T) {
	dir := t.TempDir()
	args := small("--out", "run")
	args = append(args[:1], args[2:]...) // not --quiet
	out, messages, code := tandem(t, dir, args...)
	if code != 0 || !strings.Contains(out, "30 updates in") {
		t.Fatalf("exit code %d\n%s%s", code, out, messages)
	}
	for _, w := range []string{"training 784-20-10 on embedded MNIST (60,000 images) to update 30", "the run is in run",
		"update 30 of 30 (100%)", "/s  started ", "  noise ", "  duplicate ", "  norm ", "  reconstruction "} {
		if !strings.Contains(messages, w) {
			t.Errorf("no %q in\n%s", w, messages)
		}
	}
	if _, messages, _ := tandem(t, dir, small("--out", "quiet")...); messages != "" {
		t.Errorf("--quiet says\n%s", messages)
	}
}

func TestOtherImages(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, filepath.Join(dir, "data"), 13, 5, 7)
	must(t, dir, "train", "--quiet", "--preset", "quick", "--data", "data", "--updates", "20", "--batch", "4",
		"--pixels", "sample", "--out",
		"run")
	if r := about(t, dir, "run"); fmt.Sprint(r["layers"]) != "[35 500 500]" {
		t.Errorf("layers are %v", r["layers"])
	}
	must(t, dir, "train", "--quiet", "--preset", "quick", "--data", "data", "--layers", "35,9", "--alpha", "0",
		"--updates", "20", "--out",
		"rbm")
	refuse(t, 1, dir, []string{"train", "--preset", "quick", "--data", "data", "--layers", "35,9", "--alpha", "0",
		"--eval-every", "5",
		"--out", "never"}, "eval-every")
	if _, err := os.Stat(filepath.Join(dir, "never")); err == nil {
		t.Error("a refused training left a folder")
	}
	must(t, dir, "train", "--quiet", "--preset", "quick", "--layers", "784,9", "--alpha", "0", "--patch", "9",
		"--updates", "2", "--batch",
		"4", "--out", "mnist")
	must(t, dir, "train", "--quiet", "--config", filepath.Join("mnist", "config.json"), "--data", "data", "--layers",
		"35,9", "--patch", "3", "--out", "patch")
	writeImages(t, filepath.Join(dir, "other"), 12, 5, 7)
	before, err := os.ReadFile(filepath.Join(dir, "run", "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, 1, dir, []string{"resume", "run", "--updates", "40", "--quiet", "--data", "other"}, "SHA-256")
	if after, err := os.ReadFile(filepath.Join(dir, "run", "config.json")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("a refused resume leaves the configuration\n%s, which was\n%s", after, before)
	}
	must(t, filepath.Join(dir, "other"), "resume", "../run", "--updates", "40", "--quiet")
	if err := os.Rename(filepath.Join(dir, "data"), filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	again := []string{"resume", "run", "--updates", "41", "--quiet"}
	refuse(t, 1, dir, again, "data", "hint: if the images have moved: tandem resume run --data FOLDER")
	writeImages(t, filepath.Join(dir, "data", "train-images-idx3-ubyte.gz"), 1, 5, 7) // a folder of that name
	refuse(t, 1, dir, again, "hint: if the images have moved")
	must(t, dir, append(again, "--data", "moved")...)
	must(t, dir, "resume", "run", "--updates", "42", "--quiet") // which finds them again
}

// A run that is trained and saved has not failed for want of a picture.
func TestPictureThatFails(t *testing.T) {
	dir := t.TempDir()
	check := func(run, missing, drawn string, args ...string) {
		t.Helper()
		out, messages, code := tandem(t, dir, args...)
		if code != 0 || !strings.Contains(messages, "warning: "+run+": training is done, a picture is not: ") {
			t.Errorf("%s without %s: exit %d\n%s", run, missing, code, messages)
		}
		if !strings.Contains(out, "tandem info "+run) || !strings.Contains(out, drawn) || strings.Contains(out, missing) {
			t.Errorf("%s without %s: the report says\n%s", run, missing, out)
		}
	}
	writeImages(t, filepath.Join(dir, "data"), 3, 60000, 1)
	check("tall", "samples.png", "filters.png", "train", "--quiet", "--preset", "quick", "--data", "data", "--layers",
		"60000,1",
		"--alpha", "0", "--batch", "1", "--updates", "1", "--out", "tall")
	must(t, dir, small("--updates", "1", "--out", "run")...)
	for i, name := range []string{"filters.png", "samples.png"} {
		path := filepath.Join(dir, "run", name)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(path, "a folder"), 0o777); err != nil {
			t.Fatal(err)
		}
		drawn := []string{"samples.png", "tandem info run"}[i]
		check("run", name, drawn, "resume", "run", "--quiet", "--updates", fmt.Sprint(i+2))
	}
	if u := about(t, dir, "run")["updates"]; fmt.Sprint(u) != "3" {
		t.Errorf("%v updates", u)
	}
}

func TestDivergenceStops(t *testing.T) {
	dir := t.TempDir()
	refuse(t, 1, dir, small("--learning-rate", "1e30", "--out", "run"), "diverged", "layer", "update",
		"hint: begin again with a lower --learning-rate")
}

// The line of progress has what applies: an RBM has no mean field, and what is no image has
// no noise.
func TestProgressHasWhatApplies(t *testing.T) {
	dir := t.TempDir()
	writeSet(t, filepath.Join(dir, "spins"), "train", 12, 1, 9)
	for _, c := range []struct {
		args             []string
		meanField, noise bool
	}{
		{[]string{"--layers", "784,6"}, false, true},
		{[]string{"--layers", "784,6,4"}, true, true},
		{[]string{"--data", "spins", "--layers", "9,6"}, false, false},
		{[]string{"--data", "spins", "--layers", "9,6,4"}, true, false},
	} {
		args := append([]string{"train", "--batch", "5", "--chains", "4", "--updates", "30", "--out",
			strings.Join(c.args, "_")}, c.args...)
		_, messages, code := tandem(t, dir, args...)
		if code != 0 || !strings.Contains(messages, "update 30 of 30") ||
			strings.Contains(messages, "mean field") != c.meanField || strings.Contains(messages, "noise") != c.noise {
			t.Errorf("%q: exit code %d\n%s", c.args, code, messages)
		}
	}
}
