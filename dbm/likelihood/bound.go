package likelihood

import (
	"context"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// Terms are the two parts of the variational bound of one example's
// log-likelihood,
//
//	log P(v) ≥ E_q[−E(v, h)] + H(q) − log Z
//
// with q from mean field. The bound holds for any q; mean field makes it as tight
// as independent units can.
type Terms struct {
	Energy  float64 // E_q[−E(v, h)]
	Entropy float64 // of q, in nats
}

// The mean field of the bound ends when no unit changes by as much as tolerance, or
// after the most iterations.
const (
	tolerance = 1e-5
	most      = 500
)

// Bound computes the terms of n examples, which row writes: 0s and 1s, one number
// for each visible unit. row is called by many goroutines at once. The number of
// threads does not show in the numbers. When ctx ends, Bound returns its cause.
func Bound(ctx context.Context, c *dbm.Config, set *kernel.Set, s *dbm.State, n int, row func(i int, v []float32),
	threads int, progress func(done float64)) ([]Terms, error) {
	terms := make([]Terms, n)
	take := func(inference *dbm.Inference, first, rows int) {
		out := make([][]float32, len(c.Layers))
		for l := 1; l < len(c.Layers); l++ {
			out[l] = make([]float32, rows*kernel.Stride(c.Layers[l]))
			inference.Interaction(out[l], l, rows)
		}
		for r := range rows {
			terms[first+r] = termsOf(c, s, inference, out, r)
		}
	}
	return terms, dbm.InferAll(ctx, c, set, s, n, threads, tolerance, most, row, take, progress)
}

// termsOf computes the terms of a row, given q_{l-1}·W_l for each layer.
func termsOf(c *dbm.Config, s *dbm.State, inference *dbm.Inference, interaction [][]float32, r int) (t Terms) {
	for i, x := range inference.Visible(r) {
		t.Energy += float64(float64(x) * float64(s.Biases[0][i]))
	}
	for l := 1; l < len(c.Layers); l++ {
		at := r * kernel.Stride(c.Layers[l])
		for j, x := range inference.Hidden(l)[at:][:c.Layers[l]] {
			q := float64(x)
			t.Energy += float64(q * (float64(s.Biases[l][j]) + float64(interaction[l][at+j])))
			if q > 0 && q < 1 {
				t.Entropy -= float64(q*logarithm(q)) + float64((1-q)*logarithm(1-q))
			}
		}
	}
	return t
}
