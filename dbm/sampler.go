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

// Anneal makes sweeps of all chains at inverse temperatures β that rise from 0 to 1 in
// even steps. All weights and hidden biases count β times, and the visible biases go
// from those of base, the mean of each visible unit, to those of the model. So chains
// that began with fair coins pass all modes before the walls between them rise. If base
// is nil, the visible biases stay those of the model. each, if not nil, receives the
// number of sweeps done; its error ends the sweeps and is returned. When ctx ends, Anneal
// returns its cause.
func (g *Sampler) Anneal(ctx context.Context, sweeps int, base []float64, each func(done int) error) error {
	m := g.model
	hot := make([][]float32, len(m.Layers)) // the states times β
	bias := make([][]float32, len(m.Layers))
	for l, n := range m.Layers {
		hot[l], bias[l] = make([]float32, len(g.x[l])), make([]float32, kernel.Padded(n))
	}
	defer func() { g.gibbs.listed = false }()
	for i := range sweeps {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		g.heat(bias, float64(i+1)/float64(sweeps), base)
		g.sweepAt(float32(float64(i+1)/float64(sweeps)), bias, hot)
		if each != nil {
			if err := each(i + 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// heat computes the biases at β.
func (g *Sampler) heat(bias [][]float32, beta float64, base []float64) {
	for l := range bias {
		for j, b := range g.model.Bias[l] {
			from := 0.0
			if l == 0 {
				if from = float64(b); base != nil && j < len(base) {
					from = g.model.kind(0).bias(base[j], 1e-3)
				}
			}
			bias[l][j] = float32(from + float64(beta*(float64(b)-from)))
		}
	}
}

// sweepAt makes a sweep at β, with given biases; hot has room for the states times β.
func (g *Sampler) sweepAt(beta float32, bias, hot [][]float32) {
	g.sweeps++
	for _, parity := range [2]int{1, 0} {
		for l := 1 - parity; l < len(hot); l += 2 {
			g.set.Scale(hot[l], g.x[l], beta)
		}
		for l := parity; l < len(hot); l += 2 {
			p := g.model.Pass(l, g.chains, bias[l], hot, nil, g.x[l])
			g.model.kind(l).sample(g.set, &p, kernel.Draw{Seed: g.seed, Update: g.sweeps,
				Tag: kernel.Tag(kernel.ForSamples, l, 0)})
		}
	}
}
