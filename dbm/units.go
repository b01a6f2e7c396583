package dbm

import "tandem/dbm/kernel"

// All units are binary: 0 or 1. What follows from that stands here. Another kind of unit
// would stand beside it, and kind would choose by layer.
//
// A unit that receives x from its bias and its neighbours is on with probability
// σ(x) (Eq. 4–5), which is also its mean.

// kind returns the kind of the units of a layer.
func (c *Config) kind(layer int) binaryUnit { return binaryUnit{} }

// kind returns the kind of the units of a layer.
func (m *Model) kind(layer int) binaryUnit { return binaryUnit{} }

// binaryUnit is the kind of a layer of binary units.
type binaryUnit struct{}

// mean computes the means of a layer into the pass's Out; see kernel.Set.Sigmoid.
func (binaryUnit) mean(set *kernel.Set, p *kernel.Pass, change []float32) { set.Sigmoid(p, change) }

// sample draws the states of a layer into the pass's Out.
func (binaryUnit) sample(set *kernel.Set, p *kernel.Pass, d kernel.Draw) { set.Sample(p, d) }

// start draws the states of one row from which a chain starts: fair coins.
func (binaryUnit) start(x []float32, d kernel.Draw) { d.Coins(x) }

// draw draws the states of one row of independent units with means q.
func (binaryUnit) draw(x, q []float32, d kernel.Draw) { d.Bernoulli(x, q) }

// bias returns the bias of a unit that receives nothing and has a given mean, which
// is clipped to [clip, 1−clip].
func (binaryUnit) bias(mean, clip float64) float64 {
	return kernel.LogOdds(min(max(mean, clip), 1-clip))
}
