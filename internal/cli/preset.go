package cli

import (
	"fmt"
	"slices"

	"tandem/dbm"
	"tandem/internal/runs"
)

// presets returns the named configurations. paper and direct are the two
// experiments of Section 5 of the paper; what it leaves open is explained in
// docs/numerics.md. best is for likelihood: joint training from random weights with
// centering, chosen by the trials of docs/trials.md. quick is the beginning of
// paper, a minute on two cores.
func presets() []runs.Config {
	paper := runs.Config{
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
	return []runs.Config{quick, paper, direct, best}
}

// preset returns the configuration of a name.
func preset(name string) (runs.Config, error) {
	for _, p := range presets() {
		if p.Preset == name {
			p.Layers, p.Alpha = slices.Clone(p.Layers), slices.Clone(p.Alpha)
			return p, nil
		}
	}
	return runs.Config{}, usageError{fmt.Errorf("train: no preset %q; there are quick, paper, direct and best", name)}
}

// fitAlpha gives every hidden layer the same spring: the one that was given, or,
// where other layers were asked for but no other springs, the one that all had.
func fitAlpha(c *runs.Config, given bool) {
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
