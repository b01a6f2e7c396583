package dbm

import "tandem/dbm/kernel"

// Training may begin layer by layer, as Salakhutdinov and Hinton do ("Deep Boltzmann
// Machines", 2009). For the first Pretrain updates the lowest two layers are an RBM, for
// as many more the next two, whose examples are the means of the layer below, and so
// on; then all layers train together. A unit of a middle layer will have neighbours on
// both sides, of which the RBM knows one, so what it receives counts twice: in the first
// RBM the hidden units' input, in the last the lower units', in those between both. The
// weights need no halving then.
//
// A middle layer has the biases of its units as the upper layer of an RBM, with which
// examples pass on to the next, and as the lower layer of the next. Its biases begin
// joint training as the means of the two.
//
// The chains of an RBM are those of its two layers, so they continue from stage to
// stage. For the random numbers its layers are 0 and 1; updates are counted through, and
// so no number is drawn twice. The fall of the learning rate starts anew in each stage.

// stage is a stretch of training: of one RBM, or of all layers.
type stage struct {
	layer              int    // the upper layer of the RBM; 0: all layers train together
	config             Config // of the layers that are trained
	rate               func(updates uint64) float64
	twiceUp, twiceDown bool // what passes upwards, or downwards, counts twice
}

// stageLayer returns the layer that is pretrained at update n, counting from 0, or 0 in
// joint training.
func (c *Config) stageLayer(n uint64) int {
	if n < c.pretraining() {
		return int(n/c.Pretrain) + 1
	}
	return 0
}

// pretraining returns the number of updates of all stages but the last.
func (c *Config) pretraining() uint64 { return c.Pretrain * uint64(c.Hidden()) }

// stage returns the stage of update n.
func (c *Config) stage(n uint64) stage {
	g := stage{layer: c.stageLayer(n), config: *c, rate: c.Rate}
	if l := g.layer; l > 0 {
		g.config.Layers, g.config.Alpha, g.config.Pretrain = c.Layers[l-1:l+1], c.Alpha[l-1:l], 0
		g.twiceUp, g.twiceDown = l < c.Hidden(), l > 1
		if l > 1 {
			g.config.Patch = 0
		}
	}
	return g
}

// enter prepares a state for the first update of a stage.
func (g *stage) enter(c *Config, s *State) {
	switch l := g.layer; {
	case l > 1 && s.Updates == uint64(l-1)*c.Pretrain:
		copy(s.Lower[l-2], s.Biases[l-1])
	case l == 0 && c.Pretrain > 0 && s.Updates == c.pretraining():
		for m, lower := range s.Lower {
			for j, b := range lower {
				s.Biases[m+1][j] = (s.Biases[m+1][j] + b) / 2
			}
		}
	}
}

// part returns the part of a state that the stage trains; it shares memory.
func (g *stage) part(s *State) *State {
	l := g.layer
	if l == 0 {
		return s
	}
	r := &State{Updates: s.Updates, Weights: s.Weights[l-1 : l], Biases: [][]float32{s.Biases[l-1], s.Biases[l]},
		Mu: s.Mu[l-1 : l], Chains: s.Chains[l-1 : l+1]}
	if l > 1 {
		r.Biases[0] = s.Lower[l-2]
	}
	if s.Offsets != nil {
		r.Offsets = s.Offsets[l-1 : l+1]
	}
	return r
}

// doubled is twice the weights of an RBM, which passes read in place of the weights. nil
// stands for weights that count once.
type doubled struct {
	matrix   *kernel.Matrix
	up, back []float32 // packed as the matrix's W and Back; nil: that direction counts once
}

// newDoubled doubles the weights of an RBM upwards, downwards or both.
func newDoubled(m *kernel.Matrix, set *kernel.Set, up, down bool) *doubled {
	if !up && !down {
		return nil
	}
	d := &doubled{matrix: m}
	if up {
		d.up = make([]float32, len(m.W))
	}
	if down {
		d.back = make([]float32, len(m.Back))
	}
	d.refresh(set, 0, kernel.Panels(m.Units))
	return d
}

// replaceUp makes an input from below read twice the weights, if they count twice.
func (d *doubled) replaceUp(in *kernel.Input) {
	if d != nil && d.up != nil {
		in.W = d.up
	}
}

// replaceBack does the same to an input from above.
func (d *doubled) replaceBack(in *kernel.Input) {
	if d != nil && d.back != nil {
		in.W = d.back
	}
}

// refresh doubles the weights of panels [from, to) again.
func (d *doubled) refresh(set *kernel.Set, from, to int) {
	if d == nil {
		return
	}
	if d.up != nil {
		size := kernel.Panel * kernel.Padded(d.matrix.Below)
		set.Scale(d.up[from*size:to*size], d.matrix.W[from*size:to*size], 2)
	}
	if d.back != nil { // for 16 lower units at a time, a block for each panel
		for at := 0; at < len(d.back); at += kernel.Panel * kernel.Padded(d.matrix.Units) {
			a, b := at+from*kernel.Panel*kernel.Panel, at+to*kernel.Panel*kernel.Panel
			set.Scale(d.back[a:b], d.matrix.Back[a:b], 2)
		}
	}
}

// upward is examples as a hidden layer sees them: the means of its units.
type upward struct {
	Examples
	set   *kernel.Set
	model *Model
	x     [][]float32    // x[l]: minibatch × Stride(units)
	lists []kernel.Lists // of each row's nonzero pixels
}

// newUpward returns examples as layer top of a model sees them.
func newUpward(c *Config, set *kernel.Set, s *State, examples Examples, top int) *upward {
	up := &upward{Examples: examples, set: set, lists: make([]kernel.Lists, c.Batch)}
	up.model = newModel(c.Layers[:top+1], s, set)
	for l, n := range up.model.Layers {
		up.x = append(up.x, make([]float32, c.Batch*kernel.Stride(n)))
		if l > 0 {
			w := up.model.Weights[l].W
			set.Scale(w, w, 2)
		}
	}
	return up
}

// Row writes the means for an example of the prepared minibatch.
func (up *upward) Row(row int, v []float32) {
	m, top := up.model, len(up.x)-1
	at := func(l int) []float32 { return up.x[l][row*kernel.Stride(m.Layers[l]):] }
	pixels := at(0)[:m.Layers[0]]
	up.Examples.Row(row, pixels)
	up.lists[row].Reset()
	up.lists[row].Add(up.set, pixels)
	for l := 1; l <= top; l++ {
		n := m.Layers[l]
		p := kernel.NewPass(n, 1, m.Bias[l], at(l))
		p.Below = m.FromBelow(l, at(l-1))
		if l == 1 {
			p.Below.Nonzero = up.lists[row].IfSparse(1, len(pixels))
		}
		m.kind(l).mean(up.set, &p, nil)
	}
	copy(v, at(top))
}
