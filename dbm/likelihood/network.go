// Package likelihood scores a model: its partition function by annealed
// importance sampling from both sides, the variational bound of the
// log-likelihood, and, where one side of the model is small, the exact values.
//
// The units of a deep Boltzmann machine fall into two sides, the odd layers and
// the even ones, the visible layer among these. Given one side, the units of the
// other are independent, so that the other can be summed out exactly:
//
//	log Σ_T exp(−E(S, T)) = b_S·s + Σ_{j in T} softplus(b_j + input of j from S)
//
// All that follows works on the smaller side and sums the larger one out.
//
// docs/likelihood.md says how to read the figures.
package likelihood

import (
	"fmt"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// network is the parameters of a state, packed for the kernels.
type network struct {
	layers []int
	k      *kernel.Set
	up     [][]float32 // up[l]: weights from layer l-1 to layer l; nil for l = 0
	back   [][]float32 // back[l]: the same transposed
	bias   [][]float32 // Padded(layers[l])
	small  int         // parity of the layers of the smaller side
}

func newNetwork(c *dbm.Config, k *kernel.Set, s *dbm.State) (*network, error) {
	if len(s.Weights) != c.Hidden() || len(s.Biases) != len(c.Layers) {
		return nil, fmt.Errorf("state: not of %d layers", len(c.Layers))
	}
	n := &network{layers: c.Layers, k: k, small: smaller(c.Layers)}
	for l, units := range c.Layers {
		n.bias = append(n.bias, make([]float32, kernel.Padded(units)))
		copy(n.bias[l], s.Biases[l])
		if l == 0 {
			n.up, n.back = [][]float32{nil}, [][]float32{nil}
			continue
		}
		below := c.Layers[l-1]
		n.up = append(n.up, kernel.Pack(nil, s.Weights[l-1], below, units))
		n.back = append(n.back, make([]float32, kernel.Padded(below)*kernel.Padded(units)))
		k.Refresh(&kernel.Step{Below: below, Units: units, To: kernel.Padded(units) / kernel.Panel, W: n.up[l], Back: n.back[l],
			Squares: make([]float32, kernel.Padded(units))})
	}
	return n, nil
}

// smaller is the parity of the layers with fewer units in all: 1, the odd ones,
// where both have the same.
func smaller(layers []int) int {
	units := [2]int{}
	for l, n := range layers {
		units[l%2] += n
	}
	if units[0] < units[1] {
		return 0
	}
	return 1
}

// pass is the input of layer l from its neighbours' states, with what it starts
// from: rows × Stride(units), or one row for all.
func (n *network) pass(l, rows int, start []float32, x [][]float32, lists []kernel.Lists, out []float32) kernel.Pass {
	p := kernel.Pass{Rows: rows, Panels: kernel.Padded(n.layers[l]) / kernel.Panel, Start: start, Out: out, Stride: kernel.Stride(n.layers[l])}
	side := func(m int, w []float32) kernel.Input {
		return kernel.Input{X: x[m], Stride: kernel.Stride(n.layers[m]), K: n.layers[m], W: w, Nonzero: lists[m].IfSparse(rows, n.layers[m])}
	}
	if l > 0 {
		p.Below = side(l-1, n.up[l])
	}
	if l+1 < len(n.layers) {
		p.Above = side(l+1, n.back[l+1])
	}
	return p
}
