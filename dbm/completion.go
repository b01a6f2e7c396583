package dbm

import (
	"fmt"

	"tandem/dbm/kernel"
)

// Completion fills in what is not known of images: by Gibbs sampling with the known
// pixels clamped to what they are.
type Completion struct {
	sampler *Sampler
	known   []bool    // chains × visible
	images  []float32 // chains × visible
}

// NewCompletion starts one chain for each image (images × visible, each 0 or 1). known says
// which pixels are, of each image (images × visible). The unknown pixels and the hidden units
// begin with fair coins.
func NewCompletion(c *Config, set *kernel.Set, s *State, images []float32, known []bool,
	seed uint64) (*Completion, error) {
	n := c.Layers[0]
	if len(known) != len(images) || len(images) == 0 || len(images)%n != 0 {
		return nil, fmt.Errorf("completion: known says %d pixels, and images have %d, of %d visible units", len(known),
			len(images), n)
	}
	g, err := NewSampler(c, set, s, len(images)/n, seed)
	if err != nil {
		return nil, err
	}
	p := &Completion{g, known, images}
	p.clamp(g.x[0])
	return p, nil
}

// clamp puts the known pixels back.
func (p *Completion) clamp(x []float32) {
	n := p.sampler.model.Layers[0]
	for i, known := range p.known {
		if known {
			x[i/n*kernel.Stride(n)+i%n] = p.images[i]
		}
	}
	p.sampler.gibbs.listed = false
}

// Sweep makes a sweep of all chains.
func (p *Completion) Sweep() {
	p.sampler.Sweep()
	p.clamp(p.sampler.x[0])
}

// Means returns the known pixels, and the probabilities of the others given the
// first hidden layer of each chain: images × visible.
func (p *Completion) Means() []float32 {
	means := p.sampler.Means()
	for i := range means {
		if p.known[i] {
			means[i] = p.images[i]
		}
	}
	return means
}

// MeanField fills in the unknown pixels by mean field of all that is not known, the
// hidden units and these pixels, in some iterations from bottom to top and back. It
// returns images × visible.
func (p *Completion) MeanField(iterations int) []float32 {
	g := p.sampler
	m, n := g.model, g.model.Layers[0]
	q := make([][]float32, len(m.Layers))
	for l, units := range m.Layers {
		q[l] = make([]float32, g.chains*kernel.Stride(units))
		for i := range q[l] {
			q[l][i] = 0.5
		}
	}
	p.clamp(q[0])
	for range iterations {
		for l := 1; l < len(m.Layers); l++ {
			p.pass(q, l)
		}
		p.pass(q, 0)
		p.clamp(q[0])
	}
	out := make([]float32, 0, g.chains*n)
	for chain := range g.chains {
		out = append(out, q[0][chain*kernel.Stride(n):][:n]...)
	}
	return out
}

// pass computes the means of a layer from its neighbours'.
func (p *Completion) pass(q [][]float32, l int) {
	g := p.sampler
	pass := g.model.Pass(l, g.chains, g.model.Bias[l], q, nil, q[l])
	g.model.kind(l).mean(g.set, &pass, nil)
}
