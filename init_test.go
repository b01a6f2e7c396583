package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tandem/internal/runs"
)

// Training begins with a model: with its parameters, its settings and its examples, unless others
// are named; layers can be added on top, and an archive verifies.
func TestBeginWithAModel(t *testing.T) {
	dir := t.TempDir()
	rows, labels := stripes(200, 12)
	lay(t, dir, "x.csv", asText(rows, labels, ","))
	said := must(t, dir, "train", "--quiet", "--data", "x.csv", "--label-column", "answer", "--hidden", "6", "--updates",
		"60", "--out", "one")
	if !strings.Contains(said, "tandem train --init one --updates 60") || strings.Contains(said, "tandem resume") {
		t.Errorf("a run whose rate has fallen to the end says\n%s", said)
	}
	refuse(t, 1, dir, []string{"resume", "one"}, "has made all its 60 updates", "tandem train --init one")
	read := func(run string) *runs.Checkpoint {
		t.Helper()
		c, err := runs.ReadCheckpoint(filepath.Join(dir, run))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	best, err := runs.ReadModel(filepath.Join(dir, "one", "best.npz"))
	if err != nil {
		t.Fatal(err)
	}
	// Without learning the parameters stay.
	must(t, dir, "train", "--quiet", "--init", "one", "--learning-rate", "0", "--updates", "10", "--out", "same")
	same := read("same")
	if !slices.Equal(same.State.Weights[0], best.State.Weights[0]) ||
		!slices.Equal(same.State.Biases[0], best.State.Biases[0]) {
		t.Error("training does not begin with the parameters of the model")
	}
	if c := same.Settings; c.Data == "" || c.LabelColumn != "answer" || c.HoldOut != 0.1 || c.Init == "" {
		t.Errorf("settings %+v", c)
	}
	must(t, dir, "train", "--quiet", "--init", "one", "--hidden", "6,4", "--learning-rate", "0", "--updates", "10",
		"--out",
		"taller")
	if taller := read("taller"); !slices.Equal(taller.Settings.Layers, []int{12, 6, 4}) ||
		!slices.Equal(taller.State.Weights[0], best.State.Weights[0]) || taller.State.Weights[1][0] == 0 {
		t.Errorf("layers %v", taller.Settings.Layers)
	}
	// The model is kept with the run, so that its updates can be made again.
	must(t, dir, "train", "--quiet", "--init", "one", "--updates", "30", "--seed", "3", "--out", "on")
	must(t, dir, "train", "--quiet", "--config", "on/config.json", "--init", "on/init.npz", "--out", "again")
	if sha(t, dir, "again") != sha(t, dir, "on") {
		t.Error("a run that is made again is another one")
	}
	must(t, dir, "archive", "on", "--out", "a.tar.gz", "--binary=false")
	said = must(t, dir, "verify", "a.tar.gz", "--data", "x.csv", "--updates", "30")
	if !strings.Contains(said, "30") {
		t.Errorf("verify says\n%s", said)
	}
	must(t, dir, "export", "one", "--npz", "model.npz")
	must(t, dir, "train", "--quiet", "--init", "model.npz", "--updates", "5", "--out", "exported")
	if _, notes, _ := tandem(t, dir, "resume", "exported", "--updates", "8", "--quiet"); !strings.Contains(notes,
		"tandem train --init exported begins with") {
		t.Errorf("resume at the rate of the end says\n%s", notes)
	}
	refuse(t, 2, dir, []string{"train", "--init", "one", "--hidden", "5"}, "12-6 of one are not the lowest ones of 12-5")
	refuse(t, 2, dir, []string{"train", "--config", "on/config.json", "--out", "no"}, "--init names it")
	refuse(t, 1, dir, []string{"train", "--init", "nowhere"}, "init", "nowhere")
	lay(t, dir, "wide.csv", []byte(strings.Repeat("0,1,1\n1,0,1\n", 10)))
	refuse(t, 2, dir, []string{"train", "--init", "one", "--data", "wide.csv"}, "init", "3-6")
}
