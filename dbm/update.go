package dbm

import (
	"fmt"
	"sync/atomic"

	"tandem/dbm/kernel"
)

// One update of training by stochastic maximum likelihood, all layers at once. It raises
//
//	log-likelihood bound L(Q) − Σ_l α_l Σ_j (‖w_j‖ − μ_l)² − γ Σ_l (μ_l − μ_{l+1})²
//
// by the difference of ⟨x_{l-1} x_lᵀ⟩ over the minibatch, whose hidden units come from
// mean field, and over persistent chains. All right-hand sides are from before the
// update. It has four steps:
//
//	positive phase  every worker infers its part of the minibatch   positive.go
//	negative phase  and sweeps its part of the chains               negative.go
//	statistics      the forces of the spring, centred statistics    spring.go, centering.go
//	step            the workers update the weights, panel by panel  step.go
//
// No sum crosses from one worker to another, so their number does not affect the bits.

// updater makes the updates of one stage of training: of all layers together, or of
// the RBM of two of them (pretrain.go).
type updater struct {
	config   Config // of the layers that are trained
	set      *kernel.Set
	model    *Model
	examples Examples
	updates  uint64
	loaded   bool    // the minibatch is there
	rate     float64 // the learning rate of this update
	rateAt   func(updates uint64) float64

	layers []layer
	weight []float32 // of each row in the statistics: 1/batch, −1/chains, or 1 for the rows of centering

	spring    *spring
	centering *centering // nil: none
	patches   *patches   // nil: none

	tasks   []task
	next    atomic.Int64 // the next task
	workers *Workers
	worker  []*worker

	rowLists []*kernel.Lists // for each row, the visible units that are not 0, in parts
	pixels   kernel.Lists    // for each visible unit, the rows in which it is not 0
	listed   atomic.Bool     // pixels are of this update

	// What the workers run, made once so that an update allocates nothing.
	phases, step func(worker int)
}

// layer is the rows of a layer: the minibatch's, then the chains', then those of
// centering. All rows are Stride(units) apart.
type layer struct {
	units, stride int
	asLower       []float32 // as the lower layer of the weights above it
	asUpper       []float32 // as the upper layer of the weights below it: the same rows, unless apart
	apart         bool      // asUpper is memory of its own; see positive.go
	scaled        []float32 // asUpper times the row's weight, 0 in the padding; nil for the visible layer
	chains        []float32 // the states of the chains: a part of asLower, unless they count by their means
	bias          []biasTerm
}

// biasTerm is rows from which the biases of a layer learn.
type biasTerm struct {
	x      []float32
	weight []float32 // of each row
	rate   float64   // over the learning rate
}

// row returns row r of x.
func (l *layer) row(x []float32, r int) []float32 { return x[r*l.stride:][:l.units] }

// worker is what one worker needs for its part of an update.
type worker struct {
	*updater
	id         int
	trace      tracer
	field      *meanField
	posterior  *gibbs // for the drawn posterior of the examples
	gibbs      *gibbs // for the chains
	rows       [][]float32
	iterations int // of mean field in this update, in all
	step       kernel.Step
}

// update makes one update. After an error the parameters must not be used.
func (u *updater) update() (Stats, error) {
	u.examples.Prepare(u.updates)
	u.workers.Each(u.phases) // the positive and the negative phase
	u.loaded = true
	u.statistics()
	u.workers.Each(u.step)
	u.updates++
	return u.stats(), u.finite()
}

// statistics completes the statistics once the rows are there.
func (u *updater) statistics() {
	u.rate = u.rateAt(u.updates)
	u.spring.exert(u.model, u.rate)
	u.centering.centre(u)
	u.next.Store(0)
	u.listed.Store(false)
}

// stats returns what the update measured.
func (u *updater) stats() Stats {
	sum := 0
	for _, w := range u.worker {
		sum += w.iterations
	}
	return Stats{Iterations: float64(sum) / float64(u.config.Batch)}
}

// newUpdater starts from a state of the configuration's shape, which it copies.
func newUpdater(g stage, set *kernel.Set, s *State, examples Examples, threads int, trace *func(int, Phase)) *updater {
	c := &g.config
	u := &updater{config: *c, set: set, model: newModel(c.Layers, s, set), examples: examples, updates: s.Updates,
		rateAt: g.rate, spring: newSpring(c), patches: newPatches(c)}
	u.model.doubled = newDoubled(u.model.Weights[1], set, g.twiceUp, g.twiceDown)
	u.makeRows(s)
	u.planTasks()
	threads = u.team(threads)
	u.workers = NewWorkers(threads)
	for id := range threads {
		w := &worker{updater: u, id: id, trace: tracer{id, trace}, rows: make([][]float32, len(c.Layers))}
		w.field = newMeanField(u.model, set, (c.Batch+threads-1)/threads, c.MeanFieldTolerance, c.MeanFieldMax, w.trace)
		w.field.done = w.keep
		w.posterior, w.gibbs = newGibbs(u.model, set, w.trace), newGibbs(u.model, set, w.trace)
		u.worker = append(u.worker, w)
	}
	u.collectRowLists()
	u.phases = func(id int) {
		u.worker[id].positive()
		u.worker[id].negative()
	}
	u.step = func(id int) { u.worker[id].learn() }
	return u
}

// team returns how many of some threads have work in an update.
func (u *updater) team(threads int) int {
	return Useful(threads, max(u.config.Batch, u.config.Chains, len(u.tasks)), 1)
}

// makeRows makes the rows of all layers, with the chains of a state.
func (u *updater) makeRows(s *State) {
	c := &u.config
	for range c.Batch {
		u.weight = append(u.weight, float32(1/float64(c.Batch)))
	}
	for range c.Chains {
		u.weight = append(u.weight, float32(-1/float64(c.Chains)))
	}
	if c.OffsetRate > 0 {
		u.weight = append(u.weight, 1, 1)
	}
	rows := len(u.weight)
	for l, n := range c.Layers {
		x := layer{units: n, stride: kernel.Stride(n), asLower: make([]float32, rows*kernel.Stride(n))}
		x.asUpper, x.chains = x.asLower, x.asLower[c.Batch*x.stride:(c.Batch+c.Chains)*x.stride]
		if l > 0 {
			x.scaled = make([]float32, rows*x.stride)
		}
		if u.drawsPosterior() {
			if x.apart = l == 1; x.apart {
				x.asUpper = make([]float32, rows*x.stride)
			}
			if l > 0 && l%2 == 0 {
				x.chains = make([]float32, c.Chains*x.stride)
			}
		}
		for chain := range c.Chains {
			copy(x.row(x.chains, chain), s.Chains[l][chain*n:])
		}
		u.layers = append(u.layers, x)
	}
	u.centering = newCentering(u, s)
	u.centering.biasTerms(u)
}

// save copies the parameters and chains into a state.
func (u *updater) save(s *State) {
	s.Updates = u.updates
	u.model.save(s)
	for l := range u.layers {
		x := &u.layers[l]
		for chain := range u.config.Chains {
			copy(s.Chains[l][chain*x.units:(chain+1)*x.units], x.row(x.chains, chain))
		}
	}
	u.centering.save(s)
}

// scaleRow computes a row of scaled of layer l.
func (u *updater) scaleRow(l, r int) {
	x := &u.layers[l]
	u.set.Scale(x.row(x.scaled, r), x.row(x.asUpper, r), u.weight[r])
}

// finite returns an error that names the first layer with a parameter that is not
// finite.
func (u *updater) finite() error {
	for l, n := range u.config.Layers {
		for j := range n {
			if b := u.model.Bias[l][j]; b-b != 0 {
				return u.diverged(fmt.Sprintf("the bias of unit %d of layer %d is %v", j, l, b))
			}
			if l == 0 {
				continue
			}
			if x := u.model.Weights[l].Squares[j]; x-x != 0 {
				return u.diverged(fmt.Sprintf("the weights of unit %d of layer %d have norm %v", j, l, u.model.norm(l, j)))
			}
		}
	}
	for i, mu := range u.model.mu {
		if mu-mu != 0 {
			return u.diverged(fmt.Sprintf("the mean norm of layer %d is %v", i+1, mu))
		}
	}
	return nil
}

func (u *updater) diverged(what string) error {
	return fmt.Errorf("update %d: %s: training has diverged; try a lower learning rate", u.updates, what)
}

// reconstructionError is that of Trainer.ReconstructionError. It replaces the means of the
// minibatch, which the next update computes anew for its own.
func (u *updater) reconstructionError() float64 {
	if !u.loaded {
		return 0
	}
	v := &u.layers[0]
	out, errors := make([]float32, u.config.Batch*v.stride), make([]float64, u.config.Batch)
	u.workers.Each(func(id int) {
		from, to := Split(u.config.Batch, id, len(u.worker))
		if from == to {
			return
		}
		w, x := u.worker[id], v.asLower[from*v.stride:]
		w.field.infer(x, from, to-from)
		p := kernel.NewPass(v.units, to-from, u.model.Bias[0], out[from*v.stride:])
		p.Above = u.model.FromAbove(0, u.layers[1].asUpper[from*u.layers[1].stride:])
		u.model.kind(0).mean(u.set, &p, nil)
		for r := from; r < to; r++ {
			for i, x := range v.row(v.asLower, r) {
				d := float64(x) - float64(out[r*v.stride+i])
				errors[r] += float64(d * d)
			}
		}
	})
	sum := 0.0
	for _, e := range errors {
		sum += e
	}
	return sum / float64(u.config.Batch)
}
