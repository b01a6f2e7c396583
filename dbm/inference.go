package dbm

import (
	"context"
	"fmt"
	"sync"

	"tandem/dbm/kernel"
)

// Inference is mean field for any examples, with the parameters of a state. It is for
// one goroutine at a time; many may share a state.
type Inference struct {
	model *Model
	set   *kernel.Set
	field *meanField
	v     []float32   // rows × Stride(visible units)
	q     [][]float32 // q[l]: rows × Stride(units)
}

// NewInference makes room for a number of examples at a time. An example is done when
// none of its units changes by as much as the tolerance in one iteration, or after the
// most iterations.
func NewInference(c *Config, set *kernel.Set, s *State, rows int, tolerance float64, most int) (*Inference, error) {
	m, err := NewModel(c, set, s)
	if err != nil {
		return nil, err
	}
	if rows < 1 || rows > MaxRows {
		return nil, fmt.Errorf("examples: %d; must be 1 to %d", rows, MaxRows)
	}
	return newInference(m, set, rows, tolerance, most), nil
}

func newInference(m *Model, set *kernel.Set, rows int, tolerance float64, most int) *Inference {
	n := &Inference{model: m, set: set, field: newMeanField(m, set, rows, tolerance, most, tracer{})}
	n.field.done = n.keep
	n.v = make([]float32, rows*kernel.Stride(m.Layers[0]))
	for _, units := range m.Layers {
		n.q = append(n.q, make([]float32, rows*kernel.Stride(units)))
	}
	return n
}

// Visible returns the row into which example r goes before Infer.
func (n *Inference) Visible(r int) []float32 {
	units := n.model.Layers[0]
	return n.v[r*kernel.Stride(units):][:units]
}

// Infer infers the first rows examples and returns the number of iterations they took
// in all.
func (n *Inference) Infer(rows int) int { return n.field.infer(n.v, 0, rows) }

func (n *Inference) keep(row, example int) {
	for l := 1; l < len(n.q); l++ {
		stride := kernel.Stride(n.model.Layers[l])
		copy(n.q[l][example*stride:(example+1)*stride], n.field.q[l][row*stride:])
	}
}

// Hidden returns the means of layer l that Infer found: examples × Stride(units).
func (n *Inference) Hidden(l int) []float32 { return n.q[l] }

// Interaction computes, for the rows of the last Infer, q_{l-1}·W_l into out: rows ×
// Stride(units of l).
func (n *Inference) Interaction(out []float32, l, rows int) {
	m, x := n.model, n.v
	if l > 1 {
		x = n.q[l-1]
	}
	p := kernel.NewPass(m.Layers[l], rows, make([]float32, kernel.Padded(m.Layers[l])), out)
	p.Below = m.FromBelow(l, x)
	if l == 1 {
		p.Below.Nonzero = n.field.lists.IfSparse(rows, m.Layers[0])
	}
	n.set.Linear(&p)
}

// InferRows is how many examples a worker of InferAll infers at a time.
const InferRows = 50

// InferAll infers n examples, which row writes, some at a time by each of several
// threads, and passes every such block to take: examples first … first+rows−1 are rows
// 0 … of the inference. row and take are called by many goroutines at once. The number
// of threads does not affect what is inferred. progress, if not nil, receives the
// fraction done. When ctx ends, InferAll returns its cause.
func InferAll(ctx context.Context, c *Config, set *kernel.Set, s *State, n, threads int, tolerance float64, most int,
	row func(i int, v []float32), take func(inference *Inference, first, rows int), progress func(done float64)) error {
	m, err := NewModel(c, set, s)
	if err != nil {
		return err
	}
	workers := make([]*Inference, Useful(threads, n, InferRows))
	for i := range workers {
		workers[i] = newInference(m, set, InferRows, tolerance, most)
	}
	var report sync.Mutex
	done := 0
	return Blocks(ctx, n, InferRows, len(workers), func(worker, from, to int) {
		inference := workers[worker]
		for r := range to - from {
			row(from+r, inference.Visible(r))
		}
		inference.Infer(to - from)
		take(inference, from, to-from)
		if progress != nil {
			report.Lock()
			defer report.Unlock()
			done += to - from
			progress(float64(done) / float64(n))
		}
	})
}
