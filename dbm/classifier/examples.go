package classifier

import (
	"context"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// Examples are images with labels, and the mean field of their upper layers.
type Examples struct {
	Labels []byte
	Row    func(i int, v []float32) // writes image i
	q      [][]uint16               // q[l], for l = 2…: examples × units of l, in 65,535ths
}

// Prepare runs mean field on the images that row writes, one for each label. row is
// called by many goroutines at once. progress, if not nil, receives the fraction done.
// When ctx ends, Prepare returns its cause.
func Prepare(ctx context.Context, c *dbm.Config, set *kernel.Set, s *dbm.State, labels []byte,
	row func(i int, v []float32), threads int, progress func(done float64)) (*Examples, error) {
	e := &Examples{Labels: labels, Row: row}
	for l, units := range c.Layers {
		if e.q = append(e.q, nil); l >= 2 {
			e.q[l] = make([]uint16, len(labels)*units)
		}
	}
	if c.Hidden() == 1 {
		return e, nil
	}
	take := func(inference *dbm.Inference, first, rows int) {
		for l := 2; l < len(c.Layers); l++ {
			n := c.Layers[l]
			for r := range rows {
				for j, x := range inference.Hidden(l)[r*kernel.Stride(n):][:n] {
					e.q[l][(first+r)*n+j] = uint16(float32(x*65535) + 0.5)
				}
			}
		}
	}
	const tolerance, most = 1e-3, 50
	if err := dbm.InferAll(ctx, c, set, s, len(labels), threads, tolerance, most, row, take, progress); err != nil {
		return nil, err
	}
	return e, nil
}

// load writes example i into rows of v and q[l].
func (e *Examples) load(i int, v []float32, q func(l int) []float32) {
	e.Row(i, v)
	for l := 2; l < len(e.q); l++ {
		x := q(l)
		for j, u := range e.q[l][i*len(x):][:len(x)] {
			x[j] = float32(u) * (1.0 / 65535)
		}
	}
}
