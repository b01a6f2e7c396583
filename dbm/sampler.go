package dbm

import (
	"context"
	"errors"
	"fmt"

	"tandem/dbm/kernel"
)

// Sampler draws from a model by Gibbs sampling, for pictures. Its random numbers are
// not those of training.
type Sampler struct {
	model  *Model
	set    *kernel.Set
	gibbs  *gibbs
	x      [][]float32 // x[l]: chains × Stride(units)
	chains int
	seed   uint64
	sweeps uint32 // made so far
}

// ErrNoChains is the error of a state that should continue its chains and has none.
var ErrNoChains = errors.New("the model has no training chains")

// NewSampler returns a sampler of a state. Its chains are those of the state, or, if
// fresh is not 0, as many new ones of fair coins.
func NewSampler(c *Config, set *kernel.Set, s *State, fresh int, seed uint64) (*Sampler, error) {
	if fresh < 0 || fresh > MaxRows {
		return nil, fmt.Errorf("chains: %d; must be 1 to %d", fresh, MaxRows)
	}
	if fresh == 0 && !s.HasChains() {
		return nil, ErrNoChains
	}
	m, err := NewModel(c, set, s)
	if err != nil {
		return nil, err
	}
	g := &Sampler{model: m, set: set, gibbs: newGibbs(m, set, tracer{}), chains: c.Chains, seed: seed}
	if fresh > 0 {
		g.chains = fresh
	}
	for l, n := range c.Layers {
		g.x = append(g.x, make([]float32, g.chains*kernel.Stride(n)))
		for chain := range g.chains {
			x := g.x[l][chain*kernel.Stride(n):][:n]
			if fresh > 0 {
				m.kind(l).start(x, kernel.Draw{Seed: seed, Row: uint32(chain), Tag: kernel.Tag(kernel.ForSamples, l, 0)})
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
	g.gibbs.sweep(g.x, g.chains, 1, kernel.Draw{Seed: g.seed, Update: g.sweeps}, kernel.ForSamples)
}

// Means returns the means of the visible units of each chain given its first hidden
// layer: chains × visible.
func (g *Sampler) Means() []float32 {
	n, stride := g.model.Layers[0], kernel.Stride(g.model.Layers[0])
	wide := make([]float32, g.chains*stride)
	p := kernel.NewPass(n, g.chains, g.model.Bias[0], wide)
	p.Above = g.model.FromAbove(0, g.x[1])
	g.model.kind(0).mean(g.set, &p, nil)
	means := make([]float32, 0, g.chains*n)
	for chain := range g.chains {
		means = append(means, wide[chain*stride:][:n]...)
	}
	return means
}

// States returns the states of layer l in each chain: chains × units, each 0 or 1.
func (g *Sampler) States(l int) []byte {
	n, stride := g.model.Layers[l], kernel.Stride(g.model.Layers[l])
	states := make([]byte, 0, g.chains*n)
	for chain := range g.chains {
		for _, x := range g.x[l][chain*stride:][:n] {
			states = append(states, byte(x))
		}
	}
	return states
}

// Anneal makes sweeps of new chains at inverse temperatures β that rise from 0 to 1 in
// even steps. All weights and hidden biases count β times, and the visible biases go
// from those of base, the mean of each visible unit, to those of the model. At β = 0 units are
// independent, and the chains are drawn anew. So they pass all modes before the walls between
// them rise. If base is nil, the visible biases stay those of the model.
//
// The chains end with the model's distribution only as far as they could follow it. Their
// importance weights (Neal 2001) say how far: Anneal returns the logarithm of each, whose
// exponentials have Z of the model / Z of independent units as their mean.
//
// each, if not nil, receives the number of sweeps done; its error ends the sweeps and is
// returned. When ctx ends, Anneal returns its cause.
func (g *Sampler) Anneal(ctx context.Context, sweeps int, base []float64, each func(done int) error) ([]float64,
	error) {
	a := newAnnealing(g, base)
	defer func() { g.gibbs.listed = false }()
	a.sweep(0)
	for i := range sweeps {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		beta := float64(i+1) / float64(sweeps)
		a.weigh(beta)
		a.sweep(float32(beta))
		if each != nil {
			if err := each(i + 1); err != nil {
				return nil, err
			}
		}
	}
	return a.weights, nil
}

// annealing is chains at an inverse temperature.
type annealing struct {
	*Sampler
	base    []float64
	beta    float64
	bias    [2][][]float32 // at β, and at the last one
	hot     [][]float32    // room for the states times β
	zero    []float32      // biases of none
	weights []float64      // the logarithm of each chain's
}

func newAnnealing(g *Sampler, base []float64) *annealing {
	a := &annealing{Sampler: g, base: base, hot: make([][]float32, len(g.x)), weights: make([]float64, g.chains)}
	widest := 0
	for l, n := range g.model.Layers {
		a.hot[l] = make([]float32, len(g.x[l]))
		for i := range a.bias {
			a.bias[i] = append(a.bias[i], make([]float32, kernel.Padded(n)))
		}
		widest = max(widest, kernel.Padded(n))
	}
	a.zero = make([]float32, widest)
	a.heat(0)
	return a
}

// heat computes the biases at β.
func (a *annealing) heat(beta float64) {
	a.beta = beta
	for l, bias := range a.bias[0] {
		for j, b := range a.model.Bias[l] {
			from := 0.0
			if l == 0 {
				if from = float64(b); a.base != nil && j < len(a.base) {
					from = a.model.kind(0).bias(a.base[j], 1e-3)
				}
			}
			bias[j] = float32(from + float64(beta*(float64(b)-from)))
		}
	}
}

// weigh goes on to the next β, and adds log p*(even layers) at that β − log p*(even layers) at
// the last one to the weights, the odd layers summed out.
func (a *annealing) weigh(beta float64) {
	last := float32(a.beta)
	a.bias[0], a.bias[1] = a.bias[1], a.bias[0]
	a.heat(beta)
	for l, n := range a.model.Layers {
		stride, width := kernel.Stride(n), kernel.Padded(n)
		if l%2 == 0 {
			for chain := range a.weights {
				for j, x := range a.x[l][chain*stride:][:n] {
					a.weights[chain] += float64(float64(x) * (float64(a.bias[0][l][j]) - float64(a.bias[1][l][j])))
				}
			}
			continue
		}
		p := a.model.Pass(l, a.chains, a.zero, a.x, nil, a.hot[l])
		a.set.Linear(&p)
		to := kernel.Tempered{Beta: float32(beta), Bias: a.bias[0][l]}
		from := kernel.Tempered{Beta: last, Bias: a.bias[1][l]}
		for chain := range a.weights {
			var sums [kernel.Panel]float32
			input := a.hot[l][chain*stride:][:width]
			a.set.Softplus(input, input, to, from, &sums)
			for _, s := range sums {
				a.weights[chain] += float64(s)
			}
		}
	}
}

// sweep makes a sweep at β, to which the biases are heated.
func (a *annealing) sweep(beta float32) {
	a.sweeps++
	for _, parity := range [2]int{1, 0} {
		for l := 1 - parity; l < len(a.hot); l += 2 {
			a.set.Scale(a.hot[l], a.x[l], beta)
		}
		for l := parity; l < len(a.hot); l += 2 {
			p := a.model.Pass(l, a.chains, a.bias[0][l], a.hot, nil, a.x[l])
			a.model.kind(l).sample(a.set, &p, kernel.Draw{Seed: a.seed, Update: a.sweeps,
				Tag: kernel.Tag(kernel.ForSamples, l, 0)})
		}
	}
}
