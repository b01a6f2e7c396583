package dbm

import "tandem/dbm/kernel"

// The negative phase: chains of binary states. A sweep draws the odd layers given the
// even ones, and then the even ones, the visible layer among them, given the odd
// ones: each unit from its probability given all others (Eq. 4–5).
//
// The chains persist from update to update. With contrastive divergence those of an
// RBM begin each update at its examples instead, and end with the hidden units, which
// have not yet seen the last visible ones.

// negative sweeps a worker's part of the chains.
func (w *worker) negative() {
	defer w.trace.enter(Waiting)
	from, to := Split(w.config.Chains, w.id, len(w.worker))
	if from == to {
		return
	}
	w.sweep(from, to)
	w.chainMeans(from, to)
	first, last := w.config.Batch+from, w.config.Batch+to
	for l := 1; l < len(w.layers); l++ {
		for r := first; r < last; r++ {
			w.scaleRow(l, r)
		}
	}
	w.centering.measure(w.updater, first, last)
}

// sweep makes the sweeps of an update for chains [from, to).
func (w *worker) sweep(from, to int) {
	for l := range w.layers {
		x := &w.layers[l]
		w.rows[l] = x.chains[from*x.stride:]
	}
	d := kernel.Draw{Seed: w.config.Seed, Row: uint32(from), Update: uint32(w.updates + 1)}
	if w.restarts() {
		v := &w.layers[0]
		copy(w.rows[0], v.asLower[from*v.stride:to*v.stride])
		w.gibbs.listed = false
	}
	w.gibbs.sweep(w.rows, to-from, w.config.Gibbs, d, kernel.ForChains)
	if w.restarts() {
		w.gibbs.half(w.rows, to-from, 1, w.config.Gibbs, d, kernel.ForChains)
	}
}

// restarts reports whether the chains begin each update at the examples.
func (u *updater) restarts() bool { return u.config.ContrastiveDivergence && len(u.config.Layers) == 2 }

// chainMeans makes the even hidden layers of chains [from, to) count by their means,
// where the posterior is drawn (positive.go).
func (w *worker) chainMeans(from, to int) {
	if !w.drawsPosterior() {
		return
	}
	w.trace.enter(Chains)
	for l := range w.layers {
		x := &w.layers[l]
		at := (w.config.Batch + from) * x.stride
		if l > 0 && l%2 == 0 {
			w.gibbs.means(w.rows, to-from, l, x.asLower[at:])
		}
		if x.apart {
			copy(x.asUpper[at:(w.config.Batch+to)*x.stride], w.rows[l])
		}
	}
}

// gibbs is room for sweeps of some chains.
type gibbs struct {
	set    *kernel.Set
	model  *Model
	lists  []kernel.Lists // the units of each layer that are on
	listed bool           // those of the even layers are up to date
	pass   kernel.Pass
	trace  tracer
}

func newGibbs(m *Model, set *kernel.Set, trace tracer) *gibbs {
	return &gibbs{set: set, model: m, lists: make([]kernel.Lists, len(m.Layers)), trace: trace}
}

// sweep makes a number of sweeps of some chains, numbered from d.Row up, whose states
// are x[l]: chains × Stride(units). Layer l takes the random numbers of sweep i from d
// with Tag(purpose, l, i). Unless listed is false, the states must be as the last call
// left them.
func (g *gibbs) sweep(x [][]float32, chains, sweeps int, d kernel.Draw, purpose kernel.Purpose) {
	for l := 0; l < len(x) && !g.listed; l += 2 {
		g.list(l, x[l], chains)
	}
	g.listed = true
	for i := range sweeps {
		g.half(x, chains, 1, i, d, purpose)
		g.half(x, chains, 0, i, d, purpose)
	}
}

// half draws the odd layers (parity 1) or the even ones, as sweep i does.
func (g *gibbs) half(x [][]float32, chains, parity, i int, d kernel.Draw, purpose kernel.Purpose) {
	for l := parity; l < len(x); l += 2 {
		g.trace.enter(Chains)
		g.pass = g.model.Pass(l, chains, g.model.Bias[l], x, g.lists, x[l])
		d.Tag = kernel.Tag(purpose, l, i)
		g.model.kind(l).sample(g.set, &g.pass, d)
		g.list(l, x[l], chains)
	}
}

// means computes the means of layer l given its neighbours.
func (g *gibbs) means(x [][]float32, chains, l int, out []float32) {
	g.pass = g.model.Pass(l, chains, g.model.Bias[l], x, g.lists, out)
	g.model.kind(l).mean(g.set, &g.pass, nil)
}

// list makes the lists of a layer's units that are on.
func (g *gibbs) list(l int, x []float32, chains int) {
	g.trace.enter(Packing)
	n := g.model.Layers[l]
	g.lists[l].Reset()
	g.lists[l].AddRows(g.set, x, kernel.Stride(n), chains, n)
}
