package reproduce

import (
	"strings"
	"testing"

	"tandem/dbm"
	"tandem/internal/format"
	"tandem/internal/runs"
)

func bases() *Bases {
	paper := runs.Settings{Config: dbm.Config{Layers: []int{784, 500, 500}, Batch: 50, Chains: 50, Gibbs: 1,
		MeanFieldMax: 50, LearningRate: 1e-2,
		Alpha: []float64{0.1, 0.1}, Gamma: 1, MuDamping: 1e-3, InitScale: 0.003}, Pixels: "grey", Updates: 1_000_000,
		CheckpointEvery: 5000}
	direct := paper
	direct.Layers, direct.Alpha, direct.LearningRate = []int{784, 500, 500, 1000}, []float64{0, 0, 0}, 1e-3
	best := paper
	best.Layers, best.LearningRateEnd, best.Updates, best.UpperRate = []int{784, 500, 1000}, 400_000, 400_000, 0.1
	return &Bases{Paper: paper, Direct: direct, Best: best}
}

// Equal configurations are one run, and no name stands for two.
func TestPlan(t *testing.T) {
	all, err := Experiments([]string{"all"}, 0.1, bases())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(Names) {
		t.Fatalf("%d experiments, want %d", len(all), len(Names))
	}
	plan := Plan(all)
	for i := range plan {
		for j := range i {
			a, b := &plan[i], &plan[j]
			if a.Name == b.Name || a.Settings.Differs(&b.Settings) == "" && a.Settings.Updates == b.Settings.Updates {
				t.Errorf("%s and %s are the same run", a.Name, b.Name)
			}
		}
	}
	by := map[string]Experiment{}
	for _, e := range all {
		by[e.Name] = e
	}
	if c := by["figure2"].Runs[0].Settings; format.Shape(c.Layers) != "784-500-500-1000" || c.LearningRate != 1e-3 ||
		c.Spring() || c.Updates != 100_000 {
		t.Errorf("figure 2: %+v", c)
	}
	if c := by["figure3"].Runs[0].Settings; format.Shape(c.Layers) != "784-500-500" || c.LearningRate != 1e-2 ||
		c.Alpha[1] != 0.1 || c.Gamma != 1 || c.MuDamping != 1e-3 || c.Updates != 100_000 {
		t.Errorf("figure 3: %+v", c)
	}
	if by["two-layer"].Runs[0].Name != by["rates"].Runs[2].Name || by["figure3"].Runs[0].Name != by["rates"].Runs[1].Name {
		t.Error("rates trains again what other experiments have trained")
	}
	if n := len(by["depth"].Runs); n != 36 {
		t.Errorf("%d runs of depth, want 36", n)
	}
	for _, r := range by["depth"].Runs {
		if c := r.Settings; c.Spring() != strings.Contains(r.Label, "spring") ||
			c.OffsetRate > 0 != strings.Contains(r.Label, "centering") ||
			c.SamplePosterior != (strings.Contains(r.Label, "drawn") && c.Hidden() > 1) || !strings.HasPrefix(r.Label,
			string(rune('0'+c.Hidden()))) {
			t.Errorf("%s: %+v", r.Label, c)
		}
	}
	if all := Plan([]Experiment{by["depth"]}); len(all) != 34 {
		t.Errorf("%d different runs of depth, want 34: one hidden layer leaves nothing to draw", len(all))
	}
	settings := map[string]bool{}
	for _, r := range by["figure2"].Runs[1:] {
		settings[strings.Join([]string{r.Settings.Pixels, format.Shape(r.Settings.Layers),
			format.Percent(r.Settings.InitScale), map[bool]string{true: "zero"}[r.Settings.ZeroBiases]}, " ")] = true
	}
	if len(settings) != 16 {
		t.Errorf("the grid has %d settings, want 16: %v", len(settings), settings)
	}
	pretrained := by["likelihood"].Runs[3].Settings
	if pretrained.Pretrain != pretrained.Updates/3 || pretrained.LearningRateEnd != pretrained.Pretrain ||
		pretrained.Updates != by["likelihood"].Runs[2].Settings.Updates {
		t.Errorf("pretrained: %+v", pretrained)
	}
	for _, bad := range []struct {
		names []string
		scale float64
	}{{[]string{"figure4"}, 1}, {[]string{"all"}, 0}, {[]string{"all"}, -1}} {
		if _, err := Experiments(bad.names, bad.scale, bases()); err == nil {
			t.Errorf("%v at %v was taken", bad.names, bad.scale)
		}
	}
}
