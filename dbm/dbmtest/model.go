// Package dbmtest makes models and examples for tests.
package dbmtest

import (
	"math/rand/v2"

	"tandem/dbm"
)

// Model returns a model whose weights and biases are drawn from N(0, scale²): with a
// scale near 1, units depend on each other. Its configuration has one example and one
// chain.
func Model(seed uint64, scale float64, layers ...int) (*dbm.Config, *dbm.State) {
	rng := rand.New(rand.NewPCG(seed, 17))
	c := &dbm.Config{Layers: layers, Batch: 1, Chains: 1, Gibbs: 1, MeanFieldMax: 1, Alpha: make([]float64, len(layers)-1)}
	s := dbm.NewState(c)
	for _, g := range [][][]float32{s.Weights, s.Biases} {
		for _, x := range g {
			for i := range x {
				x[i] = float32(scale * rng.NormFloat64())
			}
		}
	}
	return c, s
}
