package dbm

import "tandem/dbm/kernel"

// What work costs is counted in multiply-adds, as kernels make them. It depends on sizes
// alone, not on a clock, a machine or the number of threads.
//
//   - A product counts by its dense size, padding left out.
//   - Where lists of nonzeros are followed, or would be if there were few enough, it counts
//     half: of the visible layer and of chains.
//   - A number that plain code handles alone counts as a panel, which kernels handle at once.
const (
	listed = 0.5
	plain  = kernel.Panel
)

// cost returns the multiply-adds of an update of the stage of a configuration, whose mean
// field takes some iterations an example.
func (g *stage) cost(c *Config, iterations float64) float64 {
	cost := g.config.updateCost(iterations)
	for l := 1; l < g.layer; l++ { // the examples pass through the layers below
		cost += float64(c.Batch) * c.passCost(l)
	}
	return cost
}

// updateCost returns the multiply-adds of an update of these layers together.
func (c *Config) updateCost(iterations float64) float64 {
	batch, chains := float64(c.Batch), float64(c.Chains)
	cost := c.inferCost(iterations)
	for l := 1; l < len(c.Layers); l++ {
		w := c.weights(l)
		cost += 2 * listed * w * chains * float64(c.Gibbs)
		if c.SamplePosterior && c.Hidden() > 1 && l > 1 {
			cost += listed * w * (batch + chains)
		}
		cost += (batch + chains) * c.passCost(l) // the gradient is such a product, too
	}
	return cost
}

// inferCost returns the multiply-adds of mean field of a minibatch.
func (c *Config) inferCost(iterations float64) float64 {
	cost := 0.0
	for l := 1; l < len(c.Layers); l++ {
		cost += c.passCost(l)
		if l > 1 { // up and down; what comes from the visible layer does not change
			cost += 2 * iterations * c.weights(l)
		}
	}
	return cost * float64(c.Batch)
}

// passCost returns the multiply-adds of a row's pass from layer l-1 to layer l.
func (c *Config) passCost(l int) float64 {
	if l == 1 {
		return listed * c.weights(l)
	}
	return c.weights(l)
}

// weights returns the number of weights from layer l-1 to layer l.
func (c *Config) weights(l int) float64 { return float64(c.Layers[l-1]) * float64(c.Layers[l]) }

// Cost returns the multiply-adds that Measure counts as, those of a copy of the state
// included.
func (f *FilterStats) Cost() float64 {
	c, cost := &f.config, 0.0
	for l := 1; l < len(c.Layers); l++ {
		n, w := float64(c.Layers[l]), c.weights(l)
		pixels := n * float64(c.Layers[0])
		cost += plain * w * (1 + 3) // the copy, and the sums of norms
		cost += plain * w           // each weight once, to draw the pictures
		if l > 1 {
			cost += plain * pixels * float64(min(Strongest, c.Layers[l-1]))
		}
		if f.isImage() {
			cost += plain * pixels * 6 // as Smoothness works
		}
		cost += plain*pixels*2 + pixels*(n+filterBlock)/2 // packed; half of all pairs
	}
	return cost
}

// ActivityCost returns the multiply-adds that MeasureActivity counts as, with some iterations of
// mean field an example and a copy of the state.
func (c *Config) ActivityCost(iterations float64) float64 {
	const n = float64(ActivityExamples)
	cost := c.inferCost(iterations) / float64(c.Batch) * n
	for l := 1; l < len(c.Layers); l++ {
		units := float64(c.Layers[l])
		cost += plain * c.weights(l) * 2                    // the copy, packed
		cost += c.weights(l) * (n + 2*float64(c.Chains))    // the input from above, and the chains
		cost += plain * units * (4*n + 2*float64(c.Chains)) // means and spreads
		small, large := min(n, units), max(n, units)
		cost += plain * (small*small*large/8 + small*small*small*4/3) // products, in four lanes, and their spectrum
	}
	return cost
}
