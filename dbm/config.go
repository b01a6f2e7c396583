// Package dbm is the deep Boltzmann machine and its learning: joint training of all
// layers by stochastic maximum likelihood, with the spring on weight norms of
// Desjardins, Courville and Bengio, "On Training Deep Boltzmann Machines"
// (arXiv:1203.4416). Comments refer to its equations by number.
//
// Initial returns the State from which a Config starts, a Trainer takes a State from
// update to update (update.go), and a Sampler, an Inference and FilterStats use one. The
// arithmetic is passed in as a kernel.Set. For one Config, seed and data the numbers are
// the same bits for every set, machine, number of threads and cut between trainers.
package dbm

import (
	"fmt"
	"math"
)

// Config is everything, except for the data, that decides the numbers of a training run.
type Config struct {
	Layers []int `json:"layers"` // units of each layer, the visible one first
	Batch  int   `json:"batch"`  // examples an update
	Chains int   `json:"chains"` // persistent chains
	Gibbs  int   `json:"gibbs"`  // sweeps of the chains an update

	// Mean field of an example ends when no unit changes by as much as MeanFieldTolerance
	// in one iteration, or after MeanFieldMax iterations. With tolerance 0 it always takes
	// MeanFieldMax.
	MeanFieldTolerance float64 `json:"mean_field_tolerance"`
	MeanFieldMax       int     `json:"mean_field_max"`

	// LearningRate is the rate of weights and biases at the start. It falls in a straight
	// line towards update LearningRateEnd of the stage; if that is 0, it stays.
	LearningRate    float64 `json:"learning_rate"`
	LearningRateEnd uint64  `json:"learning_rate_end"`

	// UpperRate is the rate of the layers above the first hidden one over LearningRate,
	// when all layers train together; 0 means the same rate.
	UpperRate   float64 `json:"upper_rate"`
	WeightDecay float64 `json:"weight_decay"` // an update takes rate · WeightDecay · w from each weight w

	// OffsetRate is the rate at which the offsets of centering follow the means of the
	// minibatches; 0 means no centering.
	OffsetRate float64 `json:"offset_rate"`

	Alpha      []float64 `json:"alpha"`       // strength of the spring, one for each hidden layer; all 0: no spring
	Gamma      float64   `json:"gamma"`       // pull between the mean norms of neighbouring layers
	MuDamping  float64   `json:"mu_damping"`  // learning rate of the mean norms over that of the weights
	InitScale  float64   `json:"init_scale"`  // standard deviation of the initial weights
	ZeroBiases bool      `json:"zero_biases"` // visible biases start at 0, not at the log-odds of the mean

	// SamplePosterior makes hidden layers learn what they have in common from states drawn
	// from the posterior instead of from mean field (positive.go).
	SamplePosterior bool `json:"sample_posterior"`

	// ContrastiveDivergence makes the chains of an RBM begin each update at its examples.
	ContrastiveDivergence bool `json:"contrastive_divergence"`

	Pretrain     uint64 `json:"pretrain"`      // updates of greedy pretraining for each layer, before joint training
	Patch        int    `json:"patch"`         // side of the square that a unit of layer 1 sees; 0: all pixels
	ImageColumns int    `json:"image_columns"` // pixels in a row of an image; 0: unknown, which patches do not allow
	Seed         uint64 `json:"seed"`
}

// The limits of a configuration keep sizes from overflowing, and every number of a random
// counter within its bits.
const (
	MaxLayers  = 64
	MaxUnits   = 1 << 20 // of a layer
	maxWeights = 1 << 31
	MaxRows    = 1 << 20 // examples of a minibatch, or chains
	MaxSweeps  = 1 << 15 // of an update, or iterations of mean field
	MaxUpdates = 1 << 32 // exclusive
	maxStates  = 1 << 30 // examples and chains, times the units of a layer
)

// Validate returns an error that names the first field that is not valid, by its name in
// the configuration file.
func (c *Config) Validate() error {
	for _, check := range []func() error{c.validateLayers, c.validateCounts, c.validateNumbers, c.validateOptions} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) validateLayers() error {
	if len(c.Layers) < 2 {
		return fmt.Errorf("layers: need the visible layer and at least one hidden layer, have %d", len(c.Layers))
	}
	if len(c.Layers) > MaxLayers {
		return fmt.Errorf("layers: %d is more than %d", len(c.Layers), MaxLayers)
	}
	weights := int64(0)
	for l, n := range c.Layers {
		if n < 1 || n > MaxUnits {
			return fmt.Errorf("layers: layer %d has %d units; must be 1 to %d", l, n, MaxUnits)
		}
		if l > 0 {
			weights += int64(n) * int64(c.Layers[l-1])
		}
	}
	if weights > maxWeights {
		return fmt.Errorf("layers: %d weights are more than %d", weights, int64(maxWeights))
	}
	return nil
}

func (c *Config) validateCounts() error {
	for _, f := range []struct {
		name    string
		v, high int
	}{
		{"batch", c.Batch, MaxRows}, {"chains", c.Chains, MaxRows}, {"gibbs", c.Gibbs, MaxSweeps},
		{"mean_field_max", c.MeanFieldMax, MaxSweeps},
	} {
		if f.v < 1 || f.v > f.high {
			return fmt.Errorf("%s: %d; must be 1 to %d", f.name, f.v, f.high)
		}
	}
	for l, n := range c.Layers {
		if all := int64(n) * int64(c.Batch+c.Chains); all > maxStates {
			return fmt.Errorf("batch and chains: %d examples and chains of %d units in layer %d are more than %d numbers",
				c.Batch+c.Chains, n, l, maxStates)
		}
	}
	for _, f := range []struct {
		name string
		v    uint64
	}{{"learning_rate_end", c.LearningRateEnd}, {"pretrain", c.Pretrain}} {
		if f.v >= MaxUpdates {
			return fmt.Errorf("%s: %d; must be below %d", f.name, f.v, uint64(MaxUpdates))
		}
	}
	return nil
}

func (c *Config) validateNumbers() error {
	if len(c.Alpha) != len(c.Layers)-1 {
		return fmt.Errorf("alpha: %d values for %d hidden layers; give one for all or one a layer",
			len(c.Alpha), len(c.Layers)-1)
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
	if !(c.OffsetRate >= 0 && c.OffsetRate <= 1) {
		return fmt.Errorf("offset_rate: %v; must be 0 to 1", c.OffsetRate)
	}
	return nil
}

func (c *Config) validateOptions() error {
	if c.ContrastiveDivergence && c.Hidden() > 1 && c.Pretrain == 0 {
		return fmt.Errorf("contrastive_divergence: %d hidden layers without pretraining; it is for RBMs", c.Hidden())
	}
	if c.ContrastiveDivergence && c.Chains != c.Batch {
		return fmt.Errorf("contrastive_divergence: %d chains for a batch of %d; the numbers must be the same",
			c.Chains, c.Batch)
	}
	if c.Patch < 0 || c.ImageColumns < 0 {
		return fmt.Errorf("patch and image_columns: %d and %d; must not be below 0", c.Patch, c.ImageColumns)
	}
	if c.Patch == 0 {
		return nil
	}
	columns := c.ImageColumns
	if columns == 0 || c.Layers[0]%columns != 0 || c.Patch > min(columns, c.Layers[0]/columns) {
		return fmt.Errorf("patch: %d × %d pixels do not fit an image of %d pixels, %d in a row (image_columns)",
			c.Patch, c.Patch, c.Layers[0], c.ImageColumns)
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
	return c.LearningRate * max(1-float64(n)/float64(c.LearningRateEnd), leastRate)
}

// leastRate is the fraction of the learning rate that remains at the end, and stays.
const leastRate = 0.01

// RateHasFallen reports whether update n, counting from 0, has the rate that remains at the end.
func (c *Config) RateHasFallen(n uint64) bool {
	return c.LearningRateEnd > 0 && c.Rate(n) <= float64(leastRate*c.LearningRate)
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
