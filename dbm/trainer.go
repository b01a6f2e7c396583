package dbm

import (
	"fmt"
	"runtime"
	"sync/atomic"

	"tandem/dbm/kernel"
)

// Trainer trains a model by stochastic maximum likelihood, all layers at once:
// an update raises
//
//	log-likelihood bound L(Q) − Σ_l α_l Σ_j (‖w_j‖ − μ_l)² − γ Σ_l (μ_l − μ_{l+1})²
//
// by the difference of ⟨x_{l-1} x_lᵀ⟩ over the minibatch, whose hidden units
// come from mean field, or are drawn from it (posterior.go), and over persistent
// chains, centred or not (centering.go). All right-hand sides are from before the
// update.
//
// An update has two parts. First every worker infers its own examples and sweeps
// its own chains; then the weights are learnt in groups of panels by whoever is
// free, those of the first layer once the first worker has listed the pixels. No
// sum crosses a worker, so their number does not show in the numbers.
//
// A Trainer is for one goroutine at a time, and for none after Close.
type Trainer struct {
	config   Config
	kernels  *kernel.Set
	examples Examples
	model    *model
	updates  uint64
	rate     float64 // the learning rate of this update

	x     [][]float32     // x[l]: the minibatch's rows, then the chains', then those of centering × Stride(layers[l])
	y     [][]float32     // y[l]: x[l]·scale, for l = 1 first·scale, 0 in the padding; nil for l = 0
	state [][]float32     // state[l]: the chains' states × Stride(layers[l]): a part of x[l], unless they count by their probabilities
	first []float32       // x[1] for the layer below it: the same, unless the posterior is drawn
	scale []float32       // of each row: 1/batch, or −1/chains, or 1 for those of centering
	bias  [][]float32     // of each row, for the biases of layer l
	pull  [][]float32     // pull[l]: the spring's factor for each unit of layer l
	means []float64       // the gradient of each μ
	rows  []*kernel.Lists // the visible units of each row of x[0] that are not 0, a share of the rows each
	pixel kernel.Lists    // for each visible unit, the rows in which it is not 0: the workers' shares of the minibatch, then of the chains
	ready atomic.Bool     // pixel is of this update

	fields     []*field // one a worker
	inferring  []inferring
	sweepers   []sweeper
	iterations []int
	tasks      []task
	steps      []kernel.Step // one a worker
	centering  *centering    // nil: none
	mask       []uint16      // see patches; nil: none
	next       atomic.Int64
	workers    *workers

	// Trace, if not nil, is called by each worker when it begins something else.
	// It is for benchmarks.
	Trace func(worker int, p Phase)

	// What the workers run, made once so that an update allocates nothing.
	infer, learn func(worker int)
	keepRow      func(f *field, row, example int)
}

// sweeper is a worker's room for its chains.
type sweeper struct {
	gibbs *gibbs
	given *gibbs      // for the posteriors of examples
	x     [][]float32 // its rows of Trainer.state, or those of Trainer.x for given
}

// Phase is what a worker is doing.
type Phase int

// The phases of an update.
const (
	Loading   Phase = iota // turning pixels into numbers
	MeanField              // inferring the minibatch
	Chains                 // sweeping the chains
	Gradient               // gradients and new weights
	Packing                // making lists of nonzeros, transposing and measuring the new weights
	Waiting                // for the other workers
	Phases                 // how many there are
)

// mark tells Trace.
func (t *Trainer) mark(worker int, p Phase) {
	if t.Trace != nil {
		t.Trace(worker, p)
	}
}

// task is a piece of the second part of an update: some panels of a layer's
// weights, or of its biases.
type task struct {
	layer, from, to int
	bias            bool
}

// Stats is what an update has to tell.
type Stats struct {
	Iterations float64 // of mean field, mean over the minibatch
}

// NewTrainer continues training from a state, which it copies. threads is the
// number of workers; it does not change the numbers.
func NewTrainer(c Config, k *kernel.Set, s *State, examples Examples, threads int) (*Trainer, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := s.fits(&c); err != nil {
		return nil, err
	}
	if threads < 1 {
		return nil, fmt.Errorf("threads: %d; must be at least 1", threads)
	}
	t := &Trainer{config: c, kernels: k, examples: examples, model: newModel(c.Layers, s, k), updates: s.Updates}
	t.config.ContrastiveDivergence = c.ContrastiveDivergence && c.Hidden() == 1
	t.config.SamplePosterior = c.SamplePosterior && c.Hidden() > 1
	c.SamplePosterior = t.config.SamplePosterior
	if p := newPatches(&c); p != nil {
		t.mask = p.mask(c.Layers[0])
	}
	if c.twiceUp || c.twiceDown {
		t.model.double(k, c.twiceUp, c.twiceDown)
	}
	rows := c.Batch + c.Chains
	if c.OffsetRate > 0 {
		t.centering = newCentering(&c, s)
		rows += rowsMore
	}
	for l, n := range c.Layers {
		t.x = append(t.x, make([]float32, rows*kernel.Stride(n)))
		t.state = append(t.state, t.x[l][c.Batch*kernel.Stride(n):(c.Batch+c.Chains)*kernel.Stride(n)])
		if c.SamplePosterior && l > 0 && l%2 == 0 {
			t.state[l] = make([]float32, c.Chains*kernel.Stride(n))
		}
		for chain := range c.Chains {
			copy(t.state[l][chain*kernel.Stride(n):], s.Chains[l][chain*n:(chain+1)*n])
		}
		if l == 0 {
			t.y, t.pull = [][]float32{nil}, [][]float32{nil}
			continue
		}
		t.y = append(t.y, make([]float32, rows*kernel.Stride(n)))
		t.pull = append(t.pull, make([]float32, kernel.Padded(n)))
	}
	if t.first = t.x[1]; c.SamplePosterior {
		t.first = make([]float32, len(t.x[1]))
	}
	for range c.Batch {
		t.scale = append(t.scale, float32(1/float64(c.Batch)))
	}
	for range c.Chains {
		t.scale = append(t.scale, float32(-1/float64(c.Chains)))
	}
	for len(t.scale) < rows {
		t.scale = append(t.scale, 1)
	}
	for l := range c.Layers {
		t.bias = append(t.bias, t.scale)
		if t.centering != nil {
			t.bias[l] = t.centering.scale[l]
		}
	}
	t.means = make([]float64, len(t.model.mu))
	t.plan()
	for worker := range threads {
		t.inferring = append(t.inferring, inferring{k, t.model, c.MeanFieldTolerance, c.MeanFieldMax, func(p Phase) { t.mark(worker, p) }})
		t.fields = append(t.fields, newField(c.Layers, (c.Batch+threads-1)/threads))
		t.sweepers = append(t.sweepers, sweeper{gibbs: newGibbs(c.Layers, func(p Phase) { t.mark(worker, p) }), given: newGibbs(c.Layers, func(p Phase) { t.mark(worker, p) }), x: make([][]float32, len(c.Layers))})
	}
	for _, f := range t.fields {
		t.rows = append(t.rows, &f.lists)
	}
	for _, s := range t.sweepers {
		t.rows = append(t.rows, &s.gibbs.lists[0])
	}
	if t.centering != nil {
		t.rows = append(t.rows, &t.centering.rows)
	}
	t.iterations = make([]int, threads)
	t.steps = make([]kernel.Step, threads)
	t.workers = newWorkers(threads)
	t.infer, t.learn, t.keepRow = t.inferShare, t.learnTasks, t.keep
	return t, nil
}

// Close ends the workers.
func (t *Trainer) Close() { t.workers.stop() }

// Updates is the number of updates done.
func (t *Trainer) Updates() uint64 { return t.updates }

// State copies the parameters and chains.
func (t *Trainer) State() *State {
	s := NewState(&t.config)
	s.Updates = t.updates
	t.model.save(s)
	for l, n := range t.config.Layers {
		for chain := range t.config.Chains {
			copy(s.Chains[l][chain*n:(chain+1)*n], t.state[l][chain*kernel.Stride(n):])
		}
		if t.centering != nil {
			copy(s.Offsets[l], t.centering.offsets[l])
		}
	}
	return s
}

// plan cuts the learning into tasks, the large ones first.
func (t *Trainer) plan() {
	const panels = 4
	for l := len(t.config.Layers) - 1; l >= 0; l-- {
		all := kernel.Padded(t.config.Layers[l]) / kernel.Panel
		for from := 0; from < all && l > 0; from += panels {
			t.tasks = append(t.tasks, task{layer: l, from: from, to: min(from+panels, all)})
		}
	}
	for l, n := range t.config.Layers {
		for from := 0; from < n; from += 16 * kernel.Panel {
			t.tasks = append(t.tasks, task{layer: l, from: from, to: min(from+16*kernel.Panel, n), bias: true})
		}
	}
}

// Update makes one update. After an error the parameters are not to be used.
func (t *Trainer) Update() (Stats, error) {
	if t.updates+1 >= maxUpdates {
		return Stats{}, fmt.Errorf("update %d: more than %d updates", t.updates+1, uint64(maxUpdates)-1)
	}
	t.examples.Prepare(t.updates)
	t.workers.run(t.infer)
	t.rate = t.config.Rate(t.updates - t.config.begin)
	if t.config.WeightDecay > 0 || t.config.Spring() {
		for l := 1; l < len(t.config.Layers); l++ {
			t.model.pull(t.pull[l], l, t.config.Alpha[l-1], t.config.WeightDecay)
		}
	}
	if t.config.Spring() {
		t.moveMeans()
	}
	if t.centering != nil {
		t.centre()
	}
	t.next.Store(0)
	t.ready.Store(false)
	t.workers.run(t.learn)
	t.updates++
	sum := 0
	for _, n := range t.iterations {
		sum += n
	}
	return Stats{Iterations: float64(sum) / float64(t.config.Batch)}, t.finite()
}

// inferShare is the first part of an update for one worker.
func (t *Trainer) inferShare(worker int) {
	t.mark(worker, Loading)
	defer t.mark(worker, Waiting)
	n := t.config.Layers[0]
	from, to := share(t.config.Batch, worker, len(t.fields))
	for r := from; r < to; r++ {
		t.examples.Row(r, t.x[0][r*kernel.Stride(n):][:n])
	}
	t.iterations[worker] = 0
	if from < to {
		t.iterations[worker] = t.meanField(worker, from, to, t.keepRow)
		if t.config.SamplePosterior {
			t.drawPosterior(worker, from, to)
		}
	}
	if t.centering != nil {
		t.measure(from, to)
	}
	from, to = share(t.config.Chains, worker, len(t.fields))
	if from == to {
		return
	}
	t.sweep(worker, from, to)
	for l := 1; l < len(t.config.Layers); l++ {
		for r := t.config.Batch + from; r < t.config.Batch+to; r++ {
			t.scaleRow(l, r)
		}
	}
	if t.centering != nil {
		t.measure(t.config.Batch+from, t.config.Batch+to)
	}
}

// sweep makes the sweeps of an update for chains [from, to).
func (t *Trainer) sweep(worker, from, to int) {
	s := &t.sweepers[worker]
	if t.config.ContrastiveDivergence {
		n := t.config.Batch * kernel.Stride(t.config.Layers[0])
		at := from * kernel.Stride(t.config.Layers[0])
		copy(t.x[0][n+at:], t.x[0][at:to*kernel.Stride(t.config.Layers[0])])
		s.gibbs.listed = false
	}
	for l, n := range t.config.Layers {
		s.x[l] = t.state[l][from*kernel.Stride(n):]
	}
	draw := kernel.Draw{Seed: t.config.Seed, Row: uint32(from), Update: uint32(t.updates + 1)}
	s.gibbs.sweep(t.kernels, t.model, s.x, to-from, t.config.Gibbs, draw, kernel.ForChains)
	if t.config.ContrastiveDivergence { // the hidden units have not seen the last visible ones
		s.gibbs.half(t.kernels, t.model, s.x, to-from, 1, t.config.Gibbs, draw, kernel.ForChains)
	}
	if t.config.SamplePosterior {
		t.chainMeans(worker, from, to)
	}
}

// keep takes an example out of a field.
func (t *Trainer) keep(f *field, row, example int) {
	for l := 1; l < len(t.config.Layers); l++ {
		n, stride := t.config.Layers[l], kernel.Stride(t.config.Layers[l])
		copy(t.toBelow(l)[example*stride:][:n], f.q[l][row*stride:])
		t.scaleRow(l, example)
	}
}

// toBelow is layer l as the layer below it learns from it.
func (t *Trainer) toBelow(l int) []float32 {
	if l == 1 {
		return t.first
	}
	return t.x[l]
}

// scaleRow computes a row of y.
func (t *Trainer) scaleRow(l, row int) {
	n, at := t.config.Layers[l], row*kernel.Stride(t.config.Layers[l])
	t.kernels.Scale(t.y[l][at:at+n], t.toBelow(l)[at:at+n], t.scale[row])
}

// moveMeans moves the mean norms.
func (t *Trainer) moveMeans() {
	t.model.meanGradient(t.means, t.config.Alpha, t.config.Gamma)
	for i, g := range t.means {
		t.model.mu[i] += float64(t.rate * t.config.MuDamping * g)
	}
}

// learnTasks is the second part of an update for one worker.
func (t *Trainer) learnTasks(worker int) {
	defer t.mark(worker, Waiting)
	if worker == 0 {
		t.mark(worker, Packing)
		t.pixel.Transpose(t.rows, t.config.Layers[0])
		t.ready.Store(true)
	}
	for {
		t.mark(worker, Gradient)
		i := int(t.next.Add(1)) - 1
		if i >= len(t.tasks) {
			return
		}
		k, l := t.tasks[i], t.tasks[i].layer
		if k.bias {
			rate := t.rate
			if t.centering == nil { // which has each layer's share in t.bias
				rate *= t.config.rateShare(l)
			}
			t.kernels.LearnBias(t.model.bias[l][k.from:k.to], t.toBelow(l)[k.from:], kernel.Stride(t.config.Layers[l]), t.bias[l], float32(rate))
			if t.centering != nil && t.config.SamplePosterior && l == 1 {
				t.kernels.LearnBias(t.model.bias[l][k.from:k.to], t.x[l][k.from:], kernel.Stride(t.config.Layers[l]), t.centering.upper, float32(rate))
			}
			continue
		}
		s := &t.steps[worker]
		*s = kernel.Step{
			Rows: len(t.scale), X: t.x[l-1], XStride: kernel.Stride(t.config.Layers[l-1]), Y: t.y[l], YStride: kernel.Stride(t.config.Layers[l]),
			Below: t.config.Layers[l-1], Units: t.config.Layers[l], From: k.from, To: k.to,
			Rate: float32(t.rate * t.config.rateShare(l)), Pull: t.pull[l], W: t.model.up[l], Back: t.model.back[l], Squares: t.model.squares[l],
		}
		if l == 1 {
			if !t.ready.Load() {
				t.mark(worker, Waiting)
				for !t.ready.Load() {
					runtime.Gosched()
				}
				t.mark(worker, Gradient)
			}
			s.Nonzero = t.pixel.IfSparse(len(t.scale), t.config.Layers[0])
		}
		t.kernels.Learn(s)
		if l == 1 && t.mask != nil {
			t.clearMasked(k.from, k.to)
		}
		t.mark(worker, Packing)
		t.kernels.Refresh(s)
		if l == 1 {
			t.model.redouble(t.kernels, k.from, k.to)
		}
	}
}

// finite returns an error that names the first layer with a parameter that is
// not finite.
func (t *Trainer) finite() error {
	for l, n := range t.config.Layers {
		for j := range n {
			if b := t.model.bias[l][j]; b-b != 0 {
				return t.diverged(fmt.Sprintf("the bias of unit %d of layer %d is %v", j, l, b))
			}
			if l > 0 && t.model.squares[l][j]-t.model.squares[l][j] != 0 {
				return t.diverged(fmt.Sprintf("the weights of unit %d of layer %d have norm %v", j, l, t.model.norm(l, j)))
			}
		}
	}
	for i, mu := range t.model.mu {
		if mu-mu != 0 {
			return t.diverged(fmt.Sprintf("the mean norm of layer %d is %v", i+1, mu))
		}
	}
	return nil
}

func (t *Trainer) diverged(what string) error {
	return fmt.Errorf("update %d: %s: training has diverged; try a lower learning rate", t.updates, what)
}

// ReconstructionError is the squared difference between the examples of the
// last minibatch and their reconstructions σ(b_0 + q_1·W_1ᵀ), summed over the
// visible units and averaged over the examples.
func (t *Trainer) ReconstructionError() float64 {
	n := t.config.Layers[0]
	out := make([]float32, t.config.Batch*kernel.Stride(n))
	t.kernels.Sigmoid(&kernel.Pass{Rows: t.config.Batch, Panels: kernel.Padded(n) / kernel.Panel, Start: t.model.bias[0],
		Above: t.model.above(0, t.first), Out: out, Stride: kernel.Stride(n)}, nil)
	sum := 0.0
	for r := range t.config.Batch {
		for i := range n {
			d := float64(t.x[0][r*kernel.Stride(n)+i]) - float64(out[r*kernel.Stride(n)+i])
			sum += float64(d * d)
		}
	}
	return sum / float64(t.config.Batch)
}
