package dbm

import (
	"fmt"

	"tandem/dbm/kernel"
)

// The negative phase: chains of binary states. A sweep draws the odd layers given
// the even ones, then the even ones, the visible layer among them, given the odd
// ones: each unit from its probability given all others (Eq. 4–5).

// gibbs is room for sweeps of some chains.
type gibbs struct {
	lists  []kernel.Lists // the units of each layer that are on
	listed bool           // those of the even layers are there
	pass   kernel.Pass
	mark   func(Phase)
}

func newGibbs(layers []int, mark func(Phase)) *gibbs {
	return &gibbs{lists: make([]kernel.Lists, len(layers)), mark: mark}
}

// sweep makes a number of sweeps of some chains, numbered from draw.Row up, whose
// states are x[l]: chains × Stride(layers[l]). Layer l in sweep i takes its random
// numbers from draw with Tag(purpose, l, i). The states must be as the last call
// left them.
func (g *gibbs) sweep(k *kernel.Set, m *model, x [][]float32, chains, sweeps int, draw kernel.Draw, purpose kernel.Purpose) {
	for l := 0; l < len(m.layers) && !g.listed; l += 2 {
		g.list(k, m, l, x[l], chains)
	}
	g.listed = true
	g.mark(Chains)
	for i := range sweeps {
		g.half(k, m, x, chains, 1, i, draw, purpose)
		g.half(k, m, x, chains, 0, i, draw, purpose)
	}
}

// half draws the odd layers or the even ones, as sweep i would.
func (g *gibbs) half(k *kernel.Set, m *model, x [][]float32, chains, parity, i int, draw kernel.Draw, purpose kernel.Purpose) {
	for l := parity; l < len(m.layers); l += 2 {
		g.given(m, x, chains, l, x[l])
		draw.Tag = kernel.Tag(purpose, l, i)
		k.Sample(&g.pass, draw)
		g.mark(Packing)
		g.list(k, m, l, x[l], chains)
		g.mark(Chains)
	}
}

// means computes the probabilities of layer l given the layers beside it.
func (g *gibbs) means(k *kernel.Set, m *model, x [][]float32, chains, l int, out []float32) {
	g.given(m, x, chains, l, out)
	k.Sigmoid(&g.pass, nil)
}

// given prepares the pass of layer l from the layers beside it.
func (g *gibbs) given(m *model, x [][]float32, chains, l int, out []float32) {
	n := m.layers[l]
	p := &g.pass
	*p = kernel.Pass{Rows: chains, Panels: kernel.Padded(n) / kernel.Panel, Start: m.bias[l], Out: out, Stride: kernel.Stride(n)}
	if l > 0 {
		p.Below = m.below(l, x[l-1])
		p.Below.Nonzero = g.lists[l-1].IfSparse(chains, m.layers[l-1])
	}
	if l < len(m.layers)-1 {
		p.Above = m.above(l, x[l+1])
		p.Above.Nonzero = g.lists[l+1].IfSparse(chains, m.layers[l+1])
	}
}

// list makes the lists of a layer's units that are on.
func (g *gibbs) list(k *kernel.Set, m *model, l int, x []float32, chains int) {
	g.lists[l].Reset()
	for r := range chains {
		g.lists[l].Add(k, x[r*kernel.Stride(m.layers[l]):][:m.layers[l]])
	}
}

// Sampler draws from a model by Gibbs sampling, for pictures: its random numbers
// are not those of training.
type Sampler struct {
	model   *model
	kernels *kernel.Set
	gibbs   *gibbs
	x       [][]float32 // x[l]: chains × Stride(layers[l])
	chains  int
	seed    uint64
	sweeps  uint32 // made so far
}

// NewSampler returns a sampler of a state. Its chains are those of the state,
// or, if fresh is not 0, so many new ones of fair coins.
func NewSampler(c *Config, k *kernel.Set, s *State, fresh int, seed uint64) (*Sampler, error) {
	if fresh < 0 || fresh > maxRows {
		return nil, fmt.Errorf("chains: %d; must be 1 to %d", fresh, maxRows)
	}
	if err := s.fits(c); err != nil {
		return nil, err
	}
	g := &Sampler{model: newModel(c.Layers, s, k), kernels: k, gibbs: newGibbs(c.Layers, func(Phase) {}), chains: c.Chains, seed: seed}
	if fresh > 0 {
		g.chains = fresh
	}
	for l, n := range c.Layers {
		g.x = append(g.x, make([]float32, g.chains*kernel.Stride(n)))
		for chain := range g.chains {
			x := g.x[l][chain*kernel.Stride(n):][:n]
			if fresh > 0 {
				kernel.Draw{Seed: seed, Row: uint32(chain), Tag: kernel.Tag(kernel.ForSamples, l, 0)}.Coins(x)
			} else {
				copy(x, s.Chains[l][chain*n:])
			}
		}
	}
	return g, nil
}

// Sweep makes a sweep of all chains.
func (g *Sampler) Sweep() {
	g.sweeps++
	g.gibbs.sweep(g.kernels, g.model, g.x, g.chains, 1, kernel.Draw{Seed: g.seed, Update: g.sweeps}, kernel.ForSamples)
}

// Means returns the probabilities of the visible units of each chain given its
// first hidden layer: chains × visible.
func (g *Sampler) Means() []float32 {
	n := g.model.layers[0]
	wide := make([]float32, g.chains*kernel.Padded(n))
	g.kernels.Sigmoid(&kernel.Pass{Rows: g.chains, Panels: kernel.Padded(n) / kernel.Panel, Start: g.model.bias[0],
		Above: g.model.above(0, g.x[1]), Out: wide, Stride: kernel.Padded(n)}, nil)
	means := make([]float32, 0, g.chains*n)
	for chain := range g.chains {
		means = append(means, wide[chain*kernel.Padded(n):][:n]...)
	}
	return means
}
