package dbm

import "tandem/dbm/kernel"

// The positive phase: what the hidden units are, given the examples.
//
// Mean field (Eq. 12–13) approximates the posterior of the hidden units of an example v
// by independent units, whose probabilities of being on, q, are a fixed point of
//
//	q_l = σ(b_l + q_{l-1}·W_l + q_{l+1}·W_{l+1}ᵀ),   q_0 = v
//
// It starts from a pass bottom up, without the layer above. An iteration then goes
// through layers 1, 2, 3, … in turn, each from the newest values of its neighbours.
// v·W_1 + b_1 does not change and is computed once. An example is done when none of its
// units has changed by as much as the tolerance in one iteration, or after the most
// iterations. The others continue without it, which does not affect them. With one
// hidden layer the first pass is exact.
//
// Mean field takes the hidden units of an example for independent, and so misses that
// neighbours which are on together are so for a reason. Take weights w into a unit of
// layer 2 that are still small, its bias 0, and layer 1 with the same means in the
// minibatch as in the chains. To first order the gradient of the log-likelihood by w is
//
//	¼ (Cov[h_1 | minibatch] − Cov[h_1 | chains]) w.
//
// Mean field leaves E[q_1(1−q_1)], the variance of a unit given the example, out of the
// diagonal of the first term, though the chains have it in the second. That is a decay
// of all small weights between hidden layers. It is no error: the bound that mean field
// maximises prefers hidden layers that are independent of each other, as long as units
// of layer 1 are undecided.
//
// With Config.SamplePosterior the statistics between hidden layers follow the
// log-likelihood to that order. A state of the odd layers is drawn from the mean field
// of each example, and the even layers have their means given that state. The even
// layers of the chains count by their means given the odd ones, too: that changes no
// expectation, and the gradient has less noise (Rao and Blackwell). Layer 1 meets the
// visible layer as before, by its mean field; so its rows as the upper layer of W_1 are
// apart from its rows as the lower layer of W_2.

// positive loads a worker's part of the minibatch and infers its hidden units.
func (w *worker) positive() {
	w.trace.enter(Loading)
	from, to := Split(w.config.Batch, w.id, len(w.worker))
	v := &w.layers[0]
	for r := from; r < to; r++ {
		w.examples.Row(r, v.row(v.asLower, r))
	}
	w.iterations = 0
	if from < to {
		w.iterations = w.field.infer(v.asLower[from*v.stride:], from, to-from)
		w.drawPosterior(from, to)
	}
	w.centering.measure(w.updater, from, to)
}

// keep takes the means of an example, which are in a row of the worker's mean field.
func (w *worker) keep(row, example int) {
	for l := 1; l < len(w.layers); l++ {
		x := &w.layers[l]
		copy(x.row(x.asUpper, example), w.field.q[l][row*x.stride:])
		w.scaleRow(l, example)
	}
}

// drawsPosterior reports whether hidden layers learn from a drawn posterior. With one
// hidden layer there is nothing to draw.
func (u *updater) drawsPosterior() bool { return u.config.SamplePosterior && len(u.config.Layers) > 2 }

// drawPosterior replaces the means of examples [from, to) by a drawn posterior.
func (w *worker) drawPosterior(from, to int) {
	if !w.drawsPosterior() {
		return
	}
	d := kernel.Draw{Seed: w.config.Seed, Update: uint32(w.updates + 1)}
	for l := range w.layers {
		x := &w.layers[l]
		if w.rows[l] = x.asLower[from*x.stride:]; l%2 == 0 {
			continue
		}
		for r := from; r < to; r++ {
			d.Row, d.Tag = uint32(r), kernel.Tag(kernel.ForPosterior, l, 0)
			w.model.kind(l).draw(x.row(x.asLower, r), x.row(x.asUpper, r), d)
			if !x.apart {
				w.scaleRow(l, r)
			}
		}
		w.posterior.list(l, w.rows[l], to-from)
	}
	w.trace.enter(MeanField)
	for l := 2; l < len(w.layers); l += 2 {
		w.posterior.means(w.rows, to-from, l, w.rows[l])
		for r := from; r < to; r++ {
			w.scaleRow(l, r)
		}
	}
}

// meanField is room for the mean field of some examples, packed together at the
// front as some of them are done.
type meanField struct {
	set       *kernel.Set
	model     *Model
	tolerance float64
	most      int // iterations
	trace     tracer
	done      func(row, example int) // receives each example once it is done

	q       [][]float32 // q[l]: rows × Stride(units), for l = 1…
	start   []float32   // v·W_1 + b_1: rows × Stride(units of layer 1)
	change  []float32   // the largest change of each row in this iteration
	example []int       // the number of the example in each row
	lists   kernel.Lists
	pass    kernel.Pass
}

func newMeanField(m *Model, set *kernel.Set, rows int, tolerance float64, most int, trace tracer) *meanField {
	f := &meanField{set: set, model: m, tolerance: tolerance, most: most, trace: trace,
		q: make([][]float32, len(m.Layers)), change: make([]float32, rows), example: make([]int, rows)}
	for l := 1; l < len(m.Layers); l++ {
		f.q[l] = make([]float32, rows*kernel.Stride(m.Layers[l]))
	}
	f.start = make([]float32, rows*kernel.Stride(m.Layers[1]))
	return f
}

// infer infers examples v (rows × Stride of the visible layer), numbered from first
// up, and calls done for each. It returns the number of iterations they took in all.
func (f *meanField) infer(v []float32, first, rows int) (iterations int) {
	f.bottomUp(v, first, rows)
	top := len(f.model.Layers) - 1
	for iteration := 0; rows > 0; iteration++ {
		if top == 1 || iteration == f.most {
			for r := range rows {
				f.done(r, f.example[r])
			}
			break
		}
		clear(f.change)
		for l := 1; l <= top; l++ {
			f.layer(l, rows, true, f.change)
		}
		iterations += rows
		for r := rows - 1; r >= 0; r-- {
			if float64(f.change[r]) < f.tolerance {
				f.done(r, f.example[r])
				rows--
				f.move(r, rows)
			}
		}
	}
	return iterations
}

// bottomUp makes the first pass.
func (f *meanField) bottomUp(v []float32, first, rows int) {
	m := f.model
	f.trace.enter(Packing)
	f.lists.Reset()
	f.lists.AddRows(f.set, v, kernel.Stride(m.Layers[0]), rows, m.Layers[0])
	f.trace.enter(MeanField)
	f.pass = kernel.NewPass(m.Layers[1], rows, m.Bias[1], f.start)
	f.pass.Below = m.FromBelow(1, v)
	f.pass.Below.Nonzero = f.lists.IfSparse(rows, m.Layers[0])
	f.set.Linear(&f.pass)
	for r := range rows {
		f.example[r] = first + r
	}
	for l := 1; l < len(m.Layers); l++ {
		f.layer(l, rows, false, nil)
	}
}

// layer computes the means of a layer, with or without the layer above, and raises
// the changes of the rows.
func (f *meanField) layer(l, rows int, above bool, change []float32) {
	m, n := f.model, f.model.Layers[l]
	f.pass = kernel.NewPass(n, rows, m.Bias[l], f.q[l])
	if l == 1 {
		f.pass.Start, f.pass.StartStride = f.start, kernel.Stride(n)
	} else {
		f.pass.Below = m.FromBelow(l, f.q[l-1])
	}
	if above && l+1 < len(m.Layers) {
		f.pass.Above = m.FromAbove(l, f.q[l+1])
	}
	m.kind(l).mean(f.set, &f.pass, change)
}

// move puts row from in the place of row to, whose example is done.
func (f *meanField) move(to, from int) {
	if to == from {
		return
	}
	for l := 1; l < len(f.model.Layers); l++ {
		n := kernel.Stride(f.model.Layers[l])
		copy(f.q[l][to*n:(to+1)*n], f.q[l][from*n:(from+1)*n])
	}
	n := kernel.Stride(f.model.Layers[1])
	copy(f.start[to*n:(to+1)*n], f.start[from*n:(from+1)*n])
	f.example[to] = f.example[from]
}
