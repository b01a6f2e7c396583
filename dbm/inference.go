package dbm

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"tandem/dbm/kernel"
)

// Inference is mean field for any examples, with the parameters of a state.
// It is for one goroutine at a time; many may share a state.
type Inference struct {
	how   inferring
	field *field
	rows  int
	v     []float32   // rows × Stride(layers[0])
	q     [][]float32 // q[l]: rows × Stride(layers[l])
}

// NewInference makes room for a number of examples at a time. An example is done
// when none of its units changes by as much as the tolerance in one iteration, or
// after the most iterations.
func NewInference(c *Config, k *kernel.Set, s *State, rows int, tolerance float64, most int) (*Inference, error) {
	if err := s.fits(c); err != nil {
		return nil, err
	}
	if rows < 1 || rows > maxRows {
		return nil, fmt.Errorf("examples: %d; must be 1 to %d", rows, maxRows)
	}
	n := &Inference{
		how:   inferring{k, newModel(c.Layers, s, k), tolerance, most, func(Phase) {}},
		field: newField(c.Layers, rows), rows: rows, v: make([]float32, rows*kernel.Stride(c.Layers[0])),
	}
	for _, units := range c.Layers {
		n.q = append(n.q, make([]float32, rows*kernel.Stride(units)))
	}
	return n, nil
}

// Visible is where example r goes before Infer.
func (n *Inference) Visible(r int) []float32 {
	units := n.how.model.layers[0]
	return n.v[r*kernel.Stride(units):][:units]
}

// Infer infers the first rows examples and returns how many iterations they took
// in all.
func (n *Inference) Infer(rows int) int {
	return n.field.infer(&n.how, n.v, 0, rows, n.keep)
}

func (n *Inference) keep(f *field, row, example int) {
	for l := 1; l < len(n.q); l++ {
		stride := kernel.Stride(n.how.model.layers[l])
		copy(n.q[l][example*stride:(example+1)*stride], f.q[l][row*stride:])
	}
}

// Hidden is the means of layer l that Infer found: examples × Stride(units of l).
func (n *Inference) Hidden(l int) []float32 { return n.q[l] }

// Interaction computes, for the rows of the last Infer, q_{l-1}·W_l into out: rows ×
// Stride(units of l).
func (n *Inference) Interaction(out []float32, l, rows int) {
	m := n.how.model
	x := n.v
	if l > 1 {
		x = n.q[l-1]
	}
	p := kernel.Pass{Rows: rows, Panels: kernel.Padded(m.layers[l]) / kernel.Panel, Start: make([]float32, kernel.Padded(m.layers[l])), Below: m.below(l, x), Out: out, Stride: kernel.Stride(m.layers[l])}
	if l == 1 {
		p.Below.Nonzero = n.field.lists.IfSparse(rows, m.layers[0])
	}
	n.how.kernels.Linear(&p)
}

// InferAll infers n examples, which row writes, some at a time by each of several
// threads, and hands every such block to take: examples first … first+rows−1 are rows
// 0 … of the inference. row and take are called by many goroutines at once. The number
// of threads does not show in what is inferred. progress, if not nil, receives the
// fraction done. When ctx ends, InferAll returns its cause.
func InferAll(ctx context.Context, c *Config, k *kernel.Set, s *State, n, threads int, tolerance float64, most int, row func(i int, v []float32),
	take func(inference *Inference, first, rows int), progress func(done float64)) error {
	const size = 50
	var next, done atomic.Int64
	var group sync.WaitGroup
	var report sync.Mutex
	for range max(threads, 1) {
		inference, err := NewInference(c, k, s, size, tolerance, most)
		if err != nil {
			return err
		}
		group.Go(func() {
			for ctx.Err() == nil {
				first := int(next.Add(size)) - size
				if first >= n {
					return
				}
				rows := min(size, n-first)
				for r := range rows {
					row(first+r, inference.Visible(r))
				}
				inference.Infer(rows)
				take(inference, first, rows)
				if all := done.Add(int64(rows)); progress != nil {
					report.Lock()
					progress(float64(all) / float64(n))
					report.Unlock()
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}
