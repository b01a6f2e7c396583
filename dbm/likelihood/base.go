package likelihood

import (
	"context"
	"fmt"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// Base is the model of independent units at which temperatures begin, by the mean of each
// unit: [l] layers[l]. Where a layer is nil or missing, the visible units have the biases of
// the model, and hidden units are fair coins. The nearer the base is to the model, the
// shorter is the way.
type Base [][]float64

// BaseOf returns the base of training examples: the visible units have their mean, and the
// hidden ones the mean of what the model infers for the first ones, at most baseExamples.
// row writes an example: 0s and 1s.
func BaseOf(ctx context.Context, c *dbm.Config, set *kernel.Set, s *dbm.State, mean []float64, n int,
	row func(i int, v []float32), threads int) (Base, error) {
	n = min(n, baseExamples)
	base := Base{mean}
	for _, units := range c.Layers[1:] {
		base = append(base, make([]float64, units))
	}
	sums := make([][][]float64, (n+dbm.InferRows-1)/dbm.InferRows) // of each block, so that threads do not show
	take := func(inference *dbm.Inference, first, rows int) {
		block := make([][]float64, len(c.Layers))
		for l := 1; l < len(c.Layers); l++ {
			block[l] = make([]float64, c.Layers[l])
			for r := range rows {
				for j, q := range inference.Hidden(l)[r*kernel.Stride(c.Layers[l]):][:c.Layers[l]] {
					block[l][j] += float64(q)
				}
			}
		}
		sums[first/dbm.InferRows] = block
	}
	if err := dbm.InferAll(ctx, c, set, s, n, threads, tolerance, most, row, take, nil); err != nil {
		return nil, err
	}
	for _, block := range sums {
		for l := 1; l < len(c.Layers); l++ {
			for j, sum := range block[l] {
				base[l][j] += sum / float64(n)
			}
		}
	}
	return base, nil
}

// baseExamples is of how many examples the hidden units' means are taken.
const baseExamples = 1000

// validate returns an error for a base of another shape than the model's.
func (b Base) validate(layers []int) error {
	if len(b) > len(layers) {
		return fmt.Errorf("base rates of %d layers for %d", len(b), len(layers))
	}
	for l, means := range b {
		if means != nil && len(means) != layers[l] {
			return fmt.Errorf("base rates of %d units for %d in layer %d", len(means), layers[l], l)
		}
	}
	return nil
}

// biases returns the biases of the base: [l] Padded(layers[l]).
func (b Base) biases(m *dbm.Model) ([][]float32, error) {
	if err := b.validate(m.Layers); err != nil {
		return nil, err
	}
	var a [][]float32
	for l, units := range m.Layers {
		a = append(a, make([]float32, kernel.Padded(units)))
		switch {
		case l < len(b) && b[l] != nil:
			for i, p := range b[l] {
				a[l][i] = baseBias(p)
			}
		case l == 0:
			copy(a[l], m.Bias[l])
		}
	}
	return a, nil
}

// baseBias returns the bias of a unit of a mean. It is not so large that the base would not
// cover what the model does.
func baseBias(p float64) float32 { return float32(kernel.LogOdds(min(max(p, 1e-3), 1-1e-3))) }
