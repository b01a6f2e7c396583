package dbm

import (
	"fmt"

	"tandem/dbm/kernel"
)

// Training may begin layer by layer, as Salakhutdinov and Hinton do ("Deep
// Boltzmann Machines", 2009): for the first Pretrain updates the lowest two layers
// are an RBM, for so many more the next two, whose examples are the means of the
// layer below, and so on; then all layers train together. A unit of a middle layer
// will have neighbours on both sides, of which the RBM knows one, so that what it
// receives counts twice: in the first RBM the hidden units' input, in the last the
// lower units', in those between both. The weights need no halving then.
//
// A middle layer has the biases of its units as the upper ones of an RBM, with
// which examples go on to the next, and as the lower ones of the next. Its biases
// begin joint training as the means of the two.
//
// The chains of an RBM are those of its two layers, so that they go on from stage
// to stage. For the random numbers its layers are 0 and 1; updates are counted
// through, and so no number is drawn twice. The fall of the learning rate starts
// anew with each stage.

// Stages trains a model through all stages of a configuration. Without
// pretraining there is one, joint training.
//
// Stages are for one goroutine at a time, and for none after Close.
type Stages struct {
	config   Config
	kernels  *kernel.Set
	examples Examples
	threads  int
	state    *State // but for what the trainer has
	layer    int    // the upper layer that is pretrained; 0: all train together
	trainer  *Trainer
}

// NewStages continues training from a state, which it copies. threads is the
// number of workers; it does not change the numbers.
func NewStages(c Config, k *kernel.Set, s *State, examples Examples, threads int) (*Stages, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := s.fits(&c); err != nil {
		return nil, err
	}
	p := &Stages{config: c, kernels: k, examples: examples, threads: threads, state: NewState(&c)}
	p.state.copyFrom(s)
	return p, p.open()
}

// Close ends the workers.
func (p *Stages) Close() { p.trainer.Close() }

// Updates is the number of updates done, those of all stages.
func (p *Stages) Updates() uint64 { return p.trainer.Updates() }

// Trainer is that of the present stage.
func (p *Stages) Trainer() *Trainer { return p.trainer }

// Layer is the upper of the two layers that are being pretrained, 0 once all
// layers train together.
func (p *Stages) Layer() int { return p.layer }

// State copies the parameters and chains.
func (p *Stages) State() *State {
	s := NewState(&p.config)
	s.copyFrom(p.state)
	now := p.trainer.State()
	if s.Updates = now.Updates; p.layer == 0 {
		now.Lower = s.Lower
		s.copyFrom(now)
		return s
	}
	s.rbm(p.layer).copyFrom(now)
	s.Updates = now.Updates
	return s
}

// Update makes one update. After an error the parameters are not to be used.
func (p *Stages) Update() (Stats, error) {
	if layer := p.config.stage(p.trainer.Updates()); layer != p.layer {
		p.state = p.State()
		p.trainer.Close()
		if err := p.open(); err != nil {
			return Stats{}, err
		}
	}
	stats, err := p.trainer.Update()
	if err != nil && p.layer > 0 {
		err = fmt.Errorf("pretraining layer %d: %w", p.layer, err)
	}
	return stats, err
}

// stage is the layer that is pretrained by the update after so many, or 0.
func (c *Config) stage(updates uint64) int {
	if updates < c.pretraining() {
		return int(updates/c.Pretrain) + 1
	}
	return 0
}

// pretraining is the number of updates of all stages but the last.
func (c *Config) pretraining() uint64 { return c.Pretrain * uint64(c.Hidden()) }

// open makes the trainer of the next update.
func (p *Stages) open() (err error) {
	c, s := &p.config, p.state
	p.layer = c.stage(s.Updates)
	l := p.layer
	if l == 0 {
		if c.Pretrain > 0 && s.Updates == c.pretraining() {
			for m, lower := range s.Lower {
				for j, b := range lower {
					s.Biases[m+1][j] = (s.Biases[m+1][j] + b) / 2
				}
			}
		}
		p.trainer, err = NewTrainer(*c, p.kernels, s, p.examples, p.threads)
		return err
	}
	if l > 1 && s.Updates == uint64(l-1)*c.Pretrain {
		copy(s.Lower[l-2], s.Biases[l-1])
	}
	rbm := *c
	rbm.Layers, rbm.Alpha, rbm.Pretrain = c.Layers[l-1:l+1], c.Alpha[l-1:l], 0
	rbm.begin = uint64(l-1) * c.Pretrain
	rbm.twiceUp, rbm.twiceDown = l < c.Hidden(), l > 1
	examples := p.examples
	if l > 1 {
		rbm.Patch = 0
		examples = newUpward(c, p.kernels, s, p.examples, l-1)
	}
	p.trainer, err = NewTrainer(rbm, p.kernels, s.rbm(l), examples, p.threads)
	return err
}

// rbm is the part of a state that pretraining layer l changes; it shares memory.
func (s *State) rbm(l int) *State {
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

// upward is examples as some hidden layer sees them: the means of its units.
type upward struct {
	Examples
	kernels *kernel.Set
	model   *model
	x       [][]float32    // x[l]: minibatch × Stride(layers[l])
	lists   []kernel.Lists // of each row's pixels that are not 0
}

// newUpward gives examples as layer top of a model sees them.
func newUpward(c *Config, k *kernel.Set, s *State, examples Examples, top int) *upward {
	up := &upward{Examples: examples, kernels: k, lists: make([]kernel.Lists, c.Batch)}
	layers := c.Layers[:top+1]
	up.model = newModel(layers, s, k)
	for l, n := range layers {
		up.x = append(up.x, make([]float32, c.Batch*kernel.Stride(n)))
		if l > 0 {
			k.Scale(up.model.up[l], up.model.up[l], 2)
		}
	}
	return up
}

// Row writes the means for an example of the prepared minibatch.
func (up *upward) Row(row int, v []float32) {
	top := len(up.x) - 1
	at := func(l int) []float32 { return up.x[l][row*kernel.Stride(up.model.layers[l]):] }
	pixels := at(0)[:up.model.layers[0]]
	up.Examples.Row(row, pixels)
	up.lists[row].Reset()
	up.lists[row].Add(up.kernels, pixels)
	for l := 1; l <= top; l++ {
		n := up.model.layers[l]
		p := kernel.Pass{Rows: 1, Panels: kernel.Padded(n) / kernel.Panel, Start: up.model.bias[l], Below: up.model.below(l, at(l-1)), Out: at(l), Stride: kernel.Stride(n)}
		if l == 1 {
			p.Below.Nonzero = up.lists[row].IfSparse(1, len(pixels))
		}
		up.kernels.Sigmoid(&p, nil)
	}
	copy(v, at(top))
}
