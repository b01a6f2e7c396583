package dbm

import "tandem/dbm/kernel"

// Mean field (Eq. 12–13): the posterior of the hidden units of an example v is
// approximated by independent units, whose probabilities of being on, q, are a
// fixed point of
//
//	q_l = σ(b_l + q_{l-1}·W_l + q_{l+1}·W_{l+1}ᵀ),   q_0 = v
//
// It starts from a pass bottom up, without the layer above. An iteration then
// goes through layers 1, 2, 3, … in turn, each from the newest values of its
// neighbours. v·W_1 + b_1 does not change and is computed once. An example is
// done when none of its units has changed by as much as the tolerance in one
// iteration, or after the most iterations; the others go on without it, which
// they cannot notice. With one hidden layer the first pass is exact.

// field is room for the mean field of some examples, packed together at the
// front as some of them get done.
type field struct {
	q       [][]float32  // q[l]: rows × Stride(layers[l]), for l = 1…
	pre     []float32    // v·W_1 + b_1: rows × Stride(layers[1])
	change  []float32    // largest change of each row in this iteration
	example []int        // which example a row is
	lists   kernel.Lists // the nonzero pixels of the examples
	pass    kernel.Pass
}

func newField(layers []int, rows int) *field {
	f := &field{q: make([][]float32, len(layers)), change: make([]float32, rows), example: make([]int, rows)}
	for l := 1; l < len(layers); l++ {
		f.q[l] = make([]float32, rows*kernel.Stride(layers[l]))
	}
	f.pre = make([]float32, rows*kernel.Stride(layers[1]))
	return f
}

// inferring is how examples are inferred.
type inferring struct {
	kernels   *kernel.Set
	model     *model
	tolerance float64
	most      int // iterations
	mark      func(Phase)
}

// infer infers rows examples v (rows × Stride(layers[0])), numbered from first up,
// and calls done for each with its row in the field. It returns how many
// iterations they took in all.
func (f *field) infer(how *inferring, v []float32, first, rows int, done func(f *field, row, example int)) (iterations int) {
	k, m, p := how.kernels, how.model, &f.pass
	how.mark(Packing)
	top := len(m.layers) - 1
	f.lists.Reset()
	for r := range rows {
		f.example[r] = first + r
		f.lists.Add(k, v[r*kernel.Stride(m.layers[0]):][:m.layers[0]])
	}
	how.mark(MeanField)
	*p = kernel.Pass{Rows: rows, Panels: kernel.Padded(m.layers[1]) / kernel.Panel, Start: m.bias[1], Out: f.pre, Stride: kernel.Stride(m.layers[1])}
	p.Below = m.below(1, v)
	p.Below.Nonzero = f.lists.IfSparse(rows, m.layers[0])
	k.Linear(p)
	for l := 1; l <= top; l++ {
		f.layer(m, l, rows, false)
		k.Sigmoid(p, nil)
	}
	for iteration := 0; rows > 0; iteration++ {
		if top == 1 || iteration == how.most {
			for r := range rows {
				done(f, r, f.example[r])
			}
			return iterations
		}
		clear(f.change)
		for l := 1; l <= top; l++ {
			f.layer(m, l, rows, true)
			k.Sigmoid(p, f.change)
		}
		iterations += rows
		for r := rows - 1; r >= 0; r-- {
			if float64(f.change[r]) < how.tolerance {
				done(f, r, f.example[r])
				rows--
				f.move(m, r, rows)
			}
		}
	}
	return iterations
}

// meanField infers examples [from, to) of the minibatch, which lie in t.x[0],
// and calls done for each with the field and its row there. It returns how many
// iterations they took in all.
func (t *Trainer) meanField(worker, from, to int, done func(f *field, row, example int)) (iterations int) {
	return t.fields[worker].infer(&t.inferring[worker], t.x[0][from*kernel.Stride(t.config.Layers[0]):], from, to-from, done)
}

// layer makes the pass for one layer.
func (f *field) layer(m *model, l, rows int, above bool) {
	n := m.layers[l]
	f.pass = kernel.Pass{Rows: rows, Panels: kernel.Padded(n) / kernel.Panel, Start: m.bias[l], Out: f.q[l], Stride: kernel.Stride(n)}
	if l == 1 {
		f.pass.Start, f.pass.StartStride = f.pre, kernel.Stride(n)
	} else {
		f.pass.Below = m.below(l, f.q[l-1])
	}
	if above && l+1 < len(m.layers) {
		f.pass.Above = m.above(l, f.q[l+1])
	}
}

// move puts row from in the place of row to. The change of neither is wanted
// any more.
func (f *field) move(m *model, to, from int) {
	if to == from {
		return
	}
	for l := 1; l < len(m.layers); l++ {
		n := kernel.Stride(m.layers[l])
		copy(f.q[l][to*n:(to+1)*n], f.q[l][from*n:(from+1)*n])
	}
	n := kernel.Stride(m.layers[1])
	copy(f.pre[to*n:(to+1)*n], f.pre[from*n:(from+1)*n])
	f.example[to] = f.example[from]
}
