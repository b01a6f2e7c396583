package runs

import (
	"fmt"
	"slices"

	"tandem/dbm"
)

// Presets returns the named settings, the default first. paper and direct are the two
// experiments of the paper's Section 5; docs/numerics.md explains what it leaves open.
// fit is for a person's own examples and for RBMs: it follows from their shape (FitTo). best
// is for likelihood: joint training from random weights with centering, chosen by
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
		Moments:         30,
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
	fit := best
	fit.Preset = FitPreset
	fit.Layers, fit.Alpha = []int{784, 500}, []float64{0}
	fit.Updates, fit.LearningRateEnd, fit.CheckpointEvery = 20_000, 20_000, 2000
	fit.Chains = 100
	fit.HoldOut, fit.KeepBest = 0.1, true
	return []Settings{quick, fit, paper, direct, best}
}

// Preset returns the settings of a name. The error of an unknown name lists the others.
func Preset(name string) (Settings, error) {
	for _, p := range Presets() {
		if p.Preset == name {
			return p.clone(), nil
		}
	}
	return Settings{}, fmt.Errorf("no preset %q; there are quick, fit, paper, direct and best", name)
}

// FitPreset is the preset that follows from the examples.
const FitPreset = "fit"

// FitTo makes settings of the preset fit follow from the examples, where they were not given:
// given reports whether a field was, by its name in JSON.
//
// One hidden layer has as many units as an example, at most 500. The rate falls to 0 over the
// updates there are, with ten checkpoints. Weight decay is the less, the more examples there
// are: like a prior of the weights whose part in all is the same (docs/trials.md).
func (c *Settings) FitTo(units, examples int, given func(field string) bool) {
	if !given("layers") {
		c.Layers = []int{units, min(units, 500)}
		c.FitAlpha(false)
	}
	if !given("learning_rate_end") {
		c.LearningRateEnd = c.Updates
	}
	if !given("checkpoint_every") {
		c.CheckpointEvery = max(c.Updates/10, 1)
	}
	if !given("weight_decay") {
		c.WeightDecay = min(1e-3, 2/float64(examples))
	}
	if c.Hidden() == 1 && !given("upper_rate") {
		c.UpperRate = 0
	}
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
