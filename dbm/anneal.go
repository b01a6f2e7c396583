package dbm

import "tandem/dbm/kernel"

// Anneal makes sweeps of all chains at inverse temperatures that rise from 0 to 1
// in even steps: all weights and hidden biases count β times, and the visible
// biases go from base, the log-odds of base rates, to those of the model. So
// chains that began with fair coins come by all modes before the walls between
// them rise. base has one number for each visible unit; nil: the model's own biases.
func (g *Sampler) Anneal(sweeps int, base []float64, each func(done int)) {
	m := g.model
	hot := make([][]float32, len(m.layers)) // the states times β
	bias := make([][]float32, len(m.layers))
	for l, n := range m.layers {
		hot[l], bias[l] = make([]float32, len(g.x[l])), make([]float32, kernel.Padded(n))
	}
	for i := range sweeps {
		beta := float64(i+1) / float64(sweeps)
		for l := range bias {
			for j, b := range m.bias[l] {
				from := 0.0
				if l == 0 {
					if from = float64(b); base != nil && j < len(base) {
						from = kernel.LogOdds(min(max(base[j], 1e-3), 1-1e-3))
					}
				}
				bias[l][j] = float32(from + float64(beta*(float64(b)-from)))
			}
		}
		g.sweeps++
		for _, parity := range [2]int{1, 0} {
			for l := 1 - parity; l < len(m.layers); l += 2 {
				g.kernels.Scale(hot[l], g.x[l], float32(beta))
			}
			for l := parity; l < len(m.layers); l += 2 {
				n := m.layers[l]
				p := kernel.Pass{Rows: g.chains, Panels: kernel.Padded(n) / kernel.Panel, Start: bias[l], Out: g.x[l], Stride: kernel.Stride(n)}
				if l > 0 {
					p.Below = m.below(l, hot[l-1])
				}
				if l+1 < len(m.layers) {
					p.Above = m.above(l, hot[l+1])
				}
				g.kernels.Sample(&p, kernel.Draw{Seed: g.seed, Update: g.sweeps, Tag: kernel.Tag(kernel.ForSamples, l, 0)})
			}
		}
		if each != nil {
			each(i + 1)
		}
	}
	g.gibbs.listed = false
}
