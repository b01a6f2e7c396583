package likelihood

import "tandem/dbm"

// path leads from one model, at β = 0, to another, at β = 1. Biases go from those of the
// first to those of the second in a straight line, and what the units of some layers receive
// counts β times. These layers are of the side that is summed out, for each of whose units
// one number can count; all others receive what they receive at β = 1.
type path struct {
	*dbm.Model
	small int         // parity of the layers that are drawn; the others are summed out
	base  [][]float32 // biases at β = 0: [l] Padded(layers[l])
	more  [][]float64 // how much higher they are at β = 1: [l] Padded(layers[l])
	grows []bool      // of each layer that is summed out: what its units receive counts β times
}

// newPath returns the path of annealing, from independent units to the model: all weights
// grow.
func newPath(m *dbm.Model, base [][]float32) *path {
	p := &path{Model: m, small: smallerSide(m.Layers), base: base, grows: make([]bool, len(m.Layers))}
	for l := range p.grows {
		p.grows[l] = l%2 != p.small
	}
	p.setMore()
	return p
}

// setMore computes more.
func (p *path) setMore() {
	for l := range p.Layers {
		more := make([]float64, len(p.Bias[l]))
		for j, b := range p.Bias[l] {
			more[j] = float64(b) - float64(p.base[l][j])
		}
		p.more = append(p.more, more)
	}
}

// scale returns how often what the units of a layer receive counts.
func (p *path) scale(l int, beta float32) float32 {
	if p.grows[l] {
		return beta
	}
	return 1
}

// biases writes the biases of a layer at β.
func (p *path) biases(to []float32, l int, beta float32) {
	for j, more := range p.more[l] {
		to[j] = float32(float64(p.base[l][j]) + float64(float64(beta)*more))
	}
}
