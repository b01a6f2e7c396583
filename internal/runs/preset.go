package runs

import (
	"fmt"
	"slices"

	"tandem/dbm"
)

// Presets returns the named settings, the default first. paper and direct are the two
// experiments of the paper's Section 5; docs/numerics.md explains what it leaves open.
// best is for likelihood: joint training from random weights with centering, chosen by
// the trials of docs/trials.md. quick is the beginning of paper: a minute on two cores.
func Presets() []Settings {
	paper := Settings{
		Preset: "paper",
		Config: dbm.Config{
			Layers:             []int{784, 500, 500},
			Batch:              50,
			Chains:             50,
			Gibbs:              1,
			MeanFieldTolerance: 1e-4,
			MeanFieldMax:       50,
			LearningRate:       1e-2,
			Alpha:              []float64{0.1, 0.1},
			Gamma:              1,
			MuDamping:          1e-3,
			InitScale:          0.003,
			Seed:               1,
		},
		Pixels:          "grey",
		Updates:         1_000_000,
		CheckpointEvery: 5000,
	}
	direct := paper
	direct.Preset = "direct"
	direct.Layers = []int{784, 500, 500, 1000}
	direct.LearningRate = 1e-3
	direct.Alpha = []float64{0, 0, 0}
	quick := paper
	quick.Preset = "quick"
	quick.Updates = 28_000
	quick.CheckpointEvery = 2000
	best := paper
	best.Preset = "best"
	best.Layers = []int{784, 500, 1000}
	best.Gibbs = 5
	best.MeanFieldTolerance, best.MeanFieldMax = 1e-3, 20
	best.LearningRate, best.LearningRateEnd, best.UpperRate = 0.1, 400_000, 0.1
	best.OffsetRate = 0.01
	best.WeightDecay = 1e-4
	best.Alpha = []float64{0, 0}
	best.InitScale = 0.01
	best.Pixels = "sample"
	best.Updates = 400_000
	return []Settings{quick, paper, direct, best}
}

// Preset returns the settings of a name. The error of an unknown name lists the others.
func Preset(name string) (Settings, error) {
	for _, p := range Presets() {
		if p.Preset == name {
			return p.clone(), nil
		}
	}
	return Settings{}, fmt.Errorf("no preset %q; there are quick, paper, direct and best", name)
}

// FitAlpha gives every hidden layer the same spring: the only one given, or, where the
// layers were changed but not the springs, the one that all layers had. given reports
// whether the springs were asked for.
func (c *Settings) FitAlpha(given bool) {
	if len(c.Alpha) == 0 || len(c.Alpha) == c.Hidden() || given && len(c.Alpha) > 1 {
		return
	}
	for _, a := range c.Alpha[1:] {
		if a != c.Alpha[0] {
			return
		}
	}
	c.Alpha = slices.Repeat(c.Alpha[:1], max(c.Hidden(), 0))
}
