package dbm

import (
	"maps"
	"sync/atomic"
	"testing"

	"tandem/dbm/kernel"
	"tandem/dbm/kernel/kerneltest"
)

// counting returns kernels that count multiply-adds as cost.go does. A product along lists
// counts half.
func counting(made *atomic.Int64) *kernel.Set {
	set := *kerneltest.Reference
	count := func(p *kernel.Pass) {
		for _, in := range []kernel.Input{p.Below, p.Above} {
			n := int64(p.Rows * in.K * p.Panels * kernel.Panel)
			if in.Nonzero != nil {
				n /= 2
			}
			made.Add(n)
		}
	}
	set.Linear = func(p *kernel.Pass) { count(p); kerneltest.Reference.Linear(p) }
	set.Sigmoid = func(p *kernel.Pass, c []float32) { count(p); kerneltest.Reference.Sigmoid(p, c) }
	set.Sample = func(p *kernel.Pass, d kernel.Draw) { count(p); kerneltest.Reference.Sample(p, d) }
	set.Learn = func(s *kernel.Step) {
		n := int64(s.Rows * s.Below * (s.To - s.From) * kernel.Panel)
		if s.Nonzero != nil {
			n /= 2
		}
		made.Add(n)
		kerneltest.Reference.Learn(s)
	}
	return &set
}

// An update costs what its kernels are asked for. Chains have about half of their units
// on, so that whether lists are followed is chance.
func TestUpdateCost(t *testing.T) {
	all := maps.Clone(trainings())
	wide := tiny(160, 64, 96, 32)
	wide.Batch, wide.Chains, wide.Gibbs, wide.MeanFieldMax = 12, 20, 3, 7
	all["wide"] = wide
	for name, c := range all {
		for i, n := range c.Layers { // no padding
			c.Layers[i] = kernel.Padded(n)
		}
		c.Patch = 0
		s, err := Initial(&c, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var made atomic.Int64
		tr, err := NewTrainer(c, counting(&made), s, patterns{new(uint64)}, 2)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		for range 12 {
			made.Store(0)
			stats, err := tr.Update()
			if err != nil {
				t.Fatal(err)
			}
			if x := stats.Cost / float64(made.Load()); x < 0.5 || x > 1.15 {
				t.Errorf("%s: update %d, layer %d: cost %.0f, the kernels were asked for %d", name, tr.Updates(), tr.Layer(),
					stats.Cost, made.Load())
			}
			made.Store(0)
			tr.ReconstructionError()
			if x := tr.ReconstructionCost(stats.Iterations) / float64(made.Load()); x < 0.6 || x > 1.3 {
				t.Errorf("%s: reconstruction: cost %.0f, the kernels were asked for %d", name,
					tr.ReconstructionCost(stats.Iterations), made.Load())
			}
		}
	}
}

// Measures of filters cost at least what their kernels are asked for, and not much more
// per unit as a layer grows: half of all pairs.
func TestMeasuringCost(t *testing.T) {
	for _, n := range []int{16, 256, 640} {
		c := tiny(144, n)
		s, err := Initial(&c, nil)
		if err != nil {
			t.Fatal(err)
		}
		var made atomic.Int64
		f := NewFilterStats(&c, counting(&made), 12, 12, 2)
		f.Measure(s)
		got, kernels := f.Cost(), float64(made.Load())
		if kernels > float64(144*n*(n+filterBlock)/2+1) || got < kernels {
			t.Errorf("%d units: cost %.0f, the kernels were asked for %.0f", n, got, kernels)
		}
	}
}
