// Package dbm is the deep Boltzmann machine and its learning: joint training of
// all layers by stochastic maximum likelihood, with the spring on weight norms of
// Desjardins, Courville and Bengio, "On Training Deep Boltzmann Machines"
// (arXiv:1203.4416), whose equations its comments name.
//
// Initial gives the State that a Config begins with, a Trainer takes a State from
// update to update, and a Sampler and an Assessor look at one. The arithmetic is
// handed in as Kernels. For one Config, seed and data the numbers are the same bits
// whatever the kernels, the machine, the number of threads and the cuts between
// trainers.
package dbm

import (
	"fmt"
	"math"
)

// Config is everything, the data apart, that decides the numbers of a training run.
type Config struct {
	Layers                []int     `json:"layers"`                 // units of each layer, the visible one first
	Batch                 int       `json:"batch"`                  // examples an update
	Chains                int       `json:"chains"`                 // persistent chains
	Gibbs                 int       `json:"gibbs"`                  // sweeps of the chains an update
	MeanFieldTolerance    float64   `json:"mean_field_tolerance"`   // an example is done when no unit changes by as much in an iteration; 0: always MeanFieldMax iterations
	MeanFieldMax          int       `json:"mean_field_max"`         // most iterations an example
	LearningRate          float64   `json:"learning_rate"`          // of weights and biases, at the start
	LearningRateEnd       uint64    `json:"learning_rate_end"`      // the update, of the stage, towards which the rate falls in a straight line; 0: it stays
	UpperRate             float64   `json:"upper_rate"`             // of the layers above the first hidden one, when all train together, over LearningRate; 0: the same
	WeightDecay           float64   `json:"weight_decay"`           // each update takes the learning rate times this share from the weights
	OffsetRate            float64   `json:"offset_rate"`            // of the offsets of centering towards the means of a minibatch; 0: no centering
	Alpha                 []float64 `json:"alpha"`                  // strength of the spring, one a hidden layer; all 0: no spring
	Gamma                 float64   `json:"gamma"`                  // pull between the mean norms of neighbouring layers
	MuDamping             float64   `json:"mu_damping"`             // learning rate of the mean norms over that of the weights
	InitScale             float64   `json:"init_scale"`             // standard deviation of the initial weights
	ZeroBiases            bool      `json:"zero_biases"`            // visible biases begin at 0, not at the log-odds of the mean
	SamplePosterior       bool      `json:"sample_posterior"`       // what hidden layers have in common comes from states drawn from the posterior, not from its mean field (posterior.go)
	ContrastiveDivergence bool      `json:"contrastive_divergence"` // the chains of an RBM begin each update at its examples
	Pretrain              uint64    `json:"pretrain"`               // updates of greedy pretraining for each layer, before all train together
	Patch                 int       `json:"patch"`                  // side of the square that a unit of the first hidden layer sees; 0: all pixels
	ImageColumns          int       `json:"image_columns"`          // of the images, row by row; 0: unknown, as long as no patch needs it
	Seed                  uint64    `json:"seed"`
}

// Limits keep sizes from overflow and every number of the random counters within
// its bits.
const (
	maxLayers  = 64
	maxUnits   = 1 << 20
	maxWeights = 1 << 31
	maxRows    = 1 << 20
	maxSweeps  = 1 << 15
	maxUpdates = 1 << 32 // exclusive
	maxStates  = 1 << 30 // examples and chains, times the units of a layer
)

// Validate says what is wrong with a configuration, naming the field as the
// configuration file and the flags do.
func (c *Config) Validate() error {
	if len(c.Layers) < 2 {
		return fmt.Errorf("layers: need the visible layer and at least one hidden layer, have %d", len(c.Layers))
	}
	if len(c.Layers) > maxLayers {
		return fmt.Errorf("layers: %d is more than %d", len(c.Layers), maxLayers)
	}
	weights := int64(0)
	for l, n := range c.Layers {
		if n < 1 || n > maxUnits {
			return fmt.Errorf("layers: layer %d has %d units; must be 1 to %d", l, n, maxUnits)
		}
		if l > 0 {
			weights += int64(n) * int64(c.Layers[l-1])
		}
	}
	if weights > maxWeights {
		return fmt.Errorf("layers: %d weights are more than %d", weights, int64(maxWeights))
	}
	for _, f := range []struct {
		name    string
		v, high int
	}{
		{"batch", c.Batch, maxRows}, {"chains", c.Chains, maxRows}, {"gibbs", c.Gibbs, maxSweeps},
		{"mean_field_max", c.MeanFieldMax, maxSweeps},
	} {
		if f.v < 1 || f.v > f.high {
			return fmt.Errorf("%s: %d; must be 1 to %d", f.name, f.v, f.high)
		}
	}
	for l, n := range c.Layers {
		if all := int64(n) * int64(c.Batch+c.Chains); all > maxStates {
			return fmt.Errorf("batch and chains: %d examples and chains of %d units in layer %d are more than %d numbers", c.Batch+c.Chains, n, l, maxStates)
		}
	}
	if len(c.Alpha) != len(c.Layers)-1 {
		return fmt.Errorf("alpha: %d values for %d hidden layers; give one for all or one a layer", len(c.Alpha), len(c.Layers)-1)
	}
	for l, a := range c.Alpha {
		if !(a >= 0) || math.IsInf(a, 0) {
			return fmt.Errorf("alpha: %v for layer %d; must be a number not below 0", a, l+1)
		}
	}
	for _, f := range []struct {
		name string
		v    float64
	}{
		{"mean_field_tolerance", c.MeanFieldTolerance}, {"learning_rate", c.LearningRate},
		{"upper_rate", c.UpperRate}, {"weight_decay", c.WeightDecay},
		{"gamma", c.Gamma}, {"mu_damping", c.MuDamping}, {"init_scale", c.InitScale},
	} {
		if !(f.v >= 0) || math.IsInf(f.v, 0) {
			return fmt.Errorf("%s: %v; must be a number not below 0", f.name, f.v)
		}
	}
	if c.ContrastiveDivergence && c.Hidden() > 1 && c.Pretrain == 0 {
		return fmt.Errorf("contrastive_divergence: %d hidden layers without pretraining; it is for RBMs", c.Hidden())
	}
	if c.ContrastiveDivergence && c.Chains != c.Batch {
		return fmt.Errorf("contrastive_divergence: %d chains for a batch of %d; there must be as many", c.Chains, c.Batch)
	}
	if c.LearningRateEnd >= maxUpdates {
		return fmt.Errorf("learning_rate_end: %d; must be below %d", c.LearningRateEnd, uint64(maxUpdates))
	}
	if c.Patch < 0 || c.ImageColumns < 0 {
		return fmt.Errorf("patch and image_columns: %d and %d; must not be below 0", c.Patch, c.ImageColumns)
	}
	if c.Patch > 0 && (c.ImageColumns == 0 || c.Layers[0]%c.ImageColumns != 0 || c.Patch > c.ImageColumns || c.Patch > c.Layers[0]/c.ImageColumns) {
		return fmt.Errorf("patch: %d × %d pixels are no part of an image of %d pixels, %d in a row (image_columns)", c.Patch, c.Patch, c.Layers[0], c.ImageColumns)
	}
	if c.Pretrain >= maxUpdates {
		return fmt.Errorf("pretrain: %d; must be below %d", c.Pretrain, uint64(maxUpdates))
	}
	if !(c.OffsetRate >= 0 && c.OffsetRate <= 1) {
		return fmt.Errorf("offset_rate: %v; must be 0 to 1", c.OffsetRate)
	}
	return nil
}

// Rate returns the learning rate of update n, counting from 0. Every stage of
// pretraining, and joint training, begins with LearningRate.
func (c *Config) Rate(n uint64) float64 {
	if first := c.pretraining(); n < first {
		n %= c.Pretrain
	} else {
		n -= first
	}
	if c.LearningRateEnd == 0 {
		return c.LearningRate
	}
	const least = 0.01 // the fraction that remains at the end, and stays
	return c.LearningRate * max(1-float64(n)/float64(c.LearningRateEnd), least)
}

// relativeRate returns the learning rate of the weights and biases of a layer over Rate.
func (c *Config) relativeRate(l int) float64 {
	if l > 1 && c.UpperRate > 0 {
		return c.UpperRate
	}
	return 1
}

// Hidden returns the number of hidden layers.
func (c *Config) Hidden() int { return len(c.Layers) - 1 }

// Spring reports whether any layer has one.
func (c *Config) Spring() bool {
	for _, a := range c.Alpha {
		if a != 0 {
			return true
		}
	}
	return false
}
