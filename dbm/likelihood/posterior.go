package likelihood

import (
	"context"
	"errors"
	"fmt"
	"math"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// Where importance weights are few, mean field is far from the posterior, and annealing
// bridges the gap. With an example clamped the hidden layers are a Boltzmann machine of
// their own, whose Z is p*(v): its visible layer is layer 1, and the biases of that are
// b₁ + v·W₁. Its base is mean field, from which annealed importance sampling (annealing.go)
// goes to the posterior. The mean of the weights is an unbiased estimate of p*(v), so
// its logarithm is below log p*(v) on average, as that of importance weights is.

// Clamped anneals the hidden units of examples from mean field to the posterior.
type Clamped struct {
	Examples     int // how many of a set, evenly spaced; for Evaluate
	Runs         int // of each example
	Temperatures int // of each run
	Seed         uint64
	Threads      int // do not show in the numbers
	Progress     func(done float64)
}

// Anneal anneals n examples, which row writes as for Bound. The runs of an example follow
// from the seed and its number alone. A model of one hidden layer has no use for it. When
// ctx ends, Anneal returns its cause.
func (o *Clamped) Anneal(ctx context.Context, c *dbm.Config, set *kernel.Set, s *dbm.State, n int,
	row func(i int, v []float32)) ([]Weighted, error) {
	switch {
	case c.Hidden() < 2:
		return nil, errors.New("posterior: mean field is exact with one hidden layer")
	case o.Runs < 1 || o.Runs > mostClamped:
		return nil, fmt.Errorf("runs of an example: %d; must be 1 to %d", o.Runs, mostClamped)
	case o.Temperatures < 2 || o.Temperatures > 1<<30:
		return nil, fmt.Errorf("temperatures of an example: %d; must be 2 to %d", o.Temperatures, 1<<30)
	case uint64(n)*uint64(o.Runs) > math.MaxUint32:
		return nil, fmt.Errorf("examples: %d of %d runs are more than %d runs", n, o.Runs, uint32(math.MaxUint32))
	}
	examples, err := clamp(ctx, c, set, s, n, row, o.Threads)
	if err != nil {
		return nil, err
	}
	hidden := *c
	hidden.Layers = c.Layers[1:]
	m, err := dbm.NewModel(&hidden, set, &dbm.State{Weights: s.Weights[1:], Biases: s.Biases[1:], Mu: s.Mu[1:]})
	if err != nil {
		return nil, err
	}
	betas := make([]float32, o.Temperatures)
	for i := range betas {
		betas[i] = float32(float64(i) / float64(len(betas)-1))
	}
	found := make([]Weighted, n)
	report := reporting(float64(n), o.Progress)
	return found, dbm.Blocks(ctx, n, 1, dbm.Useful(o.Threads, n, 1), func(_, i, _ int) {
		e := &examples[i]
		of := *m // which shares the weights
		of.Bias = append([][]float32{e.bias}, m.Bias[1:]...)
		a := newAnnealer(newPath(&of, e.base), set, o.Runs, o.Seed, i*o.Runs)
		a.stopped, a.tick = func() bool { return ctx.Err() != nil }, func() {}
		a.start(kernel.ForClamped)
		logs := make([]float64, o.Runs)
		a.anneal(betas, kernel.ForClamped, logs)
		if found[i] = weightedOf(logs); ctx.Err() == nil {
			found[i].LogMean += e.visible + logZ0(hidden.Layers, e.base)
			report(1)
		}
	})
}

// Bridged is what annealing from mean field to the posterior says of some examples of a set.
type Bridged struct {
	Examples []int      // their numbers
	Each     []Weighted // of each
	Bound    Mean       // the bound by annealing
	Over     Mean       // how much it is above the mean-field bound
	Weighted *Mean      // how much it is above the importance-weighted bound; nil: that was not asked for
}

// bridge anneals some examples of a set that has been scored otherwise.
func (o *Clamped) bridge(ctx context.Context, c *dbm.Config, set *kernel.Set, s *dbm.State, x Examples, r *Scored,
	logZ float64) (_ *Bridged, err error) {
	b := &Bridged{Examples: make([]int, min(o.Examples, x.N))}
	n := len(b.Examples)
	for i := range b.Examples {
		b.Examples[i] = i * x.N / n
	}
	row := func(i int, v []float32) { x.Row(b.Examples[i], v) }
	if b.Each, err = o.Anneal(ctx, c, set, s, n, row); err != nil {
		return nil, err
	}
	b.Bound = MeanOf(n, func(i int) float64 { return b.Each[i].LogMean - logZ })
	b.Over = MeanOf(n, func(i int) float64 {
		terms := &r.Terms[b.Examples[i]]
		return b.Each[i].LogMean - terms.Energy - terms.Entropy
	})
	if r.Weights != nil {
		over := MeanOf(n, func(i int) float64 { return b.Each[i].LogMean - r.Weights[b.Examples[i]].LogMean })
		b.Weighted = &over
	}
	return b, nil
}

// mostClamped is the most runs of an example.
const mostClamped = 1 << 16

// clamped is an example as the hidden layers see it.
type clamped struct {
	visible float64     // v·b₀
	bias    []float32   // of layer 1, with what it receives from v: Padded(units)
	base    [][]float32 // biases of mean field: [l−1] Padded(units of layer l)
}

// clamp infers examples.
func clamp(ctx context.Context, c *dbm.Config, set *kernel.Set, s *dbm.State, n int, row func(i int, v []float32),
	threads int) ([]clamped, error) {
	examples := make([]clamped, n)
	take := func(inference *dbm.Inference, first, rows int) {
		stride := kernel.Stride(c.Layers[1])
		input := make([]float32, rows*stride)
		inference.Interaction(input, 1, rows)
		for r := range rows {
			e := &examples[first+r]
			for i, x := range inference.Visible(r) {
				e.visible += float64(float64(x) * float64(s.Biases[0][i]))
			}
			e.bias = make([]float32, kernel.Padded(c.Layers[1]))
			for j, b := range s.Biases[1] {
				e.bias[j] = b + input[r*stride+j]
			}
			for l := 1; l < len(c.Layers); l++ {
				base := make([]float32, kernel.Padded(c.Layers[l]))
				for j, q := range inference.Hidden(l)[r*kernel.Stride(c.Layers[l]):][:c.Layers[l]] {
					base[j] = float32(kernel.LogOdds(min(max(float64(q), leastClamped), 1-leastClamped)))
				}
				e.base = append(e.base, base)
			}
		}
	}
	return examples, dbm.InferAll(ctx, c, set, s, n, threads, tolerance, most, row, take, nil)
}

// leastClamped is the least probability that a unit's base gives each of its states.
const leastClamped = 1e-6
